"""The share of breakpoints at which the output's slope changes."""

# ruff: noqa: RUF001 (minus and times signs for the page)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from relufast._validate import FloatArray
from relufast.breakpoints import Breakpoints, breakpoints
from relufast.network import Network
from relufast.report import text, verdict
from relufast.report.certification import Certification
from relufast.report.chapter import Claim, Column, Figure, Section, Table
from relufast.report.chapters.one_dimensional import law
from relufast.report.estimate import Estimate, mean, ratio
from relufast.report.progress import Progress
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_WIDTHS = (1, 2, 3, 4, 6, 8, 10, 12)
_DEPTHS = (2, 4, 8)
_DEPTH_BY_LAYER = 8  # of the right panel
_WIDTHS_BY_LAYER = (2, 3, 4, 6)
_NETWORKS = 1500
# A silent layer hides several breakpoints at once, so that few expected ones of a kind come from
# very few networks, too few for a standard error to mean much.
_ENOUGH = 60
_BIAS_VARIANCE = 0.25


@dataclass(frozen=True)
class _Reach:
    """Of one width and depth: positions by network and layer, shape (networks, depth)."""

    width: int
    depth: int
    positions: FloatArray
    reaching: FloatArray

    @property
    def share(self) -> Estimate:
        return ratio(self.reaching.sum(axis=1), self.positions.sum(axis=1))

    @property
    def is_normal(self) -> bool:
        """Whether enough positions are expected to reach the output, and enough not to."""
        share = _expected_share(self.width, self.depth)
        return float(self.positions.sum()) * min(share, 1.0 - share) >= _ENOUGH

    def missing(self) -> list[tuple[int, Estimate]]:
        """Layers and the shares of their positions that do not reach the output, where enough."""
        expected = 1.0 - law.reaching_output([self.width] * self.depth)
        enough = self.positions.sum(axis=0) * expected >= _ENOUGH
        missing = self.positions - self.reaching
        return [
            (int(i) + 1, ratio(missing[:, i], self.positions[:, i])) for i in np.flatnonzero(enough)
        ]


def _expected_reaching(width: float, depth: int) -> float:
    """The mean number of positions that reach the output."""
    widths = [width] * depth
    return width * float((law.whole_line(widths) * law.reaching_output(widths)).sum())


def _expected_share(width: float, depth: int) -> float:
    return _expected_reaching(width, depth) / (width * float(law.whole_line([width] * depth).sum()))


def section(settings: Settings, progress: Progress) -> Section:
    certification = Certification()
    cells = list(product(_DEPTHS, _WIDTHS))
    reaches = [
        _measure(settings, certification, width, depth)
        for depth, width in progress.track(cells, "breakpoints that reach the output")
    ]
    networks = settings.scaled(_NETWORKS)
    figure = Figure(
        title="Share of breakpoints that reach the output",
        draw=lambda layout: _draw(layout, reaches),
        caption=(
            "Left: share of all positions of breakpoints on the line that reach the "
            f"output. Right: share of a layer's positions that do not, in networks of "
            f"{_DEPTH_BY_LAYER} layers, against the number of layers after it. Points: "
            "measured, with bars of one standard error; those of fewer than "
            f"{_ENOUGH} expected positions are left out on the right. Lines: the exact "
            "law. "
            f"{str(certification).capitalize()}."
        ),
        source=(
            "relufast.breakpoints(relufast.Network.random((1, n, ..., n, 1), "
            f"bias_variance={_BIAS_VARIANCE}, seed=...)).reaches_output, {networks:,} "
            "networks for each point"
        ),
    )
    return Section(
        title="Which reach the output",
        text=(
            "A breakpoint reaches the output if the slope of the network's output changes there. "
            "It does not if some later layer is silent at that x: then nothing that happens before "
            "it is seen. Each neuron of a later layer is a fair coin, so that a breakpoint of "
            "layer l reaches the output of a network of L layers of width n with probability "
            "(1 − 2⁻ⁿ)ᴸ⁻ˡ: at any finite width, and almost surely as the width grows, as Kogan, "
            "Jananthan and Kepner prove. With the law of the counts above, each layer gives the "
            "output n (1 − 2⁻ⁿ)ᴸ⁻¹ breakpoints.",
        ),
        figures=(figure,),
        tables=(_table(reaches),),
        findings=_findings(reaches),
        claims=(_claim(settings, reaches[-1], figure),),
    )


def _measure(settings: Settings, certification: Certification, width: int, depth: int) -> _Reach:
    seeds = settings.network_seeds(_label(width, depth), settings.scaled(_NETWORKS))
    counts = []
    for seed in seeds:
        network = Network.random((1, *[width] * depth, 1), bias_variance=_BIAS_VARIANCE, seed=seed)
        # Threads take longer to start than these networks take.
        counts.append(_positions_by_layer(certification.add(breakpoints(network, n_threads=1))))
    positions, reaching = np.array(counts, dtype=np.float64).transpose(1, 0, 2)
    return _Reach(width, depth, positions, reaching)


def _label(width: int, depth: int) -> str:
    return f"output reach, width {width}, depth {depth}"


