"""Effective dimensions of the activations of random networks, as a statistic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, SupportsIndex, Unpack

import numpy as np
from numpy.typing import NDArray

from relufast import _forward_pass, _validate
from relufast._validate import FloatArray
from relufast.effective_dimension import effective_rank, participation_ratio, stable_rank
from relufast.monte_carlo.random_networks import Measured, NetworkOptions, NetworksAtPoints
from relufast.network import Network

_KINDS = {
    "effective_rank": effective_rank,
    "stable_rank": stable_rank,
    "participation_ratio": participation_ratio,
}


class EffectiveDimensions(NetworksAtPoints):
    """An effective dimension of the hidden activations at standard normal points, by layer.

    Parameters
    ----------
    widths : list, tuple or vector of int
        (n_0, n_1, ..., n_out).
    n_points : int
        The number of points, m, drawn anew in each trial from N(0, I).
    kind : {"effective_rank", "stable_rank", "participation_ratio"}, optional
        The function of that name is taken of the activations H_l, of shape (m, n_l).
    centered : bool, optional
        Subtract the mean row, over the points, first.
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
        For what `Network.random` refuses, less than one point, and an unknown kind.

    Notes
    -----
    Activations are computed in float64. A layer that is dead at all points counts as 0.

    Examples
    --------
    >>> import relufast
    >>> ranks = relufast.statistics.EffectiveDimensions((20, 30, 30, 1), 20, kind="stable_rank")
    >>> relufast.monte_carlo(ranks, n_trials=500, seed=1)
    Estimate(1.8076 ± 0.0078, 1.3659 ± 0.0054, 500 trials)
    """

    def __init__(
        self,
        widths: Sequence[SupportsIndex] | NDArray[np.integer[Any]],
        n_points: SupportsIndex,
        *,
        kind: Literal["effective_rank", "stable_rank", "participation_ratio"] = "effective_rank",
        centered: bool = False,
        **options: Unpack[NetworkOptions],
    ) -> None:
        super().__init__(widths, n_points, **options)
        self.kind = _validate.choice(kind, "kind", tuple(_KINDS))
        self.centered = _validate.flag(centered, "centered")
        self.shape = (self.depth,)
        # The decompositions take longer than the forward pass.
        sizes = [(self.n_points, width) for width in self.widths[1:-1]]
        self.block_size = self._trials_in(5e-10 * sum(m * n * min(m, n) for m, n in sizes))

    def key(self) -> Mapping[str, Any]:
        return {**super().key(), "kind": self.kind, "centered": self.centered}

    def measure(self, network: Network, X: FloatArray) -> Measured:
        dimension = _KINDS[self.kind]
        values = [
            dimension(_forward_pass.relu(z, self.negative_slope), centered=self.centered)
            for z in _forward_pass.preactivations(network, X)
        ]
        return Measured(np.array(values))
