"""Bad input to effective dimensions, census, theory and their statistics: what is refused, how."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import relufast
from relufast.statistics import EffectiveDimensions, NeuronCensus

MEASURES = [relufast.effective_rank, relufast.stable_rank, relufast.participation_ratio]
NETWORK = relufast.Network.random((3, 5, 4, 1), seed=1)

# (value, error, message) with {} for the argument's name.
NO_REAL_NUMBERS: list[tuple[Any, type[Exception], str]] = [
    ([[1.0, math.nan, 2.0]], ValueError, r"{}\[0, 1\] is nan, but must be finite"),
    ([[1.0, 2.0, math.inf]], ValueError, r"{}\[0, 2\] is inf, but must be finite"),
    ([[-math.inf, 2.0, 1.0]], ValueError, r"{}\[0, 0\] is -inf, but must be finite"),
    (np.ones((2, 3), object), TypeError, "{} has dtype object, but needs real numbers"),
    (np.ones((2, 3), complex), TypeError, "{} has dtype complex128, but needs real numbers"),
    (np.ones((2, 3), bool), TypeError, "{} has dtype bool, but needs real numbers"),
    (np.ones((2, 3), np.longdouble), TypeError, "{} has dtype "),
    ([["1", "2", "3"]], TypeError, "{} has dtype <U1"),
    (np.ma.array(np.ones((2, 3))), TypeError, "{} is a masked array"),
    (np.zeros((2, 3), "M8[Y]"), TypeError, "{} has dtype datetime64"),
    (None, TypeError, "{} is of type NoneType, but needs real numbers"),
    ([[1.0, 2.0], [1.0]], ValueError, "{} is ragged"),
    ([[2**53 + 1, 0, 0]], ValueError, "{} has an integer of size 9007199254740993"),
]


@pytest.mark.parametrize(
    ("A", "error", "message"),
    [
        *NO_REAL_NUMBERS,
        ([1.0, 2.0], ValueError, r"{} has shape \(2,\), but needs a matrix, shape \(m, n\)"),
        (1.0, ValueError, r"{} has shape \(\), but needs a matrix"),
        ([], ValueError, r"{} has shape \(0,\), but needs a matrix"),
        (np.ones((2, 2, 2)), ValueError, r"{} has shape \(2, 2, 2\), but needs a matrix"),
        (np.ones((0, 2, 2)), ValueError, r"{} has shape \(0, 2, 2\), but needs a matrix"),
    ],
)
@pytest.mark.parametrize("measure", MEASURES)
def test_measures_refuse(measure: Any, A: Any, error: type[Exception], message: str) -> None:
    for centered in (False, True):
        with pytest.raises(error, match=message.format("A")):
            measure(A, centered=centered)


@pytest.mark.parametrize("measure", MEASURES)
def test_measures_refuse_other_options(measure: Any) -> None:
    for value in (1, None, "True", [True]):
        with pytest.raises(TypeError, match=r"centered is of type .*, but needs True or False"):
            measure(np.eye(2), centered=value)
    with pytest.raises(TypeError, match="positional"):
        measure(np.eye(2), True)


@pytest.mark.parametrize("measure", MEASURES)
def test_measures_take_any_real_matrix(measure: Any) -> None:
    A = np.random.default_rng(1).integers(-9, 10, (6, 4)).astype(float)
    frozen, wide = A.copy(), np.zeros((12, 12))
    frozen.flags.writeable = False
    wide[::2, ::3] = A
    unaligned = np.frombuffer(b"\0" + A.tobytes(), np.uint8)[1:].view(np.float64).reshape(6, 4)
    for centered in (False, True):
        expected = measure(A, centered=centered)
        for same in (
            A.tolist(),
            tuple(map(tuple, A.tolist())),
            np.asfortranarray(A),
            wide[::2, ::3],
            A[::-1][::-1],
            A.astype(np.float16),
            A.astype(np.float32),
            A.astype(np.int8),
            A.astype(np.int64),
            A.astype(">f8"),
            frozen,
            unaligned,
        ):
            assert measure(same, centered=centered) == expected


@pytest.mark.parametrize("measure", MEASURES)
def test_measures_leave_the_input_alone(measure: Any) -> None:
    for A in (np.ones((3, 2)), np.asfortranarray(np.eye(3))):
        before = A.copy()
        measure(A)
        measure(A, centered=True)
        np.testing.assert_array_equal(A, before)


@pytest.mark.parametrize(
    ("pattern", "error", "message"),
    [
        (np.eye(2), TypeError, "pattern has dtype float64, but needs bools; .* A != 0"),
        (np.eye(2, dtype=np.int8), TypeError, "pattern has dtype int8, but needs bools"),
        (np.eye(2, dtype=object), TypeError, "pattern has dtype object, but needs bools"),
        (np.eye(2, dtype=complex), TypeError, "pattern has dtype complex128, but needs bools"),
        (np.ma.array(np.eye(2, dtype=bool)), TypeError, "pattern is a masked array"),
        ([], TypeError, "pattern has dtype float64, but needs bools"),
        (None, TypeError, "pattern has dtype object, but needs bools"),
        ([[True], [True, False]], ValueError, "pattern is ragged"),
        ([True, False], ValueError, r"pattern has shape \(2,\), but needs shape \(m, n\)"),
        (True, ValueError, r"pattern has shape \(\), but needs shape \(m, n\)"),
        (np.ones((1, 1, 1), bool), ValueError, r"pattern has shape \(1, 1, 1\), but needs"),
    ],
)
def test_structural_rank_refuses(pattern: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.structural_rank(pattern)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        *NO_REAL_NUMBERS,
        (np.zeros((0, 3)), ValueError, r"{} has shape \(0, 3\), but needs at least one point"),
        (np.zeros((3, 0)), ValueError, r"{} has shape \(3, 0\), but needs shape \(3,\) or \(m, 3"),
        (np.ones((2, 4)), ValueError, r"{} has shape \(2, 4\), but needs shape \(3,\) or \(m, 3"),
        (np.ones((2, 2)), ValueError, r"{} has shape \(2, 2\), but needs shape \(3,\) or \(m, 3"),
        (np.ones(4), ValueError, r"{} has shape \(4,\), but needs shape \(3,\) or \(m, 3\)"),
        (1.0, ValueError, r"{} has shape \(\), but needs shape \(3,\) or \(m, 3\)"),
        (np.ones((1, 2, 3)), ValueError, r"{} has shape \(1, 2, 3\), but needs shape"),
    ],
)
def test_census_refuses_points(X: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message.format("X")):
        relufast.neuron_census(NETWORK, X)


def test_census_refuses_what_is_no_network() -> None:
    for value in (None, "net", [np.eye(2), np.eye(2)], relufast.Network):
        with pytest.raises(
            TypeError, match=r"network is of type .*, but needs a relufast\.Network"
        ):
            relufast.neuron_census(value, [[1.0]])  # type: ignore[arg-type]
    one_input = relufast.Network.random((1, 5, 1), seed=1)
    with pytest.raises(ValueError, match=r"X has shape \(0, 1\), but needs at least one point"):
        relufast.neuron_census(one_input, [])


NO_COUNT: list[tuple[Any, type[Exception], str]] = [
    (0, ValueError, "{} is 0, but must be at least 1"),
    (-1, ValueError, "{} is -1, but must be at least 1"),
    (1.0, TypeError, "{} is of type float, but needs an integer"),
    (math.nan, TypeError, "{} is of type float, but needs an integer"),
    (True, TypeError, "{} is of type bool, but needs an integer"),
    ("3", TypeError, "{} is of type str, but needs an integer"),
    (None, TypeError, "{} is of type NoneType, but needs an integer"),
    ([3], TypeError, "{} is of type list, but needs an integer"),
    (np.array([3, 4]), TypeError, "{} is of type ndarray, but needs an integer"),
    (3j, TypeError, "{} is of type complex, but needs an integer"),
]


@pytest.mark.parametrize(("value", "error", "message"), NO_COUNT)
def test_theory_refuses(value: Any, error: type[Exception], message: str) -> None:
    for theory in (relufast.alive_fraction_theory, relufast.expected_effective_dimension):
        with pytest.raises(error, match=message.format("n_inputs")):
            theory(value, 3)
        with pytest.raises(error, match=message.format("depth")):
            theory(3, value)
    with pytest.raises(error, match=message.format("n_revivals")):
        relufast.revival_depths(value)
    with pytest.raises(error, match=message.format("n_inputs")):
        relufast.revival_height(value)


def test_theory_refuses_more_inputs_than_float64_counts() -> None:
    for call in (
        lambda m: relufast.alive_fraction_theory(m, 1),
        lambda m: relufast.expected_effective_dimension(m, 1),
        relufast.revival_height,
    ):
        call(2**53)
        with pytest.raises(ValueError, match=r"n_inputs is 9007199254740993, but must be at most"):
            call(2**53 + 1)


def test_theory_takes_any_integer() -> None:
    expected = relufast.alive_fraction_theory(5, 3)
    for kind in (np.int8, np.uint64, np.array):
        np.testing.assert_array_equal(relufast.alive_fraction_theory(kind(5), kind(3)), expected)


@pytest.mark.parametrize("kind", [NeuronCensus, EffectiveDimensions])
@pytest.mark.parametrize(
    ("widths", "n_points", "options", "error", "message"),
    [
        *(((3, 4, 1), value, {}, error, message) for value, error, message in NO_COUNT),
        ((3, 1), 2, {}, ValueError, "widths has 2 entries, but needs at least 3"),
        ((3, 0, 1), 2, {}, ValueError, r"widths\[1\] is 0, but must be at least 1"),
        ((3, 4.0, 1), 2, {}, TypeError, r"widths\[1\] is of type float"),
        ("341", 2, {}, TypeError, "widths is of type str"),
        ((3, 4, 1), 2, {"weight_init": "haar"}, ValueError, "weight_init is 'haar', but must be"),
        ((3, 4, 1), 2, {"weight_init": 1}, TypeError, "weight_init is of type int"),
        ((3, 4, 1), 2, {"weight_variance": 0.0}, ValueError, "weight_variance is 0.0, but must be"),
        ((3, 4, 1), 2, {"weight_variance": math.nan}, ValueError, "weight_variance is nan"),
        ((3, 4, 1), 2, {"bias_variance": -1.0}, ValueError, "bias_variance is -1.0, but must not"),
        ((3, 4, 1), 2, {"bias_variance": None}, TypeError, "bias_variance is of type NoneType"),
        ((3, 4, 1), 2, {"negative_slope": math.inf}, ValueError, "negative_slope is inf"),
        ((3, 4, 1), 2, {"slope": 0.1}, TypeError, "slope"),
    ],
)
def test_statistics_refuse(
    kind: Any,
    widths: Any,
    n_points: Any,
    options: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message.format("n_points")):
        kind(widths, n_points, **options)


def test_effective_dimensions_refuse_their_own_options() -> None:
    with pytest.raises(ValueError, match="kind is 'rank', but must be one of 'effective_rank', "):
        EffectiveDimensions((3, 4, 1), 2, kind="rank")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="kind is of type int, but needs one of"):
        EffectiveDimensions((3, 4, 1), 2, kind=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="centered is of type int, but needs True or False"):
        EffectiveDimensions((3, 4, 1), 2, centered=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="positional"):
        EffectiveDimensions((3, 4, 1), 2, "stable_rank")  # type: ignore[misc]


def test_trials_beyond_float64_are_named() -> None:
    """Weights so large that activations overflow."""
    statistic = EffectiveDimensions((3, 4, 4, 4, 1), 2, weight_variance=1e300)
    with pytest.raises(relufast.TrialError, match=r"A\[.*\] is (inf|nan), .* trial 0 of block 0"):
        relufast.monte_carlo(statistic, n_trials=2, seed=1)


def test_trial_refuses() -> None:
    statistic = NeuronCensus((3, 4, 1), 2)
    for trial, message in ((statistic.block_size, "but a block has"), (-1, "must not be negative")):
        with pytest.raises(ValueError, match=message):
            statistic.trial(1, 0, trial)
    with pytest.raises(ValueError, match="block is -1"):
        statistic.trial(1, -1, 0)
    with pytest.raises(ValueError, match="seed is -1"):
        statistic.trial(-1, 0, 0)
