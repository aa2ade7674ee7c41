"""Matrices without copies of rows."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

_Matrix = TypeVar("_Matrix", bound=NDArray[Any])


def distinct_rows(matrix: _Matrix) -> _Matrix:
    """The first of each set of equal rows, in order; of C order."""
    # Bytes differ where numbers do, but for the sign of zero.
    compared = np.ascontiguousarray(matrix) + matrix.dtype.type(0)
    first = {row.tobytes(): i for i, row in reversed(list(enumerate(compared)))}
    distinct: _Matrix = compared[sorted(first.values())]
    return compared if len(first) == len(compared) else distinct
