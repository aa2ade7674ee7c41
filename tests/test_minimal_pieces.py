"""Minimal pieces against exact arithmetic, and the sparsity of networks that follows from them."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minimal_pieces_oracle import exact_minimal_pieces, grid_bracket, is_within
from numpy.typing import NDArray

import relufast
from relufast import _exact_tube
from relufast._exact_tube import ExactTube

FloatArray = NDArray[np.float64]
Polyline = tuple[FloatArray, FloatArray, float]  # x, y and a tolerance
Generator = Callable[[np.random.Generator, int], Polyline]

SEED = 20261124
PART = 24  # cases a kind

# By which the "slightly smaller" tolerance of the documentation is smaller.
SLIGHTLY = 1 - Fraction(1, 2**20)


def random_knots(rng: np.random.Generator, n: int) -> Polyline:
    return np.cumsum(rng.uniform(0.1, 1.0, n)), rng.standard_normal(n), rng.uniform(0.05, 1.5)


def integer_knots(rng: np.random.Generator, n: int) -> Polyline:
    x = np.cumsum(rng.integers(1, 4, n)).astype(float)
    return x, rng.integers(-3, 4, n).astype(float), float(rng.choice([0.25, 0.5, 1.0, 1.5, 2.0]))


def dyadic_knots(rng: np.random.Generator, n: int) -> Polyline:
    x = np.cumsum(rng.integers(1, 9, n)) / 8.0
    return x, rng.integers(-16, 17, n) / 8.0, float(rng.choice([1, 2, 3, 4, 8])) / 8.0


def flat_stretches(rng: np.random.Generator, n: int) -> Polyline:
    y = rng.integers(0, 2, n).astype(float)
    return np.arange(n, dtype=float), y, float(rng.choice([0.25, 0.5, 0.75]))


def sawtooth(rng: np.random.Generator, n: int) -> Polyline:
    y = (np.arange(n) % 2) * rng.integers(1, 4, n).astype(float)
    return np.arange(n, dtype=float), y, float(rng.choice([0.25, 0.5, 1.0, 1.5]))


def convex(rng: np.random.Generator, n: int) -> Polyline:
    x = np.arange(n, dtype=float)
    return x, x * x, float(rng.integers(1, 17)) / 8.0


def walk(rng: np.random.Generator, n: int) -> Polyline:
    y = np.cumsum(rng.integers(-1, 2, n)).astype(float)
    return np.arange(n, dtype=float), y, float(rng.choice([0.25, 0.5, 0.75, 1.0]))


def scaled(kind: Generator, x_factor: float = 1.0, y_factor: float = 1.0) -> Generator:
    def scaled_kind(rng: np.random.Generator, n: int) -> Polyline:
        x, y, tolerance = kind(rng, n)
        return x * x_factor, y * y_factor, tolerance * y_factor

    return scaled_kind


def moved(kind: Generator, right: float = 0.0, up: float = 0.0) -> Generator:
    def moved_kind(rng: np.random.Generator, n: int) -> Polyline:
        x, y, tolerance = kind(rng, n)
        return x + right, y + up, tolerance

    return moved_kind


KINDS: dict[str, Generator] = {
    "random": random_knots,
    "integer": integer_knots,
    "dyadic": dyadic_knots,
    "flat": flat_stretches,
    "sawtooth": sawtooth,
    "convex": convex,
    "walk": walk,
    "steep": scaled(random_knots, x_factor=1e-9),
    "wide": scaled(integer_knots, x_factor=1e250),
    "high": moved(random_knots, up=1e6),
    "right": moved(random_knots, right=1e6),
    "high and right": moved(integer_knots, right=1e9, up=1e9),
    "tiny": scaled(random_knots, y_factor=1e-300),
    "huge": scaled(random_knots, y_factor=1e300),
}


def cases(kind: str, count: int, salt: int = 0) -> Iterator[Polyline]:
    number = list(KINDS).index(kind)
    for index in range(count):
        rng = np.random.default_rng([SEED, number, index, salt])
        yield KINDS[kind](rng, int(rng.integers(2, 10)))


def assert_certain(found: relufast.MinimalPieces) -> None:
    assert found.certified
    assert found.n_ambiguous == 0


def assert_exact(
    found: relufast.MinimalPieces, x: FloatArray, y: FloatArray, tolerance: float
) -> None:
    """The count is the least, and the exact knots are those of a function with as many pieces."""
    label = f"x={x.tolist()}, y={y.tolist()}, tolerance={tolerance!r}"
    assert found.certified, label
    assert found.n_ambiguous == 0, label
    assert found.tolerance == tolerance, label
    assert found.count == exact_minimal_pieces(x.tolist(), y.tolist(), tolerance), label
    knots = found.exact_knots()
    assert len(knots) == found.count + 1, label
    assert all(isinstance(number, Fraction) for knot in knots for number in knot), label
    abscissas, ordinates = zip(*knots, strict=True)
    assert is_within(x.tolist(), y.tolist(), abscissas, ordinates, tolerance), label


def assert_rounded(
    found: relufast.MinimalPieces, x: FloatArray, y: FloatArray, *, reached: bool = True
) -> None:
    """The rounded knots make a function no further away than the deviation says.

    With ``reached`` also within the tolerance, unless a slightly smaller one needs more pieces.
    """
    tolerance = found.tolerance
    label = f"x={x.tolist()}, y={y.tolist()}, tolerance={tolerance!r}, knots={found.knots}"
    assert found.knots.shape == found.values.shape == (found.count + 1,), label
    assert np.isfinite(found.knots).all(), label
    assert np.isfinite(found.values).all(), label
    assert found.knots[0] == x[0], label
    assert found.knots[-1] == x[-1], label
    assert np.all(found.knots[1:] > found.knots[:-1]), label
    assert math.isfinite(found.deviation), label
    points = x.tolist(), y.tolist()
    assert is_within(*points, found.knots.tolist(), found.values.tolist(), found.deviation), label
    if reached and found.deviation > tolerance:
        assert exact_minimal_pieces(*points, Fraction(tolerance) * SLIGHTLY) > found.count, label


@pytest.mark.parametrize("kind", KINDS)
def test_agrees_with_exact_arithmetic(kind: str) -> None:
    for x, y, tolerance in cases(kind, PART):
        assert_exact(relufast.minimal_pieces(x, y, tolerance), x, y, tolerance)


@pytest.mark.parametrize("kind", KINDS)
def test_rounded_knots_keep_to_the_tolerance(kind: str) -> None:
    for x, y, tolerance in cases(kind, PART):
        assert_rounded(relufast.minimal_pieces(x, y, tolerance), x, y)


@pytest.mark.parametrize("kind", ["random", "integer", "convex"])
def test_no_grid_of_knots_does_with_fewer(kind: str) -> None:
    for x, y, tolerance in cases(kind, 8, salt=1):
        low, high = grid_bracket(x[:5].tolist(), y[:5].tolist(), tolerance, 6, 5)
        assert low <= relufast.minimal_pieces(x[:5], y[:5], tolerance).count <= high


@pytest.mark.parametrize(
    ("x", "y", "tolerance", "count"),
    [
        ([0, 1], [0, 1], 1e-3, 1),
        ([-1.5, 7], [3, -2], 0.0, 1),
        ([0, 1, 2], [0, 1, 2], 1e-300, 1),
        ([0, 1, 2], [0, 1, 0], 0.5, 1),
        ([0, 1, 2], [0, 1, 0], 0.49, 2),
        ([0, 1, 2, 3], [0, 1, 0, 1], 0.5, 1),
        ([0, 1, 2, 3], [0, 1, 0, 1], 0.25, 3),
        # a tent over a plateau needs 2 / 9: from (0, 2 / 9) through (4, 34 / 9) to (4.5, 38 / 9)
        ([0, 4, 5, 9], [0, 4, 4, 0], 0.2223, 2),
        ([0, 4, 5, 9], [0, 4, 4, 0], 0.2222, 3),
        # a step: from (0, -1 / 4) through (1, 1 / 4) and (2, 3 / 4)
        ([0, 1, 2, 3], [0, 0, 1, 1], 0.25, 1),
        ([0, 1, 2, 3], [0, 0, 1, 1], 0.15, 3),
        # x**2 on 0, 1, ..., 8: pieces of length sqrt(8 tolerance) at the most
        (range(9), [i * i for i in range(9)], 2.0, 2),
        (range(9), [i * i for i in range(9)], 8.0, 1),
        (range(9), [i * i for i in range(9)], 7.99, 2),
    ],
)
def test_known_optimum(x: Any, y: Any, tolerance: float, count: int) -> None:
    found = relufast.minimal_pieces(x, y, tolerance)
    assert found.count == count
    assert_exact(found, np.array(x, dtype=float), np.array(y, dtype=float), tolerance)


@given(
    steps=st.lists(st.tuples(st.integers(1, 3), st.integers(-3, 3)), min_size=2, max_size=8),
    quarters=st.integers(0, 8),
)
@settings(max_examples=80, deadline=None, derandomize=True)
def test_agrees_with_exact_arithmetic_on_any_integers(
    steps: list[tuple[int, int]], quarters: int
) -> None:
    x = np.cumsum([step for step, _ in steps]).astype(float)
    y = np.array([height for _, height in steps], dtype=float)
    found = relufast.minimal_pieces(x, y, quarters / 4)
    assert_exact(found, x, y, quarters / 4)
    assert_rounded(found, x, y)


@pytest.mark.parametrize("n", [3, 4, 9])
@pytest.mark.parametrize("amplitude", [1.0, 0.1, 3e-7])
def test_tie_of_a_zigzag(n: int, amplitude: float) -> None:
    x = np.arange(n, dtype=float)
    y = amplitude * (np.arange(n) % 2)
    half = amplitude / 2
    for tolerance, count in (
        (np.nextafter(half, 0), n - 1),
        (half, 1),
        (np.nextafter(half, 1), 1),
    ):
        found = relufast.minimal_pieces(x, y, tolerance)
        assert_certain(found)
        assert found.count == count


@pytest.mark.parametrize(
    ("height", "tolerance", "count"),
    [
        (13.0, 1.0, 2),
        (np.nextafter(13.0, 14.0), 1.0, 3),
        (np.nextafter(13.0, 12.0), 1.0, 2),
        (13.0, np.nextafter(1.0, 0.0), 3),
        (13.0, np.nextafter(1.0, 2.0), 2),
        (6.0, 1.0, 2),
        (np.nextafter(6.0, 0.0), 1.0, 3),
    ],
)
def test_tie_with_an_exit(height: float, tolerance: float, count: int) -> None:
    """With tolerance 1 the first piece leaves the tube in (3, 2), along x - 1.

    Through that point and (4, 7) goes the highest second piece, to (5, 12); the lowest goes from
    (2, 1) through (4, 5) to (5, 7).
    """
    x, y = np.array([0.0, 2.0, 4.0, 5.0]), np.array([0.0, 0.0, 6.0, height])
    found = relufast.minimal_pieces(x, y, tolerance)
    assert found.count == count
    assert_exact(found, x, y, tolerance)
    assert_rounded(found, x, y)


def least_tolerances(x: FloatArray, y: FloatArray, count: int) -> tuple[float, float]:
    """The greatest number that needs more than `count` pieces, and the next, which does not."""
    low, high = 0, int(np.float64(np.ptp(y)).view(np.int64))  # neighbours, as integers are
    while high - low > 1:
        middle = (low + high) // 2
        tolerance = float(np.int64(middle).view(np.float64))
        if relufast.minimal_pieces(x, y, tolerance).count > count:
            low = middle
        else:
            high = middle
    return float(np.int64(low).view(np.float64)), float(np.int64(high).view(np.float64))


@pytest.fixture
def asked_of_exits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Exact orientations that involve an exit, as they are decided."""
    asked: list[tuple[int, ...]] = []
    decide = ExactTube.orientation

    def noted(tube: ExactTube, *arguments: Any) -> int:
        *codes, _ = arguments
        if min(codes) < 0:
            asked.append(tuple(codes))
        return decide(tube, *arguments)

    monkeypatch.setattr(ExactTube, "orientation", noted)
    return asked


