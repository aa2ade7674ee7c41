"""The saddles that capacities come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from relufast._read_only import read_only
from relufast._validate import FloatArray


@dataclass(frozen=True, eq=False)
class PlainSaddle:
    """The saddle of the method "plain".

    Attributes
    ----------
    widths : ndarray of float64, shape (depth,)
        V_0 = 1, ..., V_{depth-1}: Gaussian widths, over sqrt(n), of the directions in which the
        inputs and the points of each earlier layer's image lie.
    threshold : float
        t: the capacity is kappa over the probability that a normal variable is above t.
    theta, nu : ndarray of float64, shape (depth - 1,)
        Multipliers, by earlier layer.
    """

    widths: FloatArray
    threshold: float
    theta: FloatArray
    nu: FloatArray


@dataclass(frozen=True, eq=False)
class LiftedSaddle:
    """The saddle of the method "lifted".

    Attributes
    ----------
    c : float
        The lifting parameter; for c -> 0 lifted duality is plain.
    gamma, threshold : float
        Of the last layer. The square of `threshold` is the multiplier of the number of active
        neurons.
    coupling, s, tau, theta : ndarray of float64, shape (depth - 1,)
        By earlier layer; `coupling` is Lambda.
    """

    c: float
    gamma: float
    threshold: float
    coupling: FloatArray
    s: FloatArray
    tau: FloatArray
    theta: FloatArray


@dataclass(frozen=True)
class SecondLevelSaddle:
    """The saddle of the method "second_level".

    Attributes
    ----------
    c : float
        The lifting parameter.
    p, q : float
        Overlaps of the dual problem and of the inputs, between 0 and 1.
    gamma, threshold, y : float
        The square of `threshold` is the multiplier of the number of active neurons.
    """

    c: float
    p: float
    q: float
    gamma: float
    threshold: float
    y: float


@dataclass(frozen=True)
class Solution:
    """An expansion, the saddle that it comes from, and what speaks against it but the residual."""

    alpha: float
    saddle: PlainSaddle | LiftedSaddle | SecondLevelSaddle
    residual: float
    faults: tuple[str, ...] = ()


def frozen(values: ArrayLike) -> FloatArray:
    """A read-only copy."""
    return read_only(np.array(values, np.float64))
