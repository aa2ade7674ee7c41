"""Bad input to the theory of the Fisher information: what is refused, and in what words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import relufast
from relufast.statistics import FunctionFormErrors

W = np.random.default_rng(0).standard_normal((20, 3)) / math.sqrt(20)
TARGET = np.ones(20)

BAD_DIMENSIONS = [
    (0, ValueError, "is 0, but must be at least 1"),
    (-3, ValueError, "is -3, but must be at least 1"),
    (3.0, TypeError, "is of type float, but needs an integer"),
    (True, TypeError, "is of type bool, but needs an integer"),
    (None, TypeError, "is of type NoneType, but needs an integer"),
    ([3], TypeError, "is of type list, but needs an integer"),
]
TAKERS_OF_DIMENSION: dict[str, Callable[[Any], object]] = {
    "fisher_spectrum": lambda d: relufast.fisher_spectrum(d, 2),
    "function_form": lambda d: relufast.function_form("linear", d),
    "FunctionFormErrors": lambda d: FunctionFormErrors(5, d, 4),
}


@pytest.mark.parametrize("take", TAKERS_OF_DIMENSION.values(), ids=TAKERS_OF_DIMENSION)
@pytest.mark.parametrize(("dimension", "error", "message"), BAD_DIMENSIONS)
def test_refuses_dimension(
    dimension: Any, error: type[Exception], message: str, take: Callable[[Any], object]
) -> None:
    with pytest.raises(error, match=f"dimension {message}"):
        take(dimension)


def test_refuses_dimensions_that_float64_does_not_hold() -> None:
    assert relufast.fisher_spectrum(2**53, 0).eigenvalues[0] > 1e15
    for take in (lambda d: relufast.fisher_spectrum(d, 2), TAKERS_OF_DIMENSION["function_form"]):
        with pytest.raises(ValueError, match=r"dimension is 9007199254740993, but must be at most"):
            take(2**53 + 1)


@pytest.mark.parametrize(
    ("max_degree", "error", "message"),
    [
        (-1, ValueError, "max_degree is -1, but must not be negative"),
        (2.0, TypeError, "max_degree is of type float, but needs an integer"),
        ("2", TypeError, "max_degree is of type str, but needs an integer"),
        (False, TypeError, "max_degree is of type bool, but needs an integer"),
    ],
)
def test_refuses_max_degree(max_degree: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.fisher_spectrum(3, max_degree)


@pytest.mark.parametrize(
    ("group", "error", "message"),
    [
        ("cubic", ValueError, "group is 'cubic', but must be one of 'norm', 'linear', 'product', "),
        (0, TypeError, "group is of type int, but needs one of 'norm', 'linear', 'product', 'sq"),
        (None, TypeError, "group is of type NoneType, but needs one of"),
    ],
)
def test_refuses_group(group: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.function_form(group, 3)


def test_refuses_groups_that_are_empty_in_one_dimension() -> None:
    for group in ("product", "square"):
        with pytest.raises(ValueError, match=f"dimension is 1, but group '{group}' is empty"):
            relufast.function_form(group, 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="dimension is 1, but must be at least 2"):
        FunctionFormErrors(5, 1, 4)


def test_refuses_combined() -> None:
    with pytest.raises(ValueError, match=r"combined is False, but only squares .* group is 'norm'"):
        relufast.function_form("norm", 3, combined=False)
    for call in (
        lambda: relufast.function_form("square", 3, combined=0),  # type: ignore[arg-type]
        lambda: relufast.basis_functions(W, W, combined=None),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError, match=r"combined is of type .*, but needs True or False"):
            call()


BAD_POINTS: list[tuple[Any, type[Exception], str]] = [
    (np.zeros(3), ValueError, r"X has shape \(3,\), but needs shape \(m, 3\)"),
    (np.zeros((4, 2)), ValueError, r"X has shape \(4, 2\), but needs shape \(m, 3\)"),
    (np.zeros((2, 3, 1)), ValueError, r"X has shape \(2, 3, 1\), but needs shape \(m, 3\)"),
    ([[1.0, math.nan, 0.0]], ValueError, r"X\[0, 1\] is nan, but must be finite"),
    ([[1.0, 2.0, -math.inf]], ValueError, r"X\[0, 2\] is -inf, but must be finite"),
    (np.zeros((2, 3), complex), TypeError, "X has dtype complex128, but needs real numbers"),
    (np.zeros((2, 3), bool), TypeError, "X has dtype bool, but needs real numbers"),
    ([["1", "2", "3"]], TypeError, "X has dtype <U1, but needs real numbers"),
    ([[1e200, 0.0, 0.0]], ValueError, r"X\[0\] has norm 1e\+200, but needs one whose square"),
]


@pytest.mark.parametrize(("X", "error", "message"), BAD_POINTS)
def test_a_form_refuses_points(X: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.function_form("product", 3)(X)


@pytest.mark.parametrize(("X", "error", "message"), BAD_POINTS[:-1])
def test_basis_functions_refuse_points(X: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.basis_functions(W, X)


TAKERS_OF_WEIGHTS: dict[str, Callable[[Any], object]] = {
    "basis_functions": lambda weights: relufast.basis_functions(weights, np.zeros((2, 3))),
    "learning_curve": lambda weights: relufast.learning_curve(weights, TARGET, 3, 0.1),
}


@pytest.mark.parametrize("take", TAKERS_OF_WEIGHTS.values(), ids=TAKERS_OF_WEIGHTS)
@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (np.zeros(3), ValueError, r"W has shape \(3,\), but needs a matrix"),
        (np.empty((0, 3)), ValueError, r"W has shape \(0, 3\), but needs at least one row"),
        (np.empty((3, 0)), ValueError, r"W has shape \(3, 0\), but needs at least one row"),
        ([[1.0, math.nan, 0.0]], ValueError, r"W\[0, 1\] is nan, but must be finite"),
        ([[1j, 0.0, 0.0]], TypeError, "W has dtype complex128, but needs real numbers"),
        (None, TypeError, "W is of type NoneType, but needs real numbers"),
        ([[0.0, 1e300, 0.0]], ValueError, r"W\[0\] has norm 1e\+300, but needs one whose square"),
    ],
)
def test_refuses_weights(
    weights: Any, error: type[Exception], message: str, take: Callable[[Any], object]
) -> None:
    with pytest.raises(error, match=message):
        take(weights)


@pytest.mark.parametrize(
    ("m", "n_points", "error", "message"),
    [
        (0, 4, ValueError, "m is 0, but must be at least 1"),
        (5, 0, ValueError, "n_points is 0, but must be at least 1"),
        (5.0, 4, TypeError, "m is of type float, but needs an integer"),
        (5, "4", TypeError, "n_points is of type str, but needs an integer"),
    ],
)
def test_statistic_refuses(m: Any, n_points: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        FunctionFormErrors(m, 3, n_points)


# ---- Learning curves ----


def curve(**options: Any) -> object:
    given = {"W": W, "target": TARGET, "steps": 3, "eta": 0.1, **options}
    return relufast.learning_curve(**given)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"target": np.ones(3)}, ValueError, r"target has shape \(3,\), but needs shape \(20,\)"),
        ({"target": np.ones((20, 1))}, ValueError, r"target has shape \(20, 1\)"),
        ({"target": [math.nan] * 20}, ValueError, r"target\[0\] is nan, but must be finite"),
        ({"target": ["1"] * 20}, TypeError, "target has dtype <U1"),
        ({"start": np.ones(3)}, ValueError, r"start has shape \(3,\), but needs shape \(20,\)"),
        ({"start": [math.inf] * 20}, ValueError, r"start\[0\] is inf, but must be finite"),
        ({"steps": -1}, ValueError, "steps is -1, but must not be negative"),
        ({"steps": 2.0}, TypeError, "steps is of type float, but needs an integer"),
        ({"steps": True}, TypeError, "steps is of type bool, but needs an integer"),
        ({"steps": [1, -2]}, ValueError, "steps has the entry -2, but must not be negative"),
        ({"steps": []}, TypeError, "steps has dtype float64, but needs integers"),
        ({"steps": np.empty(0, int)}, ValueError, r"steps has shape \(0,\), but needs an integer"),
        ({"steps": [[1]]}, ValueError, r"steps has shape \(1, 1\), but needs an integer or shape"),
        ({"steps": [1.5]}, TypeError, "steps has dtype float64, but needs integers"),
        ({"steps": [True]}, TypeError, "steps has dtype bool, but needs integers"),
        ({"steps": [2**60]}, ValueError, "steps has the entry 1152921504606846976, but must be at"),
        ({"eta": 0.0}, ValueError, "eta is 0.0, but must be positive"),
        ({"eta": -1}, ValueError, "eta is -1.0, but must be positive"),
        ({"eta": math.inf}, ValueError, "eta is inf, but must be finite"),
        ({"eta": "fast"}, TypeError, "eta is of type str"),
        ({"max_degree": 3}, ValueError, "max_degree is 3, but must be 0, 1 or 2"),
        ({"max_degree": 1.0}, TypeError, "max_degree is of type float, but needs an integer"),
        ({"tol": 0.0}, ValueError, "tol is 0.0, but must lie between 0 and 1"),
        ({"seed": -1}, ValueError, "seed is -1, but must be at least 0"),
        ({"n_threads": 0}, ValueError, "n_threads is 0, but must be at least 1"),
    ],
)
def test_learning_curve_refuses(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        curve(**options)


def test_learning_curve_refuses_rates_that_diverge() -> None:
    limit = relufast.learning_curve(W, TARGET, 1, 1e-3).largest_eta
    for eta in (limit * (1 + 1e-9), 10.0 * limit, 1e300):
        with pytest.raises(ValueError, match=r"eta is .*, but must be below 2 / lambda_1 = "):
            curve(eta=eta)
    assert curve(eta=limit * (1 - 1e-9)) is not None


def test_learning_curve_hands_on_what_does_not_converge() -> None:
    weights = np.random.default_rng(1).standard_normal((200, 3)) / math.sqrt(200)
    with pytest.raises(relufast.FisherConvergenceError) as caught:
        relufast.learning_curve(weights, np.ones(200), 3, 0.1, tol=1e-30)
    assert len(caught.value.eigenpairs.eigenvalues) == 9