@pytest.mark.parametrize(
    "kind", ["random", "integer", "convex", "walk", "steep", "high", "right", "huge", "tiny"]
)
def test_agrees_with_exact_arithmetic_next_to_ties_with_exits(
    kind: str, asked_of_exits: list[tuple[int, ...]]
) -> None:
    n_ties = 0
    for x, y, _ in cases(kind, 200, salt=2):
        most = relufast.minimal_pieces(x, y, 0.0).count
        if most < 3:
            continue
        tolerances = least_tolerances(x, y, 2 + most % (most - 2))
        asked_of_exits.clear()
        found = [relufast.minimal_pieces(x, y, tolerance) for tolerance in tolerances]
        if not asked_of_exits:
            continue
        assert found[0].count > found[1].count
        for pieces, tolerance in zip(found, tolerances, strict=True):
            assert_exact(pieces, x, y, tolerance)
        n_ties += 1
        if n_ties == 8:
            return
    pytest.fail(f"only {n_ties} such ties")


@pytest.mark.parametrize("kind", ["random", "integer", "high", "right"])
def test_rounded_knots_next_to_any_tie(kind: str) -> None:
    for x, y, _ in cases(kind, 16, salt=2):
        if len(x) < 4:
            continue
        for tolerance in least_tolerances(x, y, len(x) // 3):
            found = relufast.minimal_pieces(x, y, tolerance)
            assert_rounded(found, x, y)


@pytest.mark.parametrize("y", [[0.1, 0.2], [1.0, 2.0, 1.0]])
def test_rounded_knots_for_less_than_rounding(y: list[float]) -> None:
    """The points themselves are knots with no deviation."""
    found = relufast.minimal_pieces(range(len(y)), y, 1e-17)
    assert found.count == len(y) - 1
    assert found.deviation <= 1e-17


def test_rounded_knots_next_to_a_tie_far_to_the_right() -> None:
    x = np.array([7.0, 9.0, 10.0]) + 2.0**30
    y = np.array([2.0, -1.0, -1.0])
    tolerance = float(np.nextafter(0.5, 0.0))
    found = relufast.minimal_pieces(x, y, tolerance)
    assert_exact(found, x, y, tolerance)
    assert_rounded(found, x, y)


@pytest.mark.parametrize("spacing", [2.0**-52, 2.0**-46])
def test_agrees_with_exact_arithmetic_on_neighbouring_numbers(spacing: float) -> None:
    for index in range(12):
        rng = np.random.default_rng([SEED, 3, index])
        n = int(rng.integers(3, 9))
        x = 1.0 + spacing * np.cumsum(rng.integers(1, 5, n))
        y = rng.standard_normal(n)
        tolerance = float(rng.uniform(0.05, 1.0))
        assert_exact(relufast.minimal_pieces(x, y, tolerance), x, y, tolerance)


def test_rounded_knots_between_neighbouring_numbers() -> None:
    """No promise on the deviation: there are no float64 where such knots should be."""
    for index in range(40):
        rng = np.random.default_rng([SEED, 3, index])
        n = int(rng.integers(3, 9))
        x = 1.0 + 2.0**-46 * np.cumsum(rng.integers(1, 5, n))
        y = rng.standard_normal(n)
        found = relufast.minimal_pieces(x, y, float(rng.uniform(0.05, 1.0)))
        assert np.isfinite(found.knots).all()
        assert np.isfinite(found.values).all()
        assert np.all(found.knots[1:] >= found.knots[:-1])


def tie_prone(index: int, most: int) -> Polyline:
    """Small integers and a tolerance at a tie or next to one."""
    rng = np.random.default_rng([SEED, 4, index])
    kind = (integer_knots, walk, flat_stretches)[index % 3]
    x, y, tolerance = kind(rng, int(rng.integers(2, most)))
    return x, y, float(rng.choice([tolerance, np.nextafter(tolerance, 0)]))


# Exponents of two at which all numbers stay what they are, but for a factor.
SCALES = [
    (0, 900),
    (0, 1015),
    (0, -900),
    (1015, 0),
    (-1000, 0),
    (500, -500),
    (-500, 500),
    (1015, 1015),
    (-900, -900),
    (1015, -60),  # slopes below the normal range
    (-60, 1000),  # slopes above float64
]


@pytest.mark.parametrize(("x_exponent", "y_exponent"), SCALES)
def test_powers_of_two_change_no_count(x_exponent: int, y_exponent: int) -> None:
    for index in range(250):
        x, y, tolerance = tie_prone(index, 40)
        count = relufast.minimal_pieces(x, y, tolerance).count
        scaled_x, scaled_y = np.ldexp(x, x_exponent), np.ldexp(y, y_exponent)
        found = relufast.minimal_pieces(scaled_x, scaled_y, math.ldexp(tolerance, y_exponent))
        assert_certain(found)
        assert found.count == count, (index, x.tolist(), y.tolist(), tolerance)


@pytest.mark.parametrize(("x_exponent", "y_exponent"), SCALES)
def test_powers_of_two_change_no_rounded_knots(x_exponent: int, y_exponent: int) -> None:
    for index in range(100):
        x, y, tolerance = tie_prone(index, 40)
        plain = relufast.minimal_pieces(x, y, tolerance)
        scaled_x, scaled_y = np.ldexp(x, x_exponent), np.ldexp(y, y_exponent)
        found = relufast.minimal_pieces(scaled_x, scaled_y, math.ldexp(tolerance, y_exponent))
        assert np.isfinite(found.knots).all(), index
        assert np.isfinite(found.values).all(), index
        assert np.all(found.knots[1:] > found.knots[:-1]), index
        if plain.deviation <= plain.tolerance:
            assert found.deviation <= found.tolerance, index


@pytest.mark.parametrize(
    ("x", "y", "tolerance"),
    [
        # Slopes are subnormal: these have two pieces each.
        ([58, 59, 62, 70], [2, 3, 4, 4], 0.24999999999999997),
        ([27, 29, 30, 62], [4, 0, -1, 3], 0.25),
        ([6, 9, 12, 16], [-4, 0, 2, 0], 0.49999999999999994),
    ],
)
def test_subnormal_slopes(x: list[int], y: list[int], tolerance: float) -> None:
    wide, low = np.ldexp(np.array(x, float), 1015), np.ldexp(np.array(y, float), -60)
    found = relufast.minimal_pieces(wide, low, math.ldexp(tolerance, -60))
    assert_exact(found, wide, low, math.ldexp(tolerance, -60))


def test_deviation_with_subnormal_slopes() -> None:
    for x, y, tolerance in cases("random", 40, salt=5):
        wide, low = x * 1e300, y * 1e-23
        found = relufast.minimal_pieces(wide, low, tolerance * 1e-23)
        assert_rounded(found, wide, low, reached=False)


@pytest.mark.parametrize(
    ("x", "y", "tolerance"),
    [
        # One piece. The slope times 24 overflows, but the sum that it is a part of does not.
        ([0.0, 1.0, 25.0], [-1.7e308, -1.6e308, 0.8e308], 1e306),
        # A number so small that no factor brings all into the range of float64.
        ([0.0, 1.0, 25.0, 26.0], [-1.7e308, -1.6e308, 0.8e308, 1e-310], 1e306),
        ([0.0, 1.0, 25.0], [-1.7e308, -1.6e308, 0.8e308], 5e-324),
        # Knots beyond float64: the lowest line is at -1.85e308 in the end.
        ([1.0, 3.0, 6.0, 8.0, 9.0], [1e308, 1e308, 1.75e308, -1.75e308, -1.75e308], 1e308),
        ([0.0, 1.0, 2.0], [-1.7e308, 1.7e308, -1.7e308], 1e307),
        ([-1.7e308, 5e-324, 1.7e308], [0.0, 1.0, 0.0], 0.25),
        ([-1.7e308, 0.0, 1.7e308], [0.0, 1.0, 0.0], 0.25),
        ([-1.7e308, 0.0, 1.7e308], [0.0, 1.0, 0.0], 0.5),
        ([0.0, 1.0, 3.0], [0.0, 1.0, 0.0], 1.7e308),
        ([0.0, 1.0, 3.0], [-1.7e308, 1.7e308, 1.7e308], 1.7e308),
    ],
)
def test_differences_beyond_float64(x: list[float], y: list[float], tolerance: float) -> None:
    found = relufast.minimal_pieces(x, y, tolerance)
    assert_exact(found, np.array(x), np.array(y), tolerance)


@pytest.mark.parametrize(
    ("x", "y", "tolerance"),
    [
        ([-1.7e308, 5e-324, 1.7e308], [0.0, 1.0, 0.0], 0.25),
        ([0.0, 1.0, 2.0], [0.0, 5e-324, 0.0], 1e-310),
        ([0.0, 1.0, 2.0], [-1.7e308, 1.7e308, 1e-310], 1e307),
    ],
)
def test_floating_point_errors_of_the_caller_are_not_raised(
    x: list[float], y: list[float], tolerance: float
) -> None:
    with np.errstate(all="raise"):
        found = relufast.minimal_pieces(x, y, tolerance)
    assert found.count == exact_minimal_pieces(x, y, tolerance)


@pytest.mark.parametrize(
    ("x", "y"), [([3, 4, 6], [-1, 1, 1]), ([2, 5, 9], [2, 4, 1]), ([0, 1, 2], [0, 1, 0])]
)
def test_deviation_between_subnormal_numbers(x: list[float], y: list[float]) -> None:
    low = np.array(y) * 5e-324
    found = relufast.minimal_pieces(x, low, 1.5e-323)
    assert found.count == 1
    points = [float(abscissa) for abscissa in x], low.tolist()
    assert is_within(*points, found.knots.tolist(), found.values.tolist(), found.deviation)


@pytest.mark.parametrize(
    ("x", "y"), [([4, 6, 8, 9], [-4, -2, -2, 2]), ([4, 6, 9, 10], [4, 2, 0, 3])]
)
def test_knots_between_subnormal_numbers_rise(x: list[float], y: list[float]) -> None:
    found = relufast.minimal_pieces(np.array(x) * 5e-324, y, 1.0)
    assert found.count == 2
    assert np.all(found.knots[1:] > found.knots[:-1])


def test_random_differences_beyond_float64() -> None:
    for index in range(40):
        rng = np.random.default_rng([SEED, 6, index])
        n = int(rng.integers(3, 8))
        x = np.cumsum(10.0 ** rng.uniform(-2.0, 1.0, n))
        rising = np.interp(x, [x[0], x[-1]], [-1.6, 1.6]) + 0.1 * rng.standard_normal(n)
        y = 1e308 * np.clip(rising, -1.7, 1.7) * rng.choice([-1.0, 1.0])
        tolerance = 1e307 * float(rng.uniform(0.1, 1.5))
        assert_exact(relufast.minimal_pieces(x, y, tolerance), x, y, tolerance)


@pytest.mark.parametrize(
    ("x", "y", "tolerance"),
    [
        ([0.0, 1.0, 2.0], [-1.7e308, 1.7e308, -1.7e308], 1e307),
        ([-1.7e308, 0.0, 1.7e308], [0.0, 1.0, 0.0], 0.5),
        ([-1.7e308, 0.0, 1.7e308], [0.0, 1.0, 0.0], 0.25),
    ],
)
def test_rounded_knots_beyond_float64_differences(
    x: list[float], y: list[float], tolerance: float
) -> None:
    found = relufast.minimal_pieces(x, y, tolerance)
    assert np.isfinite(found.knots).all()
    assert np.isfinite(found.values).all()


def test_no_image_has_another_count() -> None:
    for index in range(150):
        x, y, tolerance = tie_prone(index, 40)
        count = relufast.minimal_pieces(x, y, tolerance).count
        images = {
            "upside down": (x, -y),
            "back to front": (-x[::-1], y[::-1]),
            "sheared": (x, y + 3.0 * x),
            "sheared back": (x, y - 7.0 * x),
        }
        for name, (image_x, image_y) in images.items():
            found = relufast.minimal_pieces(image_x, image_y, tolerance)
            assert_certain(found)
            assert found.count == count, (name, index)


def subdivided(values: FloatArray, parts: int) -> FloatArray:
    """Exactly, for small integers and a power of two."""
    shares = np.arange(parts) / parts
    between = values[:-1, None] + np.diff(values)[:, None] * shares
    return np.append(between.ravel(), values[-1])


@pytest.mark.parametrize("parts", [2, 64])
def test_collinear_points_change_nothing(parts: int) -> None:
    for index in range(150):
        x, y, tolerance = tie_prone(index, 40)
        more_x, more_y = subdivided(x, parts), subdivided(y, parts)
        for limit in (tolerance, 0.0):
            found = relufast.minimal_pieces(more_x, more_y, limit)
            assert_certain(found)
            assert found.count == relufast.minimal_pieces(x, y, limit).count, index


@pytest.mark.parametrize("index", [*range(9, 80), 299])
def test_no_vertex_is_passed_over_where_many_change_nothing(index: int) -> None:
    """Teeth leave one line, along one half, and flat stretches leave it as it is."""
    x = np.arange(300.0)
    y = np.full(300, 0.5)
    y[:7] = np.arange(7) % 2
    for touching, beyond in ((0.0, -(2.0**-60)), (1.0, np.nextafter(1.0, 2.0))):
        y[index] = touching
        assert relufast.minimal_pieces(x, y, 0.5).count == 1
        y[index] = beyond
        found = relufast.minimal_pieces(x, y, 0.5)
        assert_certain(found)
        assert found.count == 2


@pytest.mark.parametrize("kind", ["random", "integer", "walk", "high"])
def test_more_tolerance_never_needs_more_pieces(kind: str) -> None:
    x, y, _ = KINDS[kind](np.random.default_rng(SEED), 300)
    tolerances = [0.0, *np.geomspace(1e-9, 2.0 * np.ptp(y), 60)]
    counts = [relufast.minimal_pieces(x, y, tolerance).count for tolerance in tolerances]
    assert all(before >= after for before, after in pairwise(counts))
    assert counts[-1] == 1
    assert len(set(counts)) > 10


def test_half_the_range_needs_one_piece() -> None:
    for x, y, _ in cases("integer", 20):
        tolerance = float(np.ptp(y)) / 2
        assert relufast.minimal_pieces(x, y, tolerance).count == 1


def parabola(n: int) -> tuple[FloatArray, FloatArray]:
    x = np.arange(n + 1) / n
    return x, x * x


def pieces_of_parabola(n: int, tolerance: float) -> tuple[int, int]:
    """On [0, 1] pieces within t of x**2 are as long as sqrt(8 t).

    A polyline through n + 1 points of it is nowhere further away than 1 / (4 n**2).
    """
    least, most = tolerance - 0.25 / n**2, tolerance + 0.25 / n**2
    return math.ceil(1 / math.sqrt(8 * most)), math.ceil(1 / math.sqrt(8 * least))


@pytest.mark.parametrize(
    ("n", "tolerance"),
    [(500, 1e-2), (500, 1e-4), (2000, 1e-3), (2000, 1e-5)],
)
def test_pieces_of_a_parabola(n: int, tolerance: float) -> None:
    found = relufast.minimal_pieces(*parabola(n), tolerance)
    fewest, most = pieces_of_parabola(n, tolerance)
    assert_certain(found)
    assert fewest <= found.count <= most
    assert most < 1.1 * fewest + 1


# On a line over 0, 5, 9.
COLLINEAR = [-8204180908328482.0, 65517985086306088.0, 124495717882013744.0]


@pytest.mark.parametrize(
    ("x", "y", "vertices"),
    [
        ([0, 1], [0, 1], [0, 1]),
        ([0, 1, 2], [0, 1, 2], [0, 2]),
        ([0, 1, 2], [0, 1, 3], [0, 1, 2]),
        ([0, 1, 2, 3, 4, 5], [0, 0, 0, 1, 2, 2], [0, 2, 4, 5]),
        ([0, 1, 3], [0.1 * 0, 0.1 * 1, 0.1 * 3], [0, 1, 2]),
        ([0, 1, 2], [0.1, 0.2, 0.3], [0, 1, 2]),
        ([0, 1, 2, 4], [0.1 * 0, 0.1 * 1, 0.1 * 2, 0.1 * 4], [0, 3]),
        # equal slopes in float64
        ([0, 4, 8], [-1.1, -0.3, 0.5], [0, 1, 2]),
        # different slopes in float64
        ([0, 5, 9], COLLINEAR, [0, 2]),
        (COLLINEAR, [0, 5, 9], [0, 2]),
        ([0, 1, 2], [0.0, 5e-324, 1e-323], [0, 2]),
        ([0, 1, 2], [0.0, 5e-324, 0.0], [0, 1, 2]),
        ([0, 1, 2], [-1.7e308, 0.0, 1.7e308], [0, 2]),
        ([0, 1, 2], [-1.7e308, 1e292, 1.7e308], [0, 1, 2]),
        ([-1.7e308, 0.0, 1.7e308], [-1.0, 0.0, 1.0], [0, 2]),
        ([-1.7e308, 0.0, 1.7e308], [-1.0, 5e-324, 1.0], [0, 1, 2]),
    ],
)
@pytest.mark.parametrize("zero", [0, 0.0, -0.0])
def test_zero_merges_what_is_collinear(
    x: list[float], y: list[float], vertices: list[int], zero: float
) -> None:
    found = relufast.minimal_pieces(x, y, zero)
    assert_exact(found, np.array(x, dtype=float), np.array(y, dtype=float), 0.0)
    assert found.knots.tolist() == np.array(x, dtype=float)[vertices].tolist()
    assert found.values.tolist() == np.array(y, dtype=float)[vertices].tolist()
    assert found.deviation == 0.0
    assert found.exact_knots() == [(Fraction(x[i]), Fraction(y[i])) for i in vertices]


def test_examples_of_equal_slopes_are_what_they_say() -> None:
    def slopes(x: list[Any], y: list[Any]) -> tuple[Any, Any]:
        return (y[1] - y[0]) / (x[1] - x[0]), (y[2] - y[1]) / (x[2] - x[1])

    left, right = slopes([0, 4, 8], [-1.1, -0.3, 0.5])
    assert left == right
    left, right = slopes([0, 5, 9], COLLINEAR)
    assert left != right
    left, right = slopes([0, 5, 9], [Fraction(height) for height in COLLINEAR])
    assert left == right


def test_zero_agrees_with_exact_arithmetic() -> None:
    for kind in ("integer", "walk", "flat", "convex"):
        for x, y, _ in cases(kind, 20, salt=7):
            for factor in (1.0, 0.1, 1e-310, 1e306):
                found = relufast.minimal_pieces(x, y * factor, 0.0)
                assert_exact(found, x, y * factor, 0.0)
                assert_rounded(found, x, y * factor)


def test_long_chains_leave_decisions_open() -> None:
    x, y = parabola(100_000)
    found = relufast.minimal_pieces(x, y, 1e-10)
    assert not found.certified
    assert found.n_ambiguous > 0
    assert repr(found).endswith(f"within 1e-10, {found.n_ambiguous:,} decisions ambiguous)")
    assert found.knots.shape == (found.count + 1,)
    assert np.all(found.knots[1:] > found.knots[:-1])
    fewest, most = pieces_of_parabola(100_000, 1e-10)
    assert fewest <= found.count <= most
    with pytest.raises(RuntimeError, match="need more than 20,000 bits"):
        found.exact_knots()


def test_certified_counts_may_have_exact_knots_too_long() -> None:
    x, y = parabola(1000)
    found = relufast.minimal_pieces(x, y, 1e-10)
    assert_certain(found)
    with pytest.raises(RuntimeError, match="need more than 20,000 bits"):
        found.exact_knots()


def test_no_false_certificate_without_long_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    ties = [tie_prone(index, 60) for index in range(200)]
    counts = [relufast.minimal_pieces(*tie).count for tie in ties]
    monkeypatch.setattr(_exact_tube, "_LARGEST_BITS", 8)
    n_open = 0
    for tie, count in zip(ties, counts, strict=True):
        found = relufast.minimal_pieces(*tie)
        assert found.certified == (found.n_ambiguous == 0)
        if found.certified:
            assert found.count == count
        else:
            n_open += 1
    assert n_open > 0


@pytest.mark.parametrize("tolerance", [0.3, 2.0])
def test_a_million_knots(tolerance: float) -> None:
    n = 1_000_000
    rng = np.random.default_rng(SEED)
    x = np.cumsum(rng.uniform(0.5, 1.5, n))
    y = np.cumsum(rng.standard_normal(n))
    found = relufast.minimal_pieces(x, y, tolerance)
    assert_certain(found)
    assert found.deviation <= tolerance
    assert found.knots.shape == found.values.shape == (found.count + 1,)
    assert np.abs(found(x) - y).max() <= tolerance * (1 + 1e-12)
    assert np.abs(found.values - np.interp(found.knots, x, y)).max() <= tolerance * (1 + 1e-12)
    # In each part the pieces are at least as many as its own least, and one is shared at an end.
    bounds = np.linspace(0, n - 1, 6).astype(int)
    parts = sum(
        relufast.minimal_pieces(x[i : j + 1], y[i : j + 1], tolerance).count
        for i, j in pairwise(bounds)
    )
    assert parts - 4 <= found.count <= parts + 4


def test_a_million_teeth() -> None:
    x = np.arange(1_000_000, dtype=float)
    assert relufast.minimal_pieces(x, x % 2, 0.5).count == 1
    found = relufast.minimal_pieces(x[:300_000], x[:300_000] % 2, float(np.nextafter(0.5, 0.0)))
    assert_certain(found)
    assert found.count == 299_999


def test_call_interpolates() -> None:
    x, y, tolerance = random_knots(np.random.default_rng(SEED), 50)
    found = relufast.minimal_pieces(x, y, tolerance)
    assert found.count > 2
    points = np.linspace(x[0] - 2.0, x[-1] + 2.0, 120).reshape(4, 5, 6)
    np.testing.assert_array_equal(found(points), np.interp(points, found.knots, found.values))
    np.testing.assert_array_equal(found(found.knots), found.values)
    assert found(points).shape == points.shape
    assert float(found(x[0])) == found.values[0]
    with pytest.raises(TypeError, match="x has dtype complex128"):
        found([1j])
    with pytest.raises(ValueError, match="must be finite"):
        found([math.nan])


@pytest.mark.parametrize("tolerance", [0.0, 0.3])
def test_results_are_read_only_and_not_the_input(tolerance: float) -> None:
    x, y = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.0])
    found = relufast.minimal_pieces(x, y, tolerance)
    for array in (found.knots, found.values):
        assert array.dtype == np.float64
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5.0
    with pytest.raises(AttributeError):
        found.count = 3  # type: ignore[misc]
    assert x.flags.writeable
    assert y.flags.writeable
    assert not np.shares_memory(found.values, y)


