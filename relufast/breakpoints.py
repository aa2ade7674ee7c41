"""Breakpoints of a ReLU network along a line: where they are, whose, and which reach the output."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast import _validate
from relufast._certificate import trust
from relufast._core import Knots
from relufast._cpus import thread_count
from relufast._knots import find_knots, resolve_exactly
from relufast._read_only import read_only
from relufast._validate import FloatArray
from relufast.network import Network, checked_network

IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]


class Pieces(NamedTuple):
    """The network as a piecewise affine function: ``slopes[r] * x + intercepts[r]`` on region r.

    Region r lies between ``edges[r]`` and ``edges[r + 1]``.
    """

    edges: FloatArray  #: (n_regions + 1,)
    slopes: FloatArray  #: (n_regions, n_out)
    intercepts: FloatArray  #: (n_regions, n_out)


@dataclass(frozen=True, eq=False, repr=False)
class Breakpoints:
    """All breakpoints of a network along a line, as `breakpoints` returns them.

    A breakpoint is a triple (layer, neuron, x): at x the neuron's activity changes. Arrays have one
    entry for each, sorted by position, and are read-only.

    Attributes
    ----------
    certified : bool
        All of this but the last digits of `positions` is proven.
    n_ambiguous : int or None
        Decisions that stayed open: signs, orders and reaches. None where nothing was certified.
    interval : tuple of two floats
        The open interval of x.
    network : Network
    line : None or tuple of two ndarrays
        `start` and `stop`, if the line was given by them.
    """

    certified: bool
    n_ambiguous: int | None
    interval: tuple[float, float]
    network: Network
    line: tuple[FloatArray, FloatArray] | None
    _knots: Knots

    @classmethod
    def _of(cls, **fields: object) -> Breakpoints:
        """All fields at once: one by one they take a good part of a small network's call."""
        found = object.__new__(cls)
        found.__dict__.update(fields)
        return found

    @cached_property
    def _by_crossing(
        self,
    ) -> tuple[FloatArray, FloatArray, IntArray, IntArray, BoolArray, IntArray]:
        """Views of what the core found, made when something is first asked for."""
        return self._knots.by_crossing()

    def __getstate__(self) -> dict[str, object]:
        # Arrays come out of a pickle writeable.
        return {name: value for name, value in vars(self).items() if name != "_by_crossing"}

    @property
    def positions(self) -> FloatArray:
        """x, rising: float64, shape (B,).

        In units of x for a network with one input; along a segment 0 is `start` and 1 is `stop`. A
        true position beyond the range of float64 is an infinity.
        """
        return self._by_crossing[0]

    @property
    def position_error(self) -> FloatArray:
        """The true position is no further than this from `positions`: float64, shape (B,).

        A rigorous bound where `certified`.
        """
        return self._by_crossing[1]

    @property
    def layers(self) -> IntArray:
        """Hidden layers, from 1 to ``network.depth``: int32, shape (B,)."""
        return self._by_crossing[2]

    @property
    def neurons(self) -> IntArray:
        """Neurons of that layer, from 0: int32, shape (B,)."""
        return self._by_crossing[3]

    @property
    def reaches_output(self) -> BoolArray:
        """Whether the slope of the network's output, of any component, changes at x.

        bool, shape (B,); the same for all breakpoints at one x.
        """
        return self._by_crossing[4]

    @property
    def sites(self) -> IntArray:
        """Numbers the distinct true positions from left to right: int32, shape (B,).

        Two sites may share one float64.
        """
        return self._by_crossing[5]

    @property
    def count(self) -> int:
        """The number of breakpoints, B."""
        return len(self.positions)

    @property
    def count_by_layer(self) -> NDArray[np.int64]:
        """The number of breakpoints of each hidden layer, shape (depth,)."""
        return np.bincount(self.layers, minlength=self.network.depth + 1)[1:]

    @property
    def n_regions(self) -> int:
        """Activation regions: one more than there are distinct true positions."""
        return 1 + (int(self.sites[-1]) + 1 if self.count else 0)

    @property
    def n_output_regions(self) -> int:
        """Pieces of the network's output: one more than there are positions that reach it."""
        return 1 + len(np.unique(self.sites[self.reaches_output]))

    def function(self, x: ArrayLike) -> FloatArray:
        """The network's output at positions along the line.

        Parameters
        ----------
        x : array_like of float, shape (m,)
            Finite positions, inside the interval or not.

        Returns
        -------
        ndarray of float64, shape (m, n_out)
        """
        positions = _validate.vector(x, "x")
        if self.line is None:
            return self.network(positions[:, np.newaxis])
        start, stop = self.line
        return self.network(start + positions[:, np.newaxis] * (stop - start))

    def pieces(self) -> Pieces:
        """Slopes and intercepts of the network on every region.

        Returns
        -------
        Pieces
            ``edges`` (n_regions + 1,), ``slopes`` and ``intercepts`` (n_regions, n_out), float64.
            Each region's activity follows from one float64 evaluation in the middle of the widest
            region and from the breakpoints in between, so that regions narrower than the spacing
            of float64 numbers have their own slope, too. The numbers themselves are rounded as in
            any forward pass, and carry no bound.

        Notes
        -----
        Costs two forward passes a region.
        """
        return _pieces(self)

    def __repr__(self) -> str:
        lo, hi = self.interval
        return (
            f"Breakpoints({self.count:,} in ({lo:g}, {hi:g}), {self.n_regions:,} regions, "
            f"{self.n_output_regions:,} of the output, {trust(self.certified, self.n_ambiguous)})"
        )


