"""The affine maps that networks are made of, and their exact composition.

What lies between two ReLUs is one affine map, composed here in integers and rounded to float64
once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relufast._exact_product import exact_product
from relufast._scaled_integers import ScaledIntegers, scaled_integers
from relufast._validate import FloatArray


@dataclass(frozen=True)
class ExactMap:
    """x -> weights x + biases, of shapes (n_out, n_in) and (n_out,)."""

    weights: ScaledIntegers
    biases: ScaledIntegers


@dataclass(frozen=True)
class Dense:
    """x -> weights x + biases, of shapes (n_out, n_in) and (n_out,); None is no biases."""

    weights: FloatArray
    biases: FloatArray | None = None

    def after(self, inner: ExactMap) -> ExactMap:
        outer = self.exact()
        return ExactMap(
            exact_product(outer.weights, inner.weights),
            outer.weights.dot(inner.biases).plus(outer.biases),
        )

    def exact(self) -> ExactMap:
        weights, biases = self.rounded()
        return ExactMap(scaled_integers(weights), scaled_integers(biases))

    def rounded(self) -> tuple[FloatArray, FloatArray]:
        no_biases = np.zeros(len(self.weights))
        return self.weights, no_biases if self.biases is None else self.biases


@dataclass(frozen=True)
class Scale:
    """x -> factors * x, of shape (n,) or (1,)."""

    factors: FloatArray

    def after(self, inner: ExactMap) -> ExactMap:
        factors = scaled_integers(self.factors)
        column = ScaledIntegers(factors.integers[:, np.newaxis], factors.exponent)
        return ExactMap(inner.weights.times(column), inner.biases.times(factors))

    def before(self, outer: ExactMap) -> ExactMap:
        return ExactMap(outer.weights.times(scaled_integers(self.factors)), outer.biases)


@dataclass(frozen=True)
class Shift:
    """x -> x + offsets, of shape (n,) or (1,)."""

    offsets: FloatArray

    def after(self, inner: ExactMap) -> ExactMap:
        return ExactMap(inner.weights, inner.biases.plus(scaled_integers(self.offsets)))

    def before(self, outer: ExactMap) -> ExactMap:
        n_inputs = outer.weights.integers.shape[1]
        offsets = scaled_integers(np.broadcast_to(self.offsets, (n_inputs,)))
        return ExactMap(outer.weights, outer.biases.plus(outer.weights.dot(offsets)))


@dataclass(frozen=True)
class Permute:
    """x -> x[order]."""

    order: NDArray[np.intp]

    def after(self, inner: ExactMap) -> ExactMap:
        weights, biases = inner.weights, inner.biases
        return ExactMap(
            ScaledIntegers(weights.integers[self.order], weights.exponent),
            ScaledIntegers(biases.integers[self.order], biases.exponent),
        )

    def before(self, outer: ExactMap) -> ExactMap:
        columns = outer.weights.integers[:, np.argsort(self.order)]
        return ExactMap(ScaledIntegers(columns, outer.weights.exponent), outer.biases)


Step = Dense | Scale | Shift | Permute


def composed(steps: Sequence[Step], n_inputs: int) -> tuple[FloatArray, FloatArray]:
    """Weights and biases of all steps, one after the other, on n_inputs numbers.

    A dense step alone is given back bit for bit. Otherwise each number is within 0.501 ulp of that
    of the exact composition, and infinite where float64 ends.
    """
    if not steps:
        return np.eye(n_inputs), np.zeros(n_inputs)
    if len(steps) == 1 and isinstance(steps[0], Dense):
        return steps[0].rounded()
    # From the first dense step on, what came before acts on its columns and what follows on its
    # rows: cheaper than the products with diagonal matrices that they are.
    before: list[Scale | Shift | Permute] = []
    for step in steps:
        if isinstance(step, Dense):
            dense, following = step, steps[len(before) + 1 :]
            break
        before.append(step)
    else:
        dense, following, before = Dense(np.eye(n_inputs)), steps, []
    if _rounds_weights_once(before, following):
        with np.errstate(over="ignore"):
            return _composed_of_floats(before, dense, following)
    exact = dense.exact()
    for earlier in reversed(before):
        exact = earlier.before(exact)
    for later in following:
        exact = later.after(exact)
    return exact.weights.rounded(), exact.biases.rounded()


def _rounds_weights_once(before: Sequence[Step], following: Sequence[Step]) -> bool:
    """Whether float64's own product rounds each weight once, and no bias needs the weights."""
    n_factors = sum(isinstance(step, Scale) for step in (*before, *following))
    shifts_columns = any(isinstance(step, Shift) for step in before)
    multiplies = any(isinstance(step, Dense) for step in following)
    return n_factors <= 1 and not shifts_columns and not multiplies


def _composed_of_floats(
    before: Sequence[Step], dense: Dense, following: Sequence[Step]
) -> tuple[FloatArray, FloatArray]:
    """As `composed`, many times faster: batch normalisations of wide layers are like that."""
    weights, _ = dense.rounded()
    for step in reversed(before):
        if isinstance(step, Scale):
            weights = weights * step.factors
        elif isinstance(step, Permute):
            weights = weights[:, np.argsort(step.order)]
    no_columns = Dense(np.zeros((len(weights), 0)), dense.biases).exact()
    for step in following:
        no_columns = step.after(no_columns)
        if isinstance(step, Scale):
            weights = step.factors[:, np.newaxis] * weights
        elif isinstance(step, Permute):
            weights = weights[step.order]
    return weights, no_columns.biases.rounded()
