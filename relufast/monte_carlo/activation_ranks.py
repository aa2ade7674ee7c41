"""Exact ranks of the hidden activations of random networks, as a statistic."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, SupportsIndex, Unpack

import numpy as np
from numpy.typing import NDArray

from relufast._validate import FloatArray
from relufast.activation_ranks import activation_ranks
from relufast.monte_carlo.random_networks import Measured, NetworkOptions, NetworksAtPoints
from relufast.network import Network


class ActivationRanks(NetworksAtPoints):
    """Exact ranks of the hidden activations at standard normal points, by layer.

    Parameters
    ----------
    widths : list, tuple or vector of int
        (n_0, n_1, ..., n_out).
    n_points : int
        The number of points, m, drawn anew in each trial from N(0, I).
    weight_init, weight_variance, bias_variance, negative_slope : optional
        As for `Network.random`.

    Attributes
    ----------
    shape : tuple of int
        (depth,): the rank of each hidden layer, or its lower bound where that is not certified.
    block_size : int

    Raises
    ------
    TypeError, ValueError
        For what `Network.random` refuses, and for less than one point.

    Notes
    -----
    Ranks are those of `activation_ranks`. A trial is in `Estimate.n_uncertified` if that of any of
    its layers is not certified, as for about 3 of 1000 layers.

    Examples
    --------
    >>> import relufast
    >>> ranks = relufast.statistics.ActivationRanks((8, 8, 8, 1), 8, bias_variance=0.0)
    >>> relufast.monte_carlo(ranks, n_trials=500, seed=1)
    Estimate(7.920 ± 0.013, 7.192 ± 0.036, 500 trials)
    """

    def __init__(
        self,
        widths: Sequence[SupportsIndex] | NDArray[np.integer[Any]],
        n_points: SupportsIndex,
        **options: Unpack[NetworkOptions],
    ) -> None:
        super().__init__(widths, n_points, **options)
        self.shape = (self.depth,)
        n_weights = sum(fan_in * fan_out for fan_in, fan_out in pairwise(self.widths[:-1]))
        # Two products, an elimination, and about a product for the bounds.
        self.block_size = self._trials_in(5e-10 * n_weights * self.n_points)

    def measure(self, network: Network, X: FloatArray) -> Measured:
        ranks = activation_ranks(network, X)
        return Measured(ranks.lower.astype(np.float64), bool(ranks.certified.all()))
