"""The knots of a line: found by the core, and in exact integers where the core left them open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relufast import _blas, _core
from relufast._core import Knots
from relufast._exact_line import ExactLine
from relufast._validate import FloatArray
from relufast.network import Network

IntArray = NDArray[np.int32]

# Integer multiplications that one call may spend on what double-double leaves open: seconds.
_EXACT_BUDGET = 2e7


def find_knots(
    network: Network,
    interval: tuple[float, float],
    line: tuple[FloatArray, FloatArray] | None,
    *,
    certify: bool,
    n_threads: int,
    tile_size: int = 0,
    chunk_size: int = 0,
) -> Knots:
    start, stop = line or (None, None)
    core = network._core_network(n_threads)
    if certify and not core.has_spectral_norms():  # all that BLAS is needed for
        with _blas.single_threaded():
            core.bound_spectral_norms(n_threads)
    return _core.find_breakpoints(
        core, *interval, start, stop, certify, n_threads, tile_size, chunk_size
    )


def join_windows(windows: Sequence[Knots]) -> Knots:
    """Of windows that follow one another; of the knot that two share the right one's is kept."""
    *rest, last = windows
    first_crossing: list[IntArray] = []
    n_crossings = 0
    for knots in windows:
        shared = knots is not last
        first_crossing.append(
            (knots.first_crossing[:-2] if shared else knots.first_crossing) + n_crossings
        )
        n_crossings += int(knots.first_crossing[-2 if shared else -1])

    def by_knot(name: str) -> NDArray[Any]:
        return np.concatenate([*(getattr(k, name)[:-1] for k in rest), getattr(last, name)])

    def by_crossing(name: str) -> NDArray[Any]:
        return np.concatenate(
            [*(getattr(k, name)[: k.first_crossing[-2]] for k in rest), getattr(last, name)]
        )

    return Knots(
        x=by_knot("x"),
        x_error=by_knot("x_error"),
        reaches_output=by_knot("reaches_output"),
        open_after=np.concatenate([k.open_after for k in windows]),
        first_crossing=np.concatenate(first_crossing),
        layers=by_crossing("layers"),
        neurons=by_crossing("neurons"),
        undecided_x=np.concatenate([k.undecided_x for k in windows]),
        undecided_count=np.concatenate([k.undecided_count for k in windows]),
    )


def is_small(widths: Sequence[int]) -> bool:
    """Whether a network has stretches that `resolve_exactly` would solve."""
    depth = len(widths) - 2
    n_weights = sum(n_in * n_out for n_in, n_out in pairwise(widths))
    return _stretch_cost(n_weights, depth, 1) <= _EXACT_BUDGET


def _stretch_cost(n_weights: int, depth: int, n_segments: int) -> float:
    """Integer multiplications: integers grow with every layer, and a product's time with them."""
    return 2.0 * n_weights * (1.0 + 0.25 * depth) * n_segments


class _Replacement(NamedTuple):
    """An open stretch between two float64 numbers, solved exactly."""

    lo: float
    hi: float
    first: int  # the knots it replaces
    last: int
    crossings: list[tuple[float, float, bool, list[tuple[int, int]]]]


def resolve_exactly(
    knots: Knots,
    network: Network,
    interval: tuple[float, float],
    line: tuple[FloatArray, FloatArray] | None,
) -> Knots:
    """Solve the open stretches in integers, from left to right, as far as the budget goes."""
    exact = None
    budget = _EXACT_BUDGET
    n_weights = sum(w.size for w in network.weights)
    replacements = []
    for lo, hi, first, last in _open_stretches(knots, interval):
        budget -= _stretch_cost(n_weights, network.depth, last - first + 2)
        if budget < 0.0:
            break
        if exact is None:
            exact = ExactLine(network.weights, network.biases, network.negative_slope, line)
        crossings = [
            (*_rounded(knot.x), knot.reaches_output, knot.crossings) for knot in exact.knots(lo, hi)
        ]
        replacements.append(_Replacement(lo, hi, first, last, crossings))
    return _replace(knots, replacements)


