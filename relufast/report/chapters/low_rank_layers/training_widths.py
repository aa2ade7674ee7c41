"""Mean widths of hidden activations while networks learn, right points against wrong ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast._blas import single_threaded
from relufast._validate import FloatArray
from relufast.layer_mean_widths import layer_mean_widths
from relufast.network import Network
from relufast.report import estimate, verdict
from relufast.report.breast_cancer import load_breast_cancer
from relufast.report.chapter import Claim, Column, Figure, Section, Table
from relufast.report.digits import Digits
from relufast.report.estimate import Estimate
from relufast.report.progress import Progress
from relufast.report.settings import Settings
from relufast.report.training import Labels, accuracy, training

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_FOLLOWED = 12  # networks, measured at all epochs
_NETWORKS = 60  # measured when trained; a fifth is as few as can tell
_DEPTH, _WIDTH = 3, 64
_EPOCHS = (0, 1, 2, 4, 8, 16, 32)
_LEARNING_RATE = 2e-3
_DIRECTIONS = 100
_FEWEST_WRONG = 5  # the width of fewer points says little


@dataclass(frozen=True)
class _Data:
    name: str
    training_inputs: FloatArray
    training_labels: Labels
    inputs: FloatArray
    labels: Labels
    n_classes: int


@dataclass(frozen=True)
class _Measured:
    """Of one network at one epoch; widths by layer."""

    accuracy: float
    correct: FloatArray
    wrong: FloatArray | None  # where at least a few points are wrong


_OneCourse = dict[int, _Measured]  # by epoch


@dataclass(frozen=True)
class _Course:
    """Of networks that learn from the same data, by epoch, then by network: most at the end."""

    name: str
    measured: list[list[_Measured]]

    def widths(self, epoch: int, layer: int, group: str) -> Estimate | None:
        """Mean over the networks that have enough wrong points."""
        trials = [getattr(m, group)[layer] for m in self.measured[epoch] if m.wrong is not None]
        return estimate.mean(trials) if len(trials) > 1 else None

    def ratios(self, epoch: int, layer: int) -> list[float]:
        """Width of right points over that of wrong ones."""
        return [
            float(m.correct[layer] / m.wrong[layer])
            for m in self.measured[epoch]
            if m.wrong is not None and m.wrong[layer] > 0.0
        ]

    def growth(self, epoch: int) -> list[float]:
        """Width of the last layer over that of the first, of right points."""
        return [float(m.correct[-1] / m.correct[0]) for m in self.measured[epoch]]


def section(settings: Settings, progress: Progress, digits: Digits) -> Section:
    number, followed = settings.scaled(_NETWORKS), settings.scaled(_FOLLOWED)
    courses = []
    for data in (_digits(digits), _tumours(settings)):
        seeds = settings.network_seeds(f"widths in training {data.name}", number)

        def course(
            seed: int, data: _Data = data, seen: Sequence[int] = seeds[:followed]
        ) -> _OneCourse:
            return _course(data, seed, _EPOCHS if seed in seen else _EPOCHS[-1:])

        with single_threaded():
            found = progress.map(course, seeds, f"Widths in training, {data.name}")
        by_epoch = [[own[epoch] for own in found if epoch in own] for epoch in _EPOCHS]
        courses.append(_Course(data.name, by_epoch))
    figure = Figure(
        title="Mean widths over training",
        draw=lambda layout: _draw(layout, courses),
        caption=(
            f"Mean over {followed} networks, {number} at the last epoch, with bars of one standard "
            "error; filled: right points, open: as many wrong ones; lines guide the eye. Epoch 0 "
            f"is the network before training. Networks with fewer than {_FEWEST_WRONG} wrong "
            "points are left out."
        ),
        source=(
            "relufast.layer_mean_widths(network, X, labels, equal_sizes=True, "
            f"n_samples={_DIRECTIONS})"
        ),
    )
    return Section(
        title="Mean widths while a network learns",
        text=(
            f"Networks with {_DEPTH} hidden layers of {_WIDTH} neurons learn to read digits, and "
            "to tell benign from malignant tumours. After some epochs: how wide are the "
            "activations of test points that are classified right, and of those classified wrong? "
            "The mean width of a set is its extent in a random direction. A larger set is wider "
            "for its size alone, so that for each direction as many right points are drawn as "
            "there are wrong ones. Dittmer, King and Maass observe larger widths for right points, "
            "and widths that grow with depth.",
        ),
        figures=(figure,),
        tables=(_table(courses),),
        findings=[_finding(course) for course in courses],
        claims=_claims(courses, figure),
        notes=(
            f"Adam on the cross-entropy, learning rate {_LEARNING_RATE:g} falling to 0 over "
            f"{_EPOCHS[-1]} epochs, He weights. Digits: a third to learn from. Tumours: a half; "
            "each measure is centred and divided by its standard deviation.",
        ),
    )


def _digits(digits: Digits) -> _Data:
    """A third to learn from, so that enough stay wrong."""
    return _Data(
        "digits",
        digits.images,
        digits.labels,
        digits.training_images,
        digits.training_labels,
        n_classes=10,
    )


def _tumours(settings: Settings) -> _Data:
    data = load_breast_cancer()
    order = settings.generator("tumours to learn from").permutation(len(data.labels))
    learned, kept = np.array_split(order, 2)
    centre, scale = data.measures[learned].mean(axis=0), data.measures[learned].std(axis=0)
    inputs = (data.measures - centre) / scale
    return _Data(
        "tumours", inputs[learned], data.labels[learned], inputs[kept], data.labels[kept], 2
    )


def _course(data: _Data, seed: int, seen: Sequence[int]) -> _OneCourse:
    rng = np.random.default_rng(seed)
    widths = (data.inputs.shape[1], *[_WIDTH] * _DEPTH, data.n_classes)
    initial = Network.random(widths, bias_variance=0.0, seed=seed)
    epochs = training(
        initial,
        data.training_inputs,
        data.training_labels,
        epochs=_EPOCHS[-1],
        learning_rate=_LEARNING_RATE,
        rng=rng,
    )
    return {e.number: _measure(e.network, data, seed) for e in epochs if e.number in seen}


def _measure(network: Network, data: _Data, seed: int) -> _Measured:
    right = accuracy(network, data.inputs, data.labels)
    n_wrong = round((1.0 - right) * len(data.labels))
    is_comparable = min(n_wrong, len(data.labels) - n_wrong) >= _FEWEST_WRONG
    found = layer_mean_widths(
        network,
        data.inputs,
        data.labels,
        equal_sizes=is_comparable,
        n_samples=_DIRECTIONS,
        seed=seed,
        n_threads=1,
    )
    assert found.correct is not None
    assert found.wrong is not None
    return _Measured(right, found.correct.mean, found.wrong.mean if is_comparable else None)


def _finding(course: _Course) -> str:
    last = len(_EPOCHS) - 1
    growth = estimate.mean(course.growth(last))
    ratios = [course.ratios(last, layer) for layer in range(_DEPTH)]
    if min(len(ratio) for ratio in ratios) < 2:
        return f"{course.name.capitalize()}: too few wrong points after training to compare."
    means = [estimate.mean(ratio) for ratio in ratios]
    listed = ", ".join(str(mean) for mean in means)
    n_wider = sum(value > 1.0 for ratio in ratios for value in ratio)
    n_all = sum(len(ratio) for ratio in ratios)
    return (
        f"{course.name.capitalize()}: after training, the widths of right points over those of as "
        f"many wrong ones are {listed} in the {_DEPTH} layers, above 1 in {n_wider} of {n_all} "
        f"layers of single networks; the last layer is {growth} times as wide as the first."
    )


def _claims(courses: Sequence[_Course], figure: Figure) -> tuple[Claim, ...]:
    """About networks after training."""
    last = len(_EPOCHS) - 1
    trained = f"{_DEPTH} layers of {_WIDTH} neurons, trained"
    right_and_wrong = [
        _above_one(
            [course.ratios(last, layer) for layer in range(_DEPTH)],
            f"Right points are wider than wrong ones, as a network classifies: {course.name}",
            "the least significant ratio of mean widths, of all layers",
            f"{trained}; as many right points as wrong ones",
            figure,
        )
        for course in courses
    ]
    return (
        *right_and_wrong,
        _above_one(
            [course.growth(last) for course in courses],
            "The mean width of the activations grows with the layer",
            "the width of the last layer over that of the first, of the less clear data",
            f"{', '.join(course.name for course in courses)}; {trained}",
            figure,
        ),
    )


def _above_one(
    ratios: Sequence[Sequence[float]], claim: str, what: str, limits: str, figure: Figure
) -> Claim:
    """That each of several mean ratios over networks is above 1."""
    n_networks = min(map(len, ratios))
    if n_networks < verdict.FEWEST_TRIALS:
        return Claim(
            claim=claim,
            number=None,
            measured=f"only {n_networks} networks to compare",
            verdict=verdict.OPEN,
            limits=limits,
            rule=f"Fewer than {verdict.FEWEST_TRIALS} networks decide nothing.",
            figure=figure,
        )
    means = [estimate.mean(own) for own in ratios]
    decision = verdict.all_positive(
        [Estimate(mean.value - 1.0, mean.standard_error) for mean in means],
        "all ratios, less 1,",
        n_trials=n_networks,
    )
    least = min(means, key=lambda mean: mean.deviation(1.0))
    return Claim(
        claim=claim,
        number=least,
        measured=f"{least} is {what}",
        verdict=verdict.limited(decision.verdict),
        limits=f"{limits}; {n_networks} networks",
        rule=decision.rule,
        figure=figure,
    )


def _table(courses: Sequence[_Course]) -> Table:
    rows = []
    for course in courses:
        for i, epoch in enumerate(_EPOCHS):
            right = estimate.mean([m.accuracy for m in course.measured[i]])
            ratios = [course.ratios(i, layer) for layer in range(_DEPTH)]
            cells = [estimate.mean(ratio) if len(ratio) > 1 else "" for ratio in ratios]
            rows.append((course.name, epoch, right, *cells, estimate.mean(course.growth(i))))
    return Table(
        name="widths-in-training",
        caption=(
            "Width of right points over that of as many wrong ones, by layer; and of right points, "
            "the last layer's over the first one's."
        ),
        columns=(
            Column("data", "data"),
            Column("epoch", "epoch"),
            Column("accuracy", "test accuracy"),
            *(Column(f"ratio_{l}", f"layer {l}") for l in range(1, _DEPTH + 1)),  # noqa: E741
            Column("growth", "last over first"),
        ),
        rows=rows,
        folded=True,
    )


def _draw(layout: Layout, courses: Sequence[_Course]) -> Drawing:
    from relufast.report import figures

    figure, panels = figures.panels(layout, [3.0] * len(courses))
    for axes, course in zip(panels, courses, strict=True):
        for layer, (colour, marker) in enumerate(figures.series(_DEPTH)):
            for group, face in (("correct", colour), ("wrong", "none")):
                shown = [
                    (epoch, width)
                    for i, epoch in enumerate(_EPOCHS)
                    if (width := course.widths(i, layer, group)) is not None
                ]
                axes.errorbar(
                    [1 + epoch for epoch, _ in shown],
                    [width.value for _, width in shown],
                    [width.standard_error for _, width in shown],
                    color=colour,
                    marker=marker,
                    markerfacecolor=face,
                    linestyle="-" if group == "correct" else ":",
                    linewidth=0.8,
                    label=f"layer {layer + 1}, {'right' if group == 'correct' else 'wrong'}",
                )
        axes.set_title(course.name.capitalize())
        figures.logarithmic(axes, "xy")
        axes.set_xlabel("1 + epochs")
        axes.set_ylabel("mean width")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2 if layout.narrow else 3)
    return figure
