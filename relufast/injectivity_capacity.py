"""How far a random ReLU layer must expand to be injective: capacities by random duality theory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, SupportsIndex, cast

import numpy as np
from numpy.typing import ArrayLike

from relufast import _lifted_duality, _random_duality, _second_level, _validate
from relufast._read_only import read_only
from relufast._saddles import LiftedSaddle, PlainSaddle, SecondLevelSaddle, Solution
from relufast._validate import FloatArray

Condition = Literal["weak", "strong"]
Method = Literal["plain", "lifted", "second_level"]

_CONDITIONS = ("weak", "strong")
_LARGEST_RESIDUAL = 1e-8
_SHORTFALL = 1e-6  # relative, that an earlier layer may be below its own capacity: the accuracy


class _Solver(NamedTuple):
    solve: Callable[[Sequence[float], int], Solution]  # of earlier expansions and kappa
    largest_depth: int
    largest_alpha: float  # of earlier layers: beyond, rounding shows


_METHODS = {
    "plain": _Solver(_random_duality.solve, 1000, 1e12),
    "lifted": _Solver(_lifted_duality.solve, 10, 1e6),
    "second_level": _Solver(_second_level.solve, 1, 0.0),
}


@dataclass(frozen=True, eq=False)
class Capacity:
    """Expansions, and the saddle that they come from; see `injectivity_capacity`.

    Attributes
    ----------
    alphas : ndarray of float64, shape (depth,)
        m_l / n by layer, layer 1 first: numbers of neurons over the number of *inputs*. The last
        one is the capacity, the others are those given as `earlier` or own capacities. Read-only.
    condition : "weak" or "strong"
    method : "plain", "lifted" or "second_level"
    residual : float
        The largest of the saddle equations, over all layers that had to be solved for.
    parameters : PlainSaddle, LiftedSaddle or SecondLevelSaddle
    """

    alphas: FloatArray
    condition: Condition
    method: Method
    residual: float
    parameters: PlainSaddle | LiftedSaddle | SecondLevelSaddle

    @property
    def depth(self) -> int:
        return len(self.alphas)

    def __repr__(self) -> str:
        expansions = ", ".join(f"{alpha:.6g}" for alpha in self.alphas)
        return f"Capacity([{expansions}], {self.condition}, {self.method})"


@dataclass(frozen=True, eq=False)
class CapacityCurve:
    """The second layer's capacity by the first layer's expansion; see `capacity_curve`.

    Attributes
    ----------
    alpha_1, alpha_2 : ndarray of float64
        Of the shape given; read-only.
    limit : float
        What alpha_2 tends to as alpha_1 grows.
    condition : "weak" or "strong"
    method : "plain" or "lifted"
    residual : float
        The largest of the saddle equations, over all points.
    """

    alpha_1: FloatArray
    alpha_2: FloatArray
    limit: float
    condition: Condition
    method: Method
    residual: float

    def __repr__(self) -> str:
        return f"CapacityCurve({self.alpha_1.size} points, {self.condition}, {self.method})"


class CapacityError(RuntimeError):
    """No saddle with all that is asked of one was found.

    Attributes
    ----------
    best : Capacity
        What came closest: its last expansion is *not* a capacity of the method asked for.
    """

    def __init__(self, message: str, best: Capacity) -> None:
        super().__init__(message)
        self.best = best

    def __reduce__(self) -> tuple[type[CapacityError], tuple[Any, ...]]:
        return type(self), (str(self), self.best)


def injectivity_capacity(
    depth: SupportsIndex = 1,
    *,
    condition: Condition = "weak",
    method: Method = "plain",
    earlier: ArrayLike | None = None,
) -> Capacity:
    """How much wider than its inputs the last of `depth` random ReLU layers must be.

    The network is x -> relu(A_depth ... relu(A_1 x)), without biases, the entries of all A_l
    independent and of one normal law N(0, v_l), n inputs and m_l = alpha_l n neurons; n grows and
    the alpha_l stay. For weights of another law nothing is claimed.
    The capacity is the smallest alpha_depth at which duality theory can show that with probability
    tending to 1 every input x != 0 activates at least kappa n neurons of the last layer. It is an
    upper bound of the expansion from which on that is so.

    Parameters
    ----------
    depth : int, optional
        Number of layers, from 1 to 1000 for "plain", to 10 for "lifted", 1 for "second_level".
    condition : {"weak", "strong"}, optional
        kappa. "weak": 1 in every layer, which is necessary for injectivity, sufficient for depth 1,
        and for more layers sufficient for being injective near almost every input only. "strong":
        1 in the first layer and 2 in every other, which is sufficient, and not necessary. For one
        layer they are the same.
    method : {"plain", "lifted", "second_level"}, optional
        Each one gives a smaller, better bound than the one before: random duality, partially lifted
        duality, and its second level.
    earlier : array_like of float, shape (depth - 1,), optional
        Expansions of the layers before the last, layer 1 first: none below its own capacity by
        the same method and condition (but for a relative 1e-6), none above 1e12 for "plain" and 1e6
        for "lifted". By default each is at its own capacity.

    Returns
    -------
    Capacity

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For a depth, condition or method out of its range, a wrong number of earlier expansions,
        NaN, infinity, and an earlier layer below its own capacity or too large.
    CapacityError
        Where there is no saddle with a residual below 1e-8, c > 0.05 and overlaps between 0 and 1.
        Lifting is then of no use, as in layer 5 under the weak condition after four layers at their
        own lifted capacities: the best c is 0, at which it is plain duality.

    Notes
    -----
    *How accurate.* Below 1e-8 for one layer and 1e-6 for more; against thirty digits, 1e-12. All
    averages are in closed form, except for an outer one of "second_level", for which the
    trapezoidal rule is good to 1e-12, and saddles are solved for to residuals of about 1e-14.

    *How.* Lifted saddles are followed from the plain one, which is their limit for c -> 0, along
    growing c to where the bound is best, so that no other root can be met. Derivatives are by
    complex steps.

    *What it costs.* Some 5 ms a layer for "plain", 200 ms for "lifted" and 1 s for "second_level",
    after the imports; a search that ends in CapacityError takes longer, up to 10 s.

    References
    ----------
    The topic is that of Stojnic, Deep ReLU networks: injectivity capacity upper bounds, arXiv
    2412.19677. Its tables are not known to us: definitions, derivations and values here are ours;
    see docs/injectivity.md. For one layer they agree with 7.6477 (replica-symmetric) and 6.7157
    (one step of symmetry breaking) of Maillard et al., arXiv 2302.14112.

    Examples
    --------
    >>> import relufast
    >>> relufast.injectivity_capacity(3).alphas
    array([7.64769494, 7.54067291, 7.43732824])
    >>> relufast.injectivity_capacity(2, condition="strong", method="lifted").alphas
    array([ 7.44863873, 11.02902617])
    >>> relufast.injectivity_capacity(method="second_level").alphas
    array([6.71569684])
    >>> relufast.injectivity_capacity(2, earlier=[20.0]).alphas
    array([20.        ,  7.58733713])
    """
    kind, wanted = _condition(condition), _method(method, _METHODS)
    n_layers = _validate.depth_up_to(depth, "depth", _METHODS[wanted].largest_depth, wanted)
    given = None if earlier is None else _validate.vector(earlier, "earlier", n_layers - 1)

    alphas: list[float] = []
    residual = 0.0
    for i in range(n_layers):
        found = _own_capacity(alphas, kind, wanted)
        residual = max(residual, found.residual)
        alpha = float(found.alphas[-1])
        if given is not None and i < n_layers - 1:
            _require_expansion(float(given[i]), f"earlier[{i}]", found)
            alpha = float(given[i])
        alphas.append(alpha)
    return replace(found, residual=residual)


def capacity_curve(
    alpha_1: ArrayLike, *, condition: Condition = "weak", method: Method = "plain"
) -> CapacityCurve:
    """How wide the second of two random ReLU layers must be, by the width of the first.

    A wider first layer makes the second layer's need grow, towards `limit`: the need of a layer
    that sees the inputs themselves.

    Parameters
    ----------
    alpha_1 : array_like of float
        Expansions of the first layer, in the range of `earlier` of `injectivity_capacity`; of any
        shape.
    condition, method : optional
        As for `injectivity_capacity`; "plain" or "lifted".

    Returns
    -------
    CapacityCurve

    Raises
    ------
    TypeError, ValueError, CapacityError
        As for `injectivity_capacity`.

    Notes
    -----
    Costs and accuracy as for `injectivity_capacity`, for every point. The limit: as the first layer
    widens, its image has the inner products of the arc-cosine kernel, whose derivative at angle 0
    is 1; duality sees no more of it, as the docs show.

    Examples
    --------
    >>> import relufast
    >>> curve = relufast.capacity_curve([7.7, 20.0, 1000.0])
    >>> curve.alpha_2
    array([7.54114916, 7.58733713, 7.63964475])
    >>> curve.limit
    7.647694935435
    """
    kind, wanted = _condition(condition), _method(method, ("plain", "lifted"))
    given = _validate.float_array(alpha_1, "alpha_1").copy()
    first = _own_capacity([], kind, wanted)
    for index, alpha in np.ndenumerate(given):
        entry = f"alpha_1[{', '.join(map(str, index))}]" if index else "alpha_1"
        _require_expansion(float(alpha), entry, first)
    seconds = [_own_capacity([alpha], kind, wanted) for alpha in given.ravel().tolist()]
    limit = _capacity([], _kappa(1, kind), kind, wanted)
    needs = np.array([second.alphas[1] for second in seconds]).reshape(given.shape)
    residual = max(found.residual for found in (first, limit, *seconds))
    first_of_all = float(limit.alphas[0])
    return CapacityCurve(read_only(given), read_only(needs), first_of_all, kind, wanted, residual)


def _own_capacity(earlier: Sequence[float], condition: Condition, method: Method) -> Capacity:
    return _capacity(earlier, _kappa(len(earlier), condition), condition, method)


def _kappa(n_earlier: int, condition: Condition) -> int:
    return 2 if condition == "strong" and n_earlier > 0 else 1


def _capacity(
    earlier: Sequence[float], kappa: int, condition: Condition, method: Method
) -> Capacity:
    solution = _METHODS[method].solve(earlier, kappa)
    alphas = read_only(np.array([*earlier, solution.alpha]))
    found = Capacity(alphas, condition, method, solution.residual, solution.saddle)
    faults = list(solution.faults)
    # Not residual >= ..., which is False for NaN.
    if not found.residual < _LARGEST_RESIDUAL:
        faults.append(f"the residual is {found.residual:.1e}, not below {_LARGEST_RESIDUAL:g}")
    if faults:
        after = f" after expansions {', '.join(f'{a:.6g}' for a in earlier)}" if earlier else ""
        raise CapacityError(
            f"layer {len(alphas)} has no {method} capacity under the {condition} condition{after}: "
            f"{'; '.join(faults)}",
            found,
        )
    return found


def _require_expansion(alpha: float, name: str, own: Capacity) -> None:
    least = float(own.alphas[-1])
    if alpha < least * (1.0 - _SHORTFALL):
        raise ValueError(
            f"{name} is {alpha}, but must be at least {least:.10g}, the {own.method} capacity of "
            f"layer {own.depth} under the {own.condition} condition"
        )
    largest = _METHODS[own.method].largest_alpha
    if alpha > largest:
        raise ValueError(f"{name} is {alpha}, but must be at most {largest:g} for {own.method!r}")


def _condition(value: object) -> Condition:
    return cast(Condition, _validate.choice(value, "condition", _CONDITIONS))


def _method(value: object, choices: Iterable[str]) -> Method:
    return cast(Method, _validate.choice(value, "method", tuple(choices)))