def test_exact_knots_are_those_of_the_points_that_were_given() -> None:
    x, y = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.0])
    found = relufast.minimal_pieces(x, y, 0.25)
    before = found.exact_knots()
    y[1] = 2.0
    assert found.exact_knots() == before


def test_repr() -> None:
    x = np.arange(2001, dtype=float)
    assert repr(relufast.minimal_pieces(x, x % 2, 0.25)) == (
        "MinimalPieces(2,000 within 0.25, certified)"
    )


GAUSSIAN = relufast.Network.random((1, 30, 30, 1), bias_variance=0.25, seed=3)
TOLERANCES = [0.3, 0.03, 0.003, 0.0003]


def polyline_of(found: relufast.Breakpoints) -> tuple[FloatArray, FloatArray]:
    x = np.unique(np.concatenate([found.interval, found.positions[found.reaches_output]]))
    return x, found.function(x)[:, 0]


def test_sparsity_compares_used_with_minimal() -> None:
    found = relufast.region_sparsity(GAUSSIAN, (-2.0, 2.0), TOLERANCES)
    of_network = relufast.breakpoints(GAUSSIAN, (-2.0, 2.0))
    assert found.used == of_network.n_output_regions
    np.testing.assert_array_equal(found.breakpoints.positions, of_network.positions)
    x, y = polyline_of(of_network)
    minimal = [relufast.minimal_pieces(x, y, tolerance).count for tolerance in TOLERANCES]
    assert found.minimal.tolist() == minimal
    assert found.minimal.dtype == np.int64
    assert minimal[0] < minimal[-1]
    assert found.tolerances.tolist() == TOLERANCES
    np.testing.assert_array_equal(found.ratio, found.used / found.minimal)
    assert np.all(found.ratio >= 1.0)
    assert found.certified
    assert found.n_ambiguous == 0
    assert repr(found) == (
        f"RegionSparsity({found.used} used, {minimal[0]} to {minimal[-1]} minimal, certified)"
    )
    for array in (found.tolerances, found.minimal, found.ratio):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5


