"""Numbers over powers of two, which round nothing, so that no square overflows or vanishes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relufast._validate import FloatArray

Exponents = NDArray[np.integer[Any]]


def scaled(values: FloatArray) -> tuple[FloatArray, int]:
    """Values whose largest size is in [0.5, 1), and the power of two that was taken out.

    Values that are all zero are left as they are.
    """
    _, exponent = math.frexp(float(np.abs(values).max(initial=0.0)))
    return np.ldexp(values, -exponent), exponent


def scaled_rows(rows: FloatArray) -> tuple[FloatArray, Exponents]:
    """The same row by row; the exponent of a row of zeros is 0."""
    _, exponents = np.frexp(np.abs(rows).max(axis=1, initial=0.0))
    return np.ldexp(rows, -exponents[:, np.newaxis]), exponents
