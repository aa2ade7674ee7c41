"""Bad input to `breakpoints`: what is refused, and in what words."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest
from interrupting import seconds_until_stopped

import relufast

ONE_INPUT = relufast.Network.random((1, 5, 1), seed=1)
THREE_INPUTS = relufast.Network.random((3, 5, 2), seed=1)


@pytest.mark.parametrize(
    ("network", "arguments", "error", "message"),
    [
        ("net", {}, TypeError, "network is of type str, but needs a relufast.Network"),
        (ONE_INPUT, {"interval": (1.0, 0.0)}, ValueError, r"interval is \(1.0, 0.0\)"),
        (ONE_INPUT, {"interval": (1.0, 1.0)}, ValueError, "but needs lo < hi"),
        (ONE_INPUT, {"interval": (math.nan, 1.0)}, ValueError, r"interval is \(nan, 1.0\)"),
        (ONE_INPUT, {"interval": (0.0, 1.0, 2.0)}, ValueError, r"interval has shape \(3,\)"),
        (ONE_INPUT, {"interval": ("a", "b")}, TypeError, "interval"),
        (ONE_INPUT, {"interval": (0j, 1j)}, TypeError, "interval"),
        (ONE_INPUT, {"whole_line": True}, ValueError, "start and stop, which it extends"),
        (ONE_INPUT, {"whole_line": 1}, TypeError, "whole_line is of type int"),
        (ONE_INPUT, {"certify": "yes"}, TypeError, "certify is of type str"),
        (ONE_INPUT, {"n_threads": 0}, ValueError, "n_threads is 0, but must be at least 1"),
        (ONE_INPUT, {"n_threads": 1.5}, TypeError, "n_threads is of type float"),
        (THREE_INPUTS, {}, ValueError, "network has 3 inputs"),
        (THREE_INPUTS, {"start": [0, 0, 0]}, ValueError, "stop is missing"),
        (THREE_INPUTS, {"stop": [0, 0, 0]}, ValueError, "start is missing"),
        (THREE_INPUTS, {"start": [0, 0], "stop": [1, 1]}, ValueError, "start has shape"),
        (THREE_INPUTS, {"start": [0, 0, 0], "stop": [[1, 1, 1]]}, ValueError, "stop has shape"),
        (THREE_INPUTS, {"start": [1, 2, 3], "stop": [1, 2, 3]}, ValueError, "are equal"),
        (
            THREE_INPUTS,
            {"start": [0, 0, math.inf], "stop": [1, 1, 1]},
            ValueError,
            "start has NaN or inf|start holds|start",
        ),
        (
            THREE_INPUTS,
            {"interval": (0.0, 2.0), "start": [0, 0, 0], "stop": [1, 1, 1]},
            ValueError,
            "start and stop already say where the line ends",
        ),
    ],
)
def test_refuses(
    network: Any, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        relufast.breakpoints(network, **arguments)


@pytest.mark.parametrize(
    "interval",
    [
        np.array([-1, 1]),
        np.array([-1, 1], dtype=np.float32),
        [-1.0, 1.0],
        np.array([-1.0, 5.0, 1.0])[::2],
    ],
)
def test_takes_any_real_interval(interval: Any) -> None:
    assert relufast.breakpoints(ONE_INPUT, interval).interval == (-1.0, 1.0)


@pytest.mark.parametrize("x", [[[0.0]], 0.0])
def test_function_wants_a_vector(x: Any) -> None:
    with pytest.raises(ValueError, match=r"x has shape .*, but needs shape \(m,\)"):
        relufast.breakpoints(ONE_INPUT).function(x)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to one process")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_interrupt_stops_within_a_second(n_threads: int) -> None:
    script = f"""
import relufast
network = relufast.Network.random((1, *[1500] * 12, 1), seed=1)
print("ready", flush=True)
relufast.breakpoints(network, n_threads={n_threads})
"""
    waited = seconds_until_stopped(script)
    # One piece of work at most is finished; twice the second promised leaves room for a busy
    # machine.
    assert waited < 2.0
