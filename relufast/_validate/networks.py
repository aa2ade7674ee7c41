"""Widths and parameters of networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from relufast._validate.arrays import FloatArray, float_array, vector
from relufast._validate.messages import type_of
from relufast._validate.numbers import size


def network_widths(value: object, name: str = "widths") -> tuple[int, ...]:
    """(inputs, one or more hidden widths, outputs)."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name} is {type_of(value)}, but needs a list or tuple of integers")
    widths = tuple(size(width, f"{name}[{i}]") for i, width in enumerate(value))
    if len(widths) < 3:
        raise ValueError(
            f"{name} has {len(widths)} entries, but needs at least 3: inputs, hidden, outputs"
        )
    return widths


def one_input_widths(value: object, name: str = "widths") -> tuple[int, ...]:
    """As `network_widths`, with one input."""
    widths = network_widths(value, name)
    if widths[0] != 1:
        raise ValueError(f"{name}[0] is {widths[0]}, but must be 1: one input, one line")
    return widths


def network_parameters(
    weights: object, biases: object
) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]:
    """Finite weights and biases whose shapes make a network with a hidden layer."""
    checked_weights = _weights(weights)
    return checked_weights, network_biases(biases, [len(w) for w in checked_weights])


def network_biases(biases: object, lengths: Sequence[int]) -> tuple[FloatArray, ...]:
    """Finite biases for as many rows as each layer's weights have; zeros from None."""
    if biases is None:
        return tuple(np.zeros(length) for length in lengths)
    if not isinstance(biases, (list, tuple)):
        raise TypeError(
            f"biases is {type_of(biases)}, but needs a list or tuple of vectors, or None"
        )
    if len(biases) != len(lengths):
        raise ValueError(
            f"biases has {len(biases)} entries, but needs {len(lengths)}, one for each "
            "entry of weights"
        )
    checked = []
    for i, (bias, length) in enumerate(zip(biases, lengths, strict=True)):
        if bias is None:
            raise TypeError(f"biases[{i}] is None, but needs a vector; zeros for no bias")
        checked.append(vector(bias, f"biases[{i}]", length))
    return tuple(checked)


def layers_of_weights(weights: object, needed: str) -> Sequence[object]:
    """A list or tuple of what a hidden layer at least and the output layer are given by."""
    if not isinstance(weights, (list, tuple)):
        raise TypeError(f"weights is {type_of(weights)}, but needs a list or tuple of {needed}")
    if len(weights) < 2:
        raise ValueError(
            f"weights has {len(weights)} entries, but needs at least 2: a hidden layer and the "
            "output layer"
        )
    return weights


def require_chain(
    name: str, shape: tuple[int, ...], before: str, shape_before: tuple[int, ...]
) -> None:
    """That the weights of a layer take what the layer before gives."""
    if shape[1] != shape_before[0]:
        raise ValueError(
            f"{name} has shape {shape}, but needs {shape_before[0]} columns, one for each row of "
            f"{before}"
        )


def _weights(weights: object) -> tuple[FloatArray, ...]:
    checked: list[FloatArray] = []
    for i, weight in enumerate(layers_of_weights(weights, "matrices")):
        name = f"weights[{i}]"
        array = float_array(weight, name)
        if array.ndim != 2 or 0 in array.shape:
            raise ValueError(
                f"{name} has shape {array.shape}, but needs shape (n_out, n_in), both at least 1"
            )
        if i > 0:
            require_chain(name, array.shape, f"weights[{i - 1}]", checked[-1].shape)
        checked.append(array)
    return tuple(checked)
