"""Chapter one: how complex is a ReLU network's function of one variable?"""

from __future__ import annotations

from relufast.report.chapter import Chapter, Reference
from relufast.report.chapters.one_dimensional import (
    between_digits,
    counts_by_layer,
    digit_example,
    minimal_complexity,
    output_reach,
    positions,
    random_function,
)
from relufast.report.digits import load_digits
from relufast.report.progress import Progress
from relufast.report.settings import Settings

_INTRO = (
    "Along a line, a ReLU network is a piecewise linear function. Its complexity is the number of "
    "its breakpoints: the points x at which a neuron, of any hidden layer, turns on or off. Kogan, "
    "Jananthan and Kepner prove for random networks in the limit of infinite width that their "
    "expected number is the sum of the widths, up to lower order, and that almost all of them "
    "reach the output.",
    "Here the breakpoints are found, not sampled. The network is the exact real function of its "
    "float64 weights; every sign that decides about a breakpoint is computed with a rigorous "
    "bound on its rounding error, and again in higher precision where the bound leaves it open. A "
    "count is certified if no decision stayed open. Averages over random networks carry one "
    "standard error, written ±.",
)


def chapter(settings: Settings, progress: Progress) -> Chapter:
    digits = load_digits()
    return Chapter(
        name="one_dimensional",
        title="One-dimensional complexity",
        reference=Reference(
            "Kogan, Jananthan, Kepner",
            "Complexity of One-Dimensional ReLU DNNs",
            "2512.08091",
        ),
        intro=_INTRO,
        sections=(
            random_function.section(settings),
            counts_by_layer.section(settings, progress),
            positions.section(settings, progress),
            output_reach.section(settings, progress),
            minimal_complexity.section(settings, progress, digits),
            between_digits.section(settings, progress, digits),
            digit_example.section(settings, digits),
        ),
    )
