"""Bad input to mean widths: what is refused, in what words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from interrupting import seconds_until_stopped

import relufast
from relufast import _core

NETWORK = relufast.Network.random((3, 5, 2), seed=1)
X = np.ones((4, 3))
TAKERS: dict[str, Callable[[Any], object]] = {
    "width": lambda K: relufast.gaussian_mean_width(K, seed=1),
    "statistic": relufast.statistics.MeanWidth,
}


@pytest.mark.parametrize("take", TAKERS.values(), ids=TAKERS)
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([[1.0, math.nan]], ValueError, r"K\[0, 1\] is nan, but must be finite"),
        ([[1.0], [-math.inf]], ValueError, r"K\[1, 0\] is -inf, but must be finite"),
        (np.float32([[1.0], [math.inf]]), ValueError, r"K\[1, 0\] is inf, but must be finite"),
        ([[1e200]], ValueError, r"K\[0, 0\] is 1e\+200, but must be at most 2\*\*500 in size"),
        (np.ones((0, 3)), ValueError, r"K has shape \(0, 3\), but needs shape \(m, d\), at least"),
        (np.ones((3, 0)), ValueError, r"K has shape \(3, 0\), but needs shape \(m, d\)"),
        ([1.0, 2.0], ValueError, r"K has shape \(2,\), but needs shape \(m, d\)"),
        (1.0, ValueError, r"K has shape \(\), but needs shape \(m, d\)"),
        (np.ones((2, 2), complex), TypeError, "K has dtype complex128, but needs real numbers"),
        (np.ones((2, 2), bool), TypeError, "K has dtype bool, but needs real numbers"),
        ("points", TypeError, "K is of type str, but needs real numbers"),
        (None, TypeError, "K is of type NoneType, but needs real numbers"),
        ([[1.0], [1.0, 2.0]], ValueError, "K is ragged"),
        (np.ma.ones((2, 2)), TypeError, "K is a masked array"),
    ],
)
def test_refuses_points(
    value: Any, error: type[Exception], message: str, take: Callable[[Any], object]
) -> None:
    with pytest.raises(error, match=message):
        take(value)


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ([], "K has no points, but needs at least one"),
        ([np.ones((0, 3))], "K has no points"),
        ([np.ones((2, 3)), np.ones((2, 4))], r"K \(chunk 1\) has shape \(2, 4\), but needs 3 col"),
        ([np.ones((2, 1)), [[1.0], [math.nan]]], r"K \(chunk 1\)\[3, 0\] is nan, but must be fin"),
        ([np.ones(3)], r"K \(chunk 0\) has shape \(3,\), but needs shape \(m, d\)"),
    ],
)
def test_refuses_chunks(chunks: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        relufast.gaussian_mean_width(iter(chunks), seed=1)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples is 0, but must be at least 1"),
        ({"n_samples": 1.5}, TypeError, "n_samples is of type float, but needs an integer"),
        ({"seed": -1}, ValueError, "seed is -1, but must be at least 0"),
        ({"seed": None}, TypeError, "seed is of type NoneType"),
        ({"spherical": 1}, TypeError, "spherical is of type int, but needs True or False"),
        ({"n_threads": 0}, ValueError, "n_threads is 0, but must be at least 1"),
        ({"until": 0.1}, TypeError, "until is of type float, but needs a relufast.Precision"),
    ],
)
def test_refuses_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.gaussian_mean_width(np.eye(2), **{"seed": 1, **options})


def test_refuses_until_for_chunks() -> None:
    until = relufast.Precision(relative=0.1)
    with pytest.raises(ValueError, match="until is given, but K comes in chunks"):
        relufast.gaussian_mean_width(iter([np.eye(2)]), seed=1, until=until)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((None, X), TypeError, "network is of type NoneType, but needs a relufast.Network"),
        ((NETWORK, np.ones((4, 2))), ValueError, r"X has shape \(4, 2\), but needs shape"),
        ((NETWORK, np.ones((0, 3))), ValueError, "but needs at least one point"),
        ((NETWORK, X, [0, 1]), ValueError, r"labels has shape \(2,\), but needs shape \(4,\)"),
        ((NETWORK, X, [0, 1, 2, 0]), ValueError, r"labels\[2\] is 2, but classes are 0 to 1"),
        ((NETWORK, X, [0, -1, 1, 0]), ValueError, r"labels\[1\] is -1, but classes are 0 to 1"),
        ((NETWORK, X, [0.0, 1.0, 1.0, 0.0]), TypeError, "labels has dtype float64, but needs int"),
        ((NETWORK, 1e160 * X), ValueError, r"activations of layer 1\[0, \d\] is .*2\*\*500"),
    ],
)
def test_refuses_networks_points_and_labels(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        relufast.layer_mean_widths(*arguments, seed=1)


def test_refuses_equal_sizes_without_labels() -> None:
    with pytest.raises(ValueError, match="equal_sizes is True, but labels"):
        relufast.layer_mean_widths(NETWORK, X, seed=1, equal_sizes=True)


@pytest.mark.parametrize(
    ("A", "options", "error", "message"),
    [
        ([[math.nan]], {}, ValueError, r"A\[0, 0\] is nan, but must be finite"),
        (np.ones((0, 2)), {}, ValueError, r"A has shape \(0, 2\), but needs at least one row"),
        ([1.0], {}, ValueError, r"A has shape \(1,\), but needs a matrix"),
        (np.eye(2, dtype=complex), {}, TypeError, "A has dtype complex128"),
        ([[1.7e308]], {}, ValueError, r"A has entries up to 1.7e\+308, whose width exceeds float"),
        ([[1.0]], {"activation": "tanh"}, ValueError, "activation is 'tanh', but must be one of"),
        ([[1.0]], {"activation": 1}, TypeError, "activation is of type int"),
        ([[1.0]], {"n_samples": 0}, ValueError, "n_samples is 0, but must be at least 1"),
        ([[1.0]], {"n_starts": 0}, ValueError, "n_starts is 0, but must be at least 1"),
        ([[1.0]], {"seed": 2**64}, ValueError, "seed is 18446744073709551616, but must be"),
        ([[1.0]], {"progress": 1}, TypeError, "progress is of type int, but needs a function"),
    ],
)
def test_refuses_operators(
    A: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        relufast.operator_mean_width(A, **options)


def test_the_core_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="no points, or points of no dimension"):
        _core.PointTiles(np.ones((0, 2)), None, 1)
    with pytest.raises(ValueError, match="a centre of another dimension"):
        _core.PointTiles(np.ones((1, 2)), np.ones(3), 1)
    with pytest.raises(ValueError, match="a matrix has two axes"):
        _core.DirectionalExtremes(np.ones(3))
    with pytest.raises(ValueError, match="points of another dimension than directions"):
        _core.DirectionalExtremes(np.ones((1, 3))).take(_core.PointTiles(np.eye(2), None, 1), 1)
    with pytest.raises(TypeError):
        _core.PointTiles(np.asfortranarray(np.ones((3, 2))), None, 1)


def test_stops_at_ctrl_c() -> None:
    script = """
import numpy as np
import relufast
K = np.random.default_rng(0).standard_normal((20_000, 500))
relufast.load_blas()
print("ready", flush=True)
relufast.gaussian_mean_width(K, n_samples=100_000, seed=1)
"""
    assert seconds_until_stopped(script) < 2.0
