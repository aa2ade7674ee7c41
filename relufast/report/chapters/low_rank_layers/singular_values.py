"""The ReLU singular values of small layers, for several laws of weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast._validate import FloatArray
from relufast.report import estimate, verdict
from relufast.report.chapter import Claim, Column, Figure, Section, Table
from relufast.report.estimate import Estimate
from relufast.report.progress import Progress
from relufast.report.settings import Settings
from relufast.singular_values import relu_singular_values

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_SIZE = 4
_MATRICES = 10
_ROUNDING = 1e-9
_RTOL = 2e-3
_LAWS: dict[str, Callable[[np.random.Generator], FloatArray]] = {
    "normal": lambda rng: rng.standard_normal((_SIZE, _SIZE)),
    "uniform on (0, 1)": lambda rng: rng.random((_SIZE, _SIZE)),
    "signs": lambda rng: rng.choice([-1.0, 1.0], (_SIZE, _SIZE)),
    "Student, 2 degrees": lambda rng: rng.standard_t(2, (_SIZE, _SIZE)),
}


@dataclass(frozen=True)
class _Law:
    """What matrices of one law gave, with a row for each and a column for each rank from 0 on."""

    name: str
    linear: FloatArray
    upper: FloatArray
    bound: FloatArray

    def shares(self) -> list[Estimate | str]:
        """By rank, of the value that was found in that of the linear layer."""
        means: list[Estimate | str] = []
        for upper, linear in zip(self.upper.T, self.linear.T, strict=True):
            regular = linear > 1e-9 * self.linear[:, 0]
            share = np.round(upper[regular] / linear[regular], 6)  # below it is rounding
            means.append(estimate.mean(share) if len(share) > 1 else "")
        return means


def section(settings: Settings, progress: Progress) -> Section:
    number = settings.scaled(_MATRICES)
    laws = []
    for name, draw in _LAWS.items():
        rng = settings.generator(f"ReLU singular values {name}")
        matrices = [draw(rng) for _ in range(number)]
        found = progress.map(
            lambda A: relu_singular_values(A, ks=range(_SIZE), rtol=_RTOL, n_threads=1),
            matrices,
            f"ReLU singular values, {name}",
        )
        laws.append(
            _Law(
                name,
                np.array([values.linear for values in found]),
                np.array([values.upper for values in found]),
                np.array([values.bound for values in found]),
            )
        )
    shares = {law.name: law.shares() for law in laws}
    upper = np.concatenate([law.upper[:, 1:] for law in laws])
    linear = np.concatenate([law.linear[:, 1:] for law in laws])
    room = _ROUNDING * np.concatenate([law.linear[:, :1] for law in laws])
    n_better = int(np.sum(upper < 0.99 * linear - room))
    least = float(np.min((upper + room) / (linear + room)))
    proven = (np.concatenate([law.bound[:, 1:] for law in laws]) + room) / (linear + room)
    n_proven = int(np.sum(proven < 0.99))
    figure = Figure(
        title="ReLU singular values, and what bounds them",
        draw=lambda layout: _draw(layout, laws),
        caption=(
            "The first matrix of each law, in units of σ₀. Points: the largest error over "
            "the unit ball of the best layer found. Lines: σₖ, and σₖ/√2, below which "
            "no layer of that rank can come."
        ),
        source=f"relufast.relu_singular_values(A, ks=range({_SIZE}))",
    )
    return Section(
        title="ReLU singular values",
        text=(
            f"Square layers without biases, {_SIZE} neurons and inputs, {number} for each of "
            f"{len(laws)} laws of their weights. The truncated singular value decomposition "
            "replaces a layer with an error of at most σₖ; the best layer of rank k errs by sₖ "
            "somewhere on the unit ball, and sₖ lies between σₖ/√2 and σₖ.",
        ),
        figures=(figure,),
        tables=(
            Table(
                name="relu-singular-values",
                caption=(
                    "Mean of sₖ/σₖ by rank k, as found, with its standard error; matrices whose "
                    "σₖ vanishes are left out."
                ),
                columns=(
                    Column("law", "law of the weights"),
                    *(Column(f"rank_{k}", f"k = {k}") for k in range(_SIZE)),
                ),
                rows=[(law.name, *shares[law.name]) for law in laws],
            ),
        ),
        findings=(
            f"In {n_better} of {upper.size} cases (k from 1 to {_SIZE - 1}) a layer of rank k was "
            "found that beats the truncated singular value decomposition by more than 1 %; the "
            f"smallest of all sₖ/σₖ is {least:.2f}, and 1/√2 = 0.71 is the limit.",
        ),
        claims=(
            Claim(
                claim="The k-th ReLU singular value is at most the k-th singular value",
                number=float(proven.max()),
                measured=f"{proven.max():.4f} is the largest proven bound of sₖ, over σₖ",
                verdict=verdict.LIMITED if proven.max() <= 1.0 + _RTOL else verdict.OPEN,
                limits=(
                    f"{proven.size} values, of {len(laws)} laws of weights; to within {_RTOL:g}, "
                    "to which the largest errors are searched for"
                ),
                rule=(
                    "It holds within these limits if proven upper bounds of all sₖ are at most "
                    f"{1.0 + _RTOL:g} σₖ. A larger bound would decide nothing."
                ),
                figure=figure,
                obstacle="A proven bound is too large to tell",
            ),
            Claim(
                claim="Other layers of low rank err less than the truncated decomposition",
                number=float(proven.min()),
                measured=(
                    f"{proven.min():.4f} is the smallest proven bound of sₖ, over σₖ; {n_proven} "
                    f"of {proven.size} are below 0.99"
                ),
                # That none was found would not prove that there is none.
                verdict=verdict.HOLDS if n_proven else verdict.OPEN,
                limits=f"square layers of {_SIZE} neurons",
                rule=(
                    "It holds if a layer is found whose proven largest error is below 0.99 σₖ, and "
                    "stays open if none is."
                ),
                figure=figure,
            ),
        ),
        notes=(
            "The largest error of every fit was searched over the whole ball and bounded by branch "
            "and bound, so that no value is one of a sample of points. Whether another layer of "
            "that rank would be better still is not proven: values are upper bounds.",
        ),
    )


def _draw(layout: Layout, laws: list[_Law]) -> Drawing:
    from relufast.report import figures

    figure, panels = figures.panels(layout, [2.6] * len(laws), shared=True)
    colour, marker = figures.SERIES[0], figures.MARKERS[0]
    ranks = np.arange(_SIZE)
    for axes, law in zip(panels, laws, strict=True):
        unit = law.linear[0, 0]
        axes.plot(ranks, law.linear[0] / unit, color=figures.INK, linewidth=1.0, label="σₖ")
        axes.plot(
            ranks,
            law.linear[0] / unit / np.sqrt(2.0),
            color=figures.MUTED,
            linestyle="--",
            linewidth=1.0,
            label="σₖ/√2",
        )
        axes.plot(
            ranks,
            law.upper[0] / unit,
            color=colour,
            marker=marker,
            linestyle="none",
            label="best layer found",
        )
        axes.set_title(law.name)
        axes.set_xticks(ranks)
        axes.set_ylim(0.0, 1.08)
        axes.set_xlabel("rank k")
        axes.set_ylabel("error in units of σ₀")
        axes.label_outer()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure
