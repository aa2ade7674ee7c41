"""Random networks of infinite width along a line: a Gaussian process, and where its zeros are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast import _validate
from relufast._read_only import read_only
from relufast._validate import FloatArray

if TYPE_CHECKING:
    from scipy.stats._distn_infrastructure import rv_continuous_frozen

_WHOLE_LINE = (-math.inf, math.inf)


class GaussianProcess:
    """The preactivations of random ReLU networks along a line, in the limit of infinite width.

    The neurons of a layer become independent copies of one centred Gaussian process z_l(x). Its
    variance is A_l + B_l (x - location)^2, and its zeros, the breakpoints of a neuron, are Cauchy
    distributed with scale sqrt(A_l / B_l): exactly one of them is expected on the line.

    Parameters
    ----------
    depth : int
        Number of hidden layers.
    weight_variance : float or sequence of depth floats, optional
        Positive, for all layers or for each: weights of layer l are independent, of mean 0 and
        variance ``weight_variance / n_{l-1}``. 2 is He's choice.
    bias_variance : float or sequence of depth floats, optional
        At least 0. In layer 1 it must be positive, unless `start` and `stop` give a line that does
        not meet the origin.
    negative_slope : float, optional
        Slope of relu for negative arguments.
    start, stop : array_like of float, shape (n_inputs,), optional
        Two points of a line in the space of inputs: x is 0 at `start` and 1 at `stop`. Otherwise
        there is one input, x.

    Attributes
    ----------
    depth : int
    location : float
        Where a preactivation's variance is least, the same in all layers.
    scales : ndarray of float64, shape (depth,)
        sqrt(A_l / B_l), rising: of the Cauchy distributions of breakpoints, by layer.

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For a depth below 1, a variance out of its range or too few of them, NaN, infinity, equal
        points, a slope so large that variances overflow, or a process whose first layer vanishes at
        a point of the line.

    Notes
    -----
    For the closed form see docs/law.md. `covariance` and `zeros_by_quadrature` take the general
    route, by the recursion of the kernel and the formula of Kac and Rice.

    References
    ----------
    Kogan, Jananthan, Kepner, Complexity of One-Dimensional ReLU DNNs, arXiv 2512.08091: the sum of
    the widths. The covariance: Cho and Saul, NIPS 2009, section 2.1. The Cauchy law is ours.

    Examples
    --------
    >>> import relufast
    >>> process = relufast.GaussianProcess(3, bias_variance=0.25)
    >>> process.scales
    array([0.35355339, 0.5       , 0.61237244])
    >>> process.expected_zeros((-1.0, 1.0))
    array([0.7836531 , 0.70483276, 0.65019829])
    """

    depth: int
    location: float
    scales: FloatArray

    def __init__(
        self,
        depth: SupportsIndex,
        *,
        weight_variance: ArrayLike = 2.0,
        bias_variance: ArrayLike = 1.0,
        negative_slope: float = 0.0,
        start: ArrayLike | None = None,
        stop: ArrayLike | None = None,
    ) -> None:
        self.depth = _validate.size(depth, "depth")
        weights = _validate.by_layer(weight_variance, "weight_variance", self.depth)
        biases = _validate.by_layer(bias_variance, "bias_variance", self.depth, or_zero=True)
        self._slope = _validate.finite_float(negative_slope, "negative_slope")
        line = _validate.line_or_none(start, stop)
        # Of layer 1: z has the variance offset + rise (x - location)^2.
        location, offset, rise = _first_layer(float(weights[0]), float(biases[0]), line)
        self.location = location
        self._first = (offset, rise)
        # What a later layer does to a variance: v -> bias + gain v.
        with np.errstate(over="ignore"):
            self._gains = 0.5 * (1.0 + np.square(self._slope)) * weights[1:]
        if not np.isfinite(self._gains).all():
            raise ValueError(
                f"negative_slope is {self._slope} and weight_variance up to {weights.max():.3g}, "
                "but what they do to a variance must fit float64"
            )
        self._biases = biases[1:]
        self.scales = read_only(np.sqrt(self._squared_scales()))

    def _squared_scales(self) -> FloatArray:
        """A_l / B_l, which neither overflows nor vanishes where A_l and B_l do."""
        offset, rise = self._first
        squares = [offset / rise]
        with np.errstate(over="ignore", under="ignore", divide="ignore"):
            for gain, bias in zip(self._gains, self._biases, strict=True):
                rise = gain * rise
                squares.append(squares[-1] + (bias / rise if bias else 0.0))
        return np.array(squares)

    def breakpoint_law(self, layer: SupportsIndex) -> rv_continuous_frozen[Any]:
        """The distribution of a layer's breakpoints along the line.

        Parameters
        ----------
        layer : int
            From 1 to `depth`.

        Returns
        -------
        scipy.stats frozen distribution
            A Cauchy distribution, with `cdf`, `ppf` (quantiles), `pdf` and the rest: what
            ``scipy.stats.kstest`` takes.
        """
        # Imported here because it takes half a second, which `import relufast` need not.
        from scipy.stats import cauchy

        number = _validate.count_up_to(layer, "layer", self.depth, "layers")
        return cauchy(loc=self.location, scale=float(self.scales[number - 1]))

    def expected_zeros(self, interval: ArrayLike = _WHOLE_LINE) -> FloatArray:
        """Expected breakpoints of one neuron in an open interval, by layer, in closed form.

        Parameters
        ----------
        interval : (lo, hi), optional
            Either end may be infinite.

        Returns
        -------
        ndarray of float64, shape (depth,)
            At most 1. To a few units of the last place, also in short and far intervals.
        """
        lo, hi = _validate.interval(interval)
        return np.array([_angle(lo, hi, self.location, s) for s in self.scales]) / math.pi

    def zero_density(self, x: ArrayLike) -> FloatArray:
        """Expected breakpoints of one neuron per unit of x, by layer.

        Parameters
        ----------
        x : array_like of float
            Finite positions, of any shape.

        Returns
        -------
        ndarray of float64, shape (depth, ``*x.shape``)
        """
        positions = _validate.float_array(x, "x")
        return self._angular_speed(positions) / math.pi

    def covariance(self, x: ArrayLike, y: ArrayLike) -> FloatArray:
        """Cov(z_l(x), z_l(y)) by layer, by the recursion of the arc-cosine kernel.

        Parameters
        ----------
        x, y : array_like of float
            Finite positions on the line, of shapes that broadcast.

        Returns
        -------
        ndarray of float64, shape (depth, ``*shape``)
            Accurate to a few units of the last place of sqrt(Var z(x) Var z(y)), a layer.
        """
        first = _validate.float_array(x, "x") - self.location
        second = _validate.float_array(y, "y") - self.location
        try:
            first, second = np.broadcast_arrays(first, second)
        except ValueError:
            raise ValueError(
                f"x has shape {first.shape} and y has shape {second.shape}, but they need shapes "
                "that broadcast"
            ) from None
        offset, rise = self._first
        variances = offset + rise * first**2, offset + rise * second**2
        covariance = offset + rise * first * second
        layers = [covariance]
        for gain, bias in zip(self._gains, self._biases, strict=True):
            size = np.sqrt(variances[0] * variances[1])
            cosine = np.clip(covariance / size, -1.0, 1.0)
            covariance = bias + gain * size * _normalised_kernel(cosine, self._slope)
            variances = bias + gain * variances[0], bias + gain * variances[1]
            layers.append(covariance)
        return np.array(layers)

    def zeros_by_quadrature(self, interval: ArrayLike = _WHOLE_LINE) -> FloatArray:
        """What `expected_zeros` gives, by numerical integration of Kac and Rice's density.

        It knows the process by the kernel's recursion only, and checks the closed form.

        Parameters
        ----------
        interval : (lo, hi), optional

        Returns
        -------
        ndarray of float64, shape (depth,)
            To about 1e-12.
        """

        def speed_of(layer: int) -> Callable[[float], float]:
            return lambda x: float(self._angular_speed(x)[layer])

        return np.array([expected_zeros(speed_of(i), interval) for i in range(self.depth)])

    def _angular_speed(self, x: ArrayLike) -> FloatArray:
        """sqrt(Var(z' | z) / Var z) by layer: how fast the process turns in its Hilbert space.

        The kernel of a ReLU layer is 1 - phi^2/2 + O(phi^3) in the angle phi, times the variances'
        root, so that on the diagonal its second derivative is that of the cosine, and z' goes
        through the layer as z does.
        """
        distance = np.asarray(x) - self.location
        offset, rise = self._first
        variance = offset + rise * distance**2
        mixed = rise * distance  # Cov(z, z')
        remaining = offset * rise / variance  # Var(z' | z)
        speeds = [np.sqrt(remaining / variance)]
        for gain, bias in zip(self._gains, self._biases, strict=True):
            passed = gain * variance
            # The bias adds to Var z alone, so that z explains less of z'.
            remaining = gain * remaining + gain * mixed**2 / variance * (bias / (bias + passed))
            variance, mixed = bias + passed, gain * mixed
            speeds.append(np.sqrt(remaining / variance))
        return np.array(speeds)

    def __repr__(self) -> str:
        scales = ", ".join(f"{scale:.4g}" for scale in self.scales[:4])
        dots = ", ..." if self.depth > 4 else ""
        return f"GaussianProcess({self.depth} layers, scales {scales}{dots})"


def expected_breakpoints(
    widths: Sequence[SupportsIndex] | NDArray[np.integer[Any]],
    *,
    weight_variance: ArrayLike = 2.0,
    bias_variance: ArrayLike = 1.0,
    negative_slope: float = 0.0,
    interval: ArrayLike = _WHOLE_LINE,
    start: ArrayLike | None = None,
    stop: ArrayLike | None = None,
    whole_line: bool = False,
) -> FloatArray:
    """The breakpoints that theory expects of a random network, by layer.

    Parameters
    ----------
    widths : list, tuple or vector of int
        (n_0, n_1, ..., n_out), as for `Network.random`.
    weight_variance, bias_variance, negative_slope : optional
        As for `GaussianProcess`: numbers, or one for each hidden layer.
    interval, start, stop, whole_line : optional
        The line, as for `breakpoints`.

    Returns
    -------
    ndarray of float64, shape (depth,)
        What the counts by layer tend to, in relation to the widths, as all widths grow. On the
        whole line these are the widths themselves.

    Raises
    ------
    TypeError, ValueError
        As `GaussianProcess` and `breakpoints` do.

    Notes
    -----
    At finite width layer 1 has exactly these counts in expectation; those of layer l differ by a
    share of the order of l over the width.

    References
    ----------
    Kogan, Jananthan, Kepner, Complexity of One-Dimensional ReLU DNNs, arXiv 2512.08091.

    Examples
    --------
    >>> import relufast
    >>> widths = (1, 500, 500, 500, 1)
    >>> relufast.expected_breakpoints(widths, bias_variance=0.25, interval=(-1.0, 1.0))
    array([391.82655203, 352.41638235, 325.09914386])
    >>> network = relufast.Network.random(widths, bias_variance=0.25, seed=0)
    >>> relufast.breakpoints(network, (-1.0, 1.0)).count_by_layer
    array([388, 368, 348])
    """
    checked = _validate.network_widths(widths)
    ends, _ = _validate.line_of_inputs(checked[0], interval, start, stop, whole_line)
    process = GaussianProcess(
        len(checked) - 2,
        weight_variance=weight_variance,
        bias_variance=bias_variance,
        negative_slope=negative_slope,
        start=start,
        stop=stop,
    )
    return np.array(checked[1:-1]) * process.expected_zeros(ends)


def expected_zeros(angular_speed: Callable[[float], float], interval: ArrayLike) -> float:
    """The zeros that any smooth centred Gaussian process is expected to have, by quadrature.

    Parameters
    ----------
    angular_speed : callable
        x -> sqrt(Var(z'(x) | z(x)) / Var z(x)), or with the covariance K(x, y),
        sqrt(K K_xy - K_x K_y) / K at y = x.
    interval : (lo, hi)
        Either end may be infinite.

    Returns
    -------
    float
        To about 1e-12 for an analytic speed.

    Raises
    ------
    TypeError, ValueError
        For a wrong interval.
    RuntimeError
        If the integral does not converge.

    Notes
    -----
    Calls the speed 21 times for each of at most 500 pieces that adaptive quadrature (QUADPACK)
    makes of the interval.

    References
    ----------
    Kac 1943 and Rice 1944; as used here in Cramer and Leadbetter, Stationary and Related Stochastic
    Processes, 1967, section 13.2.

    Examples
    --------
    A stationary process of covariance exp(-(x - y)^2 / 2) has 1 / pi zeros a unit of length:

    >>> import relufast
    >>> round(relufast.expected_zeros(lambda x: 1.0, (0.0, 10.0)), 9)
    3.183098862
    """
    from scipy.integrate import quad

    _validate.function(angular_speed, "angular_speed")

    lo, hi = _validate.interval(interval)
    value, _, *failed = quad(
        angular_speed, lo, hi, epsabs=1e-13, epsrel=1e-13, limit=500, full_output=True
    )
    # The third entry of failures that full_output turns into a message.
    if len(failed) > 1:
        raise RuntimeError(f"the integral over {lo, hi} does not converge: {failed[1]}")
    return float(value) / math.pi


def _first_layer(
    weight_variance: float, bias_variance: float, line: tuple[FloatArray, FloatArray] | None
) -> tuple[float, float, float]:
    """Location, offset and rise of the variance offset + rise (x - location)^2 of layer 1."""
    if line is None:
        if bias_variance == 0.0:
            raise ValueError(
                "bias_variance of layer 1 is 0, but must be positive: without biases all its "
                "breakpoints lie at x = 0"
            )
        return 0.0, bias_variance, weight_variance
    start, direction = line[0], line[1] - line[0]
    share = weight_variance / len(start)
    location = -float(start @ direction / (direction @ direction))
    nearest = start + location * direction
    offset = bias_variance + share * float(nearest @ nearest)
    if offset == 0.0:
        raise ValueError(
            "bias_variance of layer 1 is 0, but must be positive: the line from start to stop "
            "meets the origin, where all breakpoints of layer 1 then lie"
        )
    return location, offset, share * float(direction @ direction)


def _normalised_kernel(cosine: FloatArray, slope: float) -> FloatArray:
    """E[relu(u) relu(v)] / E[relu(u)^2] of standard normal u and v, leaky ReLU of this slope."""
    angle = np.arccos(cosine)
    relu = (np.sin(angle) + (math.pi - angle) * cosine) / math.pi
    return (2.0 * slope * cosine + (1.0 - slope) ** 2 * relu) / (1.0 + slope**2)


def _angle(lo: float, hi: float, location: float, scale: float) -> float:
    """Between the directions in which lo and hi are seen from a distance `scale` off the line."""
    (a, b), (c, d) = (_direction(end, location, scale) for end in (lo, hi))
    finite = math.isfinite(lo) and math.isfinite(hi)
    # a d - b c without its cancellation.
    across = a * c * ((hi - lo) / scale) if finite else a * d - b * c
    return math.atan2(across, a * c + b * d)


def _direction(end: float, location: float, scale: float) -> tuple[float, float]:
    """Cosine and sine of the direction of a point of the line."""
    if math.isinf(end):
        return 0.0, math.copysign(1.0, end)
    if math.isinf(scale):
        return 1.0, 0.0
    distance = math.hypot(end - location, scale)
    return scale / distance, (end - location) / distance
