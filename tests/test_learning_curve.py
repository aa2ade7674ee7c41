"""Learning curves against gradient descent step by step on the dense matrix."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from arc_cosine_oracle import fisher_matrix, hidden_weights
from numpy.typing import NDArray

import relufast
from relufast._spectral_measure import SpectralMeasure, spectral_measure
from relufast.learning_curve import _ACCURACY, _points

Array = NDArray[np.float64]
TOL = 1e-11


def descent(J: Array, start: Array, target: Array, steps: int, eta: float) -> list[Array]:
    """The errors v - target after 0, ..., `steps` steps."""
    v = start.copy()
    errors = [v - target]
    for _ in range(steps):
        v = v - eta * (J @ (v - target))
        errors.append(v - target)
    return errors


def losses_by_group(J: Array, errors: list[Array], ends: list[int]) -> Array:
    values, vectors = np.linalg.eigh(J)
    parts = 0.5 * values[::-1] * (np.array(errors) @ vectors[:, ::-1]) ** 2
    ends = [min(end, len(J)) for end in ends]
    return np.array([[group.sum() for group in np.split(row, ends)] for row in parts])


FAMILIES: dict[str, Callable[[np.random.Generator], Array]] = {
    "Gaussian": lambda rng: hidden_weights(300, 4, rng),
    "many groups": lambda rng: hidden_weights(200, 6, rng),
    "one input": lambda rng: hidden_weights(40, 1, rng),
    "two inputs": lambda rng: hidden_weights(100, 2, rng),
    "fewer units than inputs": lambda rng: hidden_weights(3, 7, rng),
    "fewer units than quadratic": lambda rng: hidden_weights(12, 5, rng),
    "one unit": lambda rng: hidden_weights(1, 3, rng),
    "zero rows": lambda rng: hidden_weights(60, 3, rng) * (np.arange(60) % 3 > 0)[:, np.newaxis],
    "repeated rows": lambda rng: np.repeat(hidden_weights(30, 3, rng), 3, axis=0),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("max_degree", [0, 1, 2])
def test_total_against_descent_step_by_step(family: str, max_degree: int) -> None:
    """With pairs of residuals tol lambda_1 the curve is that of a matrix at most
    sqrt(2 k) tol lambda_1 away, and lambda (1 - eta lambda)^(2 t) has slopes of at most 1 where
    eta lambda <= 1. The factor 4 is for matrix functions, and rounding is added."""
    rng = np.random.default_rng(1)
    W = FAMILIES[family](rng)
    m, d = W.shape
    J = fisher_matrix(W)
    largest = float(np.linalg.eigvalsh(J)[-1])
    target, start = rng.standard_normal((2, m))
    eta, steps = 0.9 / largest, 200
    errors = descent(J, start, target, steps, eta)
    expected = np.array([0.5 * e @ J @ e for e in errors])
    curve = relufast.learning_curve(
        W, target, steps, eta, start=start, max_degree=max_degree, tol=TOL
    )
    assert curve.loss.shape == curve.theory.shape == (steps + 1, max_degree + 2)
    k = min(m, d * (d + 3) // 2)
    size = largest * float(errors[0] @ errors[0])
    band = (4 * math.sqrt(2 * k) * TOL + steps * m * 2.0**-52) * size
    assert abs(curve.total - expected).max() <= band
    assert curve.largest_eta == pytest.approx(2 / largest, rel=1e-10)
    np.testing.assert_array_equal(curve.steps, np.arange(steps + 1))


@pytest.mark.parametrize(("m", "d"), [(400, 3), (900, 4)])
def test_groups_against_descent_step_by_step(m: int, d: int) -> None:
    """As above, and eigenspaces turn by at most the distance of the matrices over the gap."""
    rng = np.random.default_rng(2)
    W = hidden_weights(m, d, rng)
    J = fisher_matrix(W)
    target = rng.standard_normal(m)
    eta, steps = 1.0 / d, 60
    errors = descent(J, np.zeros(m), target, steps, eta)
    ends = [1, 1 + d, d * (d + 3) // 2]
    expected = losses_by_group(J, errors, ends)
    values = np.linalg.eigvalsh(J)[::-1]
    gap = min(values[end - 1] - values[end] for end in ends)
    curve = relufast.learning_curve(W, target, steps, eta, tol=TOL)
    assert curve.groups == ("norm", "linear", "quadratic", "rest")
    size = values[0] * float(target @ target)
    distance = 4 * math.sqrt(2 * ends[-1]) * TOL
    band = distance * (1 + 2 * values[0] / gap) * size + steps * m * 2.0**-52 * size
    assert band < 1e-2 * expected[0].min()
    assert abs(curve.loss - expected).max() <= band


def test_a_fast_rate_overshoots_but_converges() -> None:
    """1 < eta lambda_1 < 2: the first group alternates in sign, which its square does not show.

    The band is as for groups above, but lambda (1 - y)^(2 t), y = eta lambda, is steeper where y is
    more than 1: its slope is at most 1 + 2 t y |1 - y|^(2 t - 1) there, and |1 - y| at most 0.9.
    """
    rng = np.random.default_rng(3)
    W = hidden_weights(120, 3, rng)
    J = fisher_matrix(W)
    target = rng.standard_normal(120)
    values = np.linalg.eigvalsh(J)[::-1]
    steps, ends, eta = 40, [1, 4, 9], 1.9 / values[0]
    errors = descent(J, np.zeros(120), target, steps, eta)
    curve = relufast.learning_curve(W, target, steps, eta, tol=TOL)
    expected = losses_by_group(J, errors, ends)
    slope = 1 + max(2 * t * 1.9 * 0.9 ** (2 * t - 1) for t in range(steps + 1))
    gap = min(values[end - 1] - values[end] for end in ends)
    distance = 4 * math.sqrt(2 * ends[-1]) * TOL + steps * 120 * 2.0**-52
    band = distance * (slope + 2 * values[0] / gap) * values[0] * float(target @ target)
    assert band < 1e-3 * expected[0].min()
    assert abs(curve.loss - expected).max() <= band
    assert (np.diff(curve.total) < 0).all()


def test_many_steps_at_once() -> None:
    """Far beyond what a loop does: by the powers of eigenvalues.

    The band is that of the total above. Quadrature adds twice what it leaves out, and the rounding
    of 1 - y at most lambda 2 t (1 - y)^(2 t) 2**-53, which is less than 2**-53 / eta.
    """
    rng = np.random.default_rng(4)
    W = hidden_weights(150, 3, rng)
    J = fisher_matrix(W)
    target = rng.standard_normal(150)
    values, vectors = np.linalg.eigh(J)
    squares = (vectors.T @ target) ** 2
    steps = np.array([10**6, 0, 10**4, 10**5, 3])
    eta = 0.5
    assert eta * values[-1] < 1
    size = values[-1] * float(target @ target)
    for max_degree, k in ((0, 1), (2, 9)):
        relative = 4 * math.sqrt(2 * k) * TOL + 2 * _ACCURACY + 150 * 2.0**-52
        band = relative * size + 2.0**-53 / eta * float(target @ target)
        curve = relufast.learning_curve(W, target, steps, eta, max_degree=max_degree, tol=TOL)
        expected = [0.5 * values @ ((1 - eta * values) ** (2.0 * t) * squares) for t in steps]
        assert abs(curve.total - expected).max() <= band
        np.testing.assert_array_equal(curve.steps, steps)


def test_theory_formula() -> None:
    rng = np.random.default_rng(5)
    m, d, eta = 300, 3, 0.3
    W = hidden_weights(m, d, rng)
    target = rng.standard_normal(m)
    steps = np.array([0, 1, 7, 40])
    curve = relufast.learning_curve(W, target, steps, eta, tol=TOL)
    _, vectors = np.linalg.eigh(fisher_matrix(W))
    squares = (vectors[:, ::-1].T @ target) ** 2
    limits = relufast.fisher_spectrum(d, 4).eigenvalues
    for k, (begin, end) in enumerate([(0, 1), (1, 4), (4, 9)]):
        share = squares[begin:end].sum()
        expected = 0.5 * limits[k] * (1 - eta * limits[k]) ** (2 * steps) * share
        np.testing.assert_allclose(curve.theory[:, k], expected, rtol=1e-6)
    expected = curve.loss[0, 3] * (1 - eta * limits[4]) ** (2 * steps)
    np.testing.assert_allclose(curve.theory[:, 3], expected, rtol=1e-12)


@pytest.mark.parametrize(("group", "column"), [("norm", 0), ("linear", 1), ("square", 2)])
def test_curves_tend_to_theory(group: str, column: int) -> None:
    """A target of one group: its loss tends to lambda_k (1 - eta lambda_k)^(2 t) E|v|^2 / 2.

    Deviations fall like 1 / sqrt(m), by 4 from the first width to the second; each root mean square
    of 40 networks is known to some 12 %, so that 2 is many standard errors away.
    """
    d, eta, t = 3, 0.4, 5
    eigenvalue = relufast.fisher_spectrum(d, 2).eigenvalues[column]
    form = relufast.function_form(group, d)
    expected = 0.5 * form.mean_square * (1 - eta * eigenvalue) ** (2 * t)
    deviations = []
    for m in (40, 640):
        found = []
        for seed in range(40):
            W = hidden_weights(m, d, np.random.default_rng(seed))
            # The form of a row of weights, less its factor, is the vector.
            target = form(W)[:, 0] / math.sqrt(form.eigenvalue)
            curve = relufast.learning_curve(W, target, [t], eta)
            found.append(curve.total[0] / expected - 1)
        deviations.append(math.sqrt(np.mean(np.square(found))))
    assert deviations[1] < 0.5 * deviations[0]


def test_start_at_the_target_and_zero_weights() -> None:
    W = hidden_weights(30, 3, np.random.default_rng(6))
    target = np.arange(30.0)
    curve = relufast.learning_curve(W, target, 3, 0.1, start=target)
    assert not curve.loss.any()
    dead = relufast.learning_curve(np.zeros((5, 2)), np.ones(5), 3, 1e9)
    assert not dead.loss.any()
    assert dead.largest_eta == math.inf


def test_same_for_any_number_of_threads() -> None:
    rng = np.random.default_rng(7)
    W, target = hidden_weights(700, 4, rng), rng.standard_normal(700)
    first = relufast.learning_curve(W, target, 20, 0.3, n_threads=1)
    for n_threads in (2, 7):
        other = relufast.learning_curve(W, target, 20, 0.3, n_threads=n_threads)
        np.testing.assert_array_equal(other.loss, first.loss)


def test_result() -> None:
    rng = np.random.default_rng(8)
    W, target = hidden_weights(50, 2, rng), rng.standard_normal(50)
    curve = relufast.learning_curve(W, target, [0, 100], 0.5, max_degree=1)
    assert curve.groups == ("norm", "linear", "rest")
    assert repr(curve).startswith("LearningCurve(2 steps, loss ")
    assert not curve.loss.flags.writeable
    assert curve.eta == 0.5
    with pytest.raises(AttributeError):
        curve.eta = 1.0  # type: ignore[misc]


@pytest.mark.parametrize("step", [0, 1, 10**4, 10**6, 2**53])
@pytest.mark.parametrize("rate", [1e-18, 1e-9, 3e-5, 1e-3, 0.1, 1.0, 1.99])
def test_the_number_of_points_is_found_for_any_step(rate: float, step: int) -> None:
    """Rounding, which many steps multiply, must not be taken for what the series has beyond."""
    points = _points(rate, 1.0, step)
    assert 1 <= points <= 16 + 8 * math.sqrt(min(rate * step, 1e11 + 2))


# ---- The spectral measure ----


@pytest.mark.parametrize("n_points", [1, 2, 4, 6])
def test_spectral_measure_integrates_polynomials(n_points: int) -> None:
    rng = np.random.default_rng(9)
    A = rng.standard_normal((30, 30))
    A = A @ A.T / 30
    v = rng.standard_normal(30)
    nodes, weights = spectral_measure(lambda x: A @ x, v, 30, lambda _: n_points)
    assert len(nodes) == n_points
    image = v
    for degree in range(2 * n_points):
        np.testing.assert_allclose(weights @ nodes**degree, v @ image, rtol=1e-11)
        image = A @ image
    # And no more than these.
    assert weights @ nodes ** (2 * n_points) < (1 - 1e-9) * (v @ image)


def test_spectral_measure_has_no_more_points_than_needed() -> None:
    """As many as the first step at which they are enough, when what is enough rises, too; and no
    quadrature is made to find out what is known already."""
    rng = np.random.default_rng(10)
    values, v = rng.random(40), rng.standard_normal(40)

    def measure(n_points: Callable[[float], int]) -> SpectralMeasure:
        return spectral_measure(lambda x: values * x, v, 40, n_points)

    largest = [measure(partial(max, n)).nodes[-1] for n in range(1, 40)]
    assert (np.diff(largest[:10]) > 0.0).all()
    asked: list[float] = []

    def needed(steepness: float, node: float) -> int:
        asked.append(node)
        return 3 + int(steepness * max(0.0, node - largest[2]))

    for steepness in (0.0, 1e2, 1e3, 1e4):
        n_points = partial(needed, steepness)
        expected = next(n for n in range(1, 40) if n >= n_points(largest[n - 1]))
        asked.clear()
        found = measure(n_points)
        assert len(found.nodes) == expected
        assert len(asked) < expected
        assert asked[-1] == pytest.approx(largest[expected - 1], rel=1e-14)


def test_spectral_measure_of_a_small_invariant_space() -> None:
    values = np.array([3.0, 1.0, 0.25, 0.0, 0.0])
    v = np.array([1.0, 2.0, 0.0, 3.0, 4.0])
    nodes, weights = spectral_measure(lambda x: values * x, v, 5, lambda _: 5)
    order = np.argsort(nodes)[-2:]
    np.testing.assert_allclose(nodes[order], [1.0, 3.0], rtol=1e-13)
    np.testing.assert_allclose(weights[order], [4.0, 1.0], rtol=1e-12)
    nodes, weights = spectral_measure(lambda x: values * x, np.zeros(5), 5, lambda _: 5)
    assert not weights.any()
