"""Injectivity of Gaussian layers, and the fewest active rows in them, as statistics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from relufast import _core, _validate
from relufast._few_active import search_matrix
from relufast._validate import FloatArray
from relufast.monte_carlo.random_networks import Measured, NetworksAtPoints
from relufast.network import Network

Rows = Sequence[SupportsIndex] | NDArray[np.integer[Any]]


class _GaussianLayers(NetworksAtPoints):
    """Of the first rows, so and so many, of one Gaussian matrix in each trial; no biases."""

    def __init__(self, n_inputs: SupportsIndex, rows: Rows) -> None:
        n = _validate.positive_int(n_inputs, "n_inputs")
        self.rows_of_layers = _validate.rising_integers(rows, "rows")
        super().__init__((n, self.rows_of_layers[-1], 1), 1, bias_variance=0.0)
        self.shape = (len(self.rows_of_layers),)

    def key(self) -> Mapping[str, Any]:
        return {**super().key(), "rows": self.rows_of_layers}


class InjectiveLayers(_GaussianLayers):
    """Whether a layer x -> relu(A x) with Gaussian A is injective: decided exactly.

    Parameters
    ----------
    n_inputs : int
        n, from 1 to 8.
    rows : sequence of int
        Numbers of rows m, rising; at most 10,000,000 flats: m = 40 for n = 6.

    Attributes
    ----------
    shape : tuple of int
        (len(rows),): 1 where the first so many rows are an injective layer, else 0.
    block_size : int

    Raises
    ------
    TypeError
        For what is not an integer.
    ValueError
        For a number out of its range, rows that do not rise, and too many.

    Notes
    -----
    A layer stays injective as rows are added, so that a trial is one search by halves for the first
    that is. The values of one trial therefore depend on each other; trials do not. A decision is
    that of `is_injective`, which ends at the first cell whose active rows do not span; a layer that
    is injective takes all its cells.

    Examples
    --------
    >>> import relufast
    >>> layers = relufast.statistics.InjectiveLayers(2, (6, 9, 12))
    >>> relufast.monte_carlo(layers, n_trials=400, seed=1)
    Estimate(0.263 ± 0.022, 0.758 ± 0.021, 0.925 ± 0.013, 400 trials)
    """

    _MOST_INPUTS = 8
    _MOST_FLATS = 10_000_000

    def __init__(self, n_inputs: SupportsIndex, rows: Rows) -> None:
        super().__init__(n_inputs, rows)
        n, most = self.widths[:2]
        if n > self._MOST_INPUTS:
            raise ValueError(f"n_inputs is {n}, but must be at most {self._MOST_INPUTS}")
        n_flats = _n_flats(most, n)
        if n_flats > self._MOST_FLATS:
            raise ValueError(
                f"rows has {most}, whose {n_flats:,} flats are too many: at most "
                f"{self._MOST_FLATS:,}"
            )
        seconds = n_flats * (5e-7 + 1e-8 * most)
        self.block_size = self._trials_in(seconds * np.log2(2 + len(self.rows_of_layers)) / 2)

    def measure(self, network: Network, X: FloatArray) -> Measured:
        A = network.weights[0]
        low, high = 0, len(self.rows_of_layers)  # the first that is injective
        while low < high:
            middle = (low + high) // 2
            if _is_injective(A[: self.rows_of_layers[middle]]):
                high = middle
            else:
                low = middle + 1
        values = np.zeros(self.shape)
        values[low:] = 1.0
        return Measured(values)


class FewestActiveRows(_GaussianLayers):
    """An upper bound of the fewest active rows of a Gaussian layer, over n: by search.

    Parameters
    ----------
    n_inputs : int
        n.
    rows : sequence of int
        Numbers of rows m, rising.
    n_restarts, n_steps : int, optional
        As for `min_active_rows`.

    Attributes
    ----------
    shape : tuple of int
        (len(rows),): the fewest active rows found among the first m, over n. A layer is injective
        only if the minimum is at least 1.
    block_size : int

    Raises
    ------
    TypeError
        For what is not an integer.
    ValueError
        For a number out of its range, and rows that do not rise.

    Notes
    -----
    The mean is that of what the search finds, which is at least the minimum; its error bars say
    nothing of how much. The count is that of float32, in which the search works: for Gaussian rows
    it is that of a point nearby.

    Examples
    --------
    >>> import relufast
    >>> fewest = relufast.statistics.FewestActiveRows(4, (16, 32), n_restarts=4, n_steps=2000)
    >>> relufast.monte_carlo(fewest, n_trials=50, seed=1)
    Estimate(0.675 ± 0.035, 1.965 ± 0.051, 50 trials)
    """

    def __init__(
        self,
        n_inputs: SupportsIndex,
        rows: Rows,
        *,
        n_restarts: SupportsIndex = 2,
        n_steps: SupportsIndex = 20_000,
    ) -> None:
        super().__init__(n_inputs, rows)
        self.n_restarts = _validate.positive_int(n_restarts, "n_restarts")
        self.n_steps = _validate.positive_int(n_steps, "n_steps")
        n, most = self.widths[:2]
        steps = self.n_restarts * self.n_steps * (5e-8 + 4e-10 * most)
        smooth = self.n_restarts * 500 * 2e-9 * n * most
        self.block_size = self._trials_in(len(self.rows_of_layers) * (steps + smooth))

    def key(self) -> Mapping[str, Any]:
        return {**super().key(), "n_restarts": self.n_restarts, "n_steps": self.n_steps}

    def measure(self, network: Network, X: FloatArray) -> Measured:
        A = network.weights[0]
        # A point of the trial's own, so that no two trials share a search's random numbers.
        seed = int(X.view(np.uint64)[0, 0])
        values = np.empty(self.shape)
        for k, m in enumerate(self.rows_of_layers):
            x = search_matrix(
                A[:m],
                None,
                n_restarts=self.n_restarts,
                n_steps=self.n_steps,
                seed=seed,
                n_threads=1,
                report=None,
            )
            values[k] = np.count_nonzero((A[:m] * x).sum(axis=1) > 0.0) / self.widths[0]
        return Measured(values)


def _n_flats(m: int, n: int) -> int:
    return sum(math.comb(m, k) for k in range(n))


def _is_injective(A: FloatArray) -> bool:
    m, n = A.shape
    if m < 2 * n:  # of x and -x one has fewer than n active rows
        return False
    found = _core.cells_of_layer(
        A, n, np.ones(m, np.int64), np.zeros(m, np.int64), 0, -1, True, None
    )
    return bool(found["deficient"] is None)
