"""One style for all figures, and their way into the page.

A figure is drawn in the light colours below and becomes an SVG whose colours are CSS variables, so
that the page can show the same drawing on a light and on a dark ground.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, Literal

import matplotlib
import numpy as np
from markupsafe import escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike

from relufast.breakpoints import Breakpoints
from relufast.report import text
from relufast.report.estimate import Estimate

INK = "#1b1f24"
MUTED = "#656d76"
GRID = "#d8dee4"
PAPER = "#fffffe"

# Okabe and Ito's colours, told apart with every kind of colour vision; here with the markers and
# in the order in which they are used.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56b4e9")
MARKERS = ("o", "s", "^", "D", "v", "P")

CSS_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    PAPER: "--paper",
    **{colour: f"--series-{i}" for i, colour in enumerate(SERIES, start=1)},
}

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "relufast",
    "font.family": "sans-serif",
    "font.size": 8.5,
    "text.color": INK,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": "none",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.handlelength": 1.6,
    "lines.linewidth": 1.3,
    "lines.markersize": 4,
    "errorbar.capsize": 0,
}


@dataclass(frozen=True)
class Layout:
    """What a figure is drawn for."""

    name: str
    width: float  # in inches, with letters of 8.5 points
    narrow: bool


WIDE = Layout("wide", 7.4, narrow=False)
NARROW = Layout("narrow", 3.6, narrow=True)


def panels(
    layout: Layout, heights: Sequence[float], *, shared: bool = False
) -> tuple[Figure, list[Axes]]:
    """Panels side by side where there is room, else one above the other; heights in inches.

    Shared panels have the same scales.
    """
    options: Any = {"squeeze": False, "sharex": shared, "sharey": shared}
    if layout.narrow:
        figure = _figure(layout.width, sum(heights))
        grid = figure.subplots(len(heights), 1, height_ratios=heights, **options)
    else:
        figure = _figure(layout.width, max(heights))
        grid = figure.subplots(1, len(heights), **options)
    return figure, list(grid.flat)


def stack(layout: Layout, heights: Sequence[float]) -> tuple[Figure, list[Axes]]:
    """Panels one above the other that share their x axis."""
    figure = _figure(layout.width, sum(heights))
    grid = figure.subplots(len(heights), 1, squeeze=False, sharex=True, height_ratios=heights)
    return figure, list(grid.flat)


def mosaic(
    layout: Layout, rows: Sequence[Sequence[str]], heights: Sequence[float]
) -> tuple[Figure, dict[str, Axes]]:
    """Panels as in a drawing made of their names."""
    figure = _figure(layout.width, sum(heights))
    axes = figure.subplot_mosaic([list(row) for row in rows], height_ratios=heights)
    return figure, axes


def _figure(width: float, height: float) -> Figure:
    # No pyplot: its list of open figures is global.
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    return figure


def series(number: int) -> list[tuple[str, str]]:
    """So many pairs of a colour and a marker."""
    return list(islice(cycle(zip(SERIES, MARKERS, strict=True)), number))


def logarithmic(axes: Axes, which: Literal["x", "y", "xy"], *, base: int = 10) -> None:
    """Give axes logarithmic scales, with plain numbers at powers and, on short axes, in between."""
    for letter in which:
        axis = axes.xaxis if letter == "x" else axes.yaxis
        (axes.set_xscale if letter == "x" else axes.set_yscale)("log", base=base)
        axis.set_major_locator(_Powers(base))
        axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
        # Making ticks takes most of the time of drawing.
        axis.set_minor_locator(NullLocator())


def layer_axis(axes: Axes, layers: ArrayLike, names: Sequence[str] | None = None) -> None:
    """An x axis with a tick for each of these layers, which are their own names if not given."""
    axes.set_xticks(np.asarray(layers), names)
    axes.set_xlabel("layer")


def counting_axis(axes: Axes) -> None:
    """A y axis without ticks between integers."""
    axes.yaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))


def from_zero(axes: Axes) -> None:
    """Let a drawn y axis begin at zero, with room for the markers of the highest points."""
    axes.update_datalim([(0.0, 0.0)], updatex=False)
    axes.autoscale_view(scalex=False)
    axes.set_ylim(bottom=0.0)


class _Powers(LogLocator):
    """Powers of the base, and 2 and 5 times those of 10 where there would be few."""

    def __init__(self, base: int) -> None:
        super().__init__(base=base, numticks=8)
        self._halves = base == 10

    def tick_values(self, vmin: float, vmax: float) -> Any:
        short = vmin > 0.0 and vmax < 60.0 * vmin
        self.set_params(subs=(1.0, 2.0, 5.0) if self._halves and short else (1.0,))
        return super().tick_values(vmin, vmax)


def plain(value: float) -> str:
    """A number for an axis: without an exponent where that is not too long."""
    if value == 0.0 or 1e-4 <= abs(value) < 1e6:
        return text.minus(f"{value:,g}")
    digits, exponent = f"{value:.0e}".split("e")
    factor = "" if digits == "1" else f"{digits}\N{MULTIPLICATION SIGN}"
    return text.minus(factor) + "10" + str(int(exponent)).translate(_SUPERSCRIPTS)


def points(
    axes: Axes,
    x: Sequence[float],
    estimates: Sequence[Estimate],
    colour: str,
    marker: str,
    label: str | None = None,
    *,
    filled: bool = True,
) -> None:
    """Measured points with bars of one standard error."""
    axes.errorbar(
        x,
        [e.value for e in estimates],
        [e.standard_error for e in estimates],
        color=colour,
        marker=marker,
        markerfacecolor=colour if filled else "none",
        linestyle="none",
        elinewidth=1.0,
        label=label,
    )


def breakpoint_rows(axes: Axes, found: Breakpoints) -> None:
    """A tick at each breakpoint, in a row for each layer, the first on top."""
    depth = found.network.depth
    for layer, (colour, _) in enumerate(series(depth), start=1):
        positions = found.positions[found.layers == layer]
        axes.eventplot(positions, lineoffsets=layer, linelengths=0.7, linewidths=0.9, colors=colour)
    axes.set_ylim(depth + 0.6, 0.4)
    axes.set_yticks(range(1, depth + 1), [f"layer {layer}" for layer in range(1, depth + 1)])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(*found.interval)


def svg(draw: Callable[[Layout], Figure], layout: Layout, title: str, prefix: str) -> str:
    """A drawing as an SVG element for the body of an HTML page."""
    with matplotlib.rc_context(_STYLE):
        figure = draw(layout)
        engine = figure.get_layout_engine()
        if engine is not None:
            # Once and here: with any engine, saving draws the figure twice.
            engine.execute(figure)
            figure.set_layout_engine(None)
        buffer = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=nothing)
    return _for_html(buffer.getvalue(), layout, title, prefix)


def _for_html(document: str, layout: Layout, title: str, prefix: str) -> str:
    element = document[document.index("<svg") :]
    head, body = element.split(">", 1)
    view_box = re.search(r'viewBox="[^"]*"', head)
    assert view_box is not None
    # Styles inside would hold for the whole page, which has this one for all figures.
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)
    # The page holds many figures, and an id only once.
    body = re.sub(r'\bid="', f'id="{prefix}', body)
    body = re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}", body)
    for colour, variable in CSS_VARIABLES.items():
        body = body.replace(colour, f"var({variable})")
    return (
        f'<svg class="{layout.name}" {view_box[0]} role="img" aria-label="{escape(title)}">{body}'
    )