def test_sparsity_leaves_the_tolerances_of_the_caller_alone() -> None:
    tolerances = np.array(TOLERANCES)
    relufast.region_sparsity(GAUSSIAN, (-2.0, 2.0), tolerances)
    tolerances[0] = 1.0


def test_sparsity_is_at_least_one() -> None:
    for seed in range(120):
        network = relufast.Network.random((1, 8, 8, 8, 1), bias_variance=0.25, seed=seed)
        found = relufast.region_sparsity(network, (-3.0, 3.0), [1e-300, 1e-15, 1e-3])
        assert np.all(found.ratio >= 1.0), (seed, found.used, found.minimal)


def test_relative_tolerances_are_in_units_of_half_the_range() -> None:
    of_network = relufast.breakpoints(GAUSSIAN, (-2.0, 2.0))
    _, y = polyline_of(of_network)
    half = np.ptp(y) / 2
    shares = [1e-4, 1e-2, 0.1, 1.001]
    found = relufast.region_sparsity(GAUSSIAN, (-2.0, 2.0), shares, relative=True)
    absolute = relufast.region_sparsity(GAUSSIAN, (-2.0, 2.0), half * np.array(shares))
    np.testing.assert_allclose(found.tolerances, absolute.tolerances, rtol=1e-15)
    assert found.minimal.tolist() == absolute.minimal.tolist()
    assert found.minimal[0] > found.minimal[2] > 1
    assert found.minimal[-1] == 1


