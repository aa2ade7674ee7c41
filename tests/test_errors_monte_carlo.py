"""Bad input to `monte_carlo` and what belongs to it: what is refused, and in what words."""

from __future__ import annotations

import math
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from executors import dask_client

import relufast
from relufast.statistics import BreakpointCounts, Function, JittedFunction

UNTIL = relufast.Precision(relative=0.1)


def number(rng: np.random.Generator) -> float:
    return rng.random()


@numba.njit
def jitted(rng: Any, out: Any) -> None:
    out[0] = rng.random()


@pytest.mark.parametrize(
    ("statistic", "arguments", "error", "message"),
    [
        ("f", {}, TypeError, "statistic is of type str, but needs one of relufast.statistics or a"),
        (None, {}, TypeError, "statistic is of type NoneType"),
        (np.zeros(3), {}, TypeError, "statistic is of type ndarray"),
        (jitted, {}, TypeError, r"whose shape is not known: give statistics.JittedFunction\(f, sh"),
        (number, {"n_trials": None}, ValueError, "n_trials and until are missing: a run needs one"),
        (number, {"n_trials": 0}, ValueError, "n_trials is 0, but must be at least 1"),
        (number, {"n_trials": -5}, ValueError, "n_trials is -5, but must be at least 1"),
        (number, {"n_trials": 10.0}, TypeError, "n_trials is of type float, but needs an integer"),
        (number, {"n_trials": math.inf}, TypeError, "n_trials is of type float"),
        (number, {"n_trials": True}, TypeError, "n_trials is of type bool"),
        (number, {"n_trials": "10"}, TypeError, "n_trials is of type str"),
        (number, {"n_trials": np.array([10])}, TypeError, "n_trials is of type ndarray"),
        (number, {"until": 0.01}, TypeError, "until is of type float, but needs a relufast.Precis"),
        (number, {"until": relufast.Precision}, TypeError, "until is of type type"),
        (number, {"seed": -1}, ValueError, r"seed is -1, but must be at least 0 and below 2\*\*64"),
        (number, {"seed": 2**64}, ValueError, "seed is 18446744073709551616, but must be"),
        (number, {"seed": None}, TypeError, "seed is of type NoneType, but needs an integer"),
        (number, {"seed": 1.0}, TypeError, "seed is of type float"),
        (number, {"seed": np.random.default_rng(1)}, TypeError, "seed is of type Generator"),
        (number, {"executor": 4}, TypeError, "executor is of type int, but needs an Executor"),
        (number, {"executor": "threads"}, TypeError, "executor is of type str"),
        (number, {"executor": ProcessPoolExecutor}, TypeError, "executor is"),
        (number, {"store": 3}, TypeError, "store is of type int, but needs a str or a path object"),
        (number, {"store": True}, TypeError, "store is of type bool"),
        (number, {"covariance": 1}, TypeError, "covariance is of type int, but needs True or Fal"),
        (number, {"covariance": None}, TypeError, "covariance is of type NoneType"),
        (number, {"progress": 1}, TypeError, "progress is of type int, but needs a callable"),
        (number, {"progress": "bar"}, TypeError, "progress is of type str"),
    ],
)
def test_monte_carlo_refuses(
    statistic: Any, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        relufast.monte_carlo(statistic, **{"n_trials": 10, "seed": 1, **arguments})


def test_what_is_refused_makes_no_store(tmp_path: Path) -> None:
    statistic = Function(number, name="number", version="1")
    for arguments in ({"n_trials": 0}, {"seed": -1}, {"executor": 4}, {"covariance": 1}):
        options: dict[str, Any] = {"n_trials": 10, "seed": 1, **arguments}
        with pytest.raises((TypeError, ValueError)):
            relufast.monte_carlo(statistic, store=tmp_path / "store.db", **options)
    assert list(tmp_path.iterdir()) == []


def test_the_seed_has_no_default() -> None:
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'seed'"):
        relufast.monte_carlo(number, n_trials=10)  # type: ignore[call-arg]


def test_a_dask_client_is_no_executor() -> None:
    """It has `submit` all the same."""
    with (
        dask_client(1, processes=False) as client,
        pytest.raises(TypeError, match="executor is of type Client, but needs an Executor"),
    ):
        relufast.monte_carlo(number, n_trials=10, seed=1, executor=client)


@pytest.mark.parametrize("n_trials", [10, np.int64(10), np.uint8(10)])
@pytest.mark.parametrize("seed", [3, np.uint64(3), np.int32(3)])
def test_takes_any_integer(n_trials: Any, seed: Any) -> None:
    estimate = relufast.monte_carlo(number, n_trials=n_trials, seed=seed, covariance=np.False_)
    assert estimate.mean == relufast.monte_carlo(number, n_trials=10, seed=3).mean
    assert type(estimate.n_trials) is type(estimate.seed) is int


@pytest.mark.parametrize(
    ("statistic", "arguments", "error", "message"),
    [
        ("f", (1, 0, 0), TypeError, "statistic is of type str"),
        (jitted, (1, 0, 0), TypeError, r"give statistics.JittedFunction\(f, shape\)"),
        (number, (-1, 0, 0), ValueError, "seed is -1"),
        (number, (2**64, 0, 0), ValueError, "seed is 18446744073709551616"),
        (number, ("1", 0, 0), TypeError, "seed is of type str"),
        (number, (1, -1, 0), ValueError, "block is -1, but must not be negative"),
        (number, (1, 0.0, 0), TypeError, "block is of type float, but needs an integer"),
        (number, (1, 0, -1), ValueError, "trial is -1, but must not be negative"),
        (number, (1, 0, None), TypeError, "trial is of type NoneType, but needs an integer"),
        (number, (1, 0, 64), ValueError, "trial is 64, but a block has 64"),
    ],
)
def test_replay_refuses(
    statistic: Any, arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        relufast.replay(statistic, *arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "relative and absolute are missing: a precision needs one of them"),
        ({"level": 0.9}, ValueError, "relative and absolute are missing"),
        ({"relative": 0.0}, ValueError, "relative is 0.0, but must be positive"),
        ({"relative": -0.1}, ValueError, "relative is -0.1, but must be positive"),
        ({"relative": math.nan}, ValueError, "relative is nan, but must be finite"),
        ({"relative": math.inf}, ValueError, "relative is inf, but must be finite"),
        ({"relative": "1%"}, TypeError, "relative is of type str, but needs real numbers"),
        ({"relative": [0.1, 0.2]}, ValueError, r"relative has shape \(2,\), but needs a single"),
        ({"absolute": 0}, ValueError, "absolute is 0.0, but must be positive"),
        ({"absolute": True}, TypeError, "absolute is of type bool"),
        ({"absolute": 1j}, TypeError, "absolute is of type complex"),
        ({"relative": 0.1, "absolute": -1}, ValueError, "absolute is -1.0, but must be positive"),
        ({"relative": 0.1, "level": 1.0}, ValueError, "level is 1.0, but must lie between 0 and 1"),
        ({"relative": 0.1, "level": 0}, ValueError, "level is 0.0, but must lie between 0 and 1"),
        ({"relative": 0.1, "level": 95}, ValueError, "level is 95.0, but must lie between 0 and 1"),
        ({"relative": 0.1, "level": None}, TypeError, "level is of type NoneType"),
    ],
)
def test_precision_refuses(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.Precision(**arguments)


def test_precision_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="cannot assign to field 'relative'"):
        UNTIL.relative = 0.5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("level", "error", "message"),
    [
        (0, ValueError, "level is 0.0, but must lie between 0 and 1"),
        (1.0, ValueError, "level is 1.0, but must lie between 0 and 1"),
        (95, ValueError, "level is 95.0, but must lie between 0 and 1"),
        (-0.5, ValueError, "level is -0.5, but must lie between 0 and 1"),
        (math.nan, ValueError, "level is nan, but must be finite"),
        ("95%", TypeError, "level is of type str, but needs real numbers"),
        (None, TypeError, "level is of type NoneType"),
        ([0.9], ValueError, r"level has shape \(1,\), but needs a single number"),
    ],
)
def test_confidence_interval_refuses(level: Any, error: type[Exception], message: str) -> None:
    estimate = relufast.monte_carlo(number, n_trials=10, seed=1)
    with pytest.raises(error, match=message):
        estimate.confidence_interval(level)


