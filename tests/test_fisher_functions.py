"""Function forms and the functions of finite networks: definitions, laws at every width, limits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from arc_cosine_oracle import fisher_matrix, hidden_weights
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import relufast
from relufast import fisher_functions
from relufast._blas import single_threaded
from relufast.statistics import Function, FunctionFormErrors

Array = NDArray[np.float64]
GROUPS = ("norm", "linear", "product", "square")


def vectors_by_definition(W: Array) -> dict[str, list[list[float]]]:
    """One vector after the other, entry by entry; squares uncombined."""
    m, d = W.shape
    length = [math.hypot(*row) for row in W.tolist()]

    def divided(i: int, a: int, b: int) -> float:
        return W[i, a] * W[i, b] / length[i] if length[i] > 0 else 0.0

    units = range(m)
    return {
        "norm": [length],
        "linear": [[W[i, a] for i in units] for a in range(d)],
        "product": [[divided(i, a, b) for i in units] for a in range(d) for b in range(d) if a < b],
        "square": [[divided(i, a, a) for i in units] for a in range(d)],
    }


def combined_by_definition(squares: list[list[float]]) -> list[list[float]]:
    found = []
    for g in range(1, len(squares)):
        mean = np.mean(squares[:g], axis=0)
        found.append((math.sqrt(g / (g + 1)) * (mean - squares[g])).tolist())
    return found


def all_vectors(W: Array) -> Array:
    """Squares combined, shape (m, K)."""
    vectors = vectors_by_definition(W)
    vectors["square"] = combined_by_definition(vectors["square"])
    return np.array([v for group in GROUPS for v in vectors[group]]).T


def forms_by_formula(x: Array) -> dict[str, list[float]]:
    """The formulas of the paper, in Gamma functions; squares uncombined."""
    d, r = len(x), math.hypot(*x)
    e1 = float(mpmath.gamma(d / 2) / (2 * mpmath.sqrt(mpmath.pi) * mpmath.gamma((d + 1) / 2)))
    B = e1 / (d + 1)
    return {
        "norm": [d * e1 * r],
        "linear": [x[a] / 2 for a in range(d)],
        "product": [d * B * x[a] * x[b] / r for a in range(d) for b in range(a + 1, d)],
        "square": [d * B * (r + x[g] ** 2 / r) for g in range(d)],
    }


# ---- Forms ----


@pytest.mark.parametrize("d", [1, 2, 3, 10, 50])
def test_forms_by_formula(d: int) -> None:
    for x in np.random.default_rng(d).standard_normal((5, d)):
        expected = forms_by_formula(x)
        for group in GROUPS:
            if d == 1 and group == "product":
                continue
            form = relufast.function_form(group, d, combined=group != "square")
            np.testing.assert_allclose(form([x])[0], expected[group], rtol=1e-14, atol=1e-15)
        if d > 1:
            combined = combined_by_definition([[value] for value in expected["square"]])
            found = relufast.function_form("square", d)([x])[0]
            np.testing.assert_allclose(found, np.ravel(combined), rtol=1e-13, atol=1e-14)


def test_indices() -> None:
    found = {group: relufast.function_form(group, 3).indices for group in GROUPS}
    assert found == {
        "norm": ((),),
        "linear": ((0,), (1,), (2,)),
        "product": ((0, 1), (0, 2), (1, 2)),
        "square": ((1,), (2,)),
    }
    assert relufast.function_form("square", 3, combined=False).indices == ((0,), (1,), (2,))


def test_form_at_the_origin_and_at_extreme_points() -> None:
    for group in GROUPS:
        form = relufast.function_form(group, 3)
        assert not form(np.zeros((2, 3))).any()
        assert form(np.empty((0, 3))).shape == (0, len(form.indices))
        x = np.array([[3.0, -1.0, 2.0]])
        for scale in (2.0**500, 2.0**-500, 2.0**-1000):
            # Forms are homogeneous of degree 1, and powers of two are exact.
            np.testing.assert_array_equal(form(scale * x), scale * form(x))


@pytest.mark.parametrize("d", [2, 5, 12])
def test_mean_squares_and_orthogonality_of_forms(d: int) -> None:
    """Of standard normal x, within five standard errors; products of functions as well."""
    X = np.random.default_rng(1).standard_normal((200_000, d))
    forms = [relufast.function_form(group, d) for group in GROUPS]
    values = np.hstack([form(X) for form in forms])
    scale = np.concatenate([[math.sqrt(f.mean_square)] * len(f.indices) for f in forms])
    normalised = values / scale
    gram = normalised.T @ normalised / len(X)
    squares = (normalised**2).T @ normalised**2 / len(X)
    error = np.sqrt((squares - gram**2) / len(X))
    assert (abs(gram - np.eye(len(gram))) <= 5 * error).all()
    plain = relufast.function_form("square", d, combined=False)
    found = plain(X) ** 2 / plain.mean_square
    assert (abs(found.mean(axis=0) - 1) <= 5 * found.std(axis=0) / math.sqrt(len(X))).all()


# ---- Functions of finite networks ----

FAMILIES: dict[str, Callable[[np.random.Generator], Array]] = {
    "Gaussian": lambda rng: hidden_weights(40, 4, rng),
    "fewer units than inputs": lambda rng: hidden_weights(2, 6, rng),
    "one input": lambda rng: hidden_weights(9, 1, rng),
    "zero rows": lambda rng: hidden_weights(12, 3, rng) * rng.integers(0, 2, (12, 1)),
    "repeated rows": lambda rng: np.repeat(hidden_weights(5, 3, rng), 3, axis=0),
    "all sizes": lambda rng: hidden_weights(9, 3, rng) * 10.0 ** rng.integers(-90, 60, (9, 1)),
    "axes": lambda rng: np.vstack([np.eye(3), -np.eye(3)]),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_basis_functions_by_definition(family: str) -> None:
    rng = np.random.default_rng(2)
    W = FAMILIES[family](rng)
    X = rng.standard_normal((7, W.shape[1]))
    vectors = vectors_by_definition(W)
    hidden = np.maximum(X @ W.T, 0.0)
    for combined in (False, True):
        if combined:
            vectors["square"] = combined_by_definition(vectors["square"])
        found = relufast.basis_functions(W, X, combined=combined)
        assert tuple(found) == GROUPS
        for group, functions in found.items():
            v = np.array(vectors[group]).reshape(-1, len(W))
            assert functions.shape == (7, len(v))
            size = hidden @ np.sqrt((W**2).sum(axis=1))
            assert (abs(functions - hidden @ v.T) <= 1e-14 * size[:, np.newaxis] + 1e-300).all()


def test_tiles_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    W, X = hidden_weights(53, 4, rng), rng.standard_normal((31, 4))
    whole = relufast.basis_functions(W, X)
    monkeypatch.setattr(fisher_functions, "_ENTRIES", 64)
    monkeypatch.setattr(fisher_functions, "_ROWS", 10)
    tiled = relufast.basis_functions(W, X)
    for group in GROUPS:
        np.testing.assert_allclose(tiled[group], whole[group], rtol=0, atol=1e-13)


def test_any_layout_and_type() -> None:
    rng = np.random.default_rng(4)
    W = rng.integers(-3, 4, (11, 3))
    X = rng.integers(-3, 4, (5, 3))
    expected = relufast.basis_functions(W.astype(float), X.astype(float))
    strided = np.zeros((22, 6))[::2, ::2] + W
    for weights, points in (
        (W, X),
        (W.astype(np.float32), X.astype(np.int8)),
        (np.asfortranarray(W, float), np.asfortranarray(X, float)),
        (strided, X[::-1][::-1].tolist()),
    ):
        found = relufast.basis_functions(weights, points)
        for group in GROUPS:
            np.testing.assert_array_equal(found[group], expected[group])


def test_no_points() -> None:
    found = relufast.basis_functions(np.eye(3), np.empty((0, 3)))
    assert [f.shape for f in found.values()] == [(0, 1), (0, 3), (0, 3), (0, 2)]


def test_same_bits_whatever_threads_blas_has() -> None:
    """Of SciPy's and of NumPy's: a product by NumPy would have others inside of the limit."""
    rng = np.random.default_rng(5)
    W, X = hidden_weights(3000, 12, rng), rng.standard_normal((500, 12))
    found = []
    for n_threads in (1, 2, 3):
        with threadpool_limits(n_threads, user_api="blas"), single_threaded():
            found.append(relufast.basis_functions(W, X))
    for group in GROUPS:
        for other in found[1:]:
            np.testing.assert_array_equal(other[group], found[0][group])


# ---- The law at every width, and the limit ----


@pytest.mark.parametrize(("d", "m"), [(2, 3), (3, 200), (7, 20)])
def test_functions_of_networks_have_the_forms_as_their_mean(d: int, m: int) -> None:
    """At any width, at fixed points: over 4000 networks, within five standard errors."""
    X = np.random.default_rng(6).standard_normal((3, d))
    X[0] *= 10.0
    forms = {group: relufast.function_form(group, d)(X) for group in GROUPS}

    def functions(rng: np.random.Generator) -> Array:
        found = relufast.basis_functions(hidden_weights(m, d, rng), X)
        return np.hstack([found[group] for group in GROUPS])

    estimate = relufast.monte_carlo(Function(functions), n_trials=4000, seed=7)
    expected = np.hstack([forms[group] for group in GROUPS])
    assert (abs(estimate.mean - expected) <= 5 * estimate.standard_error).all()


@pytest.mark.parametrize(("d", "m"), [(2, 1), (2, 100), (5, 30), (10, 400)])
def test_errors_have_their_exact_expectation(d: int, m: int) -> None:
    errors = FunctionFormErrors(m, d, 30)
    assert errors.groups == GROUPS
    estimate = relufast.monte_carlo(errors, n_trials=1500, seed=8)
    assert (abs(estimate.mean - errors.theory) <= 5 * estimate.standard_error).all()
    # A test that would see a wrong law: it is known to some percent.
    assert (estimate.standard_error < 0.1 * errors.theory).all()


def test_theory_of_errors() -> None:
    """By moments of normals instead: E v^2 |g|^2 / 2 - E F^2 in units of E F^2, over m."""
    d, m = 6, 17
    forms = [relufast.function_form(group, d) for group in GROUPS]
    # |g|^4; g_l^2 |g|^2; g_a^2 g_b^2; ((g_0^2 - g_1^2) / sqrt 2)^2.
    moments = np.array([d * (d + 2), d + 2, 1, (3 - 2 + 3) / 2])
    squares = np.array([form.mean_square for form in forms])
    expected = (moments / 2 - squares) / squares / m
    np.testing.assert_allclose(FunctionFormErrors(m, d, 1).theory, expected, rtol=1e-14)


def test_errors_of_one_trial() -> None:
    errors = FunctionFormErrors(8, 3, 5)
    network, X = errors.trial(9, 2, 1)
    W = network.weights[0]
    assert W.shape == (8, 3)
    assert X.shape == (5, 3)
    expected = []
    found = relufast.basis_functions(W, X)
    for group in GROUPS:
        form = relufast.function_form(group, 3)
        expected.append(np.mean((found[group] - form(X)) ** 2) / form.mean_square)
    np.testing.assert_allclose(
        relufast.replay(errors, seed=9, block=2, trial=1), expected, rtol=1e-12
    )
    assert errors.key()["widths"] == (3, 8, 1)


def test_law_of_the_weights() -> None:
    """Variance 1/m, within five standard errors of a sample's."""
    errors = FunctionFormErrors(5000, 8, 1)
    W = errors.trial(1, 0, 0)[0].weights[0]
    assert abs(5000 * np.mean(W**2) - 1) < 5 * math.sqrt(2 / W.size)
    assert abs(np.mean(W)) < 5 / math.sqrt(5000 * W.size)


