"""Chapter two: how many dimensions do hidden activations fill, layer by layer?"""

# ruff: noqa: RUF001 (times signs for the page)

from __future__ import annotations

from relufast.report.chapter import Chapter, Reference
from relufast.report.chapters.hidden_ranks import (
    alive_neurons,
    dimensions,
    notions,
    published_claims,
    rank_by_depth,
    trained_digits,
)
from relufast.report.digits import load_digits
from relufast.report.progress import Progress
from relufast.report.settings import Settings

_INTRO = (
    "A batch of m inputs gives, in layer l, an m × n matrix of hidden activations. Makwana asks "
    "for its rank as layers go by, and gives a formula, with peaks that come back at regular "
    "depths. Here the rank is computed, and the formula held against it.",
    "The rank is that of exact arithmetic: the activations that the given float64 weights and "
    "inputs would have if nothing were ever rounded. Signs of preactivations are proven, the "
    "activations are carried modulo a prime through the layers, and eliminated modulo it; that "
    "rank is never too large. A bound from the activation pattern is never too small. Where they "
    "meet the rank is certified. The rank that singular values of rounded activations tell is "
    "another number, called numerical here.",
)


def chapter(settings: Settings, progress: Progress) -> Chapter:
    measured = dimensions.measure_families(settings, progress)
    ranks, by_notion = rank_by_depth.section(measured), notions.section(measured)
    return Chapter(
        name="hidden_ranks",
        title="Ranks of hidden activations",
        reference=Reference(
            "Makwana",
            "Layerwise Effective Dimension Oscillations in Finite Width ReLU Networks",
            "2507.07675",
        ),
        intro=_INTRO,
        sections=(
            ranks,
            alive_neurons.section(settings, progress),
            by_notion,
            published_claims.section(measured, ranks.figures[0], by_notion.figures[0]),
            trained_digits.section(load_digits()),
        ),
    )
