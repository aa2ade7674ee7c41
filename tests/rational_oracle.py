"""Exact breakpoints of a small ReLU network along a line: the reference for tests.

Written from the definitions alone, to be read rather than to be fast. The network is the exact
real function of its float64 parameters, and nothing is rounded anywhere.

The line is refined layer by layer into open regions on which all layers so far are affine. Inside
a region each preactivation is one affine form, so its sign can change only at the form's root; the
region is cut at these roots, and every neuron then has one activity on each part. When the last
layer is done, a breakpoint is a neuron whose activities left and right of a cut differ.

Positions never enter the affine forms, and all parameters are dyadic rationals. So the forms'
coefficients are kept as integers over a denominator that is common to one layer, which spares a
greatest common divisor per multiplication. Positions are Fractions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

End = Fraction | float  # a float only when infinite


class Triple(NamedTuple):
    """A position at which a neuron's activity 1[z > 0] changes."""

    x: Fraction
    layer: int  # 1-based
    neuron: int  # 0-based
    reaches_output: bool


class Piece(NamedTuple):
    """The network's output, ``slopes * x + intercepts``, on one activation region."""

    left: End
    right: End
    slopes: tuple[Fraction, ...]
    intercepts: tuple[Fraction, ...]


@dataclass(frozen=True)
class ExactBreakpoints:
    """All breakpoints, sorted by (x, layer, neuron), and the pieces between them."""

    triples: list[Triple]
    pieces: list[Piece]
    depth: int

    @property
    def count(self) -> int:
        return len(self.triples)

    @property
    def count_by_layer(self) -> list[int]:
        return [sum(t.layer == layer for t in self.triples) for layer in range(1, self.depth + 1)]

    @property
    def positions(self) -> list[Fraction]:
        """The distinct positions, rising."""
        return sorted({t.x for t in self.triples})

    @property
    def crossings(self) -> list[tuple[int, int, int, bool]]:
        """(site, layer, neuron, reaches_output): sites are numbers of distinct positions."""
        site = {x: i for i, x in enumerate(self.positions)}
        return [(site[t.x], t.layer, t.neuron, t.reaches_output) for t in self.triples]

    @property
    def n_regions(self) -> int:
        return 1 + len(self.positions)

    @property
    def n_output_regions(self) -> int:
        return 1 + len({t.x for t in self.triples if t.reaches_output})


@dataclass(frozen=True)
class _Region:
    """An open interval of the line on which all layers so far are affine."""

    left: End
    right: End
    slopes: list[int]  # of the latest layer; divide by the layer's denominator
    intercepts: list[int]
    activity: tuple[tuple[bool, ...], ...]  # by layer and neuron


def exact_breakpoints(
    weights: Sequence[ArrayLike],
    biases: Sequence[ArrayLike],
    interval: tuple[float, float] = (-math.inf, math.inf),
    *,
    start: ArrayLike | None = None,
    stop: ArrayLike | None = None,
    negative_slope: float = 0.0,
) -> ExactBreakpoints:
    """Find every breakpoint in the open interval.

    Parameters
    ----------
    weights, biases
        Shapes (n_l, n_{l-1}) and (n_l,), float64; the last layer is the linear output.
    interval
        The ends, possibly infinite; neither belongs to the interval.
    start, stop
        Shape (n_0,): the line is start + x (stop - start), and the interval is one of x. Without
        them the network must have one input, which is x.
    negative_slope
        relu(z) is z where z > 0, and negative_slope * z elsewhere.
    """
    layers = [(_matrix(w), _vector(b)) for w, b in zip(weights, biases, strict=True)]
    direction, origin = _line(start, stop)
    left, right = (end if math.isinf(end) else Fraction(end) for end in map(float, interval))
    if not left < right:
        raise ValueError(f"interval must rise, not {interval}")

    denominator = _common_denominator([*direction, *origin])
    regions = [
        _Region(left, right, _scaled(direction, denominator), _scaled(origin, denominator), ())
    ]
    for matrix, bias in layers[:-1]:
        regions, denominator = _affine(regions, denominator, matrix, bias)
        regions = [part for region in regions for part in _cut_at_roots(region)]
        regions, denominator = _relu(regions, denominator, Fraction(negative_slope))
    regions, denominator = _affine(regions, denominator, *layers[-1])

    return ExactBreakpoints(
        triples=sorted(t for left, right in pairwise(regions) for t in _changes(left, right)),
        pieces=[
            Piece(
                region.left,
                region.right,
                tuple(Fraction(s, denominator) for s in region.slopes),
                tuple(Fraction(c, denominator) for c in region.intercepts),
            )
            for region in regions
        ],
        depth=len(layers) - 1,
    )


