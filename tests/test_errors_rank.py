"""Bad input to the ranks: what is refused, and in what words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from interrupting import seconds_until_stopped

import relufast
from relufast import _core

TAKERS: dict[str, Callable[[Any], object]] = {
    "matrix_rank, exact": relufast.matrix_rank,
    "matrix_rank, numerical": lambda A: relufast.matrix_rank(A, method="numerical"),
    "column_rank_profile": relufast.column_rank_profile,
    "prefix_ranks": lambda A: relufast.prefix_ranks(A, axis=0),
    "append, exact": lambda A: relufast.IncrementalRank(2).append(A),
    "append, numerical": lambda A: relufast.IncrementalRank(2, method="numerical").append(A),
}


@pytest.mark.parametrize("take", TAKERS.values(), ids=TAKERS)
@pytest.mark.parametrize(
    ("A", "error", "message"),
    [
        ([[1.0, math.nan]], ValueError, r"\[0, 1\] is nan, but must be finite"),
        ([[1.0, 2.0], [-math.inf, 0.0]], ValueError, r"\[1, 0\] is -inf, but must be finite"),
        ([1.0, 2.0], ValueError, r"has shape \(2,\), but needs a matrix, shape \(m, n\)"),
        (np.arange(2), ValueError, r"has shape \(2,\), but needs a matrix, shape \(m, n\)"),
        (3.0, ValueError, r"has shape \(\), but needs a matrix"),
        (np.zeros((2, 2, 2)), ValueError, r"has shape \(2, 2, 2\), but needs a matrix"),
        (np.zeros((2, 2), object), TypeError, "has dtype object, but needs real numbers"),
        ([[2**64, 1]], TypeError, "has dtype object, but needs real numbers"),
        ([[1j, 1.0]], TypeError, "has dtype complex128, but needs real numbers"),
        ([[True, False]], TypeError, "has dtype bool, but needs real numbers"),
        (np.zeros((2, 2), np.longdouble), TypeError, "has dtype float128|dtype longdouble"),
        ([["1", "2"]], TypeError, "has dtype <U1, but needs real numbers"),
        ([[1.0], [1.0, 2.0]], ValueError, "is ragged"),
        (np.ma.array([[1.0, 2.0]]), TypeError, "is a masked array"),
        (None, TypeError, "is of type NoneType, but needs real numbers"),
    ],
)
def test_refuses_matrix(
    A: Any, error: type[Exception], message: str, take: Callable[[Any], object]
) -> None:
    with pytest.raises(error, match=f"(A|rows).*({message})"):
        take(A)


def test_refuses_integers_that_numpy_would_round() -> None:
    with pytest.raises(ValueError, match=r"A\[0, 0\] is 9007199254740993, but float64"):
        relufast.matrix_rank([[2**53 + 1, 0.5]])
    assert relufast.matrix_rank([[2**60, 0.5]]).rank == 1
    with pytest.raises(ValueError, match="A has an integer of size 9007199254740993"):
        relufast.matrix_rank([[2**53 + 1]], method="numerical")


@pytest.mark.parametrize(
    ("rtol", "error", "message"),
    [
        (-1e-9, ValueError, "rtol is -1e-09, but must not be negative"),
        (math.nan, ValueError, "rtol is nan, but must be finite"),
        (math.inf, ValueError, "rtol is inf, but must be finite"),
        ("small", TypeError, "rtol is of type str"),
        (True, TypeError, "rtol is of type bool"),
        ([0.1], ValueError, r"rtol has shape \(1,\), but needs a single number"),
    ],
)
def test_refuses_rtol(rtol: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.matrix_rank(np.eye(2), method="numerical", rtol=rtol)
    with pytest.raises(error, match=message):
        relufast.IncrementalRank(2, method="numerical", rtol=rtol)


def test_refuses_rtol_of_the_exact_method() -> None:
    for call in (lambda: relufast.matrix_rank(np.eye(2), rtol=0.1), _exact_with_rtol):
        with pytest.raises(ValueError, match=r"rtol is 0.1, but the exact method has no tolerance"):
            call()


def _exact_with_rtol() -> object:
    return relufast.IncrementalRank(2, rtol=0.1)


@pytest.mark.parametrize(
    ("method", "error", "message"),
    [
        ("svd", ValueError, "method is 'svd', but must be one of 'exact', 'numerical'"),
        (None, TypeError, "method is of type NoneType, but needs one of 'exact', 'numerical'"),
    ],
)
def test_refuses_method(method: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.matrix_rank(np.eye(2), method=method)
    with pytest.raises(error, match=message):
        relufast.IncrementalRank(2, method=method)


@pytest.mark.parametrize(
    ("axis", "error", "message"),
    [
        (2, ValueError, "axis is 2, but must be 0, for rows, or 1, for columns"),
        (-1, ValueError, "axis is -1, but must be 0, for rows, or 1, for columns"),
        (0.0, TypeError, "axis is of type float, but needs an integer"),
        (None, TypeError, "axis is of type NoneType, but needs an integer"),
        (True, TypeError, "axis is of type bool, but needs an integer"),
    ],
)
def test_refuses_axis(axis: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.prefix_ranks(np.eye(2), axis=axis)


@pytest.mark.parametrize(
    ("n_columns", "error", "message"),
    [
        (0, ValueError, "n_columns is 0, but must be at least 1"),
        (-3, ValueError, "n_columns is -3, but must be at least 1"),
        (2.0, TypeError, "n_columns is of type float, but needs an integer"),
        ("2", TypeError, "n_columns is of type str, but needs an integer"),
    ],
)
def test_refuses_n_columns(n_columns: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.IncrementalRank(n_columns)


@pytest.mark.parametrize("method", ["exact", "numerical"])
def test_refused_rows_change_nothing(method: str) -> None:
    rows = relufast.IncrementalRank(2, method=method)
    rows.append([[1.0, 2.0]])
    for refused in ([[1.0, 2.0, 3.0]], [[1.0]], [[3.0, math.nan]]):
        with pytest.raises(ValueError, match=r"rows has shape .*2 columns|rows\[0, 1\] is nan"):
            rows.append(refused)
    assert (rows.rank, rows.n_rows, rows.independent_rows.tolist()) == (1, 1, [0])
    assert rows.append([[2.0, 4.0], [0.0, 1.0]]).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("prime", "message"),
    [
        (0, "the modulus is 0, but must lie between 1048576 and 8388608"),
        (-7, "the modulus is -7, but must lie between"),
        (2, "the modulus is 2, but must lie between"),
        (65537, "the modulus is 65537, but must lie between"),
        (2**31 - 1, "the modulus is 2147483647, but must lie between"),
        (2**23 - 1, "the modulus is 8388607, but must be prime"),
        (2**22, "the modulus is 4194304, but must be prime"),
        (1201 * 1201, "the modulus is 1442401, but must be prime"),
    ],
)
def test_the_core_refuses_primes_that_are_none(prime: int, message: str) -> None:
    for call in (_core.rank_modulo, lambda A, p: _core.pivots_modulo(A, p, True)):
        with pytest.raises(ValueError, match=message):
            call(np.eye(2), prime)
    with pytest.raises(ValueError, match=message):
        _core.Echelon(2, prime)


def test_the_core_refuses_what_is_not_finite_or_no_matrix() -> None:
    prime = _core.primes(1)[0]
    with pytest.raises(ValueError, match="NaN and infinity have no residue"):
        _core.rank_modulo(np.array([[math.inf]]), prime)
    with pytest.raises(ValueError, match="a matrix has two axes"):
        _core.rank_modulo(np.ones(3), prime)
    with pytest.raises(ValueError, match="there are 65536 primes"):
        _core.primes(2**16 + 1)


def test_stops_at_ctrl_c() -> None:
    script = """
import numpy as np
import relufast
A = np.random.default_rng(0).standard_normal((4000, 4000))
relufast.load_blas()
print("ready", flush=True)
relufast.matrix_rank(A)
"""
    # The core is asked before every product, of a tenth of a second at the most here.
    assert seconds_until_stopped(script) < 2.0