def _open_stretches(
    knots: Knots, interval: tuple[float, float]
) -> list[tuple[float, float, int, int]]:
    """Open stretches as (lo, hi, first, last).

    lo and hi are float64 numbers in stretches where certainly nothing happens, or the interval's
    ends; first..last are the knots strictly between them, last < first if there are none.
    """
    x, x_error, open_after = knots.x, knots.x_error, knots.open_after
    n_knots = len(x)

    def number_between(left: int) -> float | None:
        """A float64 number certainly between the true positions of knots left and left + 1."""
        if open_after[left]:
            return None
        a = x[left] + x_error[left]
        b = x[left + 1] - x_error[left + 1]
        if math.isinf(a) and math.isinf(b):
            return None
        if math.isinf(a):
            middle = b - max(1.0, abs(b))
        elif math.isinf(b):
            middle = a + max(1.0, abs(a))
        else:
            middle = a + 0.5 * (b - a)
        # The sums above are rounded, so that a and b themselves will not do.
        return middle if np.nextafter(a, math.inf) < middle < np.nextafter(b, -math.inf) else None

    stretches: list[tuple[float, float, int, int]] = []
    open_segments = np.flatnonzero(open_after)
    position = 0
    while position < len(open_segments):
        left = int(open_segments[position]) - 1
        lo = None
        while left >= 0 and (lo := number_between(left)) is None:
            left -= 1
        right = int(open_segments[position]) + 1
        hi = None
        while right < n_knots - 1 and (hi := number_between(right)) is None:
            right += 1
        stretches.append(
            (
                interval[0] if lo is None else lo,
                interval[1] if hi is None else hi,
                left + 1 if lo is not None else 1,
                right if hi is not None else n_knots - 2,
            )
        )
        while position < len(open_segments) and open_segments[position] < right:
            position += 1
    return stretches


def _rounded(x: Fraction) -> tuple[float, float]:
    """The nearest float64 and a bound on the error; an infinity where x is beyond float64."""
    try:
        nearest = float(x)
    except OverflowError:
        return (math.inf if x > 0 else -math.inf), math.inf
    error = abs(x - Fraction(nearest))
    return nearest, math.nextafter(float(error), math.inf) if error else 0.0


def _replace(knots: Knots, replacements: list[_Replacement]) -> Knots:
    """Put the exact solutions in place of the knots they replace."""
    if not replacements:
        return knots
    old = knots.arrays()
    n_knots = len(old["x"])
    x: list[float] = []
    x_error: list[float] = []
    reaches: list[bool] = []
    open_after: list[bool] = []
    crossings: list[list[tuple[int, int]]] = []

    def keep(begin: int, end: int) -> None:
        for k in range(begin, end):
            span = slice(old["first_crossing"][k], old["first_crossing"][k + 1])
            x.append(float(old["x"][k]))
            x_error.append(float(old["x_error"][k]))
            reaches.append(bool(old["reaches_output"][k]))
            open_after.append(k + 1 < n_knots and bool(old["open_after"][k]))
            crossings.append(
                list(zip(old["layers"][span].tolist(), old["neurons"][span].tolist(), strict=True))
            )

    kept = 0
    for part in replacements:
        keep(kept, part.first)
        open_after[-1] = False
        for position, error, reaches_output, at_position in part.crossings:
            x.append(position)
            x_error.append(error)
            reaches.append(reaches_output)
            open_after.append(False)
            crossings.append(at_position)
        kept = part.last + 1
    keep(kept, n_knots)

    undecided_x = old["undecided_x"]
    inside = np.zeros(len(undecided_x), dtype=bool)
    for part in replacements:
        inside |= (part.lo <= undecided_x) & (undecided_x <= part.hi)
    flat = [crossing for at_knot in crossings for crossing in at_knot]
    return Knots(
        x=np.array(x),
        x_error=np.array(x_error),
        reaches_output=np.array(reaches, dtype=bool),
        open_after=np.array(open_after[:-1], dtype=bool),
        first_crossing=np.cumsum([0, *map(len, crossings)]),
        layers=np.array([layer for layer, _ in flat], dtype=np.int32),
        neurons=np.array([neuron for _, neuron in flat], dtype=np.int32),
        undecided_x=undecided_x[~inside],
        undecided_count=old["undecided_count"][~inside],
    )
