"""The breakpoints of random networks by layer, as a statistic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast import _blas, _random_layers, _validate
from relufast._validate import FloatArray
from relufast.breakpoints import breakpoints
from relufast.monte_carlo.statistic import Rows, Statistic, stream_of_trial
from relufast.network import Network

_DEEP = 22  # layers


class BreakpointCounts(Statistic):
    """Breakpoints of random networks with one input, by layer: `breakpoints(...).count_by_layer`.

    Parameters
    ----------
    widths : list, tuple or vector of int
        (1, n_1, ..., n_out).
    interval : (lo, hi), optional
        Either end may be infinite; the whole line if not given.
    weight_init, weight_variance, bias_variance, negative_slope : optional
        As for `Network.random`.

    Attributes
    ----------
    shape : tuple of int
        (depth,).
    block_size : int

    Raises
    ------
    TypeError, ValueError
        For what `Network.random` and `breakpoints` refuse, and for more than one input.

    Notes
    -----
    Networks have the law of `Network.random`, but random numbers of their own, faster ones; see
    `network`. Counts are those of `breakpoints`: exact and certified, or else counted in
    `Estimate.n_uncertified`.

    Examples
    --------
    >>> import relufast
    >>> counts = relufast.statistics.BreakpointCounts((1, 30, 30, 1), bias_variance=0.25)
    >>> relufast.monte_carlo(counts, n_trials=1000, seed=1)
    Estimate(30 ± 0, 29.96 ± 0.13, 1,000 trials)
    """

    def __init__(
        self,
        widths: Sequence[SupportsIndex] | NDArray[np.integer[Any]],
        *,
        interval: ArrayLike = (-math.inf, math.inf),
        weight_init: Literal["he", "glorot", "orthogonal"] = "he",
        weight_variance: float | None = None,
        bias_variance: float = 1.0,
        negative_slope: float = 0.0,
    ) -> None:
        self.widths = _validate.one_input_widths(widths)
        self.interval = _validate.interval(interval)
        self.weight_init, self.weight_variance, self.bias_variance = _random_layers.parameter_law(
            weight_init, weight_variance, bias_variance
        )
        self.negative_slope = _validate.finite_float(negative_slope, "negative_slope")
        self.shape = (len(self.widths) - 2,)
        self.block_size = _block_size(self.widths)

    def key(self) -> Mapping[str, Any]:
        return {"statistic": "BreakpointCounts", "block_size": self.block_size, **self._options()}

    def _options(self) -> dict[str, Any]:
        names = ("widths", "interval", "weight_init", "weight_variance", "bias_variance")
        return {name: getattr(self, name) for name in (*names, "negative_slope")}

    def rows(self, sequence: np.random.SeedSequence, n_trials: int) -> Rows:
        # Imported here because Numba takes half a second, which `import relufast` need not.
        from relufast import _numba
        from relufast.monte_carlo.loops import count_breakpoints, count_breakpoints_orthogonal

        random = _numba.new_random(sequence)
        counter = _numba.new_breakpoint_counter(self.widths, self.negative_slope, self.interval)
        scales = _scales(self)
        values = np.empty((n_trials, *self.shape))
        outcomes = np.empty(n_trials, dtype=np.int64)
        results = np.empty(self.shape, dtype=np.int64), values, outcomes
        with _blas.single_threaded():
            if self.weight_init == "orthogonal":
                count_breakpoints_orthogonal(
                    random.address,
                    counter.address,
                    scales,
                    np.array(self.widths),
                    np.empty_like(scales),
                    *results,
                )
            else:
                count_breakpoints(
                    random.address, counter.address, scales, np.empty_like(scales), *results
                )
        if (outcomes < 0).any():
            raise RuntimeError(_numba.last_error())
        n_uncertified = 0
        for trial in np.flatnonzero(outcomes).tolist():
            # What double-double leaves open, integers mostly settle.
            found = breakpoints(self._network(sequence, trial), self.interval, n_threads=1)
            values[trial] = found.count_by_layer
            n_uncertified += not found.certified
        return Rows(values, n_uncertified)

    def network(self, seed: SupportsIndex, block: SupportsIndex, trial: SupportsIndex) -> Network:
        """The network of one trial.

        Parameters
        ----------
        seed, block, trial : int
            As for `replay`.

        Returns
        -------
        Network
        """
        return self._network(*stream_of_trial(self, seed, block, trial))

    def _network(self, sequence: np.random.SeedSequence, trial: int) -> Network:
        from relufast import _numba
        from relufast.monte_carlo.loops import draw_orthogonal_parameters, draw_parameters

        random = _numba.new_random(sequence)
        scales = _scales(self)
        parameters = np.empty_like(scales)
        for _ in range(trial + 1):
            if self.weight_init == "orthogonal":
                widths = np.array(self.widths)
                draw_orthogonal_parameters(random.address, scales, widths, parameters)
            else:
                draw_parameters(random.address, scales, parameters)
        weights, biases, begin = [], [], 0
        for n_in, n_out in pairwise(self.widths):
            end = begin + n_in * n_out
            weights.append(parameters[begin:end].reshape(n_out, n_in))
            biases.append(parameters[end : end + n_out])
            begin = end + n_out
        return Network(weights, biases, negative_slope=self.negative_slope)


def _scales(statistic: BreakpointCounts) -> FloatArray:
    """What standard normals, or orthonormal matrices, are multiplied by."""
    law = _random_layers.parameter_law(
        statistic.weight_init, statistic.weight_variance, statistic.bias_variance
    )
    parts = []
    for fan_in, fan_out in pairwise(statistic.widths):
        scale = _random_layers.weight_scale(law, fan_in, fan_out)
        parts += [np.full(fan_in * fan_out, scale)]
        parts += [np.full(fan_out, math.sqrt(law.bias_variance))]
    return np.concatenate(parts)


def _block_size(widths: Sequence[int]) -> int:
    """Trials that take some hundredths of a second, a power of two."""
    # Deep networks have breakpoints that only integers order: tenths of a second for a trial.
    knots, seconds = 1.0, 2e-5 + 0.02 * max(0, len(widths) - 2 - _DEEP)
    for fan_in, fan_out in pairwise(widths):
        seconds += 1e-8 * fan_in * fan_out + 4e-10 * knots * fan_in * fan_out
        knots += fan_out
    return int(2 ** max(0, min(12, math.floor(math.log2(0.05 / seconds)))))
