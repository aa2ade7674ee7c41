"""Effective dimensions against singular values in sixty digits, and structural rank by force."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray

import relufast

Array = NDArray[np.float64]

MEASURES = {
    "effective_rank": relufast.effective_rank,
    "stable_rank": relufast.stable_rank,
    "participation_ratio": relufast.participation_ratio,
}
# What the docstrings state for matrices far larger than the references here.
ACCURACY = {"effective_rank": 1e-12, "stable_rank": 1e-13, "participation_ratio": 1e-13}

measures = pytest.mark.parametrize("name", MEASURES)


def by_definition(singular_values: list[Any]) -> dict[str, Any]:
    """The three measures, from positive numbers of any type that mpmath takes."""
    s = [mpmath.mpf(value) for value in singular_values if value > 0]
    total, squares = mpmath.fsum(s), mpmath.fsum(x**2 for x in s)
    return {
        "effective_rank": mpmath.exp(-mpmath.fsum(x / total * mpmath.log(x / total) for x in s)),
        "stable_rank": squares / max(s) ** 2,
        "participation_ratio": squares**2 / mpmath.fsum(x**4 for x in s),
    }


def exact_singular_values(A: Array, centered: bool) -> list[Any]:
    with mpmath.workdps(60):
        matrix = mpmath.matrix(A.tolist())
        if centered:
            for j in range(matrix.cols):
                mean = mpmath.fsum(matrix[:, j]) / matrix.rows
                for i in range(matrix.rows):
                    matrix[i, j] -= mean
        return list(mpmath.svd_r(matrix, compute_uv=False))


FAMILIES: dict[str, Callable[[np.random.Generator, int, int], Array]] = {
    "gaussian": lambda rng, m, n: rng.standard_normal((m, n)),
    "rank one": lambda rng, m, n: np.outer(rng.integers(1, 9, m), rng.integers(-9, 9, n) * 2 + 1),
    "graded": lambda rng, m, n: rng.standard_normal((m, n)) * 10.0 ** rng.integers(-12, 12, n),
    "far from zero": lambda rng, m, n: 1e6 + rng.standard_normal((m, n)),
    "relu": lambda rng, m, n: np.maximum(rng.standard_normal((m, n)), 0.0),
    "near equal rows": lambda rng, m, n: 1.0 + 1e-12 * rng.standard_normal((m, n)),
}


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_measures_follow_their_definitions(family: str, centered: bool) -> None:
    rng = np.random.default_rng(list(FAMILIES).index(family))
    for exponent in (0, 0, 0, 900, -950):
        m, n = rng.integers(2, 13, 2).tolist()
        A = FAMILIES[family](rng, m, n) * 2.0**exponent
        if not A.any():
            continue
        with mpmath.workdps(60):
            expected = by_definition(exact_singular_values(A, centered))
            for name, measure in MEASURES.items():
                value = measure(A, centered=centered)
                assert abs(value / expected[name] - 1) < ACCURACY[name], (name, A)


@pytest.mark.parametrize("shape", [(1000, 1000), (1000, 200), (200, 1000)])
def test_large_matrices_have_the_stated_accuracy(shape: tuple[int, int]) -> None:
    """Known singular values between Householder reflections, of which each costs a rounding."""
    rng = np.random.default_rng(3)
    k = min(shape)
    for s in (
        np.ones(k),
        0.9 ** np.arange(k),
        np.r_[np.ones(7), np.zeros(k - 7)],
        1 + rng.random(k),
    ):
        A = np.zeros(shape)
        A[np.arange(k), np.arange(k)] = s
        for side in (0, 1):
            u = rng.integers(-3, 4, A.shape[side]).astype(float)
            u[0] = 1.0
            B = A if side == 0 else A.T
            B -= np.outer(u, (2.0 / (u @ u)) * (u @ B))
        expected = by_definition(s.tolist())
        for name, measure in MEASURES.items():
            assert abs(measure(A) / float(expected[name]) - 1) < ACCURACY[name], name


@measures
def test_equal_singular_values_count(name: str) -> None:
    for rank in (1, 3, 7):
        A = np.zeros((9, 7))
        A[np.arange(rank), np.arange(rank)] = 0.3
        assert MEASURES[name](A) == pytest.approx(rank, rel=1e-14)


@measures
@pytest.mark.parametrize("centered", [False, True])
def test_nothing_is_zero(name: str, centered: bool) -> None:
    for shape in [(0, 0), (0, 3), (3, 0), (1, 1), (4, 3)]:
        value = MEASURES[name](np.zeros(shape), centered=centered)
        assert type(value) is float
        assert value == 0.0
    # Rows that are equal have no spread, in spite of a mean that float64 must round.
    row = np.array([[0.1, 1e308, -1.7976931348623157e308, 5e-324, 1 / 3]])
    assert MEASURES[name](np.repeat(row, 7, axis=0), centered=True) == 0.0
    assert MEASURES[name](row, centered=True) == 0.0
    assert MEASURES[name](row) >= 1.0


@measures
def test_powers_of_two_do_not_matter(name: str) -> None:
    A = np.random.default_rng(5).integers(-8, 9, (6, 5)).astype(float)
    for centered in (False, True):
        expected = MEASURES[name](A, centered=centered)
        for exponent in (-1074, -1050, -540, 540, 1000, 1020):
            assert MEASURES[name](np.ldexp(A, exponent), centered=centered) == expected


@measures
def test_largest_numbers_do_not_overflow(name: str) -> None:
    top = np.finfo(np.float64).max
    assert MEASURES[name]([[top, 0.0], [0.0, -top]]) == pytest.approx(2.0, rel=1e-15)
    # Two rows are of rank one when centred.
    for A in ([[top, 1.0], [-top, 1.0]], [[top, top], [-top, -top]]):
        assert MEASURES[name](A, centered=True) == pytest.approx(1.0, rel=1e-15)


@measures
def test_a_constant_column_does_not_matter_when_centered(name: str) -> None:
    A = np.random.default_rng(6).standard_normal((8, 4))
    expected = MEASURES[name](A, centered=True)
    for constant in (1.0, 1e17, 1e300):
        widened = np.column_stack([np.full(8, constant), A])
        assert MEASURES[name](widened, centered=True) == pytest.approx(expected, rel=1e-13)


@measures
def test_centering_is_over_rows(name: str) -> None:
    A = np.array([[1.0, 5.0], [1.0, 7.0]])
    assert MEASURES[name](A, centered=True) == pytest.approx(1.0, rel=1e-15)
    rng = np.random.default_rng(7)
    B = rng.standard_normal((9, 4)) + 3.0
    assert MEASURES[name](B, centered=True) == pytest.approx(MEASURES[name](B - B.mean(axis=0)))
    assert abs(MEASURES[name](B, centered=True) - MEASURES[name](B)) > 0.1


@measures
def test_the_transpose_has_the_same(name: str) -> None:
    A = np.random.default_rng(8).standard_normal((20, 6))
    assert MEASURES[name](A.T) == pytest.approx(MEASURES[name](A), rel=1e-14)


def test_they_are_ordered() -> None:
    """1 <= stable rank <= participation ratio <= rank, and effective rank <= rank."""
    rng = np.random.default_rng(9)
    for _ in range(30):
        m, n = rng.integers(1, 9, 2)
        A = rng.standard_normal((m, n)) * rng.exponential(size=n) ** 3
        effective, stable, shared = (f(A) for f in MEASURES.values())
        assert 1.0 <= stable <= shared * (1 + 1e-14)
        assert shared <= min(m, n)
        assert 1.0 <= effective <= min(m, n)


# ---- Structural rank ----


def largest_matching(pattern: NDArray[np.bool_]) -> int:
    """By trying all assignments of columns to rows."""
    if pattern.shape[0] > pattern.shape[1]:
        pattern = pattern.T
    m, n = pattern.shape
    return max(
        sum(bool(pattern[i, j]) for i, j in enumerate(columns))
        for columns in itertools.permutations(range(n), m)
    )


def test_structural_rank_by_force() -> None:
    rng = np.random.default_rng(11)
    for _ in range(200):
        m, n = rng.integers(1, 7, 2)
        pattern = rng.random((m, n)) < rng.choice([0.1, 0.2, 0.4, 0.8])
        found = relufast.structural_rank(pattern)
        assert type(found) is int
        assert found == largest_matching(pattern)


@pytest.mark.parametrize("n", [1, 50, 400])
def test_structural_rank_of_known_patterns(n: int) -> None:
    assert relufast.structural_rank(np.eye(n, dtype=bool)) == n
    assert relufast.structural_rank(np.zeros((n, n + 2), dtype=bool)) == 0
    assert relufast.structural_rank(np.ones((n, n + 2), dtype=bool)) == n
    staircase = np.tri(n, n, -1, dtype=bool)
    assert relufast.structural_rank(staircase) == n - 1
    cross = np.zeros((n, n), dtype=bool)
    cross[0] = cross[:, 0] = True
    assert relufast.structural_rank(cross) == min(n, 2)


def test_structural_rank_is_the_rank_of_almost_all_values() -> None:
    rng = np.random.default_rng(12)
    for _ in range(20):
        pattern = rng.random((30, 25)) < 0.06
        A = np.where(pattern, rng.standard_normal(pattern.shape), 0.0)
        assert relufast.structural_rank(pattern) == np.linalg.matrix_rank(A)


def test_structural_rank_takes_any_layout() -> None:
    pattern = np.random.default_rng(13).random((12, 9)) < 0.15
    expected = relufast.structural_rank(pattern)
    wide = np.zeros((24, 27), dtype=bool)
    wide[::2, ::3] = pattern
    for same in (pattern.tolist(), np.asfortranarray(pattern), wide[::2, ::3], pattern[::-1, ::-1]):
        assert relufast.structural_rank(same) == expected
    assert relufast.structural_rank(np.zeros((0, 3), dtype=bool)) == 0
    assert relufast.structural_rank(np.zeros((3, 0), dtype=bool)) == 0