IDENTITY = [
    ({"name": 1, "version": "1"}, TypeError, "name is of type int, but needs a str"),
    ({"name": "f", "version": 1.0}, TypeError, "version is of type float, but needs a str"),
    ({"name": "f"}, ValueError, "name is given, but version is missing: a store needs both"),
    ({"version": "1"}, ValueError, "version is given, but name is missing: a store needs both"),
    ({"block_size": 0}, ValueError, "block_size is 0, but must be at least 1"),
    ({"block_size": 2.0}, TypeError, "block_size is of type float, but needs an integer"),
    ({"block_size": None}, TypeError, "block_size is of type NoneType"),
]


@pytest.mark.parametrize(("options", "error", "message"), IDENTITY)
def test_options_of_functions_are_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Function(number, **options)
    with pytest.raises(error, match=message):
        JittedFunction(jitted, 1, **options)


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (1.0, TypeError, "f is of type float, but needs a callable"),
        (None, TypeError, "f is of type NoneType, but needs a callable"),
        (lambda: 1.0, TypeError, "takes 0 positional arguments but 1 was given"),
        (lambda rng: "one", TypeError, "f returns dtype <U3"),
        (lambda rng: {"a": 1.0}, TypeError, "f returns dtype object"),
        (lambda rng: 1j, TypeError, "complex"),
        (lambda rng: np.array([1j]), TypeError, "complex"),
        (lambda rng: [[1.0], [1.0, 2.0]], ValueError, "inhomogeneous|ragged"),
        (lambda rng: np.empty(0), ValueError, r"shape \(0,\)|empty"),
    ],
)
def test_function_refuses(f: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Function(f)


@pytest.mark.parametrize(
    ("f", "shape", "error", "message"),
    [
        (number, 1, TypeError, "f is of type function, but needs a function made by njit"),
        (None, 1, TypeError, "f is of type NoneType, but needs a function made by njit"),
        (jitted, 0, ValueError, "shape is 0, but must be at least 1"),
        (jitted, (2, 0), ValueError, "shape is 0, but must be at least 1"),
        (jitted, -1, ValueError, "shape is -1, but must be at least 1"),
        (jitted, 1.0, TypeError, "shape is of type float, but needs an integer"),
        (jitted, (2, 1.0), TypeError, "shape is of type float, but needs an integer"),
        (jitted, None, TypeError, "shape is of type NoneType, but needs an integer"),
        (jitted, "2", TypeError, "shape is of type str, but needs an integer"),
    ],
)
def test_jitted_function_refuses(f: Any, shape: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        JittedFunction(f, shape)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"widths": (2, 5, 1)}, ValueError, r"widths\[0\] is 2, but must be 1: one input, one li"),
        ({"widths": (1, 5)}, ValueError, "widths has 2 entries, but needs at least 3"),
        ({"widths": ()}, ValueError, "widths has 0 entries"),
        ({"widths": (1, 0, 1)}, ValueError, r"widths\[1\] is 0, but must be at least 1"),
        ({"widths": (1, 5, -1)}, ValueError, r"widths\[2\] is -1, but must be at least 1"),
        ({"widths": (1, 5.0, 1)}, TypeError, r"widths\[1\] is of type float"),
        ({"widths": 5}, TypeError, "widths is of type int, but needs a list or tuple"),
        ({"widths": "151"}, TypeError, "widths is of type str"),
        ({"interval": (1.0, 0.0)}, ValueError, r"interval is \(1.0, 0.0\), but needs lo < hi"),
        ({"interval": (0.0, 0.0)}, ValueError, "but needs lo < hi"),
        ({"interval": (math.nan, 0.0)}, ValueError, r"interval is \(nan, 0.0\)"),
        ({"interval": (0.0,)}, ValueError, r"interval has shape \(1,\)"),
        ({"interval": None}, TypeError, "interval is of type NoneType"),
        ({"weight_init": "lecun"}, ValueError, "weight_init is 'lecun', but must be one of 'he'"),
        ({"weight_init": None}, TypeError, "weight_init is of type NoneType, but needs one of"),
        ({"weight_variance": 0.0}, ValueError, "weight_variance is 0.0, but must be positive"),
        ({"weight_variance": math.inf}, ValueError, "weight_variance is inf, but must be finite"),
        ({"weight_variance": [1, 2]}, ValueError, r"weight_variance has shape \(2,\)"),
        ({"bias_variance": -0.1}, ValueError, "bias_variance is -0.1, but must not be negative"),
        ({"bias_variance": math.nan}, ValueError, "bias_variance is nan, but must be finite"),
        ({"bias_variance": None}, TypeError, "bias_variance is of type NoneType"),
        ({"negative_slope": math.nan}, ValueError, "negative_slope is nan, but must be finite"),
        ({"negative_slope": -math.inf}, ValueError, "negative_slope is -inf, but must be finite"),
        ({"negative_slope": "0"}, TypeError, "negative_slope is of type str"),
    ],
)
def test_breakpoint_counts_refuse(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        BreakpointCounts(**{"widths": (1, 5, 1), **arguments})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((-1, 0, 0), ValueError, "seed is -1"),
        ((1, -1, 0), ValueError, "block is -1, but must not be negative"),
        ((1, 0, -1), ValueError, "trial is -1, but must not be negative"),
        ((1, 0, 1.0), TypeError, "trial is of type float"),
        ((1, 0, 4096), ValueError, "trial is 4096, but a block has"),
    ],
)
def test_network_of_a_trial_refuses(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        BreakpointCounts((1, 5, 1)).network(*arguments)


@pytest.mark.parametrize("widths", [[1, 5, 1], (1, 5, 1), np.array([1, 5, 1]), (1, np.int8(5), 1)])
@pytest.mark.parametrize("interval", [(-1, 2), [-1.0, 2.0], np.array([-1, 2], dtype=np.float32)])
def test_breakpoint_counts_take_any_numbers(widths: Any, interval: Any) -> None:
    usual = BreakpointCounts((1, 5, 1), interval=(-1.0, 2.0))
    other = BreakpointCounts(widths, interval=interval)
    assert other.key() == usual.key()
    one, same = (relufast.monte_carlo(s, n_trials=50, seed=1).mean for s in (usual, other))
    assert one.tobytes() == same.tobytes()
