"""Stationary points of functions in closed form, and the branch of them that a capacity lies on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relufast._validate import FloatArray

ComplexArray = NDArray[np.complex128]

_STEP = 1e-30  # of derivatives, along the imaginary axis: nothing is subtracted, nothing is lost
_SECOND_STEP = 1e-5  # of derivatives of derivatives, by central differences: good to about 1e-10
_SMALLEST_C = 0.05  # below, a root could be the one that every family has for c -> 0
_LEAST_FRACTION = 1e-6  # likewise, and for fractions near 1
_SOLVED = 1e-9  # the residual of a point of a branch: an order below what a result may have


class Family(NamedTuple):
    """Functions M of saddle parameters x, one for each expansion alpha.

    A capacity is the alpha at which the stationary value of M is 0. The first parameter is the
    lifting parameter c; in the limit c -> 0 the saddle is known.

    Attributes
    ----------
    value
        M at (*x, alpha), complex of shape (n + 1, ...), to first order in the imaginary parts.
    fractions
        Which of x lie between 0 and 1. All others, and alpha, are positive.
    """

    value: Callable[[ComplexArray], ComplexArray]
    fractions: tuple[int, ...] = ()


class Point(NamedTuple):
    """A point at which M is 0 and stationary, as far as `residual` says.

    Attributes
    ----------
    parameters
        x and, last, alpha.
    residual
        The largest of |M| and of the derivatives of M by log x (by log(x/(1-x)) for fractions).
    faults
        Why it is not what was looked for.
    """

    parameters: FloatArray
    residual: float
    faults: tuple[str, ...] = ()


class BranchPoint(NamedTuple):
    """A point of a branch: its coordinates, and the derivative of M by log c there."""

    u: FloatArray
    slope: float


def gaussian_density(t: NDArray[Any]) -> NDArray[Any]:
    density: NDArray[Any] = np.exp(-0.5 * t * t) / math.sqrt(2.0 * math.pi)
    return density


def gaussian_tail(t: ComplexArray) -> ComplexArray:
    """P(g > t), g standard normal, to first order in the imaginary part."""
    # Imported here because it takes 0.1 s, which `import relufast` need not.
    from scipy.special import ndtr

    tail: ComplexArray = ndtr(-t.real) - 1j * t.imag * gaussian_density(t.real)
    return tail


def value_and_gradient(
    function: Callable[[ComplexArray], ComplexArray], x: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Of a function of n numbers at x, shape (n, ...): shapes (...) and (n, ...)."""
    n = len(x)
    shifts = 1j * _STEP * np.eye(n).reshape(n, n, *(1,) * (x.ndim - 1))
    values = function(x[:, np.newaxis] + shifts)
    return values[0].real, values.imag / _STEP


def solve_equations(
    equations: Callable[[FloatArray], FloatArray], guess: FloatArray
) -> tuple[FloatArray, float]:
    """A root of as many equations as unknowns, both along the first axis, and its residual."""
    # Imported here because it takes 0.2 s, which `import relufast` need not.
    from scipy.optimize import root

    shifts = _SECOND_STEP * np.eye(len(guess))

    def jacobian(u: FloatArray) -> FloatArray:
        ahead, behind = equations(u[:, np.newaxis] + shifts), equations(u[:, np.newaxis] - shifts)
        return (ahead - behind) / (2.0 * _SECOND_STEP)

    # A step may leave the domain, from where the solver comes back, or else its residual tells.
    with np.errstate(all="ignore"):
        found = root(equations, guess, jac=jacobian, method="hybr", tol=1e-14)
    return found.x, float(np.abs(found.fun).max())


def follow(family: Family, start: FloatArray, *, largest_c: float) -> Point:
    """The first maximum of M over c, on the branch that begins at `start`, a point of small c.

    Where the derivative by c passes from positive to negative, alpha is least, and from there the
    full equations are solved. Where there is no such point, or it cannot be told from a limit, the
    point of the least alpha is returned, with the fault.
    """
    points = branch(family, start, largest_c=largest_c)
    here = next(points, None)
    if here is None:
        return Point(start, math.inf, ("no branch begins at the plain saddle",))
    best = here
    for ahead in points:
        if here.slope > 0.0 >= ahead.slope:
            share = here.slope / (here.slope - ahead.slope)
            u, residual = solve_equations(
                lambda u: _equations(family, u), here.u + (ahead.u - here.u) * share
            )
            if residual < _SOLVED and here.u[0] <= u[0] <= ahead.u[0]:
                top = _point(family, u)
                if not _is_in_a_limit(family, top):
                    return top
        if ahead.u[-1] < best.u[-1]:
            best = ahead
        here = ahead
    least = _point(family, best.u)
    fault = f"up to c = {math.exp(here.u[0]):.3g} no c is better than {least.parameters[0]:.2g}"
    return least._replace(faults=(fault,))


def branch(
    family: Family, start: FloatArray, *, largest_c: float, step: float = 0.4
) -> Iterator[BranchPoint]:
    """Points of growing c, from that of `start` on, by steps of log c of this length at the most.

    On the branch M is 0 and stationary in all parameters but c, for an alpha that depends on c.
    """
    u = _coordinates(family, start)
    here, residual = _at_fixed_c(family, u)
    if not residual < _SOLVED:
        return
    yield here
    before: BranchPoint | None = None
    while here.u[0] < math.log(largest_c):
        guess = here.u.copy()
        if before is not None:  # the secant
            guess += (here.u - before.u) * (step / (here.u[0] - before.u[0]))
        guess[0] = here.u[0] + step
        ahead, residual = _at_fixed_c(family, guess)
        if residual < _SOLVED and np.abs(ahead.u - guess).max() < 1.0:
            yield ahead
            before, here = here, ahead
        elif step < 1e-4:
            return
        else:
            step *= 0.5


def _is_in_a_limit(family: Family, point: Point) -> bool:
    x = point.parameters
    fractions = x[list(family.fractions)]
    ends = np.minimum(fractions, 1.0 - fractions)
    return bool(x[0] <= _SMALLEST_C or (ends < _LEAST_FRACTION).any())


def _at_fixed_c(family: Family, guess: FloatArray) -> tuple[BranchPoint, float]:
    """The point of the branch at the guess's c, and its residual."""

    def equations(u: FloatArray) -> FloatArray:
        all_of_them = _equations(family, u)
        all_of_them[0] = u[0] - guess[0]
        return all_of_them

    u, residual = solve_equations(equations, guess)
    return BranchPoint(u, float(_equations(family, u)[0])), residual


def _equations(family: Family, u: FloatArray) -> FloatArray:
    """What is 0 at a capacity: the derivatives of M by all coordinates but alpha's, and M."""
    value, gradient = value_and_gradient(lambda z: family.value(_parameters(family, z)), u)
    gradient[-1] = value
    return gradient


def _point(family: Family, u: FloatArray) -> Point:
    residual = float(np.abs(_equations(family, u)).max())
    return Point(_parameters(family, u.astype(np.complex128)).real, residual)


def _coordinates(family: Family, x: FloatArray) -> FloatArray:
    """In which the domain has no borders."""
    u = np.log(x)
    for i in family.fractions:
        u[i] -= math.log1p(-x[i])
    return u


def _parameters(family: Family, u: ComplexArray) -> ComplexArray:
    x: ComplexArray = np.exp(u)
    for i in family.fractions:
        x[i] /= 1.0 + x[i]
    return x