def _positions_by_layer(found: Breakpoints) -> tuple[FloatArray, FloatArray]:
    """All positions and those that reach the output, by the first layer that has a breakpoint."""
    _, first = np.unique(found.sites, return_index=True)
    layers, reaching = found.layers[first], found.reaches_output[first]
    depth = found.network.depth
    return (
        np.bincount(layers - 1, minlength=depth).astype(np.float64),
        np.bincount(layers[reaching] - 1, minlength=depth).astype(np.float64),
    )


def _table(reaches: Sequence[_Reach]) -> Table:
    return Table(
        name="one-dimensional-output-reach",
        caption="Positions of breakpoints on the whole line, and those that reach the output.",
        columns=(
            Column("depth", "layers L"),
            Column("width", "width n"),
            Column("networks", "networks", ","),
            Column("reaching", "reaching, mean"),
            Column("reaching_law", "exact law", ".3f"),
            Column("share", "share of all"),
            Column("share_law", "exact law", ".5f"),
        ),
        rows=[
            (
                r.depth,
                r.width,
                len(r.positions),
                mean(r.reaching.sum(axis=1)),
                _expected_reaching(r.width, r.depth),
                r.share,
                _expected_share(r.width, r.depth),
            )
            for r in reaches
        ],
        folded=True,
    )


def _findings(reaches: Sequence[_Reach]) -> tuple[str, ...]:
    deepest = [r for r in reaches if r.depth == max(_DEPTHS)]
    shares = ", ".join(f"{r.share} at width {r.width}" for r in deepest if r.width in (1, 4, 12))
    deviations = [
        r.share.deviation(_expected_share(r.width, r.depth)) for r in reaches if r.is_normal
    ]
    return (
        f"The share of positions that reach the output of {max(_DEPTHS)} layers is {shares}.",
        f"Of {len(deviations)} shares by width and depth (where neither kind is too rare to tell) "
        f"{text.within_two_errors(deviations, 'the exact law')}.",
    )


def _claim(settings: Settings, widest: _Reach, figure: Figure) -> Claim:
    """Of the widest and deepest networks."""
    networks = len(widest.positions)
    decision = verdict.near(widest.share, 1.0, n_trials=networks)
    code = (
        "import numpy as np\nimport relufast\n"
        + settings.network_seeds_code(_label(widest.width, widest.depth), networks)
        + "positions = reaching = 0\n"
        "for seed in seeds:\n"
        "    network = relufast.Network.random(\n"
        f"        (1, *[{widest.width}] * {widest.depth}, 1), bias_variance={_BIAS_VARIANCE}, "
        "seed=seed\n"
        "    )\n"
        "    found = relufast.breakpoints(network)\n"
        "    _, first = np.unique(found.sites, return_index=True)\n"
        "    positions += len(first)\n"
        "    reaching += found.reaches_output[first].sum()\n"
        "print(reaching / positions)"
    )
    return Claim(
        claim="Almost all breakpoints reach the output as widths grow",
        number=widest.share,
        measured=(
            f"{widest.share} of the breakpoints at width {widest.width}, the exact law says "
            f"{_expected_share(widest.width, widest.depth):.5f}"
        ),
        verdict=decision.verdict,
        limits=(
            f"{networks:,} networks of {widest.depth} layers of {widest.width} neurons; margin a "
            "tenth"
        ),
        rule=decision.rule,
        figure=figure,
        code=code,
    )


def _draw(layout: Layout, reaches: Sequence[_Reach]) -> Drawing:
    from relufast.report import figures

    figure, (shares, layers) = figures.panels(layout, [2.8, 2.8])
    fine = np.linspace(min(_WIDTHS), max(_WIDTHS), 100).tolist()
    for depth, (colour, marker) in zip(_DEPTHS, figures.series(len(_DEPTHS)), strict=True):
        of_depth = [r for r in reaches if r.depth == depth]
        shares.plot(fine, [_expected_share(n, depth) for n in fine], color=colour, linewidth=1)
        figures.points(
            shares,
            [r.width for r in of_depth],
            [r.share for r in of_depth],
            colour,
            marker,
            f"{depth} layers",
        )
    shares.set_title("Reaching the output")
    shares.set_xlabel("width n")
    shares.set_ylabel("share of positions")
    shares.set_ylim(0.0, 1.05)
    shares.legend(loc="lower right")

    by_layer = [r for r in reaches if r.depth == _DEPTH_BY_LAYER and r.width in _WIDTHS_BY_LAYER]
    for r, (colour, marker) in zip(by_layer, figures.series(len(by_layer)), strict=True):
        after = np.arange(1, r.depth)
        layers.plot(after, 1.0 - (1.0 - 2.0**-r.width) ** after, color=colour, linewidth=1)
        missing = r.missing()
        figures.points(
            layers,
            [r.depth - layer for layer, _ in missing],
            [share for _, share in missing],
            colour,
            marker,
            f"width {r.width}",
        )
    figures.logarithmic(layers, "y")
    layers.set_ylim(3e-3, 1.5)
    layers.set_title(f"Not reaching it, {_DEPTH_BY_LAYER} layers")
    layers.set_xlabel("layers after the breakpoint's")
    layers.set_ylabel("share of positions")
    layers.legend(loc="lower right", ncols=2)
    return figure
