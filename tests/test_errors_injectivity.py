"""Bad input to what is decided and searched about injectivity: what is refused, in what words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from interrupting import seconds_until_stopped

import relufast
from relufast import _core
from relufast.statistics import FewestActiveRows, InjectiveLayers

A3 = np.vstack([np.eye(3), -np.eye(3)])
NETWORK = relufast.Network.random((3, 4, 4, 1), seed=1)
TAKERS: dict[str, Callable[..., object]] = {
    "is_injective": relufast.is_injective,
    "min_active_rows": relufast.min_active_rows,
}


@pytest.mark.parametrize("take", TAKERS.values(), ids=TAKERS)
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([[1.0, math.nan]], ValueError, r"A\[0, 1\] is nan, but must be finite"),
        ([[1.0], [-math.inf]], ValueError, r"A\[1, 0\] is -inf, but must be finite"),
        ([1.0, 2.0], ValueError, r"A has shape \(2,\), but needs a matrix"),
        (np.ones((0, 3)), ValueError, r"A has shape \(0, 3\), but needs at least one row and col"),
        (np.ones((3, 0)), ValueError, r"A has shape \(3, 0\), but needs at least one row and col"),
        (np.ones((2, 2), complex), TypeError, "A has dtype complex128, but needs real numbers"),
        (np.ones((2, 2), bool), TypeError, "A has dtype bool, but needs real numbers"),
        ([[1.0], [1.0, 2.0]], ValueError, "A is ragged, but needs rows of equal length"),
        ([[2**53 + 1]], ValueError, "A has an integer of size 9007199254740993"),
        (None, TypeError, "A has dtype object|A is of type NoneType"),
    ],
)
def test_matrices(take: Callable[..., object], value: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        take(value)


@pytest.mark.parametrize("take", TAKERS.values(), ids=TAKERS)
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"bias": [1.0]}, ValueError, r"bias has shape \(1,\), but needs shape \(6,\)"),
        ({"bias": [math.nan] * 6}, ValueError, r"bias\[0\] is nan, but must be finite"),
        ({"bias": ["a"] * 6}, TypeError, "bias has dtype <U1, but needs real numbers"),
        ({"budget": 0}, ValueError, "budget is 0, but must be at least 1"),
        ({"budget": 1e6}, TypeError, "budget is of type float, but needs an integer"),
        ({"progress": 3}, TypeError, "progress is of type int, but needs a function or None"),
    ],
)
def test_options_of_both(
    take: Callable[..., object], options: dict[str, Any], error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        take(A3, **options)


def test_complete_is_a_flag() -> None:
    with pytest.raises(TypeError, match="complete is of type int, but needs True or False"):
        relufast.is_injective(A3, complete=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "lp"}, ValueError, "method is 'lp', but must be one of 'auto', 'exact', 'sea"),
        ({"n_restarts": 0}, ValueError, "n_restarts is 0, but must be at least 1"),
        ({"n_steps": -1}, ValueError, "n_steps is -1, but must be at least 1"),
        ({"seed": -1}, ValueError, "seed is -1, but must be at least 0 and below"),
        ({"n_threads": 0}, ValueError, "n_threads is 0, but must be at least 1"),
    ],
)
def test_options_of_the_search(options: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.min_active_rows(A3, **options)


def test_too_large_for_the_budget() -> None:
    A = np.random.default_rng(1).standard_normal((60, 6))
    message = r"A has 60 distinct hyperplanes of 6 dimensions, up to 5.99e\+06 flats, some \d+ s"
    with pytest.raises(ValueError, match=message):
        relufast.is_injective(A, budget=1_000_000)
    with pytest.raises(ValueError, match="but budget is 100; min_active_rows searches"):
        relufast.min_active_rows(A, method="exact", budget=100)
    with pytest.raises(ValueError, match="A has 61 distinct hyperplanes of 7 dimensions"):
        relufast.is_injective(A, np.ones(60), budget=1_000_000)


def test_too_many_dimensions() -> None:
    A = np.random.default_rng(1).standard_normal((20, 13))
    with pytest.raises(ValueError, match="A has rank 13, but cells of at most 12 dimensions"):
        relufast.is_injective(A)
    with pytest.raises(ValueError, match="A has rank 12 and biases, but cells of at most 12"):
        relufast.is_injective(A[:, :12], np.ones(20))
    # Of a rank that is low enough it may be.
    verdict = relufast.is_injective(A[:, :2] @ np.ones((2, 40)))
    assert (verdict.injective, verdict.n_cells) == (False, 2)


def test_networks() -> None:
    with pytest.raises(ValueError, match="bias is given, but layer is a Network"):
        relufast.min_active_rows(NETWORK, [1.0])  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"network is of type list, but needs a relufast\.Network"):
        relufast.local_injectivity([], [[1.0]])  # type: ignore[arg-type]
    for X, message in [
        ([1.0, 2.0], r"X has shape \(2,\), but needs shape \(3,\) or \(m, 3\)"),
        (np.ones((0, 3)), r"X has shape \(0, 3\), but needs at least one point"),
        ([1.0, math.inf, 0.0], r"X\[1\] is inf, but must be finite"),
    ]:
        with pytest.raises(ValueError, match=message):
            relufast.local_injectivity(NETWORK, X)
    with pytest.raises(TypeError, match="progress is of type str, but needs a function"):
        relufast.local_injectivity(NETWORK, np.ones(3), progress="bar")  # type: ignore[arg-type]


@pytest.mark.parametrize("statistic", [InjectiveLayers, FewestActiveRows])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0, (3,)), ValueError, "n_inputs is 0, but must be at least 1"),
        ((2.0, (3,)), TypeError, "n_inputs is of type float, but needs an integer"),
        ((2, ()), ValueError, r"rows is \(\), but needs at least one integer, and rising ones"),
        ((2, (4, 4)), ValueError, r"rows is \(4, 4\), but needs at least one integer, and rising"),
        ((2, (0,)), ValueError, r"rows\[0\] is 0, but must be at least 1"),
        ((2, 5), TypeError, "rows is of type int, but needs a list or tuple of integers"),
        ((2, (2.5,)), TypeError, r"rows\[0\] is of type float, but needs an integer"),
    ],
)
def test_statistics(statistic: Any, arguments: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        statistic(*arguments)


def test_statistics_that_are_too_large() -> None:
    with pytest.raises(ValueError, match="n_inputs is 9, but must be at most 8"):
        InjectiveLayers(9, (20,))
    with pytest.raises(ValueError, match=r"rows has 200, whose [0-9,]+ flats are too many"):
        InjectiveLayers(6, (20, 200))
    with pytest.raises(ValueError, match="n_steps is 0, but must be at least 1"):
        FewestActiveRows(3, (6,), n_steps=0)


def test_the_core_checks_what_it_is_given() -> None:
    ones = np.ones(2, np.int64)
    with pytest.raises(ValueError, match="a matrix has two axes"):
        _core.cells_of_layer(np.ones(3), 1, ones, ones, 0, -1, False, None)
    with pytest.raises(ValueError, match="sizes of a layer do not fit together"):
        _core.cells_of_layer(np.ones((3, 1)), 1, ones, ones, 0, -1, False, None)
    with pytest.raises(ValueError, match="rows of an arrangement must span the space"):
        _core.cells_of_layer(np.ones((2, 2)), 2, ones, ones, 0, -1, False, None)
    with pytest.raises(ValueError, match="a cell has a sign for each row"):
        _core.rays_of_cell(np.eye(3), np.ones(2, bool))
    with pytest.raises(ValueError, match="a start has 32 random words"):
        _core.search_few_active(np.eye(3), np.zeros(0), np.ones((1, 3), np.uint64), 1, 1, None)


@pytest.mark.parametrize(
    "work",
    [
        "relufast.is_injective(A(70, 7), budget=10**12)",
        "relufast.min_active_rows(A(500, 80), n_steps=10**8)",
        "relufast.min_active_rows(network, n_steps=10**8)",
    ],
)
def test_work_can_be_interrupted(work: str) -> None:
    script = f"""if True:
        import numpy as np, relufast
        A = lambda m, n: np.random.default_rng(1).standard_normal((m, n))
        network = relufast.Network.random((2, 20, 20, 1), seed=1)
        relufast.min_active_rows(network, n_steps=1, n_restarts=1)
        print("ready", flush=True)
        {work}
    """
    assert seconds_until_stopped(script) < 2.0


def test_an_error_in_progress_is_raised() -> None:
    def fail(progress: relufast.WorkProgress) -> None:
        raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        relufast.is_injective(np.random.default_rng(1).standard_normal((60, 6)), progress=fail)
