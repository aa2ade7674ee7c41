"""Dead, always active and other neurons of random networks, as a statistic."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, SupportsIndex, Unpack

import numpy as np
from numpy.typing import NDArray

from relufast._validate import FloatArray
from relufast.monte_carlo.random_networks import Measured, NetworkOptions, NetworksAtPoints
from relufast.network import Network
from relufast.neuron_census import neuron_census


class NeuronCensus(NetworksAtPoints):
    """Shares of dead, always active and mixed neurons at standard normal points, by layer.

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
        (3, depth): shares of dead, always active and mixed neurons in each hidden layer.
    block_size : int

    Raises
    ------
    TypeError, ValueError
        For what `Network.random` refuses, and for less than one point.

    Notes
    -----
    Counts are those of `neuron_census`. A trial is in `Estimate.n_uncertified` if a count of any
    of its layers is not certified, which is rare.

    Examples
    --------
    >>> import relufast
    >>> census = relufast.statistics.NeuronCensus((8, 30, 1), 3, bias_variance=0.0)
    >>> relufast.monte_carlo(census, n_trials=2000, seed=1)  # 1/8, 1/8 and 3/4 are expected
    Estimate(0.1227 ± 0.0017, 0.1230 ± 0.0017, 0.7544 ± 0.0028, 2,000 trials)
    """

    def __init__(
        self,
        widths: Sequence[SupportsIndex] | NDArray[np.integer[Any]],
        n_points: SupportsIndex,
        **options: Unpack[NetworkOptions],
    ) -> None:
        super().__init__(widths, n_points, **options)
        self.shape = (3, self.depth)
        n_weights = sum(fan_in * fan_out for fan_in, fan_out in pairwise(self.widths[:-1]))
        # A forward pass with bounds of its rounding, and what these leave open.
        seconds = 5e-10 * n_weights * self.n_points + self._seconds_of_signs()
        self.block_size = self._trials_in(seconds)

    def measure(self, network: Network, X: FloatArray) -> Measured:
        census = neuron_census(network, X)
        counts = np.stack([census.dead, census.always_on, census.mixed])
        shares = counts / np.array(self.widths[1:-1])
        return Measured(shares, bool(census.certified.all()))
