"""Bad input to `activation_ranks`: what is refused, and in what words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import relufast

NETWORK = relufast.Network.random((3, 5, 5, 1), seed=1)
POINTS = np.ones((2, 3))


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([[1.0, math.nan, 0.0]], ValueError, r"X\[0, 1\] is nan, but must be finite"),
        ([[1.0, 0.0, math.inf]], ValueError, r"X\[0, 2\] is inf, but must be finite"),
        ([[-math.inf, 0.0, 1.0]], ValueError, r"X\[0, 0\] is -inf, but must be finite"),
        (0.0, ValueError, r"X has shape \(\), but needs shape \(m, 3\)"),
        ([1.0, 2.0, 3.0], ValueError, r"X has shape \(3,\), but needs shape \(m, 3\)"),
        ([], ValueError, r"X has shape \(0,\), but needs shape \(m, 3\)"),
        (np.ones((1, 2, 3)), ValueError, r"X has shape \(1, 2, 3\), but needs shape \(m, 3\)"),
        (np.ones((2, 4)), ValueError, r"X has shape \(2, 4\), but needs shape \(m, 3\)"),
        (np.ones((2, 0)), ValueError, r"X has shape \(2, 0\), but needs shape \(m, 3\)"),
        (np.ones((2, 3), dtype=object), TypeError, "X has dtype object, but needs real numbers"),
        (np.ones((2, 3), dtype=complex), TypeError, "X has dtype complex128, but needs real"),
        (np.ones((2, 3), dtype=bool), TypeError, "X has dtype bool, but needs real numbers"),
        ([["a", "b", "c"]], TypeError, "X has dtype <U1, but needs real numbers"),
        ([[1, 2, 3], [1, 2]], ValueError, "X is ragged, but needs rows of equal length"),
        (np.ma.ones((2, 3)), TypeError, "X is a masked array"),
        ([[2**53 + 1, 0, 0]], ValueError, "X has an integer of size 9007199254740993"),
        (None, TypeError, "X is of type NoneType, but needs real numbers"),
    ],
)
@pytest.mark.parametrize("method", ["exact", "numerical", "structural"])
def test_refuses_points(X: Any, error: type[Exception], message: str, method: Any) -> None:
    with pytest.raises(error, match=message):
        relufast.activation_ranks(NETWORK, X, method=method)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "svd"}, ValueError, "method is 'svd', but must be one of 'exact', 'numerical'"),
        ({"method": None}, TypeError, "method is of type NoneType, but needs one of 'exact'"),
        ({"max_primes": 0}, ValueError, "max_primes is 0, but must be at least 1"),
        ({"max_primes": -1}, ValueError, "max_primes is -1, but must be at least 1"),
        ({"max_primes": 65537}, ValueError, "max_primes is 65537, but there are 65536 primes"),
        ({"max_primes": 2.0}, TypeError, "max_primes is of type float, but needs an integer"),
        ({"max_primes": True}, TypeError, "max_primes is of type bool, but needs an integer"),
        ({"certify": 1}, TypeError, "certify is of type int, but needs True or False"),
        ({"certify": None}, TypeError, "certify is of type NoneType, but needs True or False"),
    ],
)
def test_refuses_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.activation_ranks(NETWORK, POINTS, **options)


@pytest.mark.parametrize("network", [None, "network", NETWORK.weights])
def test_refuses_network(network: Any) -> None:
    with pytest.raises(TypeError, match="network is of type"):
        relufast.activation_ranks(network, POINTS)


def test_options_are_keywords() -> None:
    with pytest.raises(TypeError, match="positional"):
        relufast.activation_ranks(NETWORK, POINTS, "exact")  # type: ignore[misc]
