"""How the trace is shared among degrees, against the dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relufast.fisher_spectrum import fisher_spectrum
from relufast.report.chapter import Column, Figure, Section, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_DIMENSIONS = [int(d) for d in np.unique(np.geomspace(2, 10_000, 40).astype(int))]
_SHOWN = (2, 10, 100, 1000, 10_000)
_DEGREES = (0, 1, 2, 4)


def section() -> Section:
    ten = fisher_spectrum(10, 4)
    wide = fisher_spectrum(_DIMENSIONS[-1], 4)
    return Section(
        title="Three groups hold the trace",
        text=(
            "At infinite width the eigenvalues belong to degrees k of spherical harmonics: one of "
            "degree 0, d of degree 1, d (d + 1)/2 − 1 of degree 2, none of odd degrees from 3 on.",  # noqa: RUF001
        ),
        figures=(
            Figure(
                title="Shares of the trace",
                draw=_draw,
                caption=(
                    "Exact shares of the eigenvalues of each degree in the trace d/2, at infinite "
                    "width; dashed: their limits as d grows, 1/π, 1/2, 1/(2π) and 1/(24π)."
                ),
                source="relufast.fisher_spectrum(dimension, 4).shares and .limit_shares",
            ),
        ),
        tables=(
            Table(
                name="fisher-shares",
                caption="Shares of the trace by degree.",
                columns=(
                    Column("dimension", "dimension d", ","),
                    *(Column(f"degree_{k}", f"degree {k}", ".4f") for k in _DEGREES),
                    Column("degrees_0_to_2", "degrees 0 to 2", ".4f"),
                ),
                rows=[
                    (
                        d,
                        *(float(shares[k]) for k in _DEGREES),
                        float(shares[:3].sum()),
                    )
                    for d in _SHOWN
                    for shares in [fisher_spectrum(d, 4).shares]
                ],
            ),
        ),
        findings=(
            f"Degrees 0, 1 and 2 hold {100 * ten.shares[:3].sum():.1f} % of the trace for "
            f"10 inputs and {100 * wide.shares[:3].sum():.2f} % for {_DIMENSIONS[-1]:,}; "
            f"degree 1 holds half of it for each number of inputs.",
        ),
    )


def _draw(layout: Layout) -> Drawing:
    from relufast.report import figures

    figure, (axes,) = figures.panels(layout, [3.0])
    spectra = [fisher_spectrum(d, max(_DEGREES)) for d in _DIMENSIONS]
    for k, (colour, _) in zip(_DEGREES, figures.series(len(_DEGREES)), strict=True):
        axes.plot(_DIMENSIONS, [s.shares[k] for s in spectra], color=colour, label=f"degree {k}")
        axes.axhline(spectra[-1].limit_shares[k], color=colour, linestyle="--", linewidth=0.8)
    figures.logarithmic(axes, "x")
    axes.set_xlabel("dimension d")
    axes.set_ylabel("share of the trace")
    axes.set_ylim(0.0, 0.65)
    axes.legend(loc="upper right", ncols=2)
    return figure