def test_relative_tolerances_of_a_constant() -> None:
    network = relufast.Network([[[1.0], [1.0]], [[1.0, -1.0]]], [[0.0, 0.0], [0.5]])
    found = relufast.region_sparsity(network, (-1.0, 1.0), [0.1, 0.2], relative=True)
    assert found.used == 1
    assert found.minimal.tolist() == [1, 1]
    assert found.ratio.tolist() == [1.0, 1.0]


def interpolated_square(n: int) -> relufast.Network:
    """x**2 at 0, 1/n, ..., 1, and affine in between."""
    steps = np.full((1, n), 2.0 / n)
    steps[0, 0] = 1.0 / n
    return relufast.Network([np.ones((n, 1)), steps], [-np.arange(n) / n, np.zeros(1)])


def test_sparsity_of_a_parabola_grows_like_the_root_of_the_tolerance() -> None:
    minimal = 2 ** np.arange(1, 6)
    tolerances = 1.01 / (8.0 * minimal**2)
    found = relufast.region_sparsity(interpolated_square(1024), (0.0, 1.0), tolerances)
    assert found.used == 1024
    assert found.minimal.tolist() == minimal.tolist()
    assert found.growth_exponent == pytest.approx(0.5, abs=1e-12)
    assert found.growth_exponent_error == pytest.approx(0.0, abs=1e-12)


