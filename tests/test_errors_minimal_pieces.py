"""Bad input to `minimal_pieces` and `region_sparsity`: what is refused, and in what words."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest
from interrupting import seconds_until_stopped

import relufast

ONE_INPUT = relufast.Network.random((1, 5, 1), seed=1)
TWO_OUTPUTS = relufast.Network.random((1, 5, 2), seed=1)
THREE_INPUTS = relufast.Network.random((3, 5, 1), seed=1)
OVERFLOWING = relufast.Network([[[1e200], [1.0]], [[1e200, 1.0]]])


@pytest.mark.parametrize(
    ("tolerance", "error", "message"),
    [
        (-1.0, ValueError, "tolerance is -1.0, but must not be negative"),
        (-5e-324, ValueError, "tolerance is -5e-324, but must not be negative"),
        (math.nan, ValueError, "tolerance is nan, but must be finite"),
        (math.inf, ValueError, "tolerance is inf, but must be finite"),
        (-math.inf, ValueError, "tolerance is -inf, but must be finite"),
        ("0.1", TypeError, "tolerance is of type str, but needs real numbers"),
        (None, TypeError, "tolerance is of type NoneType, but needs real numbers"),
        (True, TypeError, "tolerance is of type bool, but needs real numbers"),
        (1j, TypeError, "tolerance is of type complex, but needs real numbers"),
        ([0.1], ValueError, r"tolerance has shape \(1,\), but needs a single number"),
        (np.ma.array(0.1), TypeError, "tolerance is a masked array"),
        (10**400, TypeError, "tolerance"),
    ],
)
def test_refuses_tolerance(tolerance: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.minimal_pieces([0.0, 1.0], [0.0, 1.0], tolerance)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        ([0, 2, 1], [0, 0, 0], ValueError, r"x\[2\] is 1.0 after 2.0, but x must rise"),
        ([2, 1, 0], [0, 0, 0], ValueError, r"x\[1\] is 1.0 after 2.0, but x must rise"),
        ([0, 1, 1], [0, 0, 0], ValueError, r"x\[2\] is 1.0 after 1.0, but x must rise"),
        ([0.0, -0.0], [0, 0], ValueError, r"x\[1\] is -0.0 after 0.0, but x must rise"),
        ([0, math.nan], [0, 0], ValueError, r"x\[1\] is nan, but must be finite"),
        ([-math.inf, 0], [0, 0], ValueError, r"x\[0\] is -inf, but must be finite"),
        ([0, 1], [math.nan, 0], ValueError, r"y\[0\] is nan, but must be finite"),
        ([0, 1], [0, math.inf], ValueError, r"y\[1\] is inf, but must be finite"),
        ([0, 1], [0, 1, 2], ValueError, r"y has shape \(3,\), but needs shape \(2,\), as x has"),
        ([0, 1, 2], [0, 1], ValueError, r"y has shape \(2,\), but needs shape \(3,\), as x has"),
        ([], [], ValueError, r"x has shape \(0,\), but needs shape \(n,\), n at least 2"),
        ([0], [0], ValueError, r"x has shape \(1,\), but needs shape \(n,\), n at least 2"),
        (0.0, 0.0, ValueError, r"x has shape \(\), but needs shape \(n,\), n at least 2"),
        ([[0, 1]], [[0, 1]], ValueError, r"x has shape \(1, 2\), but needs shape \(n,\)"),
        ([0, 1], [[0], [1]], ValueError, r"y has shape \(2, 1\), but needs shape \(2,\)"),
        ([0, [1]], [0, 1], ValueError, "x is ragged"),
        ([0, 2**53 + 1], [0, 1], ValueError, "x has an integer of size 9007199254740993"),
        ([0j, 1], [0, 1], TypeError, "x has dtype complex128, but needs real numbers"),
        ([0, 1], [0j, 1], TypeError, "y has dtype complex128, but needs real numbers"),
        (np.array([0, 1], object), [0, 1], TypeError, "x has dtype object"),
        ([0, 1], np.array([0, 1], object), TypeError, "y has dtype object"),
        ([False, True], [0, 1], TypeError, "x has dtype bool"),
        ([0, 1], [False, True], TypeError, "y has dtype bool"),
        (["0", "1"], [0, 1], TypeError, "x has dtype <U1"),
        (np.ma.array([0.0, 1.0]), [0, 1], TypeError, "x is a masked array"),
        ([0, 1], np.ma.array([0.0, 1.0], mask=[0, 1]), TypeError, "y is a masked array"),
        (None, [0, 1], TypeError, "x is of type NoneType"),
        ([0, 1], None, TypeError, "y is of type NoneType"),
        (np.array(["2001", "2002"], "M8[Y]"), [0, 1], TypeError, "x has dtype datetime64"),
    ],
)
@pytest.mark.parametrize("tolerance", [0.0, 0.5])
def test_refuses_points(
    x: Any, y: Any, error: type[Exception], message: str, tolerance: float
) -> None:
    with pytest.raises(error, match=message):
        relufast.minimal_pieces(x, y, tolerance)


def read_only(values: list[float]) -> Any:
    array = np.array(values)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "convert",
    [
        tuple,
        read_only,
        lambda values: np.array(values, dtype=np.float32),
        lambda values: np.array(values, dtype=np.float16),
        lambda values: np.array(values, dtype=np.int8),
        lambda values: np.array(values, dtype=np.int64),
        lambda values: np.array(values, dtype=">f8"),
        lambda values: np.repeat(values, 3)[::3],
        lambda values: np.array(values[::-1], dtype=float)[::-1],
        lambda values: np.array([values, values], dtype=float, order="F")[1],
        lambda values: np.frombuffer(b"\0" + np.array(values, float).tobytes(), np.uint8)[1:].view(
            np.float64
        ),
    ],
    ids=[
        "tuple",
        "read-only",
        "float32",
        "float16",
        "int8",
        "int64",
        "big-endian",
        "strided",
        "backwards",
        "row",
        "unaligned",
    ],
)
@pytest.mark.parametrize("tolerance", [0.0, 0.25, np.float32(0.25), np.array(0.25), 1])
def test_takes_any_real_points(convert: Any, tolerance: Any) -> None:
    x, y = [0, 1, 2, 3, 4, 6], [0, 1, 0, 1, 2, 4]
    expected = relufast.minimal_pieces(np.array(x, float), np.array(y, float), float(tolerance))
    found = relufast.minimal_pieces(convert(x), convert(y), tolerance)
    assert found.count == expected.count
    assert type(found.tolerance) is float
    np.testing.assert_array_equal(found.knots, expected.knots)
    np.testing.assert_array_equal(found.values, expected.values)
    assert found.exact_knots() == expected.exact_knots()


@pytest.mark.parametrize("tolerance", [0.0, 0.25])
def test_leaves_the_input_alone(tolerance: float) -> None:
    x, y = np.arange(4.0), np.array([0.0, 1.0, 0.0, 1.0])
    relufast.minimal_pieces(x, y, tolerance).exact_knots()
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert y.tolist() == [0.0, 1.0, 0.0, 1.0]
    assert x.flags.writeable
    assert y.flags.writeable


@pytest.mark.parametrize(
    ("network", "interval", "tolerances", "keywords", "error", "message"),
    [
        ("net", (0, 1), [0.1], {}, TypeError, "network is of type str, but needs a relufast.Net"),
        (None, (0, 1), [0.1], {}, TypeError, "network is of type NoneType"),
        (ONE_INPUT, (0, math.inf), [0.1], {}, ValueError, r"interval is \(0.0, inf\), but needs t"),
        (ONE_INPUT, (-math.inf, 0), [0.1], {}, ValueError, "but needs two finite ends"),
        (ONE_INPUT, None, [0.1], {}, ValueError, "interval is missing, but needs two finite ends"),
        (ONE_INPUT, (1, 0), [0.1], {}, ValueError, r"interval is \(1.0, 0.0\), but needs lo < hi"),
        (ONE_INPUT, (math.nan, 1), [0.1], {}, ValueError, r"interval is \(nan, 1.0\)"),
        (ONE_INPUT, (0, 1, 2), [0.1], {}, ValueError, r"interval has shape \(3,\)"),
        (ONE_INPUT, "01", [0.1], {}, TypeError, "interval is of type str"),
        (ONE_INPUT, (0, 1), [], {}, ValueError, r"tolerances has shape \(0,\), but needs shape"),
        (ONE_INPUT, (0, 1), 0.1, {}, ValueError, r"tolerances has shape \(\), but needs shape"),
        (ONE_INPUT, (0, 1), [[0.1]], {}, ValueError, r"tolerances has shape \(1, 1\)"),
        (ONE_INPUT, (0, 1), [0.1, 0], {}, ValueError, "tolerances has 0.0, but all must be posi"),
        (ONE_INPUT, (0, 1), [0.1, -0.1], {}, ValueError, "tolerances has -0.1, but all must be"),
        (ONE_INPUT, (0, 1), [math.nan], {}, ValueError, r"tolerances\[0\] is nan, but must be f"),
        (ONE_INPUT, (0, 1), [1, math.inf], {}, ValueError, r"tolerances\[1\] is inf, but must be"),
        (ONE_INPUT, (0, 1), ["a"], {}, TypeError, "tolerances has dtype <U1"),
        (ONE_INPUT, (0, 1), None, {}, TypeError, "tolerances is of type NoneType"),
        (ONE_INPUT, (0, 1), [0.1], {"output": 1}, ValueError, "output is 1, but the network has"),
        (ONE_INPUT, (0, 1), [0.1], {"output": -1}, ValueError, "output is -1, but the network ha"),
        (ONE_INPUT, (0, 1), [0.1], {"n_threads": 0}, ValueError, "n_threads is 0, but must be at"),
        (ONE_INPUT, (0, 1), [0.1], {"relative": 1}, TypeError, "relative is of type int, but need"),
        (ONE_INPUT, (0, 1), [0.1], {"start": [0], "stop": [1]}, ValueError, "already say where"),
        (TWO_OUTPUTS, (0, 1), [0.1], {}, ValueError, "network has 2 outputs: give output"),
        (TWO_OUTPUTS, (0, 1), [0.1], {"output": 2}, ValueError, "output is 2, but the network "),
        (TWO_OUTPUTS, (0, 1), [0.1], {"output": 1.0}, TypeError, "output is of type float, but n"),
        (TWO_OUTPUTS, (0, 1), [0.1], {"output": True}, TypeError, "output is of type bool, but n"),
        (TWO_OUTPUTS, (0, 1), [0.1], {"output": "0"}, TypeError, "output is of type str, but nee"),
        (THREE_INPUTS, (0, 1), [0.1], {}, ValueError, "network has 3 inputs"),
        (THREE_INPUTS, None, [0.1], {"start": [0, 0, 0]}, ValueError, "stop is missing"),
        (THREE_INPUTS, None, [0.1], {"stop": [0, 0, 0]}, ValueError, "start is missing"),
        (
            THREE_INPUTS,
            None,
            [0.1],
            {"start": [1, 2, 3], "stop": [1, 2, 3]},
            ValueError,
            "start and stop are equal",
        ),
        (OVERFLOWING, (0, 1), [0.1], {}, ValueError, r"outputs beyond float64 in .*\(0.0, 1.0\)"),
        (ONE_INPUT, (-1e308, 1e308), [0.1], {}, ValueError, "outputs beyond float64"),
    ],
)
def test_sparsity_refuses(
    network: Any,
    interval: Any,
    tolerances: Any,
    keywords: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        relufast.region_sparsity(network, interval, tolerances, **keywords)


def test_sparsity_asks_for_keywords() -> None:
    with pytest.raises(TypeError, match="positional"):
        relufast.region_sparsity(ONE_INPUT, (0.0, 1.0), [0.1], 0)  # type: ignore[misc]


@pytest.mark.parametrize("output", [0, np.int8(0), np.uint64(0)])
def test_sparsity_takes_any_integer_for_the_only_output(output: Any) -> None:
    found = relufast.region_sparsity(ONE_INPUT, (-1.0, 1.0), [0.1], output=output)
    assert found.used == relufast.region_sparsity(ONE_INPUT, (-1.0, 1.0), [0.1]).used


@pytest.mark.parametrize(
    ("interval", "tolerances"),
    [
        (np.array([-1, 1]), (0.5, 0.25)),
        (np.array([-1.0, 5.0, 1.0])[::2], np.array([0.5, 0.25], dtype=np.float32)),
        (read_only([-1.0, 1.0]), read_only([0.5, 0.25])),
        ([-1.0, 1.0], np.array([0.25, 9.0, 0.5])[::-2]),
    ],
)
def test_sparsity_takes_any_real_numbers(interval: Any, tolerances: Any) -> None:
    found = relufast.region_sparsity(ONE_INPUT, interval, tolerances)
    assert found.breakpoints.interval == (-1.0, 1.0)
    assert found.tolerances.tolist() == [0.5, 0.25]
    assert not found.tolerances.flags.writeable


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to one process")
def test_interrupt_stops_within_a_second() -> None:
    script = """
import numpy as np
import relufast
x = np.arange(5_000_000.0)
y = np.cumsum(np.random.default_rng(1).standard_normal(len(x)))
print("ready", flush=True)
relufast.minimal_pieces(x, y, 0.25)
"""
    waited = seconds_until_stopped(script)
    # The core is asked some hundred times a second, and has two runs of seconds to do.
    assert waited < 1.0
