"""How few pieces would do, for random networks and for a trained one."""

# ruff: noqa: RUF001 (minus and times signs for the page)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast._validate import FloatArray
from relufast.network import Network
from relufast.region_sparsity import RegionSparsity, region_sparsity
from relufast.report import verdict
from relufast.report.certification import Certification
from relufast.report.chapter import Claim, Column, Figure, Section, Table
from relufast.report.chapters.one_dimensional import image_pairs
from relufast.report.digits import Digits
from relufast.report.estimate import Estimate, mean, means
from relufast.report.progress import Progress
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_TOLERANCES = np.geomspace(0.2, 2e-4, 13)  # in units of half the range of the output
_AT = (3, 8)  # of them in the figure by depth: some 0.04 and 0.002
_WIDTHS = (10, 30, 100)
_DEPTH = 4  # of the figure by tolerance
_DEPTHS = (1, 2, 3, 4, 6, 8, 10)
_NETWORKS = 60
_PAIRS = 60
_BIAS_VARIANCE = 0.25
_WINDOW = (-1.0, 1.0)


@dataclass(frozen=True)
class _Pieces:
    """Of one kind of functions: used pieces (functions,), and minimal ones by tolerance."""

    label: str
    used: FloatArray
    minimal: FloatArray  # (functions, tolerances)
    exponents: FloatArray

    @classmethod
    def of(cls, label: str, found: Sequence[RegionSparsity]) -> _Pieces:
        return cls(
            label,
            np.array([f.used for f in found], dtype=np.float64),
            np.array([f.minimal for f in found], dtype=np.float64),
            np.array([f.growth_exponent for f in found]),
        )

    @property
    def ratios(self) -> list[Estimate]:
        """Used over minimal pieces, by tolerance."""
        return means(self.used[:, np.newaxis] / self.minimal)


def section(settings: Settings, progress: Progress, digits: Digits) -> Section:
    certification = Certification()
    random = {
        (width, depth): _random(settings, certification, width, depth)
        for width, depth in progress.track(
            [(width, depth) for width in _WIDTHS for depth in _DEPTHS], "minimal pieces"
        )
    }
    trained = [_digits(settings, certification, digits, stage) for stage in ("initial", "trained")]
    by_tolerance = [*(random[width, _DEPTH] for width in _WIDTHS), *trained]
    networks, pairs = settings.scaled(_NETWORKS), len(trained[0].used)
    by_depth = Figure(
        title="Used over minimal pieces by depth",
        draw=lambda layout: _draw_by_depth(layout, random),
        caption=(
            "How many pieces random networks use for each that would do, within two "
            "tolerances. Bars: one standard error, mostly smaller than the points."
        ),
        source=(
            "relufast.region_sparsity(relufast.Network.random((1, n, ..., n, 1), "
            f"bias_variance={_BIAS_VARIANCE}, seed=...), (-1, 1), tolerances, "
            f"relative=True), {networks} networks for each point"
        ),
    )
    return Section(
        title="How few pieces would do",
        text=(
            "A network may spend pieces on bends that nobody would miss. The minimal complexity "
            "of a function at a tolerance is the least number of pieces of a continuous piecewise "
            "linear function that stays within it everywhere; its knots may lie anywhere. Here it "
            "is counted exactly, by a shortest path of links through the tube around the "
            "function. Tolerances are in units of half the range of the output. A smooth curve "
            "needs a number of pieces that grows as tolerance^(−1/2).",
        ),
        figures=(
            Figure(
                title="Minimal pieces against tolerance",
                draw=lambda layout: _draw_by_tolerance(layout, by_tolerance, len(trained)),
                caption=(
                    "Mean of the least number of pieces, with bars of one standard error. Left: "
                    f"random networks of {_DEPTH} hidden layers in (−1, 1). Right: the score of "
                    "the first image's class on the segment between two test digits, before and "
                    "after training. Dashed: the pieces that the networks use. Grey: the slope of "
                    f"a smooth curve. {str(certification).capitalize()}."
                ),
                source=(
                    "relufast.region_sparsity(network, (-1, 1), tolerances, relative=True), "
                    f"{networks} networks of each width; the same of the digits networks with "
                    f"start=image_a, stop=image_b, output=label_a, {pairs} pairs"
                ),
            ),
            by_depth,
        ),
        tables=(_table(random, trained),),
        findings=_findings(random, trained),
        claims=(_claim(random[_WIDTHS[-1], _DEPTHS[-1]], by_depth),),
    )


def _random(settings: Settings, certification: Certification, width: int, depth: int) -> _Pieces:
    seeds = settings.network_seeds(
        f"minimal pieces, width {width}, depth {depth}", settings.scaled(_NETWORKS)
    )
    found = []
    for seed in seeds:
        network = Network.random((1, *[width] * depth, 1), bias_variance=_BIAS_VARIANCE, seed=seed)
        sparsity = region_sparsity(network, _WINDOW, _TOLERANCES, relative=True, n_threads=1)
        found.append(certification.add(sparsity))
    return _Pieces.of(f"width {width}", found)


