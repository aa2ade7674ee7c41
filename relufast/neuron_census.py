"""Which hidden neurons are dead, always on, or neither, on given points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast import _blas, _core, _validate
from relufast._exact_activations import BUDGET, ExactActivations
from relufast._read_only import read_only
from relufast._validate import FloatArray
from relufast.network import Network, checked_network

IntArray = NDArray[np.int64]

# Entries of a layer at the points that are worked on at once: some 8 MB an array.
_ENTRIES_AT_ONCE = 2**20


@dataclass(frozen=True, eq=False, repr=False)
class Census:
    """The activity of hidden neurons on some points; layer l is entry l - 1.

    Arrays are read-only.

    Attributes
    ----------
    n_points : int
    n_active : tuple of ndarray of int64, each of shape (n_l,)
        At how many points each neuron is active: 0 for a dead one, `n_points` for one that is
        always on.
    dead : ndarray of int64, shape (depth,)
        Neurons that are active nowhere.
    always_on : ndarray of int64, shape (depth,)
        Neurons that are active everywhere.
    mixed : ndarray of int64, shape (depth,)
        All others.
    n_uncertain : ndarray of int64, shape (depth,)
        Signs, one for each neuron and point, that are not proven. They are counted as float64 has
        them.
    certified : ndarray of bool, shape (depth,)
        `dead`, `always_on` and `mixed` are proven. Uncertain signs do no harm in a neuron that is
        certainly active at one point and certainly inactive at another.
    """

    n_points: int
    n_active: tuple[IntArray, ...]
    dead: IntArray
    always_on: IntArray
    mixed: IntArray
    n_uncertain: IntArray
    certified: NDArray[np.bool_]

    @property
    def alive_fraction(self) -> FloatArray:
        """The share of neurons that are not dead, by layer."""
        widths = np.array([len(active) for active in self.n_active])
        fractions: FloatArray = (widths - self.dead) / widths
        return fractions

    def __repr__(self) -> str:
        points = f"{self.n_points:,} point{'s' if self.n_points != 1 else ''}"
        counts = f"{self.dead.sum():,} dead, {self.always_on.sum():,} always on"
        trust = (
            "certified" if self.certified.all() else f"{self.n_uncertain.sum():,} signs uncertain"
        )
        return f"Census({points}, {counts}, {self.mixed.sum():,} mixed, {trust})"


def neuron_census(network: Network, X: ArrayLike) -> Census:
    """Count the dead, the always active and the other neurons of each hidden layer.

    A neuron is active at a point if its preactivation is positive there.

    Parameters
    ----------
    network : Network
    X : array_like of float, shape (m, n_0)
        At least one point, finite; also one point of shape (n_0,), and what a network with one
        input takes.

    Returns
    -------
    Census

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For another shape, no points, NaN or infinity.

    Notes
    -----
    *How exact.* Signs are proven as in `activation_ranks`: in float64 with a running bound, at
    points where that does not do in double-double, and then in integers. Others, beyond some
    seconds of integers, are counted as float64 has them, and in `n_uncertain`.

    *How much.* A forward pass, m times the number of weights, and 20 times that for points that
    need double-double, as in He networks deeper than 15 or so most do. Points are taken in chunks:
    memory is some 50 MB and a few matrices of the size of the largest layer, whatever m. The same
    bits for any number of threads of BLAS: it uses one.

    Examples
    --------
    >>> import relufast
    >>> network = relufast.Network([[[1.0], [-1.0], [1.0]], [[1.0, 1.0, 1.0]]], [[0, 0, 3], [0]])
    >>> census = relufast.neuron_census(network, [1.0, 2.0])
    >>> census
    Census(2 points, 1 dead, 2 always on, 0 mixed, certified)
    >>> census.n_active
    (array([2, 0, 2]),)
    """
    checked = checked_network(network)
    points = _validate.finite_points(X, "X", checked.widths[0])
    rows = max(1, _ENTRIES_AT_ONCE // max(checked.widths))
    tallies = [_Tally(width) for width in checked.widths[1:-1]]
    handle = checked._core_network()
    budget = BUDGET
    for first in range(0, len(points), rows):
        chunk = points[first : first + rows]
        exact = ExactActivations(checked, chunk, budget)
        with _blas.single_threaded():
            signs = _core.activation_signs(handle, chunk, True, exact.preactivations)
        budget = exact.budget
        for layer, (tally, n_open) in enumerate(zip(tallies, signs.n_open, strict=True), start=1):
            tally.add(signs.active(layer).astype(bool), signs.open_from > layer, int(n_open))
    return _census(tallies, len(points))


class _Tally:
    """At how many points each neuron of a layer is active, and certainly so."""

    def __init__(self, width: int) -> None:
        self.active = np.zeros(width, dtype=np.int64)
        self.surely_active = np.zeros(width, dtype=np.int64)
        self.surely_inactive = np.zeros(width, dtype=np.int64)
        self.n_open = 0

    def add(self, active: NDArray[np.bool_], proven: NDArray[np.bool_], n_open: int) -> None:
        """The activity at some points, (m, n), and at which of them it is proven, (m,)."""
        self.active += np.count_nonzero(active, axis=0)
        self.surely_active += np.count_nonzero(active[proven], axis=0)
        self.surely_inactive += np.count_nonzero(~active[proven], axis=0)
        self.n_open += n_open


def _census(tallies: list[_Tally], n_points: int) -> Census:
    dead = [np.count_nonzero(tally.active == 0) for tally in tallies]
    always_on = [np.count_nonzero(tally.active == n_points) for tally in tallies]
    mixed = [len(t.active) - d - a for t, d, a in zip(tallies, dead, always_on, strict=True)]
    certified = [
        bool(
            (
                ((t.surely_active > 0) & (t.surely_inactive > 0))
                | (t.surely_active + t.surely_inactive == n_points)
            ).all()
        )
        for t in tallies
    ]
    return Census(
        n_points=n_points,
        n_active=tuple(read_only(tally.active) for tally in tallies),
        dead=read_only(np.array(dead, dtype=np.int64)),
        always_on=read_only(np.array(always_on, dtype=np.int64)),
        mixed=read_only(np.array(mixed, dtype=np.int64)),
        n_uncertain=read_only(np.array([tally.n_open for tally in tallies], dtype=np.int64)),
        certified=read_only(np.array(certified)),
    )
