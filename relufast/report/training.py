"""Training small classifiers, so that the report can look at networks while they learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relufast._validate import FloatArray
from relufast.network import Network

_DECAY_OF_MEAN, _DECAY_OF_SQUARE, _EPSILON = 0.9, 0.999, 1e-8  # Adam's usual constants
_BATCH = 32

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Epoch:
    """A network after so many passes over its training set; 0 is the initial one."""

    number: int
    network: Network


def training(
    initial: Network,
    inputs: FloatArray,
    labels: Labels,
    *,
    epochs: int,
    learning_rate: float,
    rng: np.random.Generator,
) -> Iterator[Epoch]:
    """Every epoch of Adam on the cross-entropy, at a learning rate that falls linearly to 0.

    Inputs have shape (n, d), labels shape (n,), and the network an output for each class. Batches
    hold about 32 inputs, in an order drawn anew for each epoch.
    """
    weights, biases = [w.copy() for w in initial.weights], [b.copy() for b in initial.biases]
    parameters = [*weights, *biases]
    means = [np.zeros_like(p) for p in parameters]
    squares = [np.zeros_like(p) for p in parameters]
    n_batches = max(1, round(len(labels) / _BATCH))
    step, steps = 0, epochs * n_batches
    yield Epoch(0, initial)
    for epoch in range(1, epochs + 1):
        for batch in np.array_split(rng.permutation(len(labels)), n_batches):
            step += 1
            rate = learning_rate * (1.0 - step / steps)
            for p, mean, square, gradient in zip(
                parameters,
                means,
                squares,
                _gradients(weights, biases, inputs[batch], labels[batch]),
                strict=True,
            ):
                mean += (1.0 - _DECAY_OF_MEAN) * (gradient - mean)
                square += (1.0 - _DECAY_OF_SQUARE) * (gradient**2 - square)
                direction = mean / (1.0 - _DECAY_OF_MEAN**step)
                scale = np.sqrt(square / (1.0 - _DECAY_OF_SQUARE**step)) + _EPSILON
                p -= rate * direction / scale
        yield Epoch(epoch, Network(weights, biases))


def accuracy(network: Network, inputs: FloatArray, labels: Labels) -> float:
    """The share of inputs whose largest output is that of their class."""
    return float(np.mean(network(inputs).argmax(axis=1) == labels))


def _gradients(
    weights: Sequence[FloatArray], biases: Sequence[FloatArray], inputs: FloatArray, labels: Labels
) -> list[FloatArray]:
    """Of the mean cross-entropy, first by the weights, then by the biases."""
    layers = [inputs]
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        layers.append(np.maximum(layers[-1] @ w.T + b, 0.0))
    scores = layers[-1] @ weights[-1].T + biases[-1]
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    back = exponentials / exponentials.sum(axis=1, keepdims=True)
    back[np.arange(len(labels)), labels] -= 1.0
    back /= len(labels)
    by_weights, by_biases = [], []
    for w, h in zip(reversed(weights), reversed(layers), strict=True):
        by_weights.append(back.T @ h)
        by_biases.append(back.sum(axis=0))
        back = (back @ w) * (h > 0.0)
    return [*reversed(by_weights), *reversed(by_biases)]
