"""How many pieces a network uses on a line, and how few would do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast import _validate
from relufast._certificate import trust
from relufast._read_only import read_only
from relufast._validate import FloatArray
from relufast.breakpoints import Breakpoints, breakpoints
from relufast.minimal_pieces import count_minimal_pieces
from relufast.network import Network, checked_network


@dataclass(frozen=True, eq=False, repr=False)
class RegionSparsity:
    """Used and minimal pieces of one output of a network on an interval.

    Attributes
    ----------
    tolerances : ndarray of float64, shape (t,)
        In units of the output.
    used : int
        Pieces that the output has: one more than there are breakpoints that reach it.
    minimal : ndarray of int64, shape (t,)
        The least number of pieces within each tolerance.
    ratio : ndarray of float64, shape (t,)
        used / minimal, at least 1.
    growth_exponent : float
        The slope of a straight line through log ratio against log tolerance, by least squares: the
        ratio grows like tolerance ** growth_exponent. NaN for fewer than two different tolerances.
    growth_exponent_error : float
        The standard error of that slope, from the residuals; NaN for fewer than three.
    certified : bool
        `used` is proven, and `minimal` is for the function through the rounded vertices.
    n_ambiguous : int
        Decisions that stayed open in both counts together.
    breakpoints : Breakpoints
        Of the network, with that output alone.
    """

    tolerances: FloatArray
    used: int
    minimal: NDArray[np.int64]
    ratio: FloatArray
    growth_exponent: float
    growth_exponent_error: float
    certified: bool
    n_ambiguous: int
    breakpoints: Breakpoints

    def __repr__(self) -> str:
        words = trust(self.certified, self.n_ambiguous)
        fewest, most = self.minimal.min(), self.minimal.max()
        return f"RegionSparsity({self.used:,} used, {fewest:,} to {most:,} minimal, {words})"


def region_sparsity(
    network: Network,
    interval: ArrayLike | None,
    tolerances: ArrayLike,
    *,
    relative: bool = False,
    output: SupportsIndex | None = None,
    start: ArrayLike | None = None,
    stop: ArrayLike | None = None,
    n_threads: SupportsIndex | None = None,
) -> RegionSparsity:
    """Compare the pieces that a network uses on an interval with the fewest within tolerances.

    Parameters
    ----------
    network : Network
    interval : (lo, hi) or None
        Both ends finite; None for a line through `start` and `stop`.
    tolerances : array_like of float, shape (t,)
        At least one, all positive, in units of the output.
    relative : bool
        Take tolerances in units of half the range of the output on the interval instead.
    output : int, optional
        Which output, from 0; needed if there are several.
    start, stop : array_like of float, shape (n_inputs,), optional
        The segment between two points, for a network with any number of inputs.
    n_threads : int, optional
        As for `breakpoints`.

    Returns
    -------
    RegionSparsity

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For an infinite interval, no tolerance or one that is not positive, an output that is
        missing or out of range, or whose values overflow, besides what `breakpoints` refuses.

    Notes
    -----
    Breakpoints are found once. The output is then evaluated, in float64, at each that reaches it,
    and `minimal` counts for the function through these rounded vertices: exactly, but tolerances
    near 1e-15 of the largest value say more about rounding than about the network.

    Costs one call of `breakpoints`, a forward pass for each breakpoint, and about 0.1 microseconds
    a breakpoint and tolerance.

    References
    ----------
    Kogan, Jananthan, Kepner, Complexity of One-Dimensional ReLU DNNs, arXiv 2512.08091, our reading
    of Definition 3.2 (region-adaptive sparsity).

    Examples
    --------
    >>> import relufast
    >>> network = relufast.Network.random((1, 50, 50, 50, 1), bias_variance=0.25, seed=1)
    >>> found = relufast.region_sparsity(network, (-1.0, 1.0), [0.1, 0.01, 0.001])
    >>> found.used, found.minimal.tolist()
    (119, [2, 12, 38])
    """
    limits = _validate.positive_vector(tolerances, "tolerances")
    network = checked_network(network)
    alone = _with_one_output(network, output)
    if interval is None and start is None and stop is None:
        raise ValueError("interval is missing, but needs two finite ends (lo, hi)")
    ends = (-math.inf, math.inf) if interval is None else _validate.finite_interval(interval)
    found = breakpoints(alone, ends, start=start, stop=stop, n_threads=n_threads)
    x = np.unique(np.concatenate([found.interval, found.positions[found.reaches_output]]))
    y = found.function(x)[:, 0]
    if not np.isfinite(y).all():
        raise ValueError(f"network has outputs beyond float64 in the interval {found.interval}")
    if _validate.flag(relative, "relative"):
        # A constant has one piece within any tolerance.
        half_range = 0.5 * float(y.max()) - 0.5 * float(y.min()) or 1.0
        limits = np.maximum(limits * half_range, np.finfo(np.float64).smallest_subnormal)
    counts, open_decisions = zip(*(count_minimal_pieces(x, y, e) for e in limits), strict=True)
    minimal = np.array(counts, dtype=np.int64)
    n_ambiguous = (found.n_ambiguous or 0) + sum(open_decisions)
    ratio = found.n_output_regions / minimal
    exponent, error = _slope(np.log(limits), np.log(ratio))
    return RegionSparsity(
        tolerances=read_only(limits),
        used=found.n_output_regions,
        minimal=read_only(minimal),
        ratio=read_only(ratio),
        growth_exponent=exponent,
        growth_exponent_error=error,
        certified=n_ambiguous == 0,
        n_ambiguous=n_ambiguous,
        breakpoints=found,
    )


def _with_one_output(network: Network, output: SupportsIndex | None) -> Network:
    n_outputs = network.widths[-1]
    if n_outputs == 1 and output is None:
        return network
    if output is None:
        raise ValueError(f"network has {n_outputs} outputs: give output, which of them to take")
    chosen = _validate.integer(output, "output")
    if not 0 <= chosen < n_outputs:
        raise ValueError(f"output is {chosen}, but the network has outputs 0 to {n_outputs - 1}")
    return network._with_output(chosen)


def _slope(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Of the line by least squares, and its standard error."""
    deviation = x - x.mean()
    spread = float(deviation @ deviation)
    if spread == 0.0:
        return math.nan, math.nan
    slope = float(deviation @ y) / spread
    freedom = len(x) - 2
    if freedom < 1:
        return slope, math.nan
    residuals = y - y.mean() - slope * deviation
    return slope, math.sqrt(float(residuals @ residuals) / freedom / spread)
