"""Chapter four: what rank does a ReLU layer need, and how wide are its activations?"""

from __future__ import annotations

from relufast.report.chapter import Chapter, Reference
from relufast.report.chapters.low_rank_layers import (
    operator_widths,
    pruning,
    singular_values,
    training_widths,
)
from relufast.report.digits import load_digits
from relufast.report.progress import Progress
from relufast.report.settings import Settings

_INTRO = (
    "A matrix of low rank in the place of a layer's weights saves memory and time. How much is "
    "lost is measured by ReLU singular values: the k-th is the largest error on the unit ball of "
    "the best layer of rank k. Dittmer, King and Maass define them, bound them by fits, "
    "describe layers by the mean width of what they make of their inputs, and prune networks by "
    "the singular values of their layers.",
    "Here fits minimise the largest error itself, mean widths are exact in each direction, and "
    "what is proven stands beside what is found.",
)


def chapter(settings: Settings, progress: Progress) -> Chapter:
    digits = load_digits()
    return Chapter(
        name="low_rank_layers",
        title="Layers of low rank, and mean widths",
        reference=Reference(
            "Dittmer, King, Maass",
            "Singular Values for ReLU Layers",
            "1812.02566",
        ),
        intro=_INTRO,
        sections=(
            singular_values.section(settings, progress),
            training_widths.section(settings, progress, digits),
            operator_widths.section(settings, progress, digits),
            pruning.section(settings, progress, digits),
        ),
    )
