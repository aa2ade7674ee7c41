"""How the trace is shared among degrees, against the dimension."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from relufast.fisher_spectrum import fisher_spectrum
from relufast.report import verdict
from relufast.report.chapter import Claim, Column, Figure, Section, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_DIMENSIONS = [int(d) for d in np.unique(np.geomspace(2, 10_000, 40).astype(int))]
_SHOWN = (2, 10, 100, 1000, 10_000)
_DEGREES = (0, 1, 2, 4)
_CLAIMED_SHARE = "97.7"  # of degrees 0 to 2, in per cent


def section() -> Section:
    ten = fisher_spectrum(10, 4)
    wide = fisher_spectrum(_DIMENSIONS[-1], 4)
    figure = Figure(
        title="Shares of the trace",
        draw=_draw,
        caption=(
            "Exact shares of the eigenvalues of each degree in the trace d/2, at infinite "
            "width; dashed: their limits as d grows, 1/π, 1/2, 1/(2π) and 1/(24π)."
        ),
        source="relufast.fisher_spectrum(dimension, 4).shares and .limit_shares",
    )
    return Section(
        title="Three groups hold the trace",
        text=(
            "At infinite width the eigenvalues belong to degrees k of spherical harmonics: one of "
            "degree 0, d of degree 1, d (d + 1)/2 − 1 of degree 2, none of odd degrees from 3 on.",  # noqa: RUF001
        ),
        figures=(figure,),
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
        claims=_claims(figure),
    )


def _claims(figure: Figure) -> tuple[Claim, ...]:
    wide = fisher_spectrum(_SHOWN[-1], 2)
    limit = float(wide.limit_shares.sum())
    # By dimension: of the degree that is the furthest from its limit.
    furthest = [
        float(np.abs(spectrum.shares / spectrum.limit_shares - 1.0)[[0, 2]].max())
        for spectrum in (fisher_spectrum(d, 2) for d in _SHOWN)
    ]
    code = f"import relufast\nspectrum = relufast.fisher_spectrum({_SHOWN[-1]}, 2)\n"
    return (
        Claim(
            claim="Three groups of eigenvalues hold 97.7 % of the trace",
            number=limit,
            measured=(
                f"{100.0 * limit:.3f} % as the number of inputs grows, and "
                f"{100.0 * wide.shares.sum():.3f} % at {_SHOWN[-1]:,} inputs"
            ),
            verdict=verdict.HOLDS if f"{100.0 * limit:.1f}" == _CLAIMED_SHARE else verdict.FAILS,
            limits="infinite width",
            rule="It holds if the exact limit rounds to the digits that are claimed.",
            figure=figure,
            code=f"{code}print(spectrum.limit_shares.sum())",
        ),
        Claim(
            claim="The groups' shares tend to 1/π, 1/2 and 1/(2π) as the number of inputs grows",
            number=furthest[-1],
            measured=(
                f"{furthest[-1]:.6f} is the largest relative distance from these at "
                f"{_SHOWN[-1]:,} inputs, {furthest[0]:.2f} at {_SHOWN[0]}"
            ),
            verdict=_tends(furthest),
            limits=f"infinite width; up to {_SHOWN[-1]:,} inputs; margin a tenth",
            rule=(
                "It holds within these limits if the distance falls from each number of inputs in "
                "the table to the next, to less than a tenth, and fails otherwise. All numbers are "
                "exact."
            ),
            figure=figure,
            code=(
                f"{code}ratios = spectrum.shares / spectrum.limit_shares\n"
                "print(abs(ratios[[0, 2]] - 1.0).max())"
            ),
        ),
    )


def _tends(distances: Sequence[float]) -> str:
    falls = all(after < before for before, after in pairwise(distances))
    return verdict.LIMITED if falls and distances[-1] < verdict.TENTH else verdict.FAILS


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
