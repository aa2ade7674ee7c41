"""The fewest rows of a ReLU layer that are active at any input: exactly, or bounds of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, SupportsIndex, overload

import numpy as np
from numpy.typing import ArrayLike

from relufast import _validate
from relufast._blas import single_threaded
from relufast._cpus import thread_count
from relufast._exact_activations import ExactActivations
from relufast._few_active import search_layer, search_matrix
from relufast._progress_count import ProgressOption, count_reports
from relufast._read_only import read_only
from relufast._relu_layer import IntArray, Point, ReluLayer
from relufast.injectivity import checked_layer, is_affordable, require_affordable
from relufast.network import Network

Method = Literal["auto", "exact", "search"]

# A line through a network costs as much as so many steps of annealing.
_STEPS_A_LINE = 1000


@dataclass(frozen=True, eq=False, repr=False)
class MinActiveRows:
    """Bounds of the smallest number of active rows over all full-dimensional cells.

    Attributes
    ----------
    upper : int
        So many are active at `point`, or zero there but not everywhere: proven in integers.
    lower : int
        Proven; the minimum itself where it is equal to `upper`.
    lower_bound : {"enumeration", "partition", "spectral", "trivial"}
        Where `lower` comes from. "enumeration": all cells. "partition": the sum of the minima of
        groups of rows, each of which was enumerated. "spectral": see `min_active_rows`. "trivial":
        rows that are active everywhere, mostly none.
    point : tuple of Fraction
        An input next to which so few are active.
    active_rows : ndarray of int64, shape (upper,)
        Those. Read-only.
    """

    upper: int
    lower: int
    lower_bound: str
    point: Point
    active_rows: IntArray

    @property
    def is_exact(self) -> bool:
        """Whether the bounds meet."""
        return self.lower == self.upper

    def __repr__(self) -> str:
        count = f"{self.upper:,}" if self.is_exact else f"{self.lower:,} to {self.upper:,}"
        return f"MinActiveRows({count} rows, lower bound by {self.lower_bound})"


@overload
def min_active_rows(
    layer: Network,
    bias: None = None,
    *,
    method: Method = ...,
    n_restarts: SupportsIndex = ...,
    n_steps: SupportsIndex = ...,
    seed: SupportsIndex = ...,
    budget: SupportsIndex = ...,
    n_threads: SupportsIndex | None = ...,
    progress: ProgressOption = ...,
) -> tuple[MinActiveRows, ...]: ...
@overload
def min_active_rows(
    layer: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    method: Method = ...,
    n_restarts: SupportsIndex = ...,
    n_steps: SupportsIndex = ...,
    seed: SupportsIndex = ...,
    budget: SupportsIndex = ...,
    n_threads: SupportsIndex | None = ...,
    progress: ProgressOption = ...,
) -> MinActiveRows: ...
def min_active_rows(
    layer: Network | ArrayLike,
    bias: ArrayLike | None = None,
    *,
    method: Method = "auto",
    n_restarts: SupportsIndex = 8,
    n_steps: SupportsIndex = 50_000,
    seed: SupportsIndex = 0,
    budget: SupportsIndex = 1_000_000,
    n_threads: SupportsIndex | None = None,
    progress: ProgressOption = None,
) -> MinActiveRows | tuple[MinActiveRows, ...]:
    """The fewest rows with a_i.x + b_i > 0, over all x but those on hyperplanes.

    For x -> relu(A x) with generic A it is n or more if and only if the layer is injective: it is
    the half-space depth (Tukey's) of the origin among the rows.

    Parameters
    ----------
    layer : array_like of float, shape (m, n), or Network
        A, as for `is_injective`; or a network, each of whose hidden layers is asked for the fewest
        active neurons, over all inputs of the network.
    bias : array_like of float, shape (m,), optional
        For a matrix. Zeros if not given.
    method : {"auto", "exact", "search"}, optional
        "exact" visits all cells. "search" gives an upper bound. "auto" does the first where the
        budget allows. Layers of a network after the first are always searched.
    n_restarts, n_steps : int, optional
        Of the search: starts, and steps of annealing from each. In layers of a network after the
        first a line search takes the place of 1,000 steps.
    seed : int, optional
        Of the search, which has the same bits for any number of threads.
    budget : int, optional
        Flats to visit, as for `is_injective`.
    n_threads : int, optional
        Of the search; all CPUs if not given.
    progress : bool or callable, optional
        True for a bar, or a function that is called with a `WorkProgress`: in flats, or in steps.

    Returns
    -------
    MinActiveRows
        For a network a tuple of them, one for each hidden layer.

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For a wrong shape, NaN, infinity, an unknown method or a number out of its range, a bias
        beside a network, and method "exact" beyond the budget.

    Notes
    -----
    *The search* begins half of its starts where a smooth count, sum_i 1/2 + atan(z_i/w)/pi, is
    smallest as w falls from 1 to 0.02, and the others at random points. It goes on by annealing:
    one coordinate moves, and Metropolis' rule accepts. Then it goes along coordinates to the best
    piece of each line, until none is better. A deep layer is searched along random lines, on which
    `breakpoints` tells all pieces. The point found is float64; the count there is made in integers.

    *The spectral lower bound*, without biases: of rows a_i of norm 1, with sum s and smallest
    singular value sigma, at least (sigma^2 - |s|)/2 are active. For a unit vector x the sum of
    |a_i.x| is at least that of (a_i.x)^2, sigma^2 or more; the positive products have half of it
    and of s.x, and none is above 1. It is computed in float64, less what rounding may have added.
    It is weak: near the capacity of Gaussian layers it is a few rows.

    *How much.* A step costs about a nanosecond for three rows, a line of a deep layer some forward
    passes for as many points as the layer has neurons.

    References
    ----------
    Depth: Tukey 1975. The bounds are ours, as is the search.

    Examples
    --------
    >>> import numpy as np
    >>> import relufast
    >>> A = np.random.default_rng(1).standard_normal((24, 4))
    >>> relufast.min_active_rows(A)
    MinActiveRows(6 rows, lower bound by enumeration)
    >>> relufast.min_active_rows(A, method="search").upper
    6
    """
    options = _Options(
        _validate.choice(method, "method", ("auto", "exact", "search")),
        _validate.size(n_restarts, "n_restarts"),
        _validate.positive_int(n_steps, "n_steps"),
        _validate.seed(seed),
        _validate.positive_int(budget, "budget"),
        thread_count(n_threads),
        progress,
    )
    if not isinstance(layer, Network):
        return _of_layer(checked_layer(layer, bias), options)
    if bias is not None:
        raise ValueError("bias is given, but layer is a Network, which has biases of its own")
    found = [_of_layer(ReluLayer(layer.weights[0], layer.biases[0]), options)]
    found += [_of_deep_layer(layer, number, options) for number in range(2, layer.depth + 1)]
    return tuple(found)


@dataclass(frozen=True)
class _Options:
    method: str
    n_restarts: int
    n_steps: int
    seed: int
    budget: int
    n_threads: int
    progress: ProgressOption


def _of_layer(layer: ReluLayer, options: _Options) -> MinActiveRows:
    if options.method != "search":
        if is_affordable(layer, options.budget):
            return _enumerated(layer, options)
        if options.method == "exact":
            require_affordable(layer, options.budget)
    n_steps = options.n_restarts * options.n_steps
    with count_reports(options.progress, n_steps, "steps") as report:
        x = search_matrix(
            layer.A,
            layer.bias,
            n_restarts=options.n_restarts,
            n_steps=options.n_steps,
            seed=options.seed,
            n_threads=options.n_threads,
            report=report,
        )
        if report is not None:
            report(n_steps)  # the core reports now and then, and a short search not at all
    point = tuple(map(Fraction, x.tolist()))
    # What is zero there may be active next to it, unless it is zero everywhere.
    moves = (layer.A != 0.0).any(axis=1).tolist()
    values, _ = layer.preactivations(point)
    active = np.flatnonzero([z > 0 or (z == 0 and m) for z, m in zip(values, moves, strict=True)])
    if options.method == "search":
        lower = max(_trivial(layer), _spectral(layer))
    else:
        lower = max(_trivial(layer), _spectral(layer), _partition(layer, options.budget))
    return _result(active, lower, point)


def _of_deep_layer(network: Network, number: int, options: _Options) -> MinActiveRows:
    n_lines = math.ceil(options.n_steps / _STEPS_A_LINE)
    with (
        count_reports(options.progress, options.n_restarts * n_lines, "lines") as report,
        single_threaded(),
    ):
        x = search_layer(
            network,
            number,
            n_restarts=options.n_restarts,
            n_lines=n_lines,
            seed=options.seed,
            report=report,
        )
    values = ExactActivations(network, x[np.newaxis], math.inf).preactivations(number, 0)
    assert values is not None
    return _result(np.flatnonzero(values >= 0.0), (0, "trivial"), tuple(map(Fraction, x.tolist())))


def _enumerated(layer: ReluLayer, options: _Options) -> MinActiveRows:
    with count_reports(options.progress, layer.hyperplanes.n_flats, "flats") as report:
        cells = layer.cells(report=report)
    point = layer.point_in(cells.smallest)
    return _result(layer.active_rows(point), (cells.min_active, "enumeration"), point)


def _result(active: IntArray, lower: tuple[int, str], point: Point) -> MinActiveRows:
    return MinActiveRows(len(active), *lower, point, read_only(active))


def _trivial(layer: ReluLayer) -> tuple[int, str]:
    return layer.n_constant, "trivial"


def _spectral(layer: ReluLayer) -> tuple[int, str]:
    """(sigma_min^2 - |sum of rows|) / 2 of rows of norm 1, if there are no biases."""
    largest = np.abs(layer.A).max(axis=1)
    if layer.bias is not None or not largest.any():
        return 0, "spectral"
    from scipy.linalg import svdvals  # 0.3 s, which `import relufast` need not take

    used = layer.A[largest > 0.0] / largest[largest > 0.0, np.newaxis]
    rows = used / np.linalg.norm(used, axis=1)[:, np.newaxis]
    m, n = rows.shape
    sigma = float(svdvals(rows)[-1]) if m >= n else 0.0
    bound = 0.5 * (sigma * sigma - float(np.linalg.norm(rows.sum(axis=0))))
    # Backward errors of norms, sums and singular values: each is below (m + n) eps |rows|_F^2.
    rounding = 32.0 * (m + n) * 2.0**-52 * m
    return max(0, math.ceil(bound - rounding)), "spectral"


def _partition(layer: ReluLayer, budget: int) -> tuple[int, str]:
    """The sum over groups of rows, as few as the budget allows, of their own minima."""
    m = len(layer.A)
    for n_groups in range(2, m // (layer.n_inputs + 1) + 1):
        groups = [layer.rows_from(first, n_groups) for first in range(n_groups)]
        if all(is_affordable(group, budget // n_groups) for group in groups):
            return sum(group.cells().min_active for group in groups), "partition"
    return 0, "partition"
