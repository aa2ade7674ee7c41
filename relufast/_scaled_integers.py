"""Arrays of dyadic rationals: Python integers with one power of two for all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relufast._validate import FloatArray

Integers = NDArray[np.object_]


@dataclass(frozen=True)
class ScaledIntegers:
    """Integers times 2**exponent."""

    integers: Integers
    exponent: int

    def at_exponent(self, exponent: int) -> Integers:
        """The integers for a smaller or equal exponent."""
        scaled: Integers = self.integers * (1 << (self.exponent - exponent))
        return scaled

    def plus(self, other: ScaledIntegers) -> ScaledIntegers:
        exponent = min(self.exponent, other.exponent)
        return ScaledIntegers(self.at_exponent(exponent) + other.at_exponent(exponent), exponent)

    def times(self, other: ScaledIntegers) -> ScaledIntegers:
        """Entry by entry, of shapes that broadcast."""
        return ScaledIntegers(self.integers * other.integers, self.exponent + other.exponent)

    def dot(self, other: ScaledIntegers) -> ScaledIntegers:
        return ScaledIntegers(self.integers.dot(other.integers), self.exponent + other.exponent)

    def reduced(self) -> ScaledIntegers:
        """The same numbers with the shortest integers."""
        together = 0
        for integer in self.integers.ravel().tolist():
            together |= abs(integer)
        if together == 0:
            return ScaledIntegers(self.integers, 0)
        shift = (together & -together).bit_length() - 1
        return ScaledIntegers(self.integers >> shift, self.exponent + shift)

    def rounded(self) -> FloatArray:
        """The nearest float64 of the same sign, to an ulp: no zero but for zero."""
        values = [_rounded(integer, self.exponent) for integer in self.integers.ravel().tolist()]
        return np.array(values, dtype=np.float64).reshape(self.integers.shape)


def scaled_integers(values: FloatArray) -> ScaledIntegers:
    """The same numbers, which must be finite."""
    mantissas, exponents = np.frexp(values)
    integers: Any = np.ldexp(mantissas, 53).astype(np.int64).astype(object)
    exponents = exponents.astype(np.int64) - 53
    nonzero = values != 0
    lowest = int(exponents[nonzero].min()) if nonzero.any() else 0
    shifts = np.where(nonzero, exponents - lowest, 0)
    powers = np.array([1 << int(s) for s in shifts.flat], dtype=object).reshape(values.shape)
    return ScaledIntegers(integers * powers, lowest)


def _rounded(integer: int, exponent: int) -> float:
    if integer == 0:
        return 0.0
    excess = max(0, abs(integer).bit_length() - 64)
    # Cut to 64 bits towards zero, so that ldexp rounds a number of the right sign.
    size = abs(integer) >> excess
    try:
        value = math.ldexp(size, exponent + excess)
    except OverflowError:
        value = math.inf
    value = max(value, math.ulp(0.0))
    return value if integer > 0 else -value