def test_growth_exponent_is_a_fit_by_least_squares() -> None:
    found = relufast.region_sparsity(GAUSSIAN, (-2.0, 2.0), np.geomspace(1e-4, 1e-1, 9))
    (slope, _), covariance = np.polyfit(np.log(found.tolerances), np.log(found.ratio), 1, cov=True)
    assert found.growth_exponent == pytest.approx(slope, rel=1e-9)
    assert found.growth_exponent_error == pytest.approx(math.sqrt(covariance[0, 0]), rel=1e-9)
    assert found.growth_exponent_error > 1e-3


@pytest.mark.parametrize(
    ("tolerances", "has_slope", "has_error"),
    [
        ([0.1], False, False),
        ([0.1, 0.1, 0.1], False, False),
        ([0.1, 0.01], True, False),
        ([0.1, 0.01, 0.001], True, True),
    ],
)
def test_growth_exponent_needs_tolerances(
    tolerances: list[float], has_slope: bool, has_error: bool
) -> None:
    found = relufast.region_sparsity(GAUSSIAN, (-2.0, 2.0), tolerances)
    assert math.isnan(found.growth_exponent) != has_slope
    assert math.isnan(found.growth_exponent_error) != has_error


def test_sparsity_of_each_output() -> None:
    network = relufast.Network.random((1, 12, 12, 3), bias_variance=0.25, seed=5)
    rows = []
    for output in range(3):
        found = relufast.region_sparsity(network, (-2.0, 2.0), TOLERANCES, output=np.int64(output))
        alone = relufast.Network(
            [*network.weights[:-1], network.weights[-1][output : output + 1]],
            [*network.biases[:-1], network.biases[-1][output : output + 1]],
        )
        of_network = relufast.breakpoints(alone, (-2.0, 2.0))
        x, y = polyline_of(of_network)
        assert found.used == of_network.n_output_regions
        assert found.breakpoints.network.widths == (1, 12, 12, 1)
        assert found.minimal.tolist() == [
            relufast.minimal_pieces(x, y, tolerance).count for tolerance in TOLERANCES
        ]
        rows.append(found.minimal.tolist())
    assert len({tuple(row) for row in rows}) == 3
    assert network.widths == (1, 12, 12, 3)