def breakpoints(
    network: Network,
    interval: ArrayLike = (-math.inf, math.inf),
    *,
    start: ArrayLike | None = None,
    stop: ArrayLike | None = None,
    whole_line: bool = False,
    certify: bool = True,
    n_threads: SupportsIndex | None = None,
) -> Breakpoints:
    """Find every breakpoint of a network along a line, exactly.

    The network is the exact real function of its float64 parameters. A breakpoint is a triple
    (layer, neuron, x), x in the open interval, such that the neuron's activity, 1 if its
    preactivation is positive and 0 otherwise, differs on the two sides of x. So a preactivation
    that touches zero gives none, and one that is zero along a stretch gives one where positive
    meets zero. On an infinite end, activity is the sign of the slope, or of the constant where the
    slope is zero.

    Parameters
    ----------
    network : Network
    interval : (lo, hi)
        For a network with one input: the open interval, all of the line if not given.
    start, stop : array_like of float, shape (n_inputs,)
        For a network with any number of inputs: the segment between two points, which are taken
        without rounding. Positions are 0 at `start` and 1 at `stop`.
    whole_line : bool
        Do not end at `start` and `stop`, but take all of the line through them.
    certify : bool
        Prove the result. Without it the same computation skips proofs, which costs least where
        they are cheap anyway: see Notes.
    n_threads : int
        At most this many threads; by default as many as this process may use. The result is the
        same to the bit for any number of them.

    Returns
    -------
    Breakpoints

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For a wrong shape, NaN, an interval that is empty or reversed, or equal points.
    KeyboardInterrupt
        Within a second of Ctrl-C.

    Notes
    -----
    *How exact.* Every sign is decided in float64 against a rigorous running bound on all rounding
    errors; what falls below it is decided again in double-double, and then, where the network or
    the stretch of line in question is small, in exact integers. What stays open after that makes
    `certified` False and is counted in `n_ambiguous`. The bound grows by the spectral norm of each
    layer, about 2.9 times for wide He layers, so that wide networks of more than 15 to 20 layers
    are seldom certified throughout.

    *How much.* About ``width**3 * depth**2 / 2`` multiplications at the rate of a matrix product,
    and memory for ``1000 * width * depth`` numbers a thread besides a copy of the weights: no
    array grows with the number of breakpoints but the result.

    References
    ----------
    Kogan, Jananthan, Kepner, Complexity of One-Dimensional ReLU DNNs, arXiv 2512.08091.

    Examples
    --------
    A tent map of depth two: four pieces.

    >>> import relufast
    >>> fold = [[2.0, -4.0]]
    >>> tent = relufast.Network(
    ...     [[[1.0], [1.0]], [[2.0, -4.0], [2.0, -4.0]], fold], [[0.0, -0.5], [0.0, -0.5], [0.0]]
    ... )
    >>> found = relufast.breakpoints(tent, (0.0, 1.0))
    >>> found
    Breakpoints(3 in (0, 1), 4 regions, 4 of the output, certified)
    >>> found.positions.tolist(), found.layers.tolist()
    ([0.25, 0.5, 0.75], [2, 1, 2])
    """
    network = checked_network(network)
    (lo, hi), line = _validate.line_of_inputs(network.widths[0], interval, start, stop, whole_line)
    certify = _validate.flag(certify, "certify")
    threads = thread_count(n_threads)
    knots = find_knots(network, (lo, hi), line, certify=certify, n_threads=threads)
    n_undecided = knots.n_undecided
    if certify and n_undecided > 0:
        knots = resolve_exactly(knots, network, (lo, hi), line)
        n_undecided = knots.n_undecided
    return Breakpoints._of(
        certified=certify and n_undecided == 0,
        n_ambiguous=n_undecided if certify else None,
        interval=(lo, hi),
        network=network,
        line=None if line is None else (read_only(line[0]), read_only(line[1])),
        _knots=knots,
    )


