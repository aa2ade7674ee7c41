"""The ranks of random networks' activations by layer, as a statistic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, SupportsIndex, Unpack

import numpy as np
from numpy.typing import NDArray

from relufast import _validate
from relufast._validate import FloatArray
from relufast.activation_ranks import activation_ranks
from relufast.monte_carlo.random_networks import Measured, NetworkOptions, NetworksAtPoints
from relufast.network import Network


class ActivationRanks(NetworksAtPoints):
    """The rank of a random network's activations at random points, by layer: `activation_ranks`.

    Parameters
    ----------
    widths, n_points, **options
        As for `NetworksAtPoints`.
    method : {"exact", "numerical"}, optional
        Of `activation_ranks`.

    Attributes
    ----------
    shape : tuple of int
        (depth,).
    block_size : int

    Raises
    ------
    TypeError, ValueError
        For what `Network.random` refuses, less than one point, and an unknown method.

    Notes
    -----
    A trial counts its proven lower bounds, which nearly always are the ranks. A trial in which one
    is not certified is counted in `Estimate.n_uncertified`; numerical ranks never are certified,
    and not counted there.

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
        *,
        method: Literal["exact", "numerical"] = "exact",
        **options: Unpack[NetworkOptions],
    ) -> None:
        super().__init__(widths, n_points, **options)
        _validate.choice(method, "method", ("exact", "numerical"))
        self.method: Literal["exact", "numerical"] = method
        self.shape = (self.depth,)
        # Products and eliminations modulo a prime, or singular values.
        sizes = [(self.n_points, width) for width in self.widths[1:-1]]
        seconds = 5e-10 * sum(m * n * min(m, n) for m, n in sizes)
        if method == "exact":
            seconds += self._seconds_of_signs()
        self.block_size = self._trials_in(seconds)

    def key(self) -> Mapping[str, Any]:
        return {**super().key(), "method": self.method}

    def measure(self, network: Network, X: FloatArray) -> Measured:
        found = activation_ranks(network, X, method=self.method)
        certified = self.method == "numerical" or bool(found.certified.all())
        return Measured(found.lower.astype(np.float64), certified)
