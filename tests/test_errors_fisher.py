"""Bad input to the Fisher information and arc-cosine kernels: what is refused, in what words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from interrupting import seconds_until_stopped

import relufast
from relufast import _core

X3 = np.ones((2, 3))
TAKERS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "FisherInformation": ("W", relufast.FisherInformation),
    "on_sphere": ("W", relufast.FisherInformation.on_sphere),
    "empirical, W": ("W", lambda W: relufast.FisherInformation.empirical(W, X3)),
    "empirical, X": ("X", lambda X: relufast.FisherInformation.empirical(X3, X)),
    "arc_cosine_kernel, X": ("X", relufast.arc_cosine_kernel),
    "arc_cosine_kernel, Y": ("Y", lambda Y: relufast.arc_cosine_kernel(X3, Y)),
    "ArcCosineOperator": ("X", relufast.ArcCosineOperator),
}


@pytest.mark.parametrize(("name", "take"), TAKERS.values(), ids=TAKERS)
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([[1.0, math.nan, 0.0]], ValueError, r"\[0, 1\] is nan, but must be finite"),
        ([[1.0, 0.0, 0.0], [0.0, -math.inf, 0.0]], ValueError, r"\[1, 1\] is -inf, but must be"),
        ([1.0, 2.0, 3.0], ValueError, r" has shape \(3,\), but needs a matrix"),
        (1.0, ValueError, r" has shape \(\), but needs a matrix"),
        (np.ones((1, 2, 3)), ValueError, r" has shape \(1, 2, 3\), but needs a matrix"),
        (np.ones((0, 3)), ValueError, r" has shape \(0, 3\), but needs at least one row and col"),
        (np.ones((3, 0)), ValueError, r" has shape \(3, 0\), but needs at least one row and col"),
        (np.ones((2, 3), object), TypeError, " has dtype object, but needs real numbers"),
        (np.ones((2, 3), complex), TypeError, " has dtype complex128, but needs real"),
        (np.ones((2, 3), bool), TypeError, " has dtype bool, but needs real numbers"),
        ([["a", "b", "c"]], TypeError, " has dtype <U1, but needs real numbers"),
        ([[1.0, 2.0, 3.0], [1.0]], ValueError, " is ragged"),
        (np.ma.ones((2, 3)), TypeError, " is a masked array"),
        ([[2**53 + 1, 0, 0]], ValueError, " has an integer of size 9007199254740993"),
    ],
)
def test_refuses_matrices(
    value: Any, error: type[Exception], message: str, name: str, take: Callable[[Any], object]
) -> None:
    with pytest.raises(error, match=f"^{name}{message}"):
        take(value)


@pytest.mark.parametrize(
    ("take", "message"),
    [
        (lambda: relufast.FisherInformation([[1.0], [1e155]]), r"W\[1\] has norm 1e\+155, but"),
        (lambda: relufast.FisherInformation([[1e308, 1.7e308]]), r"W\[0\] has norm .*inf|1.97e"),
        (lambda: relufast.ArcCosineOperator([[1e200]]), r"X\[0\] has norm 1e\+200, but needs one"),
        (lambda: relufast.arc_cosine_kernel([[1.0]], [[1e200]]), r"Y\[0\] has norm 1e\+200, but"),
    ],
)
def test_refuses_norms_whose_squares_overflow(take: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        take()


def test_refuses_points_of_another_dimension() -> None:
    with pytest.raises(ValueError, match=r"X has shape \(2, 3\), but needs 4 columns, as W has"):
        relufast.FisherInformation.empirical(np.ones((5, 4)), X3)
    with pytest.raises(ValueError, match=r"Y has shape \(5, 4\), but needs 3 columns, as X has"):
        relufast.arc_cosine_kernel(X3, np.ones((5, 4)))


@pytest.mark.parametrize(
    ("degree", "error", "message"),
    [
        (2, ValueError, "degree is 2, but must be 0 or 1"),
        (-1, ValueError, "degree is -1, but must be 0 or 1"),
        (1.0, TypeError, "degree is of type float, but needs an integer"),
        (True, TypeError, "degree is of type bool, but needs an integer"),
        (None, TypeError, "degree is of type NoneType, but needs an integer"),
    ],
)
def test_refuses_degree(degree: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.arc_cosine_kernel(X3, degree=degree)
    with pytest.raises(error, match=message):
        relufast.ArcCosineOperator(X3, degree=degree)


@pytest.mark.parametrize(
    "make",
    [
        relufast.FisherInformation,
        relufast.ArcCosineOperator,
        lambda W: relufast.FisherInformation.empirical(W, np.ones((2, 4))),
    ],
)
def test_refuses_vectors(make: Callable[[Any], Any]) -> None:
    operator = make(np.eye(4))
    for v, error, message in [
        (np.ones(3), ValueError, r"v has shape \(3,\), but needs shape \(4,\)"),
        (np.ones((4, 1)), ValueError, r"v has shape \(4, 1\), but needs shape \(4,\)"),
        ([1.0, 2.0, math.nan, 0.0], ValueError, r"v\[2\] is nan, but must be finite"),
        ("abcd", TypeError, "v is of type str"),
    ]:
        with pytest.raises(error, match=message):
            operator.matvec(v)
    for V, error, message in [
        (np.ones(4), ValueError, r"V has shape \(4,\), but needs shape \(4, k\)"),
        (np.ones((3, 4)), ValueError, r"V has shape \(3, 4\), but needs shape \(4, k\)"),
        (np.full((4, 1), math.inf), ValueError, r"V\[0, 0\] is inf, but must be finite"),
        (np.ones((4, 2), complex), TypeError, "V has dtype complex128"),
    ]:
        with pytest.raises(error, match=message):
            operator.matmat(V)
    for call in (operator.matvec, operator.matmat):
        argument = np.ones(4) if call == operator.matvec else np.eye(4)
        with pytest.raises(ValueError, match="n_threads is 0, but must be at least 1"):
            call(argument, n_threads=0)
        with pytest.raises(TypeError, match="n_threads is of type float, but needs an integer"):
            call(argument, n_threads=1.0)


def test_refuses_arguments_of_inner_product() -> None:
    J = relufast.FisherInformation(np.eye(4))
    with pytest.raises(ValueError, match=r"u has shape \(3,\), but needs shape \(4,\)"):
        J.inner_product(np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match=r"v has shape \(3,\), but needs shape \(4,\)"):
        J.inner_product(np.ones(4), np.ones(3))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"k": 0}, ValueError, "k is 0, but must be at least 1"),
        ({"k": 5}, ValueError, "k is 5, but there are only 4 rows of W"),
        ({"k": 2.0}, TypeError, "k is of type float, but needs an integer"),
        ({"k": None}, TypeError, "k is of type NoneType, but needs an integer"),
        ({"tol": 0.0}, ValueError, "tol is 0.0, but must lie between 0 and 1"),
        ({"tol": math.nan}, ValueError, "tol is nan, but must be finite"),
        ({"tol": "small"}, TypeError, "tol is of type str"),
        ({"max_passes": 0}, ValueError, "max_passes is 0, but must be at least 1"),
        ({"max_passes": 2.5}, TypeError, "max_passes is of type float, but needs an integer"),
        ({"seed": -1}, ValueError, "seed is -1, but must be at least 0"),
        ({"seed": None}, TypeError, "seed is of type NoneType, but needs an integer"),
        ({"n_threads": 0}, ValueError, "n_threads is 0, but must be at least 1"),
        ({"progress": True}, TypeError, "progress is of type bool, but needs a function or None"),
    ],
)
def test_refuses_options_of_eigh(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    J = relufast.FisherInformation(np.eye(4))
    with pytest.raises(error, match=message):
        J.eigh(**{"k": 2, **options})


@pytest.mark.parametrize("radius", [0.0, -1.0, math.inf, math.nan])
def test_refuses_radius(radius: float) -> None:
    with pytest.raises(ValueError, match=f"radius is {radius}, but must be (positive|finite)"):
        relufast.FisherInformation.on_sphere(X3, radius=radius)
    with pytest.raises(TypeError, match="radius is of type str"):
        relufast.FisherInformation.on_sphere(X3, radius="1")  # type: ignore[arg-type]


def test_refuses_alignment_without_eigenspaces() -> None:
    with pytest.raises(ValueError, match=r"W has 8 rows, but alignment needs at least 9"):
        relufast.FisherInformation(np.eye(8, 3)).alignment()
    with pytest.raises(ValueError, match=r"vectors of the group '\w+' linearly dependent"):
        relufast.FisherInformation(np.tile(np.eye(3), (4, 1))).alignment()


def test_refuses_unknown_groups() -> None:
    basis = relufast.FisherInformation(np.eye(3)).basis()
    with pytest.raises(ValueError, match="name is 'cubic', but must be one of 'norm', 'linear'"):
        basis.group("cubic")


def test_a_failed_run_can_be_pickled() -> None:
    import pickle

    W = np.random.default_rng(0).standard_normal((50, 3))
    with pytest.raises(relufast.FisherConvergenceError) as caught:
        relufast.FisherInformation(W).eigh(9, tol=1e-30)
    error = pickle.loads(pickle.dumps(caught.value))
    assert str(error) == str(caught.value)
    assert np.array_equal(error.eigenpairs.eigenvalues, caught.value.eigenpairs.eigenvalues)


def test_the_core_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="the degree is 2, but must be 0 or 1"):
        _core.arc_cosine(np.zeros(1), 2)
    with pytest.raises(ValueError, match="a matrix has two axes"):
        _core.arc_cosine_gram(np.ones(3), 1, 1)
    with pytest.raises(ValueError, match="vectors of another length"):
        _core.arc_cosine_product(np.eye(3), np.ones((2, 1)), 1, 1)
    with pytest.raises(ValueError, match="directions of another dimension"):
        _core.arc_cosine_cross_gram(np.eye(3), np.eye(2), 1, 1)


def test_stops_at_ctrl_c() -> None:
    script = """
import numpy as np
import relufast
W = np.random.default_rng(0).standard_normal((30_000, 10))
J = relufast.FisherInformation(W)
relufast.load_blas()
print("ready", flush=True)
J.matmat(np.ones((30_000, 60)))
"""
    # The core is asked between two tiles, of some milliseconds.
    assert seconds_until_stopped(script) < 2.0