def test_groups_become_orthogonal_in_the_fisher_inner_product() -> None:
    """E u^T J v = 0 for different vectors at any m, and its square falls like 1/m."""
    d = 3
    size = d * (d + 3) // 2
    off_diagonal = ~np.eye(size, dtype=bool)
    eigenvalues = relufast.fisher_spectrum(d, 2).eigenvalues
    numbers = [len(relufast.function_form(group, d).indices) for group in GROUPS]
    squares = np.repeat([relufast.function_form(g, d).mean_square for g in GROUPS], numbers)
    assert squares.sum() == pytest.approx(
        d * eigenvalues[0] + d * eigenvalues[1] + (3 + 2 * 2) / (d + 2) * eigenvalues[2]
    )

    def gram(m: int) -> Callable[[np.random.Generator], Any]:
        def products(rng: np.random.Generator) -> Array:
            W = hidden_weights(m, d, rng)
            V = all_vectors(W)
            inner = (V.T @ fisher_matrix(W) @ V) / np.sqrt(np.outer(squares, squares))
            return np.stack([inner, (inner - np.eye(size)) ** 2])

        return products

    rms = []
    for m in (50, 200):
        estimate = relufast.monte_carlo(Function(gram(m)), n_trials=300, seed=10)
        mean, error = estimate.mean[0], estimate.standard_error[0]
        assert (abs(mean) <= 5 * error)[off_diagonal].all()
        rms.append((estimate.mean[1], estimate.standard_error[1]))
    # It is a / m + b / m^2 + ..., of terms that are variances, so that four times the width divides
    # it by more than 4, and by less than 16 as long as there is a.
    (first, first_error), (second, second_error) = rms
    ratio = (first / second)[off_diagonal]
    noise = np.hypot(first_error / first, second_error / second)[off_diagonal] * ratio
    assert (ratio + 5 * noise > 4.0).all()
    assert (ratio - 5 * noise < 16.0).all()
