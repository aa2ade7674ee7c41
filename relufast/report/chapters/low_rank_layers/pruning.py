"""Harmonic pruning of a classifier, where PyTorch is installed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from relufast.datasets import LabelledPoints
from relufast.report import verdict
from relufast.report.chapter import Claim, Column, Figure, Section, Table
from relufast.report.digits import Digits
from relufast.report.estimate import Estimate
from relufast.report.progress import Progress
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout
    from relufast.report.pruned_classifier import PrunedClassifier

_TITLE = "Harmonic pruning"
_SHARE = 0.2
_HIDDEN = (100, 100, 100)
_NO_TORCH = 'It needs PyTorch, which is not installed here: pip install "relufast[torch]"'
_TEXT = (
    "Each hidden layer is a double layer, a product of two matrices, of which harmonic pruning "
    "takes away one singular value at a time, in the layer where the accuracy loses least by it, "
    "and trains again from time to time."
)


def section(settings: Settings, progress: Progress, digits: Digits) -> Section:
    if settings.effort < 1.0:  # PyTorch and a classifier would take a fifth of its time
        return _left_out("A quick report leaves it out.", _not_tested("nothing", None))
    if find_spec("torch") is None:
        answer = f"{_NO_TORCH}, and this section shows what pruning does to a classifier of digits."
        return _left_out(answer, _not_tested("nothing", None, _NO_TORCH))
    # Imported here because PyTorch takes seconds.
    from relufast.report.pruned_classifier import prune_classifier

    (pruned,) = (
        prune_classifier(
            LabelledPoints.from_arrays(digits.training_images, digits.training_labels),
            LabelledPoints.from_arrays(digits.images, digits.labels),
            hidden=_HIDDEN,
            smallest_share=0.95 * _SHARE,
            seed=seed,
        )
        for seed in progress.track([settings.network_seed("pruning") % 2**31], "Harmonic pruning")
    )
    return section_of(pruned, digits)


def _left_out(answer: str, claim: Claim) -> Section:
    return Section(title=_TITLE, text=(_TEXT, answer), claims=(claim,))


def section_of(pruned: PrunedClassifier, digits: Digits) -> Section:
    """What a run did."""
    hidden = pruned.widths[1:-1]
    accuracies = [_accuracy(share, len(digits.labels)) for share in pruned.test_accuracies]
    figure = Figure(
        title="Ranks and accuracy, step by step",
        draw=lambda layout: _draw(layout, pruned, accuracies),
        caption=(
            "Above: the rank of each hidden layer. Middle: accuracy on the test images; the band "
            "is one standard error of their choice, the same images at each step. Below: "
            "parameters over those of the network with one matrix a layer."
        ),
        source="relufast.torch.harmonic_pruning(model, evaluate, retrain, ...)",
    )
    return Section(
        title=_TITLE,
        text=(
            _TEXT,
            f"A classifier of digits with {len(hidden)} hidden layers of {hidden[0]} neurons. "
            "Layers are chosen by the accuracy on images held out of the training; the test images "
            "decide nothing.",
        ),
        figures=(figure,),
        tables=(_table(pruned, accuracies),),
        findings=(_finding(pruned, accuracies),),
        claims=(_claim(pruned, accuracies, len(digits.labels), figure),),
    )


def _accuracy(share: float, n_images: int) -> Estimate:
    return Estimate(share, math.sqrt(share * (1.0 - share) / n_images))


_CLAIM = f"Pruned to {100 * _SHARE:.0f} % of its parameters a classifier is hardly less accurate"


def _not_tested(measured: str, figure: Figure | None, obstacle: str = "") -> Claim:
    rule = "It needs a classifier that was pruned as far."
    return Claim(_CLAIM, None, measured, verdict.OPEN, "", rule, figure, obstacle=obstacle)


def _claim(
    pruned: PrunedClassifier, accuracies: Sequence[Estimate], n_images: int, figure: Figure
) -> Claim:
    step = pruned.first_below(_SHARE)
    if step is None:
        return _not_tested(
            f"this run prunes no further than to {100 * pruned.shares[-1]:.0f} %", figure
        )
    before, after = accuracies[0], accuracies[step]
    # At most, whatever images the two networks have in common that they read wrong.
    lost = Estimate(before.value - after.value, before.standard_error + after.standard_error)
    decision = verdict.near(lost, 0.0, n_trials=n_images, scale=1.0)
    return Claim(
        claim=_CLAIM,
        number=lost,
        measured=(
            f"{lost.per_cent} of the test images are lost, from {100 * before.value:.1f} to "
            f"{100 * after.value:.1f} %, at {100 * pruned.shares[step]:.1f} % of the parameters"
        ),
        verdict=decision.verdict,
        limits=f"one classifier of digits, {n_images} test images; margin a tenth of them",
        rule=f"Of the share of images that are lost. {decision.rule}",
        figure=figure,
    )


def _finding(pruned: PrunedClassifier, accuracies: Sequence[Estimate]) -> str:
    first = pruned.first_below(_SHARE)
    step = len(pruned.steps) - 1 if first is None else first
    ranks = ", ".join(map(str, pruned.steps[step].ranks))
    return (
        f"After {step} steps the ranks are {ranks}: {100 * pruned.shares[step]:.1f} % of the "
        f"parameters of the dense network, and a test accuracy of {accuracies[step].per_cent} "
        f"instead of {accuracies[0].per_cent}."
    )


def _table(pruned: PrunedClassifier, accuracies: Sequence[Estimate]) -> Table:
    last = len(pruned.steps) - 1
    shown = sorted({round(i * last / 10) for i in range(11)})
    return Table(
        name="harmonic-pruning",
        caption="Some of the steps.",
        columns=(
            Column("step", "step"),
            *(Column(f"rank_{i}", f"rank {i}") for i in range(1, len(pruned.layers) + 1)),
            Column("parameters", "parameters", ","),
            Column("share", "share of dense", ".3f"),
            Column("accuracy", "test accuracy"),
        ),
        rows=[
            (
                i,
                *pruned.steps[i].ranks,
                pruned.steps[i].n_parameters,
                pruned.shares[i],
                accuracies[i],
            )
            for i in shown
        ],
        folded=True,
    )


def _draw(layout: Layout, pruned: PrunedClassifier, accuracies: Sequence[Estimate]) -> Drawing:
    from relufast.report import figures

    figure, (above, middle, below) = figures.stack(layout, [1.9, 1.5, 1.3])
    steps = range(len(pruned.steps))
    for i, (colour, _) in enumerate(figures.series(len(pruned.layers))):
        ranks = [step.ranks[i] for step in pruned.steps]
        above.plot(steps, ranks, color=colour, label=f"layer {i + 1}")
    above.set_ylabel("rank")
    above.set_ylim(bottom=0.0)
    above.legend(loc="best")
    # On a scale of its own, where the band can be seen.
    middle.plot(steps, [a.value for a in accuracies], color=figures.INK)
    middle.fill_between(
        steps,
        [a.value - a.standard_error for a in accuracies],
        [a.value + a.standard_error for a in accuracies],
        color=figures.INK,
        alpha=0.2,
        linewidth=0.0,
    )
    middle.set_ylabel("test accuracy")
    below.plot(steps, pruned.shares, color=figures.INK)
    below.set_xlabel("step")
    below.set_ylabel("parameters")
    below.set_ylim(bottom=0.0)
    return figure
