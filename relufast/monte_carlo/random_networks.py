"""Statistics of random networks at random points: what they share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple, SupportsIndex, TypedDict

import numpy as np
from numpy.typing import NDArray

from relufast import _blas, _core, _random_layers, _validate
from relufast._validate import FloatArray
from relufast.monte_carlo.functions import TrialFailedError
from relufast.monte_carlo.statistic import Rows, Statistic, stream_of_trial
from relufast.network import Network

_DEEP = 15  # layers


class NetworkOptions(TypedDict, total=False):
    """The options of `Network.random` but its seed."""

    weight_init: Literal["he", "glorot", "orthogonal"]
    weight_variance: float | None
    bias_variance: float
    negative_slope: float


class Measured(NamedTuple):
    """The value of one trial, of the statistic's shape."""

    value: FloatArray
    certified: bool = True


class NetworksAtPoints(Statistic):
    """A measure of a random network and standard normal points, both new in each trial.

    A subclass has `measure`, sets `shape` and `block_size` after ``super().__init__``, and adds to
    `key` what else decides the result.

    Parameters
    ----------
    widths : list, tuple or vector of int
        (n_0, n_1, ..., n_out), as for `Network.random`.
    n_points : int
        At least 1.
    weight_init, weight_variance, bias_variance, negative_slope : optional
        As for `Network.random`.

    Attributes
    ----------
    depth : int
        Number of hidden layers.

    Notes
    -----
    A trial has a seed of 64 bits, from the stream of its block. Its network is that of
    `Network.random` with this seed, and its points are what the same generator would give for the
    layer after the last. BLAS runs on one thread, so that bits are those of the trial alone.
    """

    def __init__(
        self,
        widths: Sequence[SupportsIndex] | NDArray[np.integer[Any]],
        n_points: SupportsIndex,
        *,
        weight_init: Literal["he", "glorot", "orthogonal"] = "he",
        weight_variance: float | None = None,
        bias_variance: float = 1.0,
        negative_slope: float = 0.0,
    ) -> None:
        self.widths = _validate.network_widths(widths)
        self.n_points = _validate.positive_int(n_points, "n_points")
        self.weight_init, self.weight_variance, self.bias_variance = _random_layers.parameter_law(
            weight_init, weight_variance, bias_variance
        )
        self.negative_slope = _validate.finite_float(negative_slope, "negative_slope")
        self.depth = len(self.widths) - 2

    @abstractmethod
    def measure(self, network: Network, X: FloatArray) -> Measured:
        """The value of a trial: of a network and points of shape (n_points, n_0)."""

    def key(self) -> Mapping[str, Any]:
        return {
            "statistic": type(self).__name__,
            "block_size": self.block_size,
            "n_points": self.n_points,
            "widths": self.widths,
            "negative_slope": self.negative_slope,
            **self._parameters_of_weights(),
        }

    def rows(self, sequence: np.random.SeedSequence, n_trials: int) -> Rows:
        values = np.empty((n_trials, self.size))
        n_uncertified = 0
        with _blas.single_threaded():
            for trial, seed in enumerate(_seeds(sequence, n_trials)):
                try:
                    measured = _validate.instance(
                        self.measure(*self._drawn(seed)), "measure's result", Measured, "a Measured"
                    )
                    value = _validate.returned_array(measured.value, "measure", self.shape)
                except Exception as error:
                    raise TrialFailedError(trial) from error
                values[trial] = value.ravel()
                n_uncertified += not measured.certified
        return Rows(values, n_uncertified)

    def trial(
        self, seed: SupportsIndex, block: SupportsIndex, trial: SupportsIndex
    ) -> tuple[Network, FloatArray]:
        """The network and the points of one trial.

        Parameters
        ----------
        seed, block, trial : int
            As for `replay`.

        Returns
        -------
        tuple of Network and ndarray of float64, shape (n_points, n_0)
        """
        sequence, number = stream_of_trial(self, seed, block, trial)
        *_, last = _seeds(sequence, number + 1)
        return self._drawn(last)

    def _drawn(self, seed: int) -> tuple[Network, FloatArray]:
        network = Network.random(
            self.widths,
            negative_slope=self.negative_slope,
            seed=seed,
            **self._parameters_of_weights(),
        )
        layer = len(self.widths)
        points, _ = _core.normal_layer(seed, layer, 0, self.n_points, self.widths[0], 1.0, 0.0)
        return network, points

    def _parameters_of_weights(self) -> dict[str, Any]:
        names = ("weight_init", "weight_variance", "bias_variance")
        return {name: getattr(self, name) for name in names}

    def _trials_in(self, seconds_of_measure: float) -> int:
        """A block of some hundredths of a second, a power of two, by what a trial should take."""
        n_weights = sum(fan_in * fan_out for fan_in, fan_out in pairwise(self.widths))
        drawing = 1e-8 * (n_weights + self.n_points * self.widths[0])
        seconds = 1e-4 + 5e-5 * self.depth + drawing + seconds_of_measure
        return int(2 ** np.clip(np.floor(np.log2(0.05 / seconds)), 0, 10))

    def _seconds_of_signs(self) -> float:
        """What proving signs may take in integers.

        From some 15 layers on rounding may hide them, the sooner the fewer points there are. It is
        meant to be too much rather than too little: a block that is shorter costs nothing to speak
        of, and one that takes seconds keeps Ctrl-C waiting.
        """
        deep = list(pairwise(self.widths[_DEEP:-1]))
        return self.n_points * sum(1e-4 + 3e-7 * n_in * n_out for n_in, n_out in deep)


def _seeds(sequence: np.random.SeedSequence, n_trials: int) -> Iterator[int]:
    seeds = np.random.default_rng(sequence).integers(2**64, size=n_trials, dtype=np.uint64)
    yield from seeds.tolist()
