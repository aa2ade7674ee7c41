"""ReLU singular values against definitions, grids, exact cases and their own bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from singular_values_oracle import FloatArray, circle, largest_error, least_on_grid, sphere

import relufast
from relufast import _core
from relufast._blas import single_threaded

EPS = 2.0**-52


def gaussian(m: int, n: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng([m, n, seed]).standard_normal((m, n))


def check_result(result: relufast.ReLUSingularValues, A: FloatArray) -> None:
    """What holds for every result."""
    m, n = A.shape
    sigma = np.append(np.linalg.svd(A, compute_uv=False), 0.0)
    scale = sigma[0]
    assert result.linear == pytest.approx(sigma[list(result.ks)], abs=1e-13 * scale)
    assert (np.diff(result.upper) <= 0.0).all()
    assert (np.diff(result.bound) <= 0.0).all()
    assert len(result.fits) == len(result.ks) == len(result.upper)
    for k, fit in zip(result.ks, result.fits, strict=True):
        assert fit.W.shape == (m, k)
        assert fit.M.shape == (k, n)
        assert not fit.W.flags.writeable


SPHERE_CASES = {
    "1 x 1": gaussian(1, 1),
    "4 x 1": gaussian(4, 1),
    "1 x 4": gaussian(1, 4),
    "2 x 2": gaussian(2, 2),
    "3 x 2": gaussian(3, 2),
    "3 x 3": gaussian(3, 3),
    "2 x 3": gaussian(2, 3),
    "4 x 4": gaussian(4, 4),
    "of rank 2": gaussian(4, 2) @ gaussian(2, 4),
    "rows and their negatives": np.vstack([gaussian(2, 3), -gaussian(2, 3)]),
    "zero": np.zeros((3, 2)),
    "repeated rows": np.repeat(gaussian(2, 3), 2, axis=0),
    "identity": np.eye(3),
}


@pytest.mark.parametrize("A", SPHERE_CASES.values(), ids=SPHERE_CASES)
def test_on_the_sphere(A: FloatArray) -> None:
    result = relufast.relu_singular_values(A, rtol=0.01)
    check_result(result, A)
    scale = result.linear[0] + 1e-300
    assert result.ks == tuple(range(min(A.shape) + 1))
    # The bracket, from which no fit can escape.
    assert (result.lower <= result.upper + 1e-12 * scale).all()
    assert (result.upper <= result.linear + 1e-12 * scale).all()
    assert (result.bound >= result.lower - 1e-12 * scale).all()
    assert not result.too_sparse.any()
    assert result.radius == 1.0
    X = sphere(3000, A.shape[1], seed=5)
    for fit, upper in zip(result.fits, result.upper, strict=True):
        # Up to 4 dimensions proven, to rtol.
        assert largest_error(A, fit.W @ fit.M, X) <= 1.01 * upper + 1e-12 * scale
    assert result.upper[-1] == result.bound[-1] == 0.0


@pytest.mark.parametrize(("m", "n"), [(4, 4), (6, 3), (3, 7), (20, 20)])
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("objective", ["max", "squares"])
def test_at_points(m: int, n: int, with_bias: bool, objective: str) -> None:
    A, X = gaussian(m, n), 2.0 * gaussian(300, n, seed=1)
    bias = gaussian(m, 1, seed=2)[:, 0] if with_bias else None
    ks = [0, 1, min(m, n) - 1]
    result = relufast.relu_singular_values(A, bias, X, ks=ks, objective=objective)
    check_result(result, A)
    assert result.radius == pytest.approx(np.linalg.norm(X, axis=1).max())
    assert np.isnan(result.lower).all() == with_bias
    assert np.array_equal(result.upper, result.bound)
    assert result.converged.all()
    left, values, right = np.linalg.svd(A)
    for k, fit, upper in zip(ks, result.fits, result.upper, strict=True):
        largest = largest_error(A, fit.W @ fit.M, X, 0.0 if bias is None else bias)
        # Rounding is bounded by norms, of outputs that may be far larger than errors.
        sizes = np.linalg.norm(A) + np.linalg.norm(fit.W) * np.linalg.norm(fit.M) + 20.0
        rounding = 2.0 * EPS * ((n + k + 4) * result.radius * sizes + (m + 8) * largest)
        assert largest <= upper <= largest + rounding
        linear = (left[:, :k] * values[:k]) @ right[:k]
        if objective == "max":
            truncated = largest_error(A, linear, X, 0.0 if bias is None else bias)
            assert upper <= truncated * (1.0 + 1e-12)
            # These are far from minima: what a fit finds is a good deal smaller.
            assert k == 0 or upper < 0.99 * truncated


def test_upper_is_an_upper_bound_with_all_rounding() -> None:
    from fractions import Fraction

    A, X = gaussian(3, 3), gaussian(20, 3, seed=1)
    result = relufast.relu_singular_values(A, None, X)
    for fit, upper in zip(result.fits, result.upper, strict=True):
        W, M = ([[Fraction(v) for v in row] for row in part.tolist()] for part in (fit.W, fit.M))
        L = [
            [sum((w * M[k][j] for k, w in enumerate(row)), Fraction(0)) for j in range(3)]
            for row in W
        ]
        for x in X.tolist():
            square = Fraction(0)
            for a, row in zip(A.tolist(), L, strict=True):
                exact = [
                    sum((Fraction(c) * Fraction(v) for c, v in zip(r, x, strict=True)), Fraction(0))
                    for r in (a, row)
                ]
                square += (max(exact[0], Fraction(0)) - max(exact[1], Fraction(0))) ** 2
            assert square <= Fraction(float(upper)) ** 2


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_of_rank_one_against_all_on_a_grid(seed: int) -> None:
    A = gaussian(2, 2, seed)
    X = circle(180)
    result = relufast.relu_singular_values(A, None, X, ks=1, n_starts=4)
    reach = 1.5 * float(np.linalg.norm(A, 2))
    step = 0.02 * reach
    grid = least_on_grid(A, X, reach, step)
    # Some point of the grid is within a step, in each factor and the angle, of the best L: its
    # largest error is larger by 1.1 (2 ** 0.5 * step / 2 + reach * step) at the most, but the fit,
    # which does not go by steps, is never worse than the best one of the grid.
    assert result.upper[0] <= grid * 1.005
    assert result.upper[0] >= grid - 1.1 * (step + 2.0 * reach * step)


def test_one_output_at_two_points() -> None:
    # 1 x n: rank 0 is L = 0, so that s_0 is the largest output; rank 1 is A itself.
    result = relufast.relu_singular_values([[3.0, -4.0]])
    assert result.upper == pytest.approx([5.0, 0.0], rel=1e-6)


def test_lower_bound_is_tight() -> None:
    result = relufast.relu_singular_values([[1.0], [-1.0]])
    assert result.upper == pytest.approx([1.0, 0.0], rel=1e-12)
    assert result.lower == pytest.approx([1.0, 0.0])
    assert result.linear == pytest.approx([math.sqrt(2.0), 0.0])


def test_of_a_diagonal_matrix() -> None:
    # On the axes' directions where all outputs are positive relu does nothing, and s_0 is |A|.
    result = relufast.relu_singular_values(np.diag([3.0, 2.0, 0.5]), rtol=1e-3)
    assert result.upper[0] == pytest.approx(3.0, rel=2e-3)
    assert (result.lower <= result.upper).all()
    assert result.bound[0] >= 3.0


def test_known_norm_of_rank_zero() -> None:
    # s_0 is the largest |relu(A x)|, for A = [I; -I] that of x itself, 1, and not |A| = sqrt(2).
    A = np.vstack([np.eye(4), -np.eye(4)])
    result = relufast.relu_singular_values(A, ks=0, rtol=1e-3)
    assert result.upper[0] == pytest.approx(1.0, rel=1e-3)
    assert 1.0 <= result.bound[0] <= 1.0 + 2e-3


@pytest.mark.parametrize("shape", [(3, 2), (4, 3), (5, 4)])
def test_branch_and_bound_is_never_exceeded(shape: tuple[int, int]) -> None:
    m, n = shape
    for seed in range(5):
        A, L = gaussian(m, n, seed), gaussian(m, n, seed + 100)
        L = A + 0.3 * L if seed % 2 else L
        upper, reached, _, _, tight = _core.bound_on_sphere(A, L, 0.0, 0.01, 3_000_000)
        assert tight
        assert reached <= upper <= 1.0201 * reached
        assert largest_error(A, L, sphere(4000, n, seed)) ** 2 <= upper
        climbed, squares = _core.ascend_on_sphere(A, L, sphere(50, n, seed), 0, 1)
        assert squares.max() <= upper * (1.0 + 1e-12)
        # Climbs from 50 points find the largest maximum of so few dimensions.
        assert squares.max() >= reached
        assert np.linalg.norm(climbed, axis=1) == pytest.approx(1.0)
        assert largest_error(A, L, climbed) ** 2 == pytest.approx(squares.max())


def test_branch_and_bound_stops_with_a_bound() -> None:
    A, L = gaussian(4, 4), gaussian(4, 4, 1)
    upper, _, _, n_cells, tight = _core.bound_on_sphere(A, L, 0.0, 1e-6, 500)
    assert not tight
    assert n_cells <= 510
    assert largest_error(A, L, sphere(4000, 4, 0)) ** 2 <= upper


def test_climbs_never_descend() -> None:
    A, L, X = gaussian(30, 12), gaussian(30, 12, 1), sphere(20, 12, 0)
    _, squares = _core.ascend_on_sphere(A, L, X, 0, 2)
    for x, square in zip(X, squares, strict=True):
        assert largest_error(A, L, x[np.newaxis]) ** 2 <= square


@pytest.mark.parametrize("log2_q", [0, 2, 6])
def test_a_fit_is_a_minimum_of_its_power_sum(log2_q: int) -> None:
    A, X = gaussian(3, 3), gaussian(50, 3, 1)
    errors = _core.LayerErrors(A, np.zeros(3), X)

    def power_sum(W: FloatArray, M: FloatArray) -> float:
        squares = errors.squares(np.ascontiguousarray(W @ M), 1)
        q = 2.0**log2_q
        return float(np.log(np.sum((squares / squares.max()) ** q)) / q + np.log(squares.max()))

    with single_threaded():
        W, M, _, _ = errors.fit(gaussian(3, 2, 5), gaussian(2, 3, 6), log2_q, log2_q, 5000, 1)
        least = power_sum(W, M)
        random = np.random.default_rng(0)
        for _ in range(200):
            step = 0.02 * random.standard_normal((2, 3, 2))
            assert power_sum(W + step[0], M + step[1].T) >= least - 0.02 * 2.0**-log2_q


def test_squares_find_the_least_sum() -> None:
    A, X = gaussian(5, 5), gaussian(400, 5, 1)

    def sums(result: relufast.ReLUSingularValues) -> float:
        fit = result.fits[0]
        differences = np.maximum(X @ A.T, 0.0) - np.maximum(X @ (fit.W @ fit.M).T, 0.0)
        return float(np.square(differences).sum())

    by_max = relufast.relu_singular_values(A, None, X, ks=2)
    by_squares = relufast.relu_singular_values(A, None, X, ks=2, objective="squares")
    assert sums(by_squares) < sums(by_max)
    assert by_max.upper[0] < by_squares.upper[0]
    assert by_squares.objective == "squares"


def test_sparse_points_are_found_out() -> None:
    A = gaussian(20, 20)
    few = relufast.relu_singular_values(A, None, sphere(60, 20, 0), ks=[5, 10])
    assert few.too_sparse.all()
    assert not relufast.relu_singular_values(A, ks=19, rtol=0.02).too_sparse.any()


def test_warm_starts_and_random_starts_do_not_harm() -> None:
    A, X = gaussian(4, 4, 3), sphere(500, 4, 0)
    one = relufast.relu_singular_values(A, None, X, ks=2)
    more = relufast.relu_singular_values(A, None, X, ks=2, n_starts=5)
    assert more.upper[0] <= one.upper[0]


@pytest.mark.parametrize("exponent", [-400, -1, 3, 400])
def test_scales_with_powers_of_two(exponent: int) -> None:
    A, X = gaussian(4, 3), gaussian(50, 3, 1)
    factor = 2.0**exponent
    for one, other in [
        (relufast.relu_singular_values(A), relufast.relu_singular_values(factor * A)),
        (
            relufast.relu_singular_values(A, None, X),
            relufast.relu_singular_values(A, None, factor * X),
        ),
    ]:
        assert np.array_equal(factor * one.upper, other.upper)
        assert np.array_equal(factor * one.lower, other.lower)
        assert np.array_equal(factor * one.bound, other.bound)


def test_a_given_sample_of_the_sphere_is_refined() -> None:
    A, X = gaussian(3, 3), sphere(40, 3, 0)
    coarse = relufast.relu_singular_values(A, None, X)
    refined = relufast.relu_singular_values(A, X=X.astype(np.float32), refine=True)
    assert refined.n_points > 40 == coarse.n_points
    assert (refined.upper[:-1] > coarse.upper[:-1]).all()
    sample = relufast.relu_singular_values(A, refine=False, n_points=40)
    assert sample.n_points == 40


def test_same_bits_for_any_number_of_threads_and_a_seed() -> None:
    def numbers(**options: Any) -> list[bytes]:
        results = [
            relufast.relu_singular_values(gaussian(4, 4), ks=[1, 2], rtol=0.01, **options),
            relufast.relu_singular_values(
                gaussian(60, 40), None, gaussian(5000, 40, 1), ks=[3], rtol=0.1, **options
            ),
        ]
        return [
            array.tobytes()
            for result in results
            for array in (result.upper, result.bound, *(fit.W for fit in result.fits))
        ]

    one = numbers(n_threads=1)
    assert numbers(n_threads=2) == one
    assert numbers(n_threads=7) == one
    assert numbers(n_threads=1, seed=1) != one


def test_progress_is_told_by_rank() -> None:
    seen: list[relufast.SingularValueProgress] = []
    result = relufast.relu_singular_values(gaussian(3, 3), progress=seen.append, rtol=0.01)
    assert [step.k for step in seen] == [0, 1, 2, 3]
    assert [step.n_done for step in seen] == [1, 2, 3, 4]
    assert [step.upper for step in seen] == result.upper.tolist()
    assert seen[0].n_ranks == 4


@pytest.mark.parametrize(
    "change", [np.asfortranarray, lambda A: A[::-1][::-1], lambda A: A.tolist()]
)
def test_takes_any_layout(change: Any) -> None:
    A, X = gaussian(4, 3), gaussian(30, 3, 1)
    expected = relufast.relu_singular_values(A, None, X)
    found = relufast.relu_singular_values(change(A), None, change(X))
    assert np.array_equal(found.upper, expected.upper)
    small = relufast.relu_singular_values(A.astype(np.float32), None, X.astype(np.float32))
    assert small.upper == pytest.approx(expected.upper, rel=0.05)
