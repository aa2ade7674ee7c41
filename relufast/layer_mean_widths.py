"""The mean widths of a network's hidden activations, and apart for points it gets wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast import _forward_pass, _validate
from relufast._blas import single_threaded
from relufast._cpus import thread_count
from relufast._products import times_transposed
from relufast._read_only import read_only
from relufast._validate import FloatArray
from relufast._widths import Widths
from relufast.monte_carlo.estimate import Estimate
from relufast.monte_carlo.mean_width import BLOCK_SIZE, directions_of, scaled_widths
from relufast.monte_carlo.progress import Progress
from relufast.monte_carlo.run import monte_carlo
from relufast.monte_carlo.statistic import Rows, Statistic
from relufast.network import Network, checked_network

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class LayerMeanWidths:
    """Gaussian mean widths of hidden activations; layer l is entry l - 1 of every estimate.

    Attributes
    ----------
    widths : Estimate of shape (depth,)
        Of the activations at all points.
    correct, wrong : Estimate of shape (depth,), or None
        At the points that are classified as labelled, and at the others; None without labels and
        where there is no such point.
    difference : Estimate of shape (depth,), or None
        Of `correct` minus `wrong`: directions are the same for both, so that its standard error
        is not that of independent estimates.
    n_points : int
    n_correct, n_wrong : int or None
        How many points; None without labels.
    n_compared : int or None
        How many of each kind were taken at a time, with `equal_sizes`.
    """

    widths: Estimate
    correct: Estimate | None
    wrong: Estimate | None
    difference: Estimate | None
    n_points: int
    n_correct: int | None
    n_wrong: int | None
    n_compared: int | None

    def __repr__(self) -> str:
        depth = len(self.widths.mean)
        layers = f"{depth} layer{'s' if depth != 1 else ''}, {self.n_points:,} points"
        if self.n_correct is None:
            return f"LayerMeanWidths({layers})"
        return f"LayerMeanWidths({layers}: {self.n_correct:,} correct, {self.n_wrong:,} wrong)"


def layer_mean_widths(
    network: Network,
    X: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    equal_sizes: bool = False,
    n_samples: SupportsIndex = 1000,
    seed: SupportsIndex,
    spherical: bool = False,
    n_threads: SupportsIndex | None = None,
    progress: bool | Callable[[Progress], object] | None = None,
) -> LayerMeanWidths:
    """The Gaussian mean width of each hidden layer's activations on given points.

    Parameters
    ----------
    network : Network
    X : array_like of float, shape (m, n_0)
        At least one point, finite.
    labels : array_like of int or bool, shape (m,), optional
        The class of each point, from 0 on. The network's is the output that is largest, the first
        of several; with a single output it is 1 where that is positive, and 0 elsewhere.
    equal_sizes : bool, optional
        Compare equal numbers of correctly and wrongly classified points: for each direction a new
        random subset is taken of the larger group, as large as the smaller group. A larger set is
        wider for its size alone, and a network mostly has far more correct points than wrong ones.
    n_samples : int, optional
        Number of directions, at least 1.
    seed, spherical, n_threads, progress
        As for `gaussian_mean_width`.

    Returns
    -------
    LayerMeanWidths
        The same to the bit for any number of threads.

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For a wrong shape, NaN, infinity, labels of another length or that are no class, a number
        out of its range, `equal_sizes` without labels, and activations above 2**500.

    Notes
    -----
    Activations are computed in float64, and rounded; widths of these are exact in each direction,
    as in `gaussian_mean_width`. All hidden activations are in memory, 8 m sum(n_l) bytes. With
    `equal_sizes` each direction takes a product with a vector, at the speed of memory, in the place
    of one of matrices.

    The mean width of a random subset of k points is below that of the whole; it is the fair
    one to compare, and its standard error includes the choice of subsets.

    References
    ----------
    arXiv 1812.02566, whose experiments show widths by layer for correct and wrong points.

    Examples
    --------
    >>> import numpy as np
    >>> import relufast
    >>> network = relufast.Network.random((10, 50, 50, 3), seed=1)
    >>> X = np.random.default_rng(1).standard_normal((200, 10))
    >>> found = relufast.layer_mean_widths(network, X, np.arange(200) % 3, seed=1)
    >>> found
    LayerMeanWidths(2 layers, 200 points: 76 correct, 124 wrong)
    >>> found.widths
    Estimate(34.69 ± 0.23, 29.27 ± 0.19, 1,000 trials)
    """
    checked = checked_network(network)
    points = _validate.finite_points(X, "X", checked.widths[0])
    balanced = _validate.flag(equal_sizes, "equal_sizes")
    number = _validate.positive_int(n_samples, "n_samples")
    groups: tuple[Indices, Indices] | None = None
    if labels is not None:
        n_classes = max(2, checked.widths[-1])
        classes = _validate.labels(labels, "labels", len(points), n_classes)
    elif balanced:
        raise ValueError("equal_sizes is True, but labels, which tell the groups, are missing")
    layers, predicted = _activations_and_classes(checked, points)
    if labels is not None:
        is_correct = predicted == classes
        groups = np.flatnonzero(is_correct), np.flatnonzero(~is_correct)
    statistic = _LayerWidths(
        layers,
        groups,
        balanced=balanced,
        spherical=_validate.flag(spherical, "spherical"),
        n_threads=thread_count(n_threads),
    )
    estimate = monte_carlo(statistic, n_trials=number, seed=seed, progress=progress)
    columns = {name: _column(estimate, index) for index, name in enumerate(statistic.columns)}
    sizes = None if groups is None else (len(groups[0]), len(groups[1]))
    return LayerMeanWidths(
        columns["widths"],
        columns.get("correct"),
        columns.get("wrong"),
        columns.get("difference"),
        n_points=len(points),
        n_correct=None if sizes is None else sizes[0],
        n_wrong=None if sizes is None else sizes[1],
        n_compared=min(sizes) if balanced and sizes is not None else None,
    )


def _activations_and_classes(
    network: Network, points: FloatArray
) -> tuple[list[FloatArray], Indices]:
    with single_threaded():
        layers = [
            _forward_pass.relu(z, network.negative_slope)
            for z in _forward_pass.preactivations(network, points)
        ]
        outputs = times_transposed(layers[-1], network.weights[-1]) + network.biases[-1]
    for number, activations in enumerate(layers, start=1):
        _validate.point_set(activations, f"activations of layer {number}")
    if outputs.shape[1] == 1:
        return layers, (outputs[:, 0] > 0.0).astype(np.int64)
    return layers, np.argmax(outputs, axis=1).astype(np.int64)


class _LayerWidths(Statistic):
    """Trials of shape (depth, number of columns), with the same direction for all of a layer."""

    block_size = BLOCK_SIZE

    def __init__(
        self,
        layers: list[FloatArray],
        groups: tuple[Indices, Indices] | None,
        *,
        balanced: bool,
        spherical: bool,
        n_threads: int,
    ) -> None:
        self._layers = layers
        self._spherical = spherical
        self._n_threads = n_threads
        self._groups = dict(zip(("correct", "wrong"), groups or (), strict=False))
        self._groups = {name: group for name, group in self._groups.items() if len(group)}
        self.columns = ["widths", *self._groups]
        if len(self._groups) == 2:
            self.columns.append("difference")
        self._n_compared = (
            min(map(len, self._groups.values())) if balanced and self._groups else None
        )
        self._of_all = [Widths(layer) for layer in layers]
        self._of_groups: list[dict[str, Widths]] = [{} for _ in layers]
        if not balanced:
            self._of_groups = [
                {name: Widths(layer[group]) for name, group in self._groups.items()}
                for layer in layers
            ]
        self.shape = (len(layers), len(self.columns))

    def key(self) -> None:
        return None

    def rows(self, sequence: np.random.SeedSequence, n_trials: int) -> Rows:
        values = np.empty((n_trials, *self.shape))
        subsets = self._subsets(sequence, n_trials)
        for index, layer in enumerate(self._layers):
            directions = directions_of(sequence, n_trials, layer.shape[1], space=index)
            found = [self._of_all[index].of(directions, self._n_threads)]
            for name in self._groups:
                if subsets is None:
                    found.append(self._of_groups[index][name].of(directions, self._n_threads))
                else:
                    found.append(_of_subsets(layer, subsets[name], directions))
            scaled = [scaled_widths(each, directions, self._spherical) for each in found]
            if "difference" in self.columns:
                scaled.append(scaled[1] - scaled[2])
            values[:, index] = np.column_stack(scaled)
        return Rows(values.reshape(n_trials, -1))

    def _subsets(
        self, sequence: np.random.SeedSequence, n_trials: int
    ) -> dict[str, list[Indices]] | None:
        """For each trial as many points of each group."""
        if self._n_compared is None:
            return None
        random = np.random.default_rng(sequence)
        subsets: dict[str, list[Indices]] = {name: [] for name in self._groups}
        for _ in range(n_trials):
            for name, group in self._groups.items():
                subsets[name].append(random.choice(group, self._n_compared, replace=False))
        return subsets


def _of_subsets(layer: FloatArray, subsets: list[Indices], directions: FloatArray) -> FloatArray:
    widths = [
        Widths(layer[subset]).of(directions[trial : trial + 1], 1)
        for trial, subset in enumerate(subsets)
    ]
    return np.concatenate(widths)


def _column(estimate: Estimate, index: int) -> Estimate:
    """One of the quantities of each layer."""
    names = ("mean", "standard_error", "variance", "minimum", "maximum")
    arrays = {name: read_only(getattr(estimate, name)[:, index].copy()) for name in names}
    return replace(estimate, **arrays)
