"""Arc-cosine kernels against mpmath, and their products against their matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arc_cosine_oracle import FloatArray, angle_function, kernel_matrix

import relufast
from relufast import _core

EPS = 2.0**-52


def cosines() -> FloatArray:
    """All over [-1, 1], and ever nearer to -1, 0 and 1."""
    random = np.random.default_rng(1)
    near = 10.0 ** -random.uniform(0.0, 17.0, 600)
    steps = np.arange(9) * 2.0**-53
    special = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 5e-324, -5e-324, 1e-300]
    return np.concatenate(
        [
            random.uniform(-1.0, 1.0, 3000),
            np.linspace(0.5, 1.0, 500),
            near,
            -near,
            1.0 - near,
            near - 1.0,
            1.0 - steps,
            steps - 1.0,
            special,
        ]
    )


@pytest.mark.parametrize("degree", [0, 1])
def test_angle_function_errs_by_less_than_4_eps(degree: int) -> None:
    at = cosines()
    found = _core.arc_cosine(at, degree)
    errors = [
        abs(float(angle_function(c, degree) - value))
        for c, value in zip(at.tolist(), found.tolist(), strict=True)
    ]
    assert max(errors) < 4.0 * EPS


def test_angle_function_keeps_its_digits_near_minus_one() -> None:
    # There it vanishes like z^1.5, and the error is relative to that.
    z = 2.0 ** -np.arange(1.0, 53.0)
    found = _core.arc_cosine(z - 1.0, 1)
    for c, value in zip((z - 1.0).tolist(), found.tolist(), strict=True):
        assert value == pytest.approx(float(angle_function(c, 1)), rel=8 * EPS)


@pytest.mark.parametrize("degree", [0, 1])
def test_cosines_beyond_one_count_as_one(degree: int) -> None:
    beyond = [1.0 + EPS, 1.0 + 1e-9, -1.0 - EPS, -1.0 - 1e-9]
    assert _core.arc_cosine(beyond, degree).tolist() == [math.pi, math.pi, 0.0, 0.0]
    assert math.isnan(_core.arc_cosine([math.nan], degree)[0])


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 7, 8, 9, 17])
@pytest.mark.parametrize("degree", [0, 1])
def test_angle_function_of_any_number_of_cosines(count: int, degree: int) -> None:
    # A loop's last entries take another path than those that fill a register.
    at = np.random.default_rng(count).uniform(-1.0, 1.0, count)
    expected = [float(angle_function(c, degree)) for c in at.tolist()]
    assert _core.arc_cosine(at, degree) == pytest.approx(expected, rel=0.0, abs=4.0 * EPS)


KINDS = {
    "Gaussian": np.random.default_rng(2).standard_normal((9, 4)),
    "one dimension": np.array([[1.0], [-2.0], [0.5], [0.0], [3.0]]),
    "all sizes": np.random.default_rng(3).standard_normal((8, 3))
    * 10.0 ** np.arange(-160, 160, 40.0)[:, np.newaxis],
    "subnormal": np.array([[5e-324, 0.0], [1e-310, 2e-310], [1.0, 1.0]]),
    "zero and repeated rows": np.array([[1.0, 2.0], [0.0, 0.0], [1.0, 2.0], [-1.0, -2.0]]),
    "integers": np.array([[3, 4], [4, -3], [-3, -4]]),
    "float32": np.random.default_rng(4).standard_normal((5, 6)).astype(np.float32),
}


@pytest.mark.parametrize("X", KINDS.values(), ids=KINDS)
def test_kernel_of_degree_1(X: FloatArray) -> None:
    found = relufast.arc_cosine_kernel(X)
    norms = np.linalg.norm(X.astype(float), axis=1)
    # 4 eps given the cosine, which errs by (d + 4) eps; the scaling rounds six times.
    bound = (4.0 / math.pi + X.shape[1] + 4.0 + 6.0) * EPS * np.outer(norms, norms)
    assert (abs(found - kernel_matrix(X, X, 1)) <= bound + 5e-324).all()
    assert np.array_equal(found, found.T)


@pytest.mark.parametrize("X", KINDS.values(), ids=KINDS)
def test_kernel_of_degree_0(X: FloatArray) -> None:
    found = relufast.arc_cosine_kernel(X, degree=0)
    expected = kernel_matrix(X, X, 0)
    cosine_error = (X.shape[1] + 4.0) * EPS
    bound = np.full(expected.shape, math.sqrt(2.0 * cosine_error))
    # Away from parallel vectors the error of the cosine is divided by the sine.
    sines = np.sin(np.pi * expected)
    away = sines > 1e-3
    bound[away] = (cosine_error / sines[away] + 8.0 * EPS) * 1.1
    assert (abs(found - expected) <= bound).all()
    assert np.array_equal(found.diagonal(), X.any(axis=1).astype(float))
    assert np.array_equal(found, found.T)


@pytest.mark.parametrize("degree", [0, 1])
def test_kernel_between_two_sets(degree: int) -> None:
    random = np.random.default_rng(5)
    X, Y = random.standard_normal((7, 5)), random.standard_normal((4, 5))
    Y[2] = 0.0
    found = relufast.arc_cosine_kernel(X, Y, degree=degree)
    assert found == pytest.approx(kernel_matrix(X, Y, degree), abs=1e-13)
    assert not found[:, 2].any()


def test_kernel_across_tiles() -> None:
    # 192 rows make a tile.
    random = np.random.default_rng(6)
    X, Y = random.standard_normal((400, 3)), random.standard_normal((193, 3))
    for degree in (0, 1):
        both = relufast.arc_cosine_kernel(np.vstack([X, Y]), degree=degree)
        found = relufast.arc_cosine_kernel(X, Y, degree=degree)
        assert found == pytest.approx(both[:400, 400:], abs=1e-7 if degree == 0 else 1e-13)
        assert np.array_equal(both, both.T)
    norms = np.linalg.norm(X, axis=1)
    angles = np.arccos(np.clip((X @ X.T) / np.outer(norms, norms), -1.0, 1.0))
    np.fill_diagonal(angles, 0.0)
    expected = np.outer(norms, norms) * (np.sin(angles) + (np.pi - angles) * np.cos(angles))
    assert relufast.arc_cosine_kernel(X) == pytest.approx(expected / np.pi, abs=1e-13)


def test_kernel_is_twice_the_covariance_of_units() -> None:
    random = np.random.default_rng(7)
    X = random.standard_normal((6, 3))
    n = 400_000
    inputs = random.standard_normal((n, 3)) @ X.T
    for degree, units in ((0, (inputs > 0.0).astype(float)), (1, np.maximum(inputs, 0.0))):
        expected = relufast.arc_cosine_kernel(X, degree=degree) / 2.0
        for i in range(6):
            products = units[:, [i]] * units
            error = products.std(axis=0, ddof=1) / math.sqrt(n)
            # 42 entries: one in ten million such tests fails at 5.5 standard errors.
            assert (abs(products.mean(axis=0) - expected[i]) <= 5.5 * error + 1e-12).all()


@pytest.mark.parametrize("degree", [0, 1])
@pytest.mark.parametrize("m", [1, 2, 191, 192, 193, 385, 800])
def test_operator_is_the_matrix(m: int, degree: int) -> None:
    random = np.random.default_rng(m)
    X = random.standard_normal((m, 4))
    X[m // 2] = 0.0
    kernel = relufast.ArcCosineOperator(X, degree=degree)
    dense = relufast.arc_cosine_kernel(X, degree=degree)
    assert kernel.shape == (m, m)
    for k in (0, 1, 3, 20):
        V = random.standard_normal((m, k))
        found = kernel.matmat(V)
        assert found.shape == (m, k)
        assert found == pytest.approx(dense @ V, abs=1e-11)
        assert not found[m // 2].any()
    v = random.standard_normal(m)
    assert kernel.matvec(v) == pytest.approx(dense @ v, abs=1e-11)


@pytest.mark.parametrize("m", [5, 193, 1000])
def test_same_bits_for_any_number_of_threads(m: int) -> None:
    random = np.random.default_rng(8)
    X, V = random.standard_normal((m, 6)), random.standard_normal((m, 9))
    for degree in (0, 1):
        kernel = relufast.ArcCosineOperator(X, degree=degree)
        one = kernel.matmat(V, n_threads=1)
        dense = relufast.arc_cosine_kernel(X, degree=degree, n_threads=1)
        cross = relufast.arc_cosine_kernel(X, X[:300], degree=degree, n_threads=1)
        for n_threads in (2, 7):
            assert np.array_equal(one, kernel.matmat(V, n_threads=n_threads))
            more = relufast.arc_cosine_kernel(X, degree=degree, n_threads=n_threads)
            assert np.array_equal(dense, more)
            more = relufast.arc_cosine_kernel(X, X[:300], degree=degree, n_threads=n_threads)
            assert np.array_equal(cross, more)


def test_any_layout_gives_the_same() -> None:
    random = np.random.default_rng(9)
    X, V = random.standard_normal((50, 6)), random.standard_normal((50, 3))
    expected = relufast.ArcCosineOperator(X).matmat(V)
    wide_x, wide_v = np.zeros((100, 12)), np.zeros((50, 6))
    wide_x[::2, ::2], wide_v[:, ::-2] = X, V
    frozen = X.copy()
    frozen.flags.writeable = False
    for points in (np.asfortranarray(X), wide_x[::2, ::2], frozen):
        for vectors in (np.asfortranarray(V), wide_v[:, ::-2]):
            kernel = relufast.ArcCosineOperator(points)
            assert np.array_equal(kernel.matmat(vectors), expected)
            dense = relufast.arc_cosine_kernel(points)
            assert np.array_equal(dense, relufast.arc_cosine_kernel(X))


def test_linear_operator_in_scipy() -> None:
    from scipy.sparse.linalg import cg

    random = np.random.default_rng(10)
    X, b = random.standard_normal((60, 20)), random.standard_normal(60)
    operator = relufast.ArcCosineOperator(X).as_linear_operator()
    x, info = cg(operator, b, rtol=1e-10, atol=0.0)
    assert info == 0
    assert relufast.arc_cosine_kernel(X) @ x == pytest.approx(b, abs=1e-7)
    assert (operator.T @ b) == pytest.approx(operator @ b)