def _affine(
    regions: list[_Region], denominator: int, matrix: list[list[Fraction]], bias: list[Fraction]
) -> tuple[list[_Region], int]:
    """Replace each region's forms h by W h + b."""
    # All denominators are powers of two, so the larger is a multiple of the smaller.
    new_denominator = max(
        denominator * _common_denominator(w for row in matrix for w in row),
        _common_denominator(bias),
    )
    rows = [_scaled(row, new_denominator // denominator) for row in matrix]
    shifts = _scaled(bias, new_denominator)
    return [
        _Region(
            region.left,
            region.right,
            [_dot(row, region.slopes) for row in rows],
            [_dot(row, region.intercepts) + b for row, b in zip(rows, shifts, strict=True)],
            region.activity,
        )
        for region in regions
    ], new_denominator


def _cut_at_roots(region: _Region) -> Iterator[_Region]:
    """Cut a region where one of its forms is zero, and note the activities on each part."""
    forms = list(zip(region.slopes, region.intercepts, strict=True))
    roots = {Fraction(-c, s) for s, c in forms if s != 0}
    cuts = sorted(root for root in roots if region.left < root < region.right)
    for left, right in pairwise([region.left, *cuts, region.right]):
        # No form has a root inside the part, so one point speaks for all of it. A form that is
        # zero throughout is not active.
        x = _point_between(left, right)
        active = tuple(s * x.numerator + c * x.denominator > 0 for s, c in forms)
        yield _Region(left, right, region.slopes, region.intercepts, (*region.activity, active))


def _relu(
    regions: list[_Region], denominator: int, negative_slope: Fraction
) -> tuple[list[_Region], int]:
    """Replace each region's forms z by relu(z), of the activities noted last."""
    if_active, if_not = negative_slope.denominator, negative_slope.numerator
    result = []
    for region in regions:
        factors = [if_active if active else if_not for active in region.activity[-1]]
        slopes = [f * s for f, s in zip(factors, region.slopes, strict=True)]
        intercepts = [f * c for f, c in zip(factors, region.intercepts, strict=True)]
        result.append(_Region(region.left, region.right, slopes, intercepts, region.activity))
    return result, denominator * negative_slope.denominator


def _changes(left: _Region, right: _Region) -> Iterator[Triple]:
    """The breakpoints at the common end of two neighbouring regions."""
    assert isinstance(left.right, Fraction)
    assert left.right == right.left
    reaches_output = left.slopes != right.slopes
    for layer, (before, after) in enumerate(zip(left.activity, right.activity, strict=True), 1):
        for neuron, (was, becomes) in enumerate(zip(before, after, strict=True)):
            if was != becomes:
                yield Triple(left.right, layer, neuron, reaches_output)


def _line(start: ArrayLike | None, stop: ArrayLike | None) -> tuple[list[Fraction], list[Fraction]]:
    """Direction and origin of the line."""
    if start is None and stop is None:
        return [Fraction(1)], [Fraction(0)]
    if start is None or stop is None:
        raise ValueError("start and stop must be given together")
    origin = _vector(start)
    return [b - a for a, b in zip(origin, _vector(stop), strict=True)], origin


def _point_between(left: End, right: End) -> Fraction:
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return (left + right) / 2
    if isinstance(left, Fraction):
        return left + 1
    if isinstance(right, Fraction):
        return right - 1
    return Fraction(0)


def _vector(values: ArrayLike) -> list[Fraction]:
    return [Fraction(v) for v in np.asarray(values, dtype=np.float64).tolist()]


def _matrix(values: ArrayLike) -> list[list[Fraction]]:
    return [_vector(row) for row in np.asarray(values, dtype=np.float64)]


def _common_denominator(values: Iterable[Fraction]) -> int:
    return math.lcm(*(v.denominator for v in values))


def _scaled(values: Iterable[Fraction], factor: int) -> list[int]:
    """The values times the factor, which must make them integers."""
    products = [v * factor for v in values]
    assert all(p.denominator == 1 for p in products)
    return [p.numerator for p in products]


def _dot(a: list[int], b: list[int]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))
