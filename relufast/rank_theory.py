"""How the rank of hidden activations should fall with depth: a law, and published formulas."""

from __future__ import annotations

import math
from typing import SupportsIndex

import numpy as np

from relufast import _validate
from relufast._validate import FloatArray

# Of (sin phi - phi cos phi) / phi^3 in powers of phi^2: at most 1e-18 is missing for phi <= pi/2.
_SERIES = tuple((-1) ** (k + 1) * 2 * k / math.factorial(2 * k + 1) for k in range(1, 13))

_CORRELATION_DECAY = 1.0 - 2.0 / math.pi  # rho of the published formulas


def alive_fraction_theory(n_inputs: SupportsIndex, depth: SupportsIndex) -> FloatArray:
    """The share of neurons that are active at one input or more, by layer, at infinite width.

    Of a random ReLU network without biases and with He's variance, at `n_inputs` points that are
    orthogonal, as Gaussian ones are in high dimension. To leading order in the width n the rank of
    the activations is min(n_inputs, n times this), because what lowers it are dead neurons.

    Parameters
    ----------
    n_inputs : int
        The number of points, m: the rows of X, not the dimension of the space they lie in.
    depth : int
        Number of hidden layers.

    Returns
    -------
    ndarray of float64, shape (depth,)
        Falling, from 1 - 2^-m towards 1/2 (and 1/2 throughout for one point).

    Raises
    ------
    TypeError
        For what is not an integer.
    ValueError
        For an integer below 1, or an `n_inputs` beyond 2**53.

    Notes
    -----
    *The law.* By symmetry the m preactivations of a neuron in layer l are exchangeable Gaussians,
    of one correlation c_{l-1}: c_0 = 0 and c_{l+1} = (sqrt(1 - c^2) + c (pi - arccos c)) / pi, the
    arc-cosine kernel. A neuron is dead if all are negative, which has the probability
    E_g[Phi(-g sqrt(c / (1 - c)))^m], g standard normal.

    *What it leaves out.* Finite width: at n = m = 256 and layers 5, 10, 20, 30 the law has 0.970,
    0.875, 0.752, 0.689, and measured ranks are 0.970, 0.869, 0.735, 0.681 of m; the deviation
    is of order 1 / n. Inputs that are not orthogonal have another c_0.

    *How accurate.* To 1e-14, for any m and up to depth 10^4 at least. The recursion is that of the
    angle, which loses no digits as c tends to 1; the expectation is written as one of the largest
    of m normals, whose distribution function is Phi^m, and the trapezoidal rule takes it with 220
    points. Costs 10 microseconds a layer.

    References
    ----------
    The law is ours. The kernel: Cho and Saul, NIPS 2009, section 2.1.

    Examples
    --------
    >>> import relufast
    >>> relufast.alive_fraction_theory(256, 30)[[4, 9, 19, 29]]
    array([0.96952698, 0.87499509, 0.75243628, 0.68856606])
    """
    m = _validate.integer_of_float(n_inputs, "n_inputs")
    angles = _angles(_validate.positive_int(depth, "depth"))
    alive = np.empty(len(angles))
    alive[0] = 1.0 - 2.0**-m if m < 64 else 1.0  # c = 0: independent signs
    nodes, weights = _largest_of_normals(m)
    # P(largest <= -g r) over g is Phi(-largest / r), r = sqrt(c / (1 - c)).
    inverse = math.sqrt(2.0) * np.sin(0.5 * angles[1:]) / np.sqrt(np.cos(angles[1:]))
    alive[1:] = [_expected_tail(nodes * factor, weights) for factor in inverse]
    return alive


def _angles(depth: int) -> FloatArray:
    """arccos of c_0, ..., c_{depth - 1}."""
    angles = [0.5 * math.pi]
    while len(angles) < depth:
        phi = angles[-1]
        square = phi * phi
        series = 0.0
        for coefficient in reversed(_SERIES):
            series = series * square + coefficient
        # The kernel in terms of sin^2(phi / 2) = (1 - c) / 2, which is small.
        half = math.sin(0.5 * phi) ** 2 - square * phi * series / (2.0 * math.pi)
        angles.append(2.0 * math.asin(math.sqrt(half)))
    return np.array(angles)


