"""A network as it is read, operation by operation, whatever it is read from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from relufast import _validate
from relufast._validate import FloatArray
from relufast.interop._errors import UnsupportedLayerError
from relufast.interop._steps import Dense, Permute, Scale, Shift, Step, composed
from relufast.network import Network


@dataclass(frozen=True)
class Chain:
    """The operations so far, from the network's input; each method gives a longer chain.

    ``name`` is how messages call the operation, such as "layer 'fc1' (Linear)".

    Attributes
    ----------
    n_inputs, width : int or None
        How many numbers come in and go out. None until a layer tells: all before keep it.
    hidden : tuple of tuples of steps
        What lies before each ReLU, and after the one before.
    steps : tuple of steps
        What came since the last ReLU.
    negative_slope : float or None
        That of all ReLUs; None if there was none.
    dropped : str or None
        Name of the output activation that was left out, if one was.
    """

    n_inputs: int | None = None
    width: int | None = None
    hidden: tuple[tuple[Step, ...], ...] = ()
    steps: tuple[Step, ...] = ()
    negative_slope: float | None = None
    dropped: str | None = None

    @property
    def is_of_input(self) -> bool:
        """Whether no dense layer came yet."""
        layers = (*self.hidden, self.steps)
        return not any(isinstance(step, Dense) for steps in layers for step in steps)

    def dense(self, weights: object, biases: object, name: str) -> Chain:
        """weights x + biases, of shapes (n_out, n_in) and (n_out,); None is no biases."""
        matrix = _validate.nonempty_matrix(weights, f"{name}: weight")
        offsets = None
        if biases is not None:
            offsets = _validate.vector(biases, f"{name}: bias", len(matrix))
        known = self.of_width(matrix.shape[1], name)
        return replace(known._then(Dense(matrix, offsets), name), width=len(matrix))

    def scale(self, factors: object, name: str) -> Chain:
        """factors * x, of as many numbers as x, or one."""
        array = _constant(factors, name)
        return self._of_constant(array, name)._then(Scale(array), name)

    def divide(self, divisors: object, name: str) -> Chain:
        """x / divisors, as a product with reciprocals rounded to float64."""
        array = _constant(divisors, name)
        if not array.all():
            raise ValueError(f"{name}: it divides by zero")
        with np.errstate(over="ignore"):
            return self.scale(1.0 / array, name)

    def shift(self, offsets: object, name: str) -> Chain:
        """x + offsets, of as many numbers as x, or one."""
        array = _constant(offsets, name)
        known = self._of_constant(array, name)
        last = known.steps[-1] if known.steps else None
        if isinstance(last, Dense) and last.biases is None and self.dropped is None:
            # So written, x W + b is one step, which nothing rounds.
            biases = np.broadcast_to(array, (len(last.weights),))
            return replace(known, steps=(*known.steps[:-1], Dense(last.weights, biases)))
        return known._then(Shift(array), name)

    def normalise(
        self,
        mean: FloatArray,
        variance: FloatArray,
        epsilon: float,
        weight: FloatArray | None,
        bias: FloatArray | None,
        name: str,
    ) -> Chain:
        """Batch normalisation with given moments: its factors are rounded to float64."""
        spread = _validate.float_array(variance, f"{name}: variance") + epsilon
        if not (spread > 0.0).all():
            raise ValueError(f"{name}: variance + epsilon must be positive everywhere")
        factors = (1.0 if weight is None else weight) / np.sqrt(spread)
        chain = self.of_width(len(mean), name).shift(-mean, name).scale(factors, name)
        return chain if bias is None else chain.shift(bias, name)

    def permute(self, order: NDArray[np.intp], name: str) -> Chain:
        """x[order], a permutation."""
        if np.array_equal(order, np.arange(len(order))):
            return self
        return self.of_width(len(order), name)._then(Permute(order), name)

    def relu(self, negative_slope: float, name: str) -> Chain:
        slope = _validate.finite_float(negative_slope, f"{name}: negative slope")
        self._require_open(name)
        if self.negative_slope not in (None, slope):
            raise UnsupportedLayerError(
                f"{name} has the negative slope {slope!r}, after layers of {self.negative_slope!r}:"
                " a relufast.Network has one slope for all its layers (0 for ReLU)"
            )
        if slope == 0.0 and self.hidden and not self.steps:
            return self  # The ReLU of a ReLU is that ReLU, and adds no neurons.
        return replace(self, hidden=(*self.hidden, self.steps), steps=(), negative_slope=slope)

    def output_activation(self, name: str, *, drop: bool) -> Chain:
        """A softmax or sigmoid, which nothing but the output may follow."""
        self._require_open(name)
        if not drop:
            raise UnsupportedLayerError(
                f"{name} is not piecewise linear; if it ends the network, "
                "drop_output_activation=True converts what comes before it (the logits)"
            )
        return replace(self, dropped=name)

    def of_width(self, width: int, name: str) -> Chain:
        """The same chain, of which it is known how many numbers it gives."""
        if self.width is None:
            return replace(self, n_inputs=width, width=width)
        if self.width != width:
            raise ValueError(f"{name} takes {width} numbers, but gets {self.width}")
        return self

    def network(self, source: str) -> Network:
        """Of all operations, rounded where they had to be folded into one another."""
        if self.negative_slope is None:
            raise UnsupportedLayerError(
                f"{source} has no ReLU: a relufast.Network needs a hidden layer"
            )
        if self.n_inputs is None:
            raise UnsupportedLayerError(f"{source} has no layer that tells how many inputs it has")
        weights, biases = [], []
        width = self.n_inputs
        for number, steps in enumerate((*self.hidden, self.steps), 1):
            layer_weights, layer_biases = composed(steps, width)
            if not (np.isfinite(layer_weights).all() and np.isfinite(layer_biases).all()):
                raise ValueError(
                    f"{source}: dense layer {number}, with all that is folded into it, "
                    "has numbers beyond float64"
                )
            weights.append(layer_weights)
            biases.append(layer_biases)
            width = len(layer_weights)
        return Network(weights, biases, negative_slope=self.negative_slope)

    def _then(self, step: Step, name: str) -> Chain:
        self._require_open(name)
        return replace(self, steps=(*self.steps, step))

    def _of_constant(self, constant: FloatArray, name: str) -> Chain:
        return self if len(constant) == 1 else self.of_width(len(constant), name)

    def _require_open(self, name: str) -> None:
        if self.dropped is not None:
            raise UnsupportedLayerError(
                f"{name} comes after {self.dropped}, which can be dropped at the output only"
            )


def _constant(value: object, name: str) -> FloatArray:
    array = _validate.float_array(value, f"{name}: constant").reshape(-1)
    if not len(array):
        raise ValueError(f"{name}: constant is empty")
    return array