def _pieces(found: Breakpoints) -> Pieces:
    network = found.network
    layers, neurons = found.layers, found.neurons
    starts = np.flatnonzero(np.diff(found.sites, prepend=-1))
    edges = np.concatenate(([found.interval[0]], found.positions[starts], [found.interval[1]]))
    n_regions = found.n_regions
    if found.line is None:
        origin, direction = np.zeros(1), np.ones(1)
    else:
        origin, direction = found.line[0], found.line[1] - found.line[0]
    bounds = np.append(starts, found.count)
    # The middle of the widest region is where rounding is least likely to see the wrong activity;
    # the crossings lead from there to all others.
    widest = int(np.argmax(np.diff(edges)))
    inside = _number_inside(edges[widest], edges[widest + 1])
    active = [
        np.asarray(z[0] > 0.0)
        for z in network.preactivations((origin + inside * direction)[np.newaxis])
    ]
    for b in range(bounds[widest]):
        active[layers[b] - 1][neurons[b]] ^= True
    slopes = np.empty((n_regions, network.widths[-1]))
    intercepts = np.empty_like(slopes)
    block = max(1, 2**22 // max(network.widths))
    for begin in range(0, n_regions, block):
        end = min(begin + block, n_regions)
        # The activity of region r is that of region r - 1 after the crossings of site r - 1.
        patterns = [np.repeat(a[np.newaxis], end - begin, axis=0) for a in active]
        for region in range(max(begin, 1), end):
            for b in range(bounds[region - 1], bounds[region]):
                patterns[layers[b] - 1][region - begin :, neurons[b]] ^= True
        active = [pattern[-1] for pattern in patterns]
        slope = np.repeat((network.weights[0] @ direction)[np.newaxis], end - begin, axis=0)
        intercept = np.repeat(
            (network.weights[0] @ origin + network.biases[0])[np.newaxis], end - begin, axis=0
        )
        for pattern, weights, biases in zip(
            patterns, network.weights[1:], network.biases[1:], strict=True
        ):
            gain = np.where(pattern, 1.0, network.negative_slope)
            slope = (gain * slope) @ weights.T
            intercept = (gain * intercept) @ weights.T + biases
        slopes[begin:end] = slope
        intercepts[begin:end] = intercept
    return Pieces(read_only(edges), read_only(slopes), read_only(intercepts))


def _number_inside(lo: float, hi: float) -> float:
    """A number well inside an interval: nothing happens there, so that any will do."""
    if math.isinf(lo) and math.isinf(hi):
        return 0.0
    if math.isinf(lo):
        return hi - max(1.0, abs(hi))
    if math.isinf(hi):
        return lo + max(1.0, abs(lo))
    return lo + 0.5 * (hi - lo)