def _largest_of_normals(m: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights for expectations of functions of the largest of m standard normals.

    It is distributed as Phi^{-1}(exp(-x / m)), x exponential. In s = log x the density exp(s - x)
    is analytic and falls off so fast that the trapezoidal rule converges like exp(-pi^2 / step).
    """
    # Imported here because it takes 0.1 s, which `import relufast` need not.
    from scipy.special import ndtri_exp

    step = 0.2
    x = np.exp(step * np.arange(-200, 21))
    weights = step * x * np.exp(-x)
    points: FloatArray = ndtri_exp(-x / m)
    return points, weights / weights.sum()


def _expected_tail(points: FloatArray, weights: FloatArray) -> float:
    from scipy.special import ndtr

    return float(ndtr(points) @ weights)


def expected_effective_dimension(n_inputs: SupportsIndex, depth: SupportsIndex) -> FloatArray:
    """The published formula m (1 - (1 - 2/pi)^l) for the expected effective dimension, by layer.

    This is what the paper claims for m inputs and layer l, as a function so that anyone can hold it
    against measurement. No usual definition of rank or effective dimension follows it: it rises
    with depth, and they fall. See docs/effective-dimensions.md.

    Parameters
    ----------
    n_inputs : int
        The number of points, m.
    depth : int
        Number of hidden layers.

    Returns
    -------
    ndarray of float64, shape (depth,)
        To a few units of the last place.

    Raises
    ------
    TypeError
        For what is not an integer.
    ValueError
        For an integer below 1, or an `n_inputs` beyond 2**53.

    References
    ----------
    Makwana, Layerwise Effective Dimension Oscillations in Finite Width ReLU Networks, arXiv
    2507.07675, abstract.

    Examples
    --------
    >>> import relufast
    >>> relufast.expected_effective_dimension(100, 3)
    array([63.66197724, 86.79548102, 95.20173889])
    """
    m = _validate.integer_of_float(n_inputs, "n_inputs")
    layers = np.arange(1, _validate.positive_int(depth, "depth") + 1)
    dimensions: FloatArray = -m * np.expm1(layers * math.log(_CORRELATION_DECAY))
    return dimensions


def revival_depths(n_revivals: SupportsIndex) -> FloatArray:
    """The published depths of "revivals", (k + 1/2) pi / log(1 / rho), rho = 1 - 2/pi.

    The paper claims that the effective dimension of a network of finite width peaks there. The
    formula is given so that anyone can hold it against measurement; `expected_effective_dimension`,
    of the same paper, is monotone and has no peaks.

    Parameters
    ----------
    n_revivals : int
        How many, from k = 0 on.

    Returns
    -------
    ndarray of float64, shape (n_revivals,)
        Depths, real numbers 3.1034 apart.

    Raises
    ------
    TypeError
        For what is not an integer.
    ValueError
        For an integer below 1.

    References
    ----------
    As for `expected_effective_dimension`.

    Examples
    --------
    >>> import relufast
    >>> relufast.revival_depths(4)
    array([ 1.55170181,  4.65510542,  7.75850904, 10.86191265])
    """
    count = _validate.positive_int(n_revivals, "n_revivals")
    spacing = math.pi / -math.log(_CORRELATION_DECAY)
    return np.array([(k + 0.5) * spacing for k in range(count)])


def revival_height(n_inputs: SupportsIndex) -> float:
    """The published height of the "revivals" of `revival_depths`: 0.79 m.

    A claim of the paper, given so that anyone can hold it against measurement.

    Parameters
    ----------
    n_inputs : int
        The number of points, m.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        As `expected_effective_dimension` does.

    References
    ----------
    As for `expected_effective_dimension`.

    Examples
    --------
    >>> import relufast
    >>> relufast.revival_height(100)
    79.0
    """
    return 0.79 * _validate.integer_of_float(n_inputs, "n_inputs")
