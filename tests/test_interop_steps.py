"""Folding affine maps: against products and sums of fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from relufast._exact_product import exact_product
from relufast._scaled_integers import scaled_integers
from relufast.interop._steps import Dense, Permute, Scale, Shift, Step, composed

Array = NDArray[np.float64]


def numbers(rng: np.random.Generator, shape: tuple[int, ...], spread: int) -> Array:
    """Normal ones, times powers of two of either sign, zeros among them."""
    scales = rng.integers(-spread, spread, shape, endpoint=True)
    return np.ldexp(rng.standard_normal(shape) * (rng.random(shape) < 0.9), scales)


def fractions(array: Array) -> NDArray[np.object_]:
    return np.array([Fraction(x) for x in array.flat], dtype=object).reshape(array.shape)


def apply(step: Step, x: NDArray[np.object_]) -> NDArray[np.object_]:
    match step:
        case Dense(weights, None):
            return fractions(weights).dot(x)
        case Dense(weights, biases):
            return fractions(weights).dot(x) + fractions(biases)
        case Scale(factors):
            return fractions(factors) * x
        case Shift(offsets):
            return fractions(offsets) + x
        case Permute(order):
            return x[order]


def random_steps(rng: np.random.Generator, n_inputs: int, spread: int) -> list[Step]:
    steps: list[Step] = []
    width = n_inputs
    for _ in range(rng.integers(0, 6)):
        length = 1 if rng.random() < 0.3 else width
        match rng.integers(4):
            case 0:
                n_outputs = int(rng.integers(1, 6))
                biases = numbers(rng, (n_outputs,), spread) if rng.random() < 0.7 else None
                steps.append(Dense(numbers(rng, (n_outputs, width), spread), biases))
                width = n_outputs
            case 1:
                steps.append(Scale(numbers(rng, (length,), spread)))
            case 2:
                steps.append(Shift(numbers(rng, (length,), spread)))
            case _:
                steps.append(Permute(rng.permutation(width)))
    return steps


@pytest.mark.parametrize("spread", [0, 3, 60])
@pytest.mark.parametrize("seed", range(60))
def test_composition_is_exact_up_to_one_rounding(seed: int, spread: int) -> None:
    rng = np.random.default_rng([seed, spread])
    n_inputs = int(rng.integers(1, 6))
    steps = random_steps(rng, n_inputs, spread)
    weights, biases = composed(steps, n_inputs)
    # Column i of the weights is what unit i makes, less what zero makes.
    at_zero = np.array([Fraction(0)] * n_inputs, dtype=object)
    exact_biases = at_zero
    for step in steps:
        exact_biases = apply(step, exact_biases)
    columns = []
    for i in range(n_inputs):
        x = at_zero.copy()
        x[i] = Fraction(1)
        for step in steps:
            x = apply(step, x)
        columns.append(x - exact_biases)
    require_rounded_once(weights, np.array(columns, dtype=object).T)
    require_rounded_once(biases, exact_biases)


def require_rounded_once(rounded: Array, exact: NDArray[np.object_]) -> None:
    assert rounded.shape == exact.shape
    for number, true in zip(rounded.flat, exact.flat, strict=True):
        error = abs(Fraction(float(number)) - true)
        assert error <= Fraction(501, 1000) * Fraction(float(np.spacing(abs(number)))), (
            number,
            float(true),
        )


@pytest.mark.parametrize("n", [1, 5, 40])
def test_a_dense_layer_alone_keeps_its_bits(n: int) -> None:
    rng = np.random.default_rng(n)
    weights, biases = numbers(rng, (3, n), 900), numbers(rng, (3,), 900)
    found_weights, found_biases = composed([Dense(weights, biases)], n)
    np.testing.assert_array_equal(found_weights, weights, strict=True)
    np.testing.assert_array_equal(found_biases, biases, strict=True)


def test_cancellation_leaves_what_is_true() -> None:
    """(1 + d) (1 + d) - (1 + 2 d) is d**2, and zero in float64 for d = 2**-30."""
    first = Dense(np.array([[1.0 + 2.0**-30], [1.0 + 2.0**-29]]))
    second = Dense(np.array([[1.0 + 2.0**-30, -1.0]]))
    assert (second.weights @ first.weights).tolist() == [[0.0]]
    weights, biases = composed([first, second], 1)
    assert weights.tolist() == [[2.0**-60]]
    assert biases.tolist() == [0.0]


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 300, 2), (7, 1, 7), (20, 130, 11), (3, 1025, 2)])
@pytest.mark.parametrize("spread", [0, 100])
def test_exact_product_is_the_product_of_integers(shape: tuple[int, int, int], spread: int) -> None:
    rng = np.random.default_rng([*shape, spread])
    n_out, inner, n_in = shape
    A = scaled_integers(numbers(rng, (n_out, inner), spread))
    B = scaled_integers(numbers(rng, (inner, n_in), spread))
    product = exact_product(A, B)
    plain = A.dot(B)
    assert product.exponent == plain.exponent
    assert (product.integers == plain.integers).all()


def test_exact_product_of_the_largest_digits() -> None:
    """All digits full and of one sign, where float64 would round if they were longer."""
    A = scaled_integers(np.full((2, 4095), 2.0**53 - 1.0))
    product = exact_product(A, scaled_integers(np.full((4095, 2), 1.0 - 2.0**53)))
    expected = -4095 * (2**53 - 1) ** 2
    assert (product.integers * 2**product.exponent == expected).all()


def test_exact_product_of_zeros() -> None:
    zeros = scaled_integers(np.zeros((2, 2)))
    assert exact_product(zeros, zeros).integers.tolist() == [[0, 0], [0, 0]]
