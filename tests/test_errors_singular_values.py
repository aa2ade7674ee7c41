"""Bad input to ReLU singular values: what is refused, in what words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from interrupting import seconds_until_stopped

import relufast

A3 = np.arange(6.0).reshape(2, 3) - 2.5
X3 = np.eye(3)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"A": [[1.0, math.nan]]}, ValueError, r"A\[0, 1\] is nan, but must be finite"),
        ({"A": [[math.inf]]}, ValueError, r"A\[0, 0\] is inf, but must be finite"),
        ({"A": [1.0]}, ValueError, r"A has shape \(1,\), but needs a matrix"),
        ({"A": np.ones((0, 3))}, ValueError, r"A has shape \(0, 3\), but needs at least one row"),
        ({"A": np.ones((2, 3), complex)}, TypeError, "A has dtype complex128, but needs real"),
        ({"X": [[1.0, 2.0]]}, ValueError, r"X has shape \(1, 2\), but needs shape \(m, 3\)"),
        ({"X": np.ones((0, 3))}, ValueError, r"X has shape \(0, 3\), but needs at least one point"),
        ({"X": [[1.0, 2.0, math.nan]]}, ValueError, r"X\[0, 2\] is nan"),
        ({"X": X3, "bias": [1.0]}, ValueError, r"bias has shape \(1,\), but needs shape \(2,\)"),
        ({"X": X3, "bias": [1.0, math.inf]}, ValueError, r"bias\[1\] is inf"),
        ({"bias": [1.0, 2.0]}, ValueError, "bias is given, but the unit sphere"),
        ({"bias": [1.0, 2.0], "X": X3, "refine": True}, ValueError, "bias is given, but the unit"),
        ({"X": 2.0 * X3, "refine": True}, ValueError, r"X\[0\] has norm 2, but refine=True needs"),
        ({"X": 1e200 * X3, "refine": True}, ValueError, r"X\[0\] has norm .*, but refine=True"),
        ({"refine": 1}, TypeError, "refine is of type int, but needs True or False"),
        ({"ks": 3}, ValueError, "ks has 3, but ranks here are 0 to 2"),
        ({"ks": [-1, 0]}, ValueError, "ks has -1, but ranks here are 0 to 2"),
        ({"ks": [1, 1]}, ValueError, "ks has a number twice"),
        ({"ks": []}, ValueError, r"ks has shape \(0,\), but needs an integer or shape"),
        ({"ks": [0.5]}, TypeError, "ks has dtype float64, but needs integers"),
        ({"ks": 1.0}, TypeError, "ks is of type float, but needs an integer"),
        ({"ks": True}, TypeError, "ks is of type bool, but needs an integer"),
        ({"objective": "mean"}, ValueError, "objective is 'mean', but must be one of 'max'"),
        ({"objective": None}, TypeError, "objective is of type NoneType"),
        ({"n_points": 0}, ValueError, "n_points is 0, but must be at least 1"),
        ({"n_starts": -1}, ValueError, "n_starts is -1, but must not be negative"),
        ({"rtol": 0.0}, ValueError, "rtol is 0.0, but must lie between 0 and 1"),
        ({"rtol": 1.0}, ValueError, "rtol is 1.0, but must lie between 0 and 1"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"n_threads": 0}, ValueError, "n_threads is 0, but must be at least 1"),
        ({"progress": 1}, TypeError, "progress is of type int, but needs a function"),
    ],
)
def test_refuses(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{message}"):
        relufast.relu_singular_values(**{"A": A3, **arguments})


def test_refuses_what_overflows() -> None:
    with pytest.raises(ValueError, match="A and X are so large that errors overflow"):
        relufast.relu_singular_values(1e200 * A3, None, 1e200 * X3, ks=0)


def test_errors_of_progress_come_through() -> None:
    def stop(_: object) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        relufast.relu_singular_values(A3, progress=stop)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_stops_at_ctrl_c(n_threads: int) -> None:
    script = f"""
import numpy as np, relufast
A = np.random.default_rng(0).standard_normal((120, 100))
print("ready", flush=True)
relufast.relu_singular_values(A, rtol=1e-6, n_points=20000, n_threads={n_threads})
"""
    assert seconds_until_stopped(script) < 5.0