def _digits(
    settings: Settings, certification: Certification, digits: Digits, stage: str
) -> _Pieces:
    network = digits.initial if stage == "initial" else digits.trained
    rng = settings.generator("pairs of digits for minimal pieces")
    pairs = image_pairs.of_different_classes(rng, digits.labels)[: settings.scaled(_PAIRS)]
    found = []
    for a, b in pairs:
        sparsity = region_sparsity(
            network,
            None,
            _TOLERANCES,
            relative=True,
            output=int(digits.labels[a]),
            start=digits.images[a],
            stop=digits.images[b],
        )
        found.append(certification.add(sparsity))
    return _Pieces.of(f"digits, {stage}", found)


def _table(random: dict[tuple[int, int], _Pieces], trained: Sequence[_Pieces]) -> Table:
    kinds = [(f"random, width {w}", depth, pieces) for (w, depth), pieces in random.items()]
    kinds += [(pieces.label, 3, pieces) for pieces in trained]
    return Table(
        name="one-dimensional-minimal-pieces",
        caption="Pieces used, and the least number within two tolerances.",
        columns=(
            Column("function", "function"),
            Column("depth", "layers"),
            Column("used", "pieces used, mean"),
            *(
                Column(f"minimal_{_TOLERANCES[i]:.2g}", f"least within {_TOLERANCES[i]:.2g}")
                for i in _AT
            ),
            Column("growth_exponent", "growth exponent of used / minimal"),
        ),
        rows=[
            (
                kind,
                depth,
                mean(pieces.used),
                *(mean(pieces.minimal[:, i]) for i in _AT),
                mean(pieces.exponents),
            )
            for kind, depth, pieces in kinds
        ],
        folded=True,
    )


def _findings(
    random: dict[tuple[int, int], _Pieces], trained: Sequence[_Pieces]
) -> tuple[str, ...]:
    width = _WIDTHS[-1]
    shallow, deep = (random[width, depth] for depth in (_DEPTHS[0], _DEPTHS[-1]))
    at = _AT[0]
    initial, after = trained
    return (
        f"Random networks of width {width} use {deep.ratios[at]} times the pieces that would do "
        f"within {_TOLERANCES[at]:.2g} of half the range at {_DEPTHS[-1]} layers, and "
        f"{shallow.ratios[at]} times at {_DEPTHS[0]}.",
        f"The ratio of used to minimal pieces grows as tolerance^p, p = {mean(deep.exponents)} at "
        f"{_DEPTHS[-1]} layers of {width} and {mean(shallow.exponents)} at {_DEPTHS[0]}; "
        "a smooth curve has 1/2.",
        f"Between two digits the trained network uses {mean(after.used)} pieces and "
        f"{mean(after.minimal[:, at])} would do within {_TOLERANCES[at]:.2g}; before training "
        f"{mean(initial.used)} and {mean(initial.minimal[:, at])}.",
    )


def _claim(deepest: _Pieces, figure: Figure) -> Claim:
    at = _AT[0]
    return Claim(
        claim="Used pieces over needed ones tell how sparse a network is",
        number=deepest.ratios[at],
        measured=(
            f"{deepest.ratios[at]} pieces used for each one needed within {_TOLERANCES[at]:.2g} of "
            f"half the range, random networks of {_DEPTHS[-1]} layers of {_WIDTHS[-1]} neurons"
        ),
        verdict=verdict.OPEN,
        limits="a notion that the paper proposes",
        rule="What defines a notion cannot be wrong. The number shows what the notion says.",
        figure=figure,
        obstacle="We know of no number that the paper claims",
    )


def _draw_by_tolerance(layout: Layout, pieces: Sequence[_Pieces], n_trained: int) -> Drawing:
    from relufast.report import figures

    figure, panels = figures.panels(layout, [2.9, 2.9], shared=True)
    groups = (pieces[:-n_trained], pieces[-n_trained:])
    titles = ("Random networks", "Between two digits")
    for axes, group, title in zip(panels, groups, titles, strict=True):
        for kind, (colour, marker) in zip(group, figures.series(len(group)), strict=True):
            minimal = means(kind.minimal)
            figures.points(axes, _TOLERANCES.tolist(), minimal, colour, marker, kind.label)
            axes.axhline(kind.used.mean(), color=colour, linestyle="--", linewidth=1)
        axes.plot(
            _TOLERANCES,
            3.0 * (_TOLERANCES / _TOLERANCES[0]) ** -0.5,
            color=figures.MUTED,
            linewidth=1,
        )
        figures.logarithmic(axes, "xy")
        axes.set_title(title)
        axes.set_xlabel("tolerance / half the range")
        axes.set_ylabel("pieces")
        axes.label_outer()
        axes.legend(loc="lower left")
    return figure


def _draw_by_depth(layout: Layout, random: dict[tuple[int, int], _Pieces]) -> Drawing:
    from relufast.report import figures

    figure, panels = figures.panels(layout, [2.6] * len(_AT), shared=True)
    for axes, at in zip(panels, _AT, strict=True):
        for width, (colour, marker) in zip(_WIDTHS, figures.series(len(_WIDTHS)), strict=True):
            ratios = [random[width, depth].ratios[at] for depth in _DEPTHS]
            figures.points(axes, _DEPTHS, ratios, colour, marker, f"width {width}")
        figures.logarithmic(axes, "y")
        axes.set_title(f"Within {_TOLERANCES[at]:.2g}")
        axes.set_xlabel("layers")
        axes.set_ylabel("used / minimal pieces")
        axes.label_outer()
    panels[-1].legend(loc="upper left")
    return figure
