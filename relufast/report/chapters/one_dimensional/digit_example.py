"""The trained network between one image and another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relufast._validate import FloatArray
from relufast.breakpoints import Breakpoints, breakpoints
from relufast.report.certification import Certification
from relufast.report.chapter import Figure, Section
from relufast.report.digits import Digits
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout


def section(settings: Settings, digits: Digits) -> Section:
    first, second = _choose(settings, digits)
    a, b = int(digits.labels[first]), int(digits.labels[second])
    found = breakpoints(digits.trained, start=digits.images[first], stop=digits.images[second])
    leaders = _leaders(found)
    return Section(
        title=f"From a {a} to a {b}",
        text=(
            "One such segment, seen closely: the ten class scores of the trained network, the "
            "logits, while the picture fades from one test image into another. The class with "
            "the highest score is the network's answer.",
        ),
        figures=(
            Figure(
                title=f"Class scores between a {a} and a {b}",
                draw=lambda layout: _draw(layout, found, digits, (first, second)),
                caption=(
                    "Above: what the network is shown. Middle: its scores, piecewise linear; in "
                    "colour the classes that lead somewhere, in grey the others. Below: the "
                    f"{found.count} breakpoints, a row for each layer, {Certification([found])}."
                ),
                source=(
                    f"relufast.breakpoints(trained, start=images[{first}], stop=images[{second}]); "
                    "images of the test set, numbered from 0"
                ),
            ),
        ),
        findings=(
            f"From one {a} to one {b} the trained network has {found.n_regions} activation regions "
            f"({Certification([found])}), and its answer goes {' → '.join(map(str, leaders))}.",
        ),
    )


def _choose(settings: Settings, digits: Digits) -> tuple[int, int]:
    """Two images of different classes that the trained network classifies rightly."""
    right = digits.trained(digits.images).argmax(axis=1) == digits.labels
    order = settings.generator("pair of digits").permutation(np.flatnonzero(right))
    first = int(order[0])
    second = int(next(i for i in order if digits.labels[i] != digits.labels[first]))
    return first, second


def _vertices(found: Breakpoints) -> FloatArray:
    """The positions between which all scores are affine."""
    lo, hi = found.interval
    return np.array([lo, *found.positions, hi])


def _leaders(found: Breakpoints) -> list[int]:
    """The classes of highest score, in order along the segment."""
    fine = np.union1d(_vertices(found), np.linspace(*found.interval, 2001))
    winners = found.function(fine).argmax(axis=1)
    changes = np.flatnonzero(np.diff(winners, prepend=-1))
    return [int(c) for c in winners[changes]]


def _draw(layout: Layout, found: Breakpoints, digits: Digits, pair: tuple[int, int]) -> Drawing:
    from relufast.report import figures

    stations = np.linspace(*found.interval, 5)
    pictures = [f"picture {i}" for i in range(len(stations))]
    rows = [pictures, ["scores"] * len(pictures), ["rows"] * len(pictures)]
    figure, axes = figures.mosaic(layout, rows, [0.16 * layout.width, 2.3, 0.8])

    start, stop = digits.images[list(pair)]
    titles = [f"a {digits.labels[pair[0]]}", *(f"t = {t:g}" for t in stations[1:-1])]
    titles.append(f"a {digits.labels[pair[1]]}")
    for picture, t, title in zip(pictures, stations, titles, strict=True):
        _draw_image(axes[picture], start + t * (stop - start), title)

    vertices, winners = _vertices(found), list(dict.fromkeys(_leaders(found)))
    scores = found.function(vertices)
    panel = axes["scores"]
    others = np.delete(scores, winners, axis=1)
    panel.plot(vertices, others, color=figures.MUTED, linewidth=0.8, alpha=0.5)
    # The first colours are those of the layers below.
    depth = found.network.depth
    for winner, (colour, _) in zip(
        winners, figures.series(depth + len(winners))[depth:], strict=True
    ):
        panel.plot(vertices, scores[:, winner], color=colour, label=f"class {winner}")
    panel.set_ylabel("class score (logit)")
    panel.set_xlim(*found.interval)
    panel.tick_params(labelbottom=False)
    panel.legend(loc="best", ncols=len(winners))
    figures.breakpoint_rows(axes["rows"], found)
    axes["rows"].set_xlabel("position t on the segment")
    return figure


def _draw_image(axes: Axes, image: FloatArray, title: str) -> None:
    axes.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0.0, vmax=1.0, interpolation="none")
    axes.set_axis_off()
    axes.set_title(title, loc="center", fontweight="normal")
