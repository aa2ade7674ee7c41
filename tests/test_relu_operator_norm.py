"""The norm of relu(A x): all supports, known values, bounds, bad input."""

from __future__ import annotations

import math
import signal
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import relufast

Array = NDArray[np.float64]


def by_all_sign_patterns(A: Array) -> float:
    """The largest value reached from the leading singular vectors of every subset of rows."""
    best = 0.0
    for k in range(1, len(A) + 1):
        for rows in combinations(range(len(A)), k):
            x = np.linalg.svd(A[list(rows)])[2][0]
            for sign in (1.0, -1.0):
                best = max(best, float(np.linalg.norm(np.maximum(A @ (sign * x), 0.0))))
    return best


@pytest.mark.parametrize("shape", [(1, 1), (2, 5), (5, 2), (7, 7), (9, 3), (10, 20)])
def test_is_that_of_all_sign_patterns(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(shape)
    for A in (rng.standard_normal(shape), rng.integers(-1, 2, shape).astype(float)):
        found = relufast.relu_operator_norm(A)
        assert found.certified
        assert found.lower == pytest.approx(by_all_sign_patterns(A), rel=1e-8)
        assert found.lower <= found.upper <= found.lower * (1 + 2e-9)
        reached = np.linalg.norm(np.maximum(A @ found.vector, 0.0))
        assert found.lower == pytest.approx(reached, rel=1e-12)


@pytest.mark.parametrize("scale", [1.0, 1e-310, 1e300])
def test_known_norms(scale: float) -> None:
    found = relufast.relu_operator_norm([[3.0 * scale], [-4.0 * scale]])
    assert found.lower == pytest.approx(4.0 * scale, rel=1e-12)
    found = relufast.relu_operator_norm(np.eye(4) * scale)
    assert found.lower == pytest.approx(scale, rel=1e-12)
    assert relufast.relu_operator_norm(np.zeros((2, 3))).upper == 0.0


def test_bounds_hold_where_nodes_do_not_suffice() -> None:
    A = np.random.default_rng(0).standard_normal((60, 40))
    largest = np.linalg.norm(A, 2)
    few = relufast.relu_operator_norm(A, max_nodes=5)
    more = relufast.relu_operator_norm(A, max_nodes=200)
    assert not few.certified
    assert largest / math.sqrt(2) <= few.lower <= more.lower <= more.upper
    assert more.upper <= few.upper <= largest * (1 + 1e-9)


def test_progress(capsys: pytest.CaptureFixture[str]) -> None:
    A = np.random.default_rng(0).standard_normal((30, 20))
    seen: list[relufast.WorkProgress] = []
    told = relufast.relu_operator_norm(A, max_nodes=100, progress=seen.append)
    assert len(seen) > 2
    assert [p.n_done for p in seen] == sorted(p.n_done for p in seen)
    assert all(0 < p.n_done <= p.n_total == 100 for p in seen)
    assert seen[-1].n_done == min(told.n_nodes, 100)
    silent = relufast.relu_operator_norm(A, max_nodes=100, progress=False)
    assert (silent.lower, silent.upper) == (told.lower, told.upper)
    assert capsys.readouterr().err == ""
    relufast.relu_operator_norm(A, max_nodes=100, progress=True)
    assert "nodes" in capsys.readouterr().err


def test_an_interrupted_search_ends() -> None:
    A = np.random.default_rng(0).standard_normal((60, 40))
    began: list[int] = []

    def interrupt(progress: relufast.WorkProgress) -> None:
        began.append(progress.n_done)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        relufast.relu_operator_norm(A, progress=interrupt)
    assert began == [1]


@pytest.mark.parametrize(
    ("A", "options", "error", "message"),
    [
        ([[math.nan]], {}, ValueError, r"A\[0, 0\] is nan, but must be finite"),
        (np.ones((2, 0)), {}, ValueError, r"A has shape \(2, 0\), but needs at least one row"),
        ([["a"]], {}, TypeError, "A has dtype <U1"),
        (np.full((3, 3), 1.7e308), {}, ValueError, "whose norm exceeds float64"),
        ([[1.0]], {"rtol": 0.0}, ValueError, "rtol is 0.0, but must lie between 0 and 1"),
        ([[1.0]], {"progress": 1}, TypeError, "progress is of type int, but needs a function"),
        ([[1.0]], {"max_nodes": 0}, ValueError, "max_nodes is 0, but must be at least 1"),
    ],
)
def test_refuses(A: Any, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.relu_operator_norm(A, **options)
