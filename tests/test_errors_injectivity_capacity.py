"""Bad input to the capacities: what is refused, and in what words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import relufast


@pytest.mark.parametrize(
    ("depth", "error", "message"),
    [
        (0, ValueError, "depth is 0, but must be at least 1"),
        (-2, ValueError, "depth is -2, but must be at least 1"),
        (1001, ValueError, "depth is 1001, but must be at most 1000 for 'plain'"),
        (2.0, TypeError, "depth is of type float, but needs an integer"),
        (True, TypeError, "depth is of type bool, but needs an integer"),
        ("2", TypeError, "depth is of type str, but needs an integer"),
        (None, TypeError, "depth is of type NoneType, but needs an integer"),
        ([2], TypeError, "depth is of type list, but needs an integer"),
        (math.nan, TypeError, "depth is of type float, but needs an integer"),
    ],
)
def test_refuses_depth(depth: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.injectivity_capacity(depth)


def test_refuses_depths_beyond_a_method() -> None:
    with pytest.raises(ValueError, match="depth is 2, but must be at most 1 for 'second_level'"):
        relufast.injectivity_capacity(2, method="second_level")
    with pytest.raises(ValueError, match="depth is 11, but must be at most 10 for 'lifted'"):
        relufast.injectivity_capacity(11, method="lifted")


CALLS: list[Any] = [
    lambda **options: relufast.injectivity_capacity(2, **options),
    lambda **options: relufast.capacity_curve([8.0], **options),
]


@pytest.mark.parametrize("call", CALLS, ids=["injectivity_capacity", "capacity_curve"])
@pytest.mark.parametrize(
    ("condition", "error", "message"),
    [
        ("medium", ValueError, "condition is 'medium', but must be one of 'weak', 'strong'"),
        ("Weak", ValueError, "condition is 'Weak', but must be one of"),
        (1, TypeError, "condition is of type int, but needs one of 'weak', 'strong'"),
        (None, TypeError, "condition is of type NoneType, but needs one of"),
    ],
)
def test_refuses_condition(condition: Any, error: type[Exception], message: str, call: Any) -> None:
    with pytest.raises(error, match=message):
        call(condition=condition)


@pytest.mark.parametrize("call", CALLS, ids=["injectivity_capacity", "capacity_curve"])
@pytest.mark.parametrize(
    ("method", "error", "message"),
    [
        ("Gordon", ValueError, "method is 'Gordon', but must be one of 'plain', 'lifted'"),
        (b"plain", TypeError, "method is of type bytes, but needs one of 'plain', 'lifted'"),
        (None, TypeError, "method is of type NoneType, but needs one of"),
    ],
)
def test_refuses_method(method: Any, error: type[Exception], message: str, call: Any) -> None:
    with pytest.raises(error, match=message):
        call(method=method)


def test_a_curve_has_no_second_level() -> None:
    with pytest.raises(ValueError, match="method is 'second_level', but must be one of 'plain', "):
        relufast.capacity_curve([8.0], method="second_level")


@pytest.mark.parametrize(
    ("earlier", "error", "message"),
    [
        ([8.0], ValueError, r"earlier has shape \(1,\), but needs shape \(2,\)"),
        ([8.0, 8.0, 8.0], ValueError, r"earlier has shape \(3,\), but needs shape \(2,\)"),
        (8.0, ValueError, r"earlier has shape \(\), but needs shape \(2,\)"),
        ([[8.0, 8.0]], ValueError, r"earlier has shape \(1, 2\), but needs shape \(2,\)"),
        ([], ValueError, r"earlier has shape \(0,\), but needs shape \(2,\)"),
        ([8.0, math.nan], ValueError, r"earlier\[1\] is nan, but must be finite"),
        ([math.inf, 8.0], ValueError, r"earlier\[0\] is inf, but must be finite"),
        ([1.0, 8.0], ValueError, r"earlier\[0\] is 1.0, but must be at least 7.647694935, the pl"),
        ([-8.0, 8.0], ValueError, r"earlier\[0\] is -8.0, but must be at least 7.647694935"),
        ([7.64, 8.0], ValueError, r"earlier\[0\] is 7.64, but must be at least 7.647694935"),
        (
            [8.0, 7.5],
            ValueError,
            r"earlier\[1\] is 7.5, but must be at least 7.54376503\d*, the plain capacity of "
            "layer 2 under the weak condition",
        ),
        ([1e17, 8.0], ValueError, r"earlier\[0\] is 1e\+17, .* at most 1e\+12 for 'plain'"),
        (["8", "9"], TypeError, "earlier has dtype <U1, but needs real numbers"),
        ([8.0, 9j], TypeError, "earlier has dtype complex128, but needs real numbers"),
        ([True, True], TypeError, "earlier has dtype bool, but needs real numbers"),
        ([None, 8.0], TypeError, "earlier has dtype object, but needs real numbers"),
        (np.ma.array([8.0, 9.0]), TypeError, "earlier is a masked array"),
    ],
)
def test_refuses_earlier(earlier: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.injectivity_capacity(3, earlier=earlier)


def test_refuses_earlier_of_a_first_layer() -> None:
    with pytest.raises(ValueError, match=r"earlier has shape \(1,\), but needs shape \(0,\)"):
        relufast.injectivity_capacity(1, earlier=[8.0])


def test_earlier_layers_have_to_suit_method_and_condition() -> None:
    # Enough by one method, not by another.
    assert relufast.injectivity_capacity(2, method="lifted", earlier=[7.5]).depth == 2
    with pytest.raises(ValueError, match=r"earlier\[0\] is 7.5, but must be at least 7.647694935"):
        relufast.injectivity_capacity(2, earlier=[7.5])
    with pytest.raises(ValueError, match=r"at least 7.448638726, the lifted capacity of layer 1"):
        relufast.injectivity_capacity(2, method="lifted", earlier=[7.4])
    with pytest.raises(
        ValueError, match=r"earlier\[1\] .* 11.46\d+, .* under the strong condition"
    ):
        relufast.injectivity_capacity(3, condition="strong", earlier=[8.0, 8.0])
    with pytest.raises(
        ValueError, match=r"earlier\[0\] is .*, but must be at most 1e\+06 for 'lif"
    ):
        relufast.injectivity_capacity(2, method="lifted", earlier=[2e6])


@pytest.mark.parametrize(
    ("alpha_1", "error", "message"),
    [
        (
            7.0,
            ValueError,
            "alpha_1 is 7.0, but must be at least 7.647694935, the plain capacity of",
        ),
        ([8.0, 1.0], ValueError, r"alpha_1\[1\] is 1.0, but must be at least 7.647694935"),
        ([[8.0], [0.0]], ValueError, r"alpha_1\[1, 0\] is 0.0, but must be at least 7.647694935"),
        ([8.0, math.nan], ValueError, r"alpha_1\[1\] is nan, but must be finite"),
        (math.inf, ValueError, r"alpha_1 is inf, but must be finite"),
        (1e17, ValueError, r"alpha_1 is 1e\+17, .* at most 1e\+12 for 'plain'"),
        ("8", TypeError, "alpha_1 is of type str, but needs real numbers"),
        (None, TypeError, "alpha_1 is of type NoneType, but needs real numbers"),
        ([8.0, [9.0]], ValueError, "alpha_1 is ragged, but needs rows of equal length"),
    ],
)
def test_curve_refuses(alpha_1: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.capacity_curve(alpha_1)


def test_options_are_named() -> None:
    with pytest.raises(TypeError, match="positional"):
        relufast.injectivity_capacity(1, "weak")  # type: ignore[misc]
    with pytest.raises(TypeError, match="positional"):
        relufast.capacity_curve(8.0, "weak")  # type: ignore[misc]


def test_capacity_error_is_a_runtime_error() -> None:
    assert issubclass(relufast.CapacityError, RuntimeError)
    with pytest.raises(relufast.CapacityError) as caught:
        relufast.injectivity_capacity(5, method="lifted")
    message = str(caught.value)
    assert "layer 5 has no lifted capacity under the weak condition after expansions" in message
    assert "no c is better than 0.02" in message
    assert "the residual is" in message
    assert caught.value.best.depth == 5
