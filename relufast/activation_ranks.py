"""Ranks of the hidden activations of a batch of inputs: exact, numerical, and by the pattern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast import _blas, _core, _validate
from relufast._distinct_rows import distinct_rows
from relufast._exact_activations import BUDGET, ExactActivations
from relufast._numerical_rank import numerical_rank
from relufast._primes import first_primes, prime
from relufast._read_only import read_only
from relufast._scaled_activations import scaled_activations
from relufast._validate import FloatArray
from relufast.network import Network, checked_network
from relufast.rank import matrix_rank

Ranks = NDArray[np.int64]

_METHODS = ("exact", "numerical", "structural")


@dataclass(frozen=True, eq=False, repr=False)
class ActivationRanks:
    """The ranks of the hidden activations H_1, ..., H_depth, as `activation_ranks` returns them.

    Arrays have one entry for each hidden layer and are read-only.

    Attributes
    ----------
    lower, upper : ndarray of int64, shape (depth,)
        lower <= rank <= upper, proven unless `certify` was False or the method is "numerical",
        whose number is both.
    rank : ndarray of int64, shape (depth,)
        The rank where `lower` and `upper` meet, -1 where they do not.
    certified : ndarray of bool, shape (depth,)
        `rank` is proven to be that of the exact activations.
    uncertified_signs : ndarray of int64, shape (depth,), or None
        Signs of preactivations that are not proven, among them all signs of a point from the first
        layer on where it has one. Such a point is left out of `lower`, and adds one to `upper`.
        None where none was to be proven.
    primes : tuple of int
        The ranks modulo these made `lower`.
    method : {"exact", "numerical", "structural"}
    """

    lower: Ranks
    upper: Ranks
    rank: Ranks
    certified: NDArray[np.bool_]
    uncertified_signs: Ranks | None
    primes: tuple[int, ...]
    method: str

    def to_dict(self) -> dict[str, Any]:
        """All of it in lists and numbers, for JSON.

        Returns
        -------
        dict
            With the names of the attributes.
        """
        signs = self.uncertified_signs
        return {
            "lower": self.lower.tolist(),
            "upper": self.upper.tolist(),
            "rank": self.rank.tolist(),
            "certified": self.certified.tolist(),
            "uncertified_signs": None if signs is None else signs.tolist(),
            "primes": list(self.primes),
            "method": self.method,
        }

    def __repr__(self) -> str:
        bounds = zip(self.lower.tolist(), self.upper.tolist(), strict=True)
        ranks = [str(lo) if lo == hi else f"{lo} to {hi}" for lo, hi in bounds]
        if len(ranks) > 12:
            ranks = [*ranks[:6], "...", *ranks[-5:]]
        n_certified, depth = int(self.certified.sum()), len(self.certified)
        if self.method == "numerical":
            trust = "numerical"
        elif n_certified == depth:
            trust = "certified"
        else:
            trust = f"{n_certified} of {depth} layers certified"
        return f"ActivationRanks({', '.join(ranks)}; {trust})"


def activation_ranks(
    network: Network,
    X: ArrayLike,
    *,
    method: Literal["exact", "numerical", "structural"] = "exact",
    max_primes: SupportsIndex = 3,
    certify: bool = True,
) -> ActivationRanks:
    """The ranks of the hidden activations of a batch of inputs, layer by layer.

    H_l is the m x n_l matrix of the activations of layer l. Exactly, it is what exact arithmetic
    would make of the given float64 parameters and inputs, and its rank is one over the rationals:
    deep, correlated or nearly equal activations do not lose rank for being small.

    Parameters
    ----------
    network : Network
    X : array_like of float, shape (m, n_0)
        Finite inputs, one a row; no row is fine.
    method : {"exact", "numerical", "structural"}, optional
        "exact": bounds that meet, as a rule, on the rank of the exact activations.
        "numerical": the singular values of the activations in float64 above max(m, n_l) eps times
        the largest, as `numpy.linalg.matrix_rank` counts them.
        "structural": upper bounds from the activation pattern alone; `lower` is 0.
    max_primes : int, optional
        Primes by which "exact" tries to raise `lower` to `upper`: at least 1, at most 65536.
    certify : bool, optional
        Whether signs of preactivations are proven. False takes those of float64, and nothing is
        certified then.

    Returns
    -------
    ActivationRanks

    Raises
    ------
    TypeError
        For a network, dtype or flag of the wrong type.
    ValueError
        For another shape, NaN, infinity, an unknown method, or a number out of its range.

    Notes
    -----
    *How.* Every sign is proven: in float64 with a running error bound, at points where that does
    not do in double-double, then in integers. With the signs given, the activations modulo a prime
    are computed without rounding, and their rank modulo a prime is never too large. From above, the
    rank is bounded by a maximum flow through the activation pattern.

    *How exact.* `lower` and `upper` are proven (docs/activation-ranks.md). They do not meet where
    the rank is less than the pattern allows, as for dependent inputs or weights, and in about 3 of
    1000 layers of random ReLU networks; or if each prime happens to divide all largest minors, with
    a chance of about 1e-7 a prime.

    *How much.* For each layer one matrix product and its bounds, a second one modulo the prime, and
    an elimination that costs about half of one. A point that needs double-double costs some 20
    products of its own. Integers are for few points of small networks: past some seconds of them
    signs stay open.

    References
    ----------
    Makwana, Layerwise Effective Dimension Oscillations in Finite Width ReLU Networks,
    arXiv 2507.07675, studies these ranks.

    Examples
    --------
    >>> import numpy as np
    >>> import relufast
    >>> network = relufast.Network.random((64, *[64] * 30, 1), weight_variance=0.25, seed=1)
    >>> X = np.random.default_rng(1).standard_normal((64, 64))
    >>> relufast.activation_ranks(network, X).rank[[0, 9, 29]]
    array([58, 28, 23])
    >>> relufast.activation_ranks(network, X, method="numerical").rank[[0, 9, 29]]
    array([58, 28,  2])
    """
    checked = checked_network(network)
    points = _validate.batch(X, "X", checked.widths[0])
    chosen = _validate.choice(method, "method", _METHODS)
    n_primes = _validate.prime_count(max_primes, "max_primes")
    proves_signs = _validate.flag(certify, "certify")
    if chosen == "numerical":
        found = [numerical_rank(h) for h in scaled_activations(checked, points)]
        ranks = np.array(found, dtype=np.int64)
        return _result(ranks, ranks, None, (), chosen, proven=False)
    solver = _Solver(checked, points, proves_signs)
    if chosen == "structural":
        lower = np.zeros(checked.depth, dtype=np.int64)
        return _result(lower, solver.upper(lower), solver.open_signs, (), chosen, proves_signs)
    lower, upper, primes = solver.bounds(n_primes)
    return _result(lower, upper, solver.open_signs, primes, chosen, proves_signs)


class _Solver:
    """Bounds from both sides for one network and batch."""

    def __init__(self, network: Network, points: FloatArray, certify: bool) -> None:
        # Equal inputs have equal activations: without copies the pattern bounds the rank better.
        self._points = distinct_rows(points)
        self._depth = network.depth
        self._handle = network._core_network()
        if network.negative_slope == 1.0:
            self._signs = _core.signs_of_linear_network(self._handle, len(self._points))
        else:
            exact = ExactActivations(network, self._points, BUDGET)
            with _blas.single_threaded():
                self._signs = _core.activation_signs(
                    self._handle, self._points, certify, exact.preactivations
                )
        self.open_signs = self._signs.n_open if certify else None

    def bounds(self, max_primes: int) -> tuple[Ranks, Ranks, tuple[int, ...]]:
        lower = self._ranks_modulo(prime(0), np.ones(self._depth, dtype=bool))
        upper = self.upper(lower)
        n_used = 1
        while n_used < max_primes:
            # What open points leave between the bounds no prime can close.
            unsettled = lower + self._n_open_points < upper
            if not unsettled.any():
                break
            lower = np.maximum(lower, self._ranks_modulo(prime(n_used), unsettled))
            n_used += 1
        return lower, upper, first_primes(n_used)

    def upper(self, lower: Ranks) -> Ranks:
        n_used_inputs = int(np.count_nonzero(self._points.any(axis=0)))
        shape_rank = min(n_used_inputs, len(self._points))
        upper = self._upper(lower, shape_rank)
        if (lower + self._n_open_points < upper).any():
            # Dependent inputs may be the reason.
            input_rank = matrix_rank(self._points).upper
            if input_rank < shape_rank:
                return self._upper(lower, input_rank)
        return upper

    def _upper(self, lower: Ranks, input_rank: int) -> Ranks:
        return _core.rank_upper_bounds(self._handle, self._signs, input_rank, lower.tolist())

    @property
    def _n_open_points(self) -> Ranks:
        layers = np.arange(1, self._depth + 1)
        return np.searchsorted(np.sort(self._signs.open_from), layers, side="right")

    def _ranks_modulo(self, modulus: int, wanted: NDArray[np.bool_]) -> Ranks:
        with _blas.single_threaded():
            return _core.activation_ranks_modulo(
                self._handle, self._points, self._signs, modulus, wanted.tolist()
            )


def _result(
    lower: Ranks,
    upper: Ranks,
    open_signs: Ranks | None,
    primes: tuple[int, ...],
    method: str,
    proven: bool,
) -> ActivationRanks:
    meet = lower == upper
    return ActivationRanks(
        lower=read_only(lower),
        upper=read_only(upper),
        rank=read_only(np.where(meet, lower, -1)),
        certified=read_only(meet & proven),
        uncertified_signs=None if open_signs is None else read_only(open_signs),
        primes=primes,
        method=method,
    )
