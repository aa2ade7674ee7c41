"""Chapter five: how wide must layers be to lose nothing of their inputs?"""

from __future__ import annotations

from relufast.report.chapter import Chapter, Reference
from relufast.report.chapters.injectivity import (
    digits_network,
    gaussian_layers,
    layer_by_layer,
    second_layer,
)
from relufast.report.digits import load_digits
from relufast.report.progress import Progress
from relufast.report.settings import Settings

_INTRO = (
    "A ReLU layer is injective if different inputs have different outputs. For that, enough "
    "neurons have to be active at every input. Random duality theory bounds how many neurons m_l "
    "layer l of a random network without biases needs, in units of the number n of inputs: the "
    "capacity α_l = m_l/n, as n grows.",  # noqa: RUF001
    "The weak condition asks for n active neurons in every layer, which is necessary for "
    "injectivity, and sufficient for one layer; the strong one asks for 2n from layer two on, "
    "which is sufficient. The topic is Stojnic's; conditions, derivations and values here are "
    "ours, and none could be compared with that paper's tables.",
)


def chapter(settings: Settings, progress: Progress) -> Chapter:
    return Chapter(
        name="injectivity",
        title="Injectivity",
        reference=Reference(
            "Stojnic",
            "Deep ReLU networks: injectivity capacity upper bounds",
            "2412.19677",
        ),
        intro=_INTRO,
        sections=(
            layer_by_layer.section(progress),
            second_layer.section(progress),
            gaussian_layers.section(settings, progress),
            digits_network.section(settings, progress, load_digits()),
        ),
    )
