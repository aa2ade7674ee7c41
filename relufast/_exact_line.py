"""A network along a line in exact integers: the last resort for what rounding leaves open.

Every float64 is an integer times a power of two, so that each layer is an affine form with integer
coefficients between two breakpoints, and every breakpoint a fraction of two integers. The integers
grow by some 60 bits a layer, and every stretch between breakpoints costs a product of integer
matrices: right for small networks, and for short stretches of larger ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relufast._scaled_integers import Integers, ScaledIntegers, scaled_integers
from relufast._validate import FloatArray

Position = Fraction | float  # a float only for the two infinities
Activity = NDArray[np.bool_]


@dataclass(frozen=True)
class ExactKnot:
    """Where activity changes: exactly where, whose, and whether the output's slope changes."""

    x: Fraction
    crossings: list[tuple[int, int]]  # (layer, neuron), sorted
    reaches_output: bool


@dataclass(frozen=True)
class _Forms:
    """(slopes x + intercepts) * 2**exponent, one form for each neuron."""

    slopes: Integers
    intercepts: Integers
    exponent: int


@dataclass(frozen=True)
class _Stretch:
    """A stretch without breakpoints: its left end, all activities, and the output's slopes."""

    left: Position
    activities: list[Activity]
    output_slopes: Integers


class ExactLine:
    """The network of given float64 parameters along x, or along start + x (stop - start)."""

    def __init__(
        self,
        weights: Sequence[FloatArray],
        biases: Sequence[FloatArray],
        negative_slope: float,
        line: tuple[FloatArray, FloatArray] | None,
    ) -> None:
        self._weights = [scaled_integers(w) for w in weights]
        self._biases = [scaled_integers(b) for b in biases]
        self._negative_slope = scaled_integers(np.array([negative_slope]))
        if line is None:
            origin, direction = scaled_integers(np.zeros(1)), scaled_integers(np.ones(1))
        else:
            ends = scaled_integers(np.stack(line))
            origin = ScaledIntegers(ends.integers[0], ends.exponent)
            direction = ScaledIntegers(ends.integers[1] - ends.integers[0], ends.exponent)
        first = self._weights[0]
        self._first = self._with_biases(
            0,
            first.integers.dot(direction.integers),
            first.integers.dot(origin.integers),
            # They share their exponent, or the origin is zero.
            first.exponent + direction.exponent,
        )

    def knots(self, lo: float, hi: float) -> list[ExactKnot]:
        """Every activity change in the open interval, from left to right."""
        found = []
        before: _Stretch | None = None
        for stretch in self._stretches(0, self._first, _position(lo), _position(hi), []):
            if before is not None:
                crossings = [
                    (layer, int(neuron))
                    for layer, (left, right) in enumerate(
                        zip(before.activities, stretch.activities, strict=True), start=1
                    )
                    for neuron in np.flatnonzero(left != right)
                ]
                if crossings:
                    reaches = bool(np.any(before.output_slopes != stretch.output_slopes))
                    assert isinstance(stretch.left, Fraction)
                    found.append(ExactKnot(stretch.left, crossings, reaches))
            before = stretch
        return found

    def _stretches(
        self, layer: int, forms: _Forms, lo: Position, hi: Position, activities: list[Activity]
    ) -> Iterator[_Stretch]:
        """Cut lo..hi, on which all layers below are affine, at this layer's roots, and go up."""
        if layer == len(self._weights) - 1:
            yield _Stretch(lo, activities, forms.slopes)
            return
        at_lo, at_hi = _signs(forms, lo, right_end=False), _signs(forms, hi, right_end=True)
        crossing = np.flatnonzero(at_lo * at_hi < 0)
        roots = sorted({Fraction(-forms.intercepts[i], forms.slopes[i]) for i in crossing})
        left, left_signs = lo, at_lo
        for right in [*roots, hi]:
            right_signs = at_hi if right is hi else _signs(forms, right, right_end=True)
            # Affine and without a root in between: active if positive at either end.
            active = (left_signs > 0) | (right_signs > 0)
            above = self._next_layer(layer + 1, forms, active)
            yield from self._stretches(layer + 1, above, left, right, [*activities, active])
            left, left_signs = right, right_signs

    def _next_layer(self, layer: int, forms: _Forms, active: Activity) -> _Forms:
        leak = self._negative_slope
        # active: 2**-e times the form; inactive: the integer a 2**-e times it; both at exponent e.
        exponent = min(leak.exponent, 0)
        inactive_factor = leak.at_exponent(exponent)[0]
        factors = np.array([inactive_factor, 1 << -exponent], dtype=object)[active.astype(int)]
        weights = self._weights[layer]
        return self._with_biases(
            layer,
            weights.integers.dot(forms.slopes * factors),
            weights.integers.dot(forms.intercepts * factors),
            weights.exponent + forms.exponent + exponent,
        )

    def _with_biases(
        self, layer: int, slopes: Integers, intercepts: Integers, exponent: int
    ) -> _Forms:
        biases = self._biases[layer]
        common = min(exponent, biases.exponent)
        scale = 1 << (exponent - common)
        return _Forms(slopes * scale, intercepts * scale + biases.at_exponent(common), common)


def _position(x: float) -> Position:
    return x if np.isinf(x) else Fraction(x)


def _signs(forms: _Forms, x: Position, *, right_end: bool) -> NDArray[np.int_]:
    """Signs at x; at an infinite end those of the slopes, or of constants."""
    if isinstance(x, Fraction):
        values: Any = forms.slopes * x.numerator + forms.intercepts * x.denominator
    else:
        slopes = forms.slopes if right_end else -forms.slopes
        values = np.where(slopes != 0, slopes, forms.intercepts)
    signs: NDArray[np.int_] = (values > 0).astype(int) - (values < 0).astype(int)
    return signs