def test_an_output_that_uses_less_has_fewer_pieces() -> None:
    """The first output bends at one half alone, the second everywhere."""
    first = np.ones((4, 1)), np.array([-0.2, -0.4, -0.5, -0.8])
    network = relufast.Network(
        [first[0], [[0.0, 0.0, 1.0, 0.0], [1.0, 2.0, 3.0, 4.0]]], [first[1], [0.0, 0.0]]
    )
    used = [
        relufast.region_sparsity(network, (0.0, 1.0), [1e-6], output=output).used
        for output in (0, 1)
    ]
    assert used == [2, 5]


def test_sparsity_along_a_segment() -> None:
    network = relufast.Network.random((3, 20, 20, 1), bias_variance=0.25, seed=2)
    start, stop = [-1.0, 2.0, 0.5], [2.0, -1.0, 1.0]
    found = relufast.region_sparsity(network, None, TOLERANCES, start=start, stop=stop)
    of_network = relufast.breakpoints(network, start=start, stop=stop)
    x, y = polyline_of(of_network)
    assert found.breakpoints.interval == (0.0, 1.0)
    assert found.used == of_network.n_output_regions
    assert found.used > 2
    assert found.minimal.tolist() == [
        relufast.minimal_pieces(x, y, tolerance).count for tolerance in TOLERANCES
    ]


def test_breakpoints_are_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("relufast.region_sparsity")
    find = module.breakpoints
    calls = []

    def counted(*arguments: Any, **keywords: Any) -> relufast.Breakpoints:
        calls.append(keywords["n_threads"])
        found: relufast.Breakpoints = find(*arguments, **keywords)
        return found

    monkeypatch.setattr(module, "breakpoints", counted)
    relufast.region_sparsity(GAUSSIAN, (-2.0, 2.0), np.geomspace(1e-4, 1.0, 20), n_threads=1)
    assert calls == [1]


def test_open_decisions_of_both_counts_are_added(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("relufast.region_sparsity")
    monkeypatch.setattr(module, "count_minimal_pieces", lambda x, y, tolerance: (1, 7))
    found = relufast.region_sparsity(GAUSSIAN, (-2.0, 2.0), [0.1, 0.2, 0.3])
    assert not found.certified
    assert found.n_ambiguous == 21
    assert repr(found).endswith("used, 1 to 1 minimal, 21 decisions ambiguous)")
