"""Vectors as norms and directions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from relufast._scaling import scaled_rows
from relufast._validate import FloatArray


class Directions(NamedTuple):
    """Row i of a matrix is ``norms[i] * units[i]``; the direction of a zero row is zero."""

    norms: FloatArray  #: (m,)
    units: FloatArray  #: (m, d), C order


def directions(rows: FloatArray, name: str) -> Directions:
    """Of rows whose squared norms float64 can hold."""
    units, exponents = scaled_rows(rows)
    lengths = np.sqrt(np.square(units).sum(axis=1))
    with np.errstate(over="ignore"):
        norms = np.ldexp(lengths, exponents)
        fits = np.isfinite(np.square(norms))
    if not fits.all():
        i = int(np.argmin(fits))
        raise ValueError(
            f"{name}[{i}] has norm {norms[i]:.3g}, but needs one whose square float64 can hold"
        )
    units /= np.where(lengths > 0.0, lengths, 1.0)[:, np.newaxis]
    return Directions(norms, np.ascontiguousarray(units))
