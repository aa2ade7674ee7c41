"""Whether a network's hidden layers are invertible near given points: ranks of Jacobians."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast import _blas, _core, _validate
from relufast._exact_activations import BUDGET, ExactActivations
from relufast._products import times
from relufast._progress_count import ProgressOption, count_reports
from relufast._read_only import read_only
from relufast._validate import FloatArray
from relufast.network import Network, checked_network
from relufast.rank import matrix_rank

Activity = NDArray[np.bool_]

_EPS = 2.0**-53


@dataclass(frozen=True, eq=False, repr=False)
class LocalInjectivity:
    """The Jacobians of x -> h_l(x) at m points, as `local_injectivity` returns them.

    Arrays have shape (m, depth): a row for each point, a column for each hidden layer. They are
    read-only.

    Attributes
    ----------
    n_inputs : int
    n_active : ndarray of int64
        Neurons with a positive preactivation.
    ranks : ndarray of int64
        Of the Jacobians over the rationals; proven lower bounds where not `certified`.
    certified : ndarray of bool
        All signs of preactivations up to this layer are proven, and so is the rank.
    smallest_singular_values : ndarray of float64
        The n_inputs-th singular value of each Jacobian, 0 where it has fewer rows; NaN where the
        Jacobian leaves the range of float64.
    singular_value_errors : ndarray of float64
        How far rounding may have moved each of them.
    """

    n_inputs: int
    n_active: NDArray[np.int64]
    ranks: NDArray[np.int64]
    certified: NDArray[np.bool_]
    smallest_singular_values: FloatArray
    singular_value_errors: FloatArray

    @property
    def injective(self) -> NDArray[np.bool_]:
        """Where the layers up to this one are injective near the point: rank n_inputs."""
        full: NDArray[np.bool_] = self.ranks == self.n_inputs
        return full

    def __repr__(self) -> str:
        m, depth = self.ranks.shape
        shares = ", ".join(f"{share:.1%}" for share in self.injective.mean(axis=0))
        n_certified = int(self.certified.sum())
        trust = "certified" if n_certified == m * depth else f"{n_certified:,} certified"
        return f"LocalInjectivity({m:,} points, injective at {shares}; {trust})"


def local_injectivity(
    network: Network, X: ArrayLike, *, progress: ProgressOption = None
) -> LocalInjectivity:
    """Whether each hidden layer, as a function of the input, is injective near given points.

    In the linear piece around x the layer l is h_l = J_l x + c, J_l = D_l W_l ... D_1 W_1, with D_k
    the diagonal of 1 for active neurons and `negative_slope` for others. It is injective there if
    J_l has rank n_0; and then so is every layer before.

    Parameters
    ----------
    network : Network
    X : array_like of float, shape (m, n_0)
        At least one point, finite; also one point of shape (n_0,), and what a network with one
        input takes.
    progress : bool or callable, optional
        True for a bar, or a function that is called with a `WorkProgress` in points.

    Returns
    -------
    LocalInjectivity

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For another shape, no points, NaN or infinity.

    Notes
    -----
    *How exact.* Signs of preactivations are proven as in `activation_ranks`. The rank of the
    product of the weights that are left is that of one block matrix that holds these weights and
    identities, less the number of hidden units in it, so that nothing has to be multiplied and
    `matrix_rank` proves the rank of exactly these numbers. Where a proof would take too long
    `certified` is False. A preactivation that is zero counts as inactive: at such a point, on a
    kink, the Jacobian is that of one side.

    *Singular values* are LAPACK's, of products in float64. Their errors are bounded by
    gamma_K prod_k |W_k|_F for the products, K the sum of all widths, and ten times the size of the
    Jacobian times 2**-53 times its largest singular value for LAPACK. A singular value below its
    error does not say whether the rank is full: `ranks` does.

    *How much.* For each pattern of activity, of which points mostly have one of their own, an
    elimination of about as many rows as there are active neurons, and singular values.

    Examples
    --------
    >>> import numpy as np
    >>> import relufast
    >>> network = relufast.Network.random((4, 12, 6, 1), seed=1)
    >>> X = np.random.default_rng(1).standard_normal((200, 4))
    >>> relufast.local_injectivity(network, X)
    LocalInjectivity(200 points, injective at 99.5%, 93.0%; certified)
    """
    checked = checked_network(network)
    points = _validate.finite_points(X, "X", checked.widths[0])
    shape = len(points), checked.depth
    exact = ExactActivations(checked, points, BUDGET)
    with _blas.single_threaded():
        signs = _core.activation_signs(checked._core_network(), points, True, exact.preactivations)
    active = [signs.active(layer).astype(bool) for layer in range(1, checked.depth + 1)]
    proven = signs.open_from[:, np.newaxis] > np.arange(1, checked.depth + 1)
    ranks, values = np.zeros(shape, np.int64), np.zeros(shape)
    certified, errors = np.zeros(shape, np.bool_), np.zeros(shape)
    known: dict[bytes, list[_Jacobian]] = {}
    with count_reports(progress, len(points), "points") as report, _blas.single_threaded():
        for point in range(len(points)):
            pattern = [layer[point] for layer in active]
            key = np.packbits(np.concatenate(pattern)).tobytes()
            if key not in known:
                known[key] = _jacobians(checked, pattern)
            for layer, found in enumerate(known[key]):
                ranks[point, layer] = found.rank
                certified[point, layer] = found.certified and proven[point, layer]
                values[point, layer] = found.smallest_singular_value
                errors[point, layer] = found.error
            if report is not None:
                report(point + 1)
    n_active = np.stack([layer.sum(axis=1) for layer in active], axis=1)
    return LocalInjectivity(
        checked.widths[0],
        read_only(n_active),
        read_only(ranks),
        read_only(certified),
        read_only(values),
        read_only(errors),
    )


class _Jacobian(NamedTuple):
    rank: int
    certified: bool
    smallest_singular_value: float
    error: float


def _jacobians(network: Network, pattern: list[Activity]) -> list[_Jacobian]:
    """Of every layer, for one pattern of activity."""
    factors = _factors(network, pattern)
    with np.errstate(all="ignore"):
        products = list(accumulate(factors, lambda J, factor: times(factor, J)))
        sizes = list(accumulate((float(np.linalg.norm(f)) for f in factors), lambda a, b: a * b))
    per_layer = len(factors) // len(pattern)
    found = []
    n_inputs = network.widths[0]
    limit, is_certain = n_inputs, True  # of the rank, by the layer before
    for layer in range(len(pattern)):
        last = (layer + 1) * per_layer
        rank, is_proven = _rank_of_product(factors[:last])
        # No layer has a larger rank than the one before.
        if rank == limit and is_certain:
            is_proven = True
        found.append(
            _Jacobian(rank, is_proven, *_smallest(products[last - 1], sizes[last - 1], network))
        )
        limit, is_certain = rank, is_proven
    return found


def _factors(network: Network, pattern: list[Activity]) -> list[FloatArray]:
    """Matrices whose product is the Jacobian of the last layer, those on the right first.

    Of ReLU layers rows and columns of inactive neurons are left out, of leaky ones none.
    """
    factors = []
    before = np.ones(network.widths[0], dtype=bool)
    for weights, active in zip(network.weights[:-1], pattern, strict=True):
        if network.negative_slope == 0.0:
            factors.append(weights[np.ix_(active, before)])
            before = active
        else:
            factors += [weights, np.diag(np.where(active, 1.0, network.negative_slope))]
    return factors


def _rank_of_product(factors: list[FloatArray]) -> tuple[int, bool]:
    """And whether it is proven.

    In the matrix with rows (M_1, -I), (M_2, -I), ..., M_k, each in the columns of what it takes and
    gives, columns can be cleared one after the other until M_k ... M_1 is left beside identities.
    """
    if any(0 in factor.shape for factor in factors):
        return 0, True
    takes = [0, *accumulate(factor.shape[1] for factor in factors)]
    n_between = takes[-1] - takes[1]
    block = np.zeros((n_between + len(factors[-1]), takes[-1]))
    row = 0
    for k, factor in enumerate(factors):
        rows = slice(row, row + len(factor))
        block[rows, takes[k] : takes[k + 1]] = factor
        if k + 1 < len(factors):
            block[rows, takes[k + 1] : takes[k + 2]] = -np.eye(len(factor))
        row += len(factor)
    found = matrix_rank(block)
    return found.lower - n_between, found.certified


def _smallest(product: FloatArray, size: float, network: Network) -> tuple[float, float]:
    """The n_inputs-th singular value, and a bound of its error."""
    from scipy.linalg import svdvals  # 0.3 s, which `import relufast` need not take

    n_inputs = network.widths[0]
    if not np.isfinite(product).all() or not math.isfinite(size):
        return math.nan, math.inf
    values = svdvals(product, check_finite=False) if product.size else np.zeros(1)
    n_roundings = sum(network.widths) + 2 * network.depth
    error = n_roundings * _EPS / (1.0 - n_roundings * _EPS) * size
    error += 10.0 * sum(product.shape) * _EPS * float(values[0])
    if len(product) < n_inputs:
        return 0.0, 0.0
    return float(values[n_inputs - 1]), error
