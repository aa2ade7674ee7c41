"""Random networks at random points, and the dimensions of their activations by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from relufast import _forward_pass
from relufast._validate import FloatArray
from relufast.activation_ranks import activation_ranks
from relufast.effective_dimension import effective_rank, participation_ratio, stable_rank
from relufast.monte_carlo import Estimate as MonteCarloEstimate
from relufast.monte_carlo.random_networks import Measured, NetworkOptions, NetworksAtPoints
from relufast.network import Network
from relufast.report.certification import certified_ranks
from relufast.report.estimate import Estimate, combination, of_arrays
from relufast.report.progress import Progress
from relufast.report.settings import Settings

WIDTH = 64  # of all layers, and the number of inputs
DEPTH = 30
LAYERS = range(1, DEPTH + 1)
_NETWORKS = 60  # of a family
_NETWORKS_OF_CLAIMS = 300  # of He's, which the paper's claims are about; a fifth can tell

EXACT, NUMERICAL = "exact rank", "numerical rank"
EFFECTIVE, PARTICIPATION, STABLE = "effective rank", "participation ratio", "stable rank"
NOTIONS = (EXACT, NUMERICAL, EFFECTIVE, PARTICIPATION, STABLE)
# 1 where a network's exact rank exceeds that of the layer before; what it cannot exceed.
_RISES, _UPPER = "rises", "upper bound of the exact rank"
_ROWS = (*NOTIONS, _RISES, _UPPER)

HE, ORTHOGONAL, LEAKY, SMALL = "He", "orthogonal", "leaky", "small weights"
FAMILIES: Mapping[str, NetworkOptions] = {
    HE: {"bias_variance": 0.0},
    ORTHOGONAL: {"weight_init": "orthogonal", "bias_variance": 0.0},
    LEAKY: {"bias_variance": 0.0, "negative_slope": 0.1},
    SMALL: {"weight_variance": 0.25, "bias_variance": 1.0},
}


class _Dimensions(NetworksAtPoints):
    """All notions by layer, of the same networks, so that they can be compared."""

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__((*[WIDTH] * (DEPTH + 1), 1), WIDTH, **options)
        self.shape = (len(_ROWS), DEPTH)
        self.block_size = 1

    def measure(self, network: Network, X: FloatArray) -> Measured:
        exact = activation_ranks(network, X)
        activations = [
            _forward_pass.relu(z, network.negative_slope)
            for z in _forward_pass.preactivations(network, X)
        ]
        values = [
            exact.lower,
            activation_ranks(network, X, method="numerical").rank,
            *(
                [notion(H) for H in activations]
                for notion in (effective_rank, participation_ratio, stable_rank)
            ),
            np.diff(exact.lower, prepend=exact.lower[0]) > 0,
            exact.upper,
        ]
        return Measured(np.array(values, dtype=np.float64), bool(exact.certified.all()))


@dataclass(frozen=True)
class Dimensions:
    """Of one family of networks."""

    family: str
    found: MonteCarloEstimate

    @property
    def networks(self) -> int:
        return self.found.n_trials

    def by_layer(self, notion: str) -> list[Estimate]:
        row = _ROWS.index(notion)
        return of_arrays(self.found.mean[row], self.found.standard_error[row])

    def contrast(self, notion: str, weights: FloatArray) -> Estimate:
        """A weighted sum over layers, shape (DEPTH,)."""
        all_weights = np.zeros(self.found.mean.shape)
        all_weights[_ROWS.index(notion)] = weights
        return combination(self.found, all_weights)

    def share_of_rises(self) -> Estimate:
        """Of the steps from one layer to the next, those at which a network's rank rises."""
        weights = np.full(DEPTH, 1.0 / (DEPTH - 1))
        weights[0] = 0.0
        return self.contrast(_RISES, weights)

    def smallest_rank(self) -> tuple[int, int]:
        """Between which bounds it lies, over all networks and layers."""
        lower, upper = (self.found.minimum[_ROWS.index(row)].min() for row in (EXACT, _UPPER))
        return int(lower), int(upper)

    def source(self) -> str:
        options = ", ".join(f"{k}={v!r}" for k, v in FAMILIES[self.family].items())
        return f"{self.networks:,} of {self.family}: Network.random({options})"


@dataclass(frozen=True)
class Measurement:
    by_family: Mapping[str, Dimensions]

    def __getitem__(self, family: str) -> Dimensions:
        return self.by_family[family]

    def trust(self) -> str:
        return certified_ranks([d.found for d in self.by_family.values()])

    def source(self, *families: str) -> str:
        """Of a figure that shows these."""
        shown = [self[family] for family in families]
        return (
            f"relufast.activation_ranks(network, X) and others; {DEPTH} layers of {WIDTH} neurons; "
            f"X of {WIDTH} standard normal inputs of dimension {WIDTH}; "
            + "; ".join(d.source() for d in shown)
        )


def measure_families(settings: Settings, progress: Progress) -> Measurement:
    by_family = {}
    for family, options in FAMILIES.items():
        label = f"dimensions by layer, {family}"
        networks = settings.scaled(_NETWORKS_OF_CLAIMS if family == HE else _NETWORKS)
        found = progress.monte_carlo(_Dimensions(options), settings, label, n_trials=networks)
        by_family[family] = Dimensions(family, found)
    return Measurement(by_family)
