"""Infinite width: the closed form, the general route, and networks that are wide."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad

import relufast
from relufast import GaussianProcess, expected_breakpoints, expected_zeros
from relufast.report.chapters.one_dimensional import law

PROCESSES = [
    {},
    {"bias_variance": 0.25},
    {"weight_variance": 0.5, "bias_variance": 3.0},
    {"weight_variance": 7.0},
    {"negative_slope": 0.3},
    {"negative_slope": -1.0, "weight_variance": 1.3},
    {"negative_slope": 1.0},
    {"weight_variance": [1.0, 2.0, 0.5, 3.0], "bias_variance": [0.1, 0.0, 2.0, 0.5]},
    {"start": [0.3, -1.0, 2.0], "stop": [1.5, 0.5, -0.2]},
    {"start": [0.3, -1.0, 2.0], "stop": [1.5, 0.5, -0.2], "bias_variance": 0.0},
]
INTERVALS = [(-math.inf, math.inf), (-1.0, 1.0), (0.25, math.inf), (-3.0, -2.5), (1e3, 1e5)]


# Closed form and general route


def test_the_known_values() -> None:
    expected = (2.0 / math.pi) * np.arctan(np.sqrt(8.0 / np.arange(1, 5)))
    found = GaussianProcess(4, bias_variance=0.25).expected_zeros((-1.0, 1.0))
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    np.testing.assert_allclose(found, [0.783653, 0.704833, 0.650198, 0.608173], atol=5e-7)


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("options", PROCESSES)
def test_closed_form_equals_quadrature(options: Any, interval: tuple[float, float]) -> None:
    process = GaussianProcess(4, **options)
    closed = process.expected_zeros(interval)
    np.testing.assert_allclose(process.zeros_by_quadrature(interval), closed, rtol=0, atol=1e-10)


@pytest.mark.parametrize("options", PROCESSES)
def test_one_breakpoint_a_neuron_on_the_whole_line(options: Any) -> None:
    np.testing.assert_allclose(GaussianProcess(4, **options).expected_zeros(), 1.0, rtol=1e-15)


@pytest.mark.parametrize("options", PROCESSES)
def test_distribution_density_and_counts_agree(options: Any) -> None:
    process = GaussianProcess(4, **options)
    for layer in range(1, 5):
        distribution = process.breakpoint_law(layer)
        lo, hi = distribution.ppf([0.2, 0.7])
        count = process.expected_zeros((lo, hi))[layer - 1]
        assert count == pytest.approx(0.5, abs=1e-12)
        x = np.array([[lo, hi], [0.0, 5.0]])
        density = process.zero_density(x)
        assert density.shape == (4, 2, 2)
        np.testing.assert_allclose(density[layer - 1], distribution.pdf(x), rtol=1e-12)


def test_short_and_far_intervals_keep_their_digits() -> None:
    process = GaussianProcess(1, weight_variance=1.0, bias_variance=1.0)
    for lo, width in [(0.0, 1e-30), (1e8, 1.0), (-1e100, 1e90), (1.0, 2.0**-52)]:
        interval = (lo, lo + width)
        with mpmath.workdps(250):
            ends = [mpmath.atan(mpmath.mpf(end)) for end in interval]
            exact = float((ends[1] - ends[0]) / mpmath.pi)
        assert process.expected_zeros(interval)[0] == pytest.approx(exact, rel=1e-14)


def test_deep_processes_neither_overflow_nor_vanish() -> None:
    with np.errstate(all="raise"):
        growing = GaussianProcess(3000, weight_variance=4.0)
        shrinking = GaussianProcess(3000, weight_variance=0.5)
    assert growing.scales[-1] == pytest.approx(math.sqrt(0.25 + 0.25), rel=1e-12)
    assert np.isinf(shrinking.scales[-1])
    assert shrinking.expected_zeros((-1.0, 1.0))[-1] == 0.0
    assert shrinking.expected_zeros()[-1] == 1.0


def test_variances_may_be_changed_afterwards() -> None:
    weight_variance, bias_variance = np.full(3, 2.0), np.full(3, 0.5)
    process = GaussianProcess(3, weight_variance=weight_variance, bias_variance=bias_variance)
    before = process.covariance(0.5, 1.0)
    weight_variance[:], bias_variance[:] = 1.0, 9.0
    assert np.array_equal(process.covariance(0.5, 1.0), before)


def mp_covariances(options: Any, depth: int, x: Any, y: Any) -> list[Any]:
    """The recursion, in mpmath, from the weights and biases of one input."""
    a = mpmath.mpf(options.get("negative_slope", 0.0))
    weights = np.broadcast_to(options.get("weight_variance", 2.0), depth)
    biases = np.broadcast_to(options.get("bias_variance", 1.0), depth)

    def layer_one(u: Any, v: Any) -> Any:
        return mpmath.mpf(biases[0]) + mpmath.mpf(weights[0]) * u * v

    kxx, kyy, kxy = layer_one(x, x), layer_one(y, y), layer_one(x, y)
    found = [(kxx, kyy, kxy)]
    for weight, bias in zip(weights[1:], biases[1:], strict=True):
        size = mpmath.sqrt(kxx * kyy)
        angle = mpmath.acos(min(kxy / size, mpmath.mpf(1)))
        relu = (mpmath.sin(angle) + (mpmath.pi - angle) * mpmath.cos(angle)) / (2 * mpmath.pi)
        leaky = a * mpmath.cos(angle) + (1 - a) ** 2 * relu
        gain = mpmath.mpf(weight) * (1 + a**2) / 2
        kxy = bias + mpmath.mpf(weight) * size * leaky
        kxx, kyy = bias + gain * kxx, bias + gain * kyy
        found.append((kxx, kyy, kxy))
    return found


@pytest.mark.parametrize("options", PROCESSES[:8])
def test_covariance_is_that_of_an_independent_recursion(options: Any) -> None:
    process = GaussianProcess(4, **options)
    x, y = np.array([-2.0, 0.0, 0.7, 0.7, 3.0]), np.array([1.5, 0.3, 0.7, 0.7000001, -3.0])
    found = process.covariance(x, y)
    with mpmath.workdps(40):
        for i in range(len(x)):
            exact = mp_covariances(options, 4, mpmath.mpf(x[i]), mpmath.mpf(y[i]))
            for layer, (kxx, kyy, kxy) in enumerate(exact):
                assert abs(found[layer, i] - float(kxy)) < 1e-14 * float(mpmath.sqrt(kxx * kyy))


@pytest.mark.parametrize("options", PROCESSES[:8])
def test_density_is_the_speed_of_the_angle_between_values(options: Any) -> None:
    """Needs the covariance alone, at two points close together."""
    process = GaussianProcess(4, **options)
    with mpmath.workdps(80):
        step = mpmath.mpf(10) ** -30
        for x in (-1.3, 0.2, 4.0):
            covariances = mp_covariances(options, 4, mpmath.mpf(x), mpmath.mpf(x) + step)
            for layer, (kxx, kyy, kxy) in enumerate(covariances):
                speed = float(mpmath.acos(kxy / mpmath.sqrt(kxx * kyy)) / step)
                density = process.zero_density(x)[layer]
                assert density == pytest.approx(speed / math.pi, rel=1e-12)


@pytest.mark.parametrize("slope", [0.0, 0.3, -1.0, 1.0, 2.5])
@pytest.mark.parametrize("angle", [0.01, 1.0, 2.0, 3.1])
def test_second_layer_is_a_mean_over_gaussians(slope: float, angle: float) -> None:
    """In polar coordinates the mean of relu(u) relu(v) is an integral over the circle."""

    def relu(z: float) -> float:
        return z if z > 0.0 else slope * z

    kinks = sorted({math.pi / 2, 3 * math.pi / 2, angle + math.pi / 2, angle + 3 * math.pi / 2})
    mean, _ = quad(
        lambda t: relu(math.cos(t)) * relu(math.cos(t - angle)) / math.pi,
        angle / 2,
        angle / 2 + 2 * math.pi,
        points=kinks,
        limit=200,
        epsabs=1e-13,
    )
    process = GaussianProcess(2, bias_variance=[1.0, 0.0], negative_slope=slope)
    # With weights of variance 2 the first layer sees x at the angle atan(x sqrt(2)).
    x = math.tan(angle / 2) / math.sqrt(2.0)
    size = 1.0 + 2.0 * x**2
    assert process.covariance(x, -x)[1] == pytest.approx(2.0 * size * mean, rel=1e-11, abs=1e-11)


def test_covariance_on_a_line_is_that_of_its_points() -> None:
    start, stop = np.array([0.3, -1.0, 2.0]), np.array([1.5, 0.5, -0.2])
    process = GaussianProcess(1, bias_variance=0.5, start=start, stop=stop)
    x, y = 0.3, -1.7
    points = [start + t * (stop - start) for t in (x, y)]
    expected = 0.5 + 2.0 / 3.0 * points[0] @ points[1]
    assert process.covariance(x, y)[0] == pytest.approx(expected, rel=1e-14)


def test_without_biases_a_segment_counts_its_angle() -> None:
    start, stop = np.array([1.0, 0.0, 1.0]), np.array([0.0, 2.0, 0.5])
    angle = math.acos(start @ stop / math.hypot(*start) / math.hypot(*stop))
    found = expected_breakpoints((3, 7, 9, 1), bias_variance=0.0, start=start, stop=stop)
    np.testing.assert_allclose(found, np.array([7, 9]) * angle / math.pi, rtol=1e-14)


def test_other_processes_have_their_zeros_counted() -> None:
    # A random trigonometric polynomial: 2 sqrt((n + 1)(2 n + 1) / 6) zeros in a period.
    speed = math.sqrt(11 * 21 / 6)
    assert expected_zeros(lambda _: speed, (0.0, 2 * math.pi)) == pytest.approx(2 * speed)
    # Kac's polynomials of degree 1: one zero.
    assert expected_zeros(lambda x: 1.0 / (1.0 + x * x), (-math.inf, math.inf)) == pytest.approx(1)


def test_widths_multiply() -> None:
    found = expected_breakpoints((1, 10, 20, 30, 2), interval=(-math.inf, 0.0))
    np.testing.assert_allclose(found, [5.0, 10.0, 15.0], rtol=1e-14)


# Wide networks

WIDTH, DEPTH, NETWORKS, BIAS = 1000, 3, 24, 0.25


@pytest.fixture(scope="module")
def wide_networks() -> list[relufast.Breakpoints]:
    widths = (1, *[WIDTH] * DEPTH, 1)
    return [
        relufast.breakpoints(relufast.Network.random(widths, bias_variance=BIAS, seed=seed))
        for seed in range(NETWORKS)
    ]


def positions(found: relufast.Breakpoints, layer: int) -> Any:
    return found.positions[found.layers == layer]


def finite_width_law(lo: float, hi: float) -> tuple[Any, Any]:
    """What networks of this width have per neuron, by layer, simulated, and its errors."""
    estimates = law.finite_width(
        WIDTH, DEPTH, (lo, hi), bias_variance=BIAS, samples=20_000, rng=np.random.default_rng(1)
    )
    return np.array([e.value for e in estimates]), np.array([e.standard_error for e in estimates])


def test_wide_networks_have_the_expected_counts(wide_networks: list[Any]) -> None:
    process = GaussianProcess(DEPTH, bias_variance=BIAS)
    for lo, hi in [(-1.0, 1.0), (0.2, 3.0)]:
        counts = np.array(
            [
                [
                    np.count_nonzero((lo < p) & (p < hi))
                    for p in (positions(f, i) for i in (1, 2, 3))
                ]
                for f in wide_networks
            ]
        )
        mean = counts.mean(axis=0) / WIDTH
        error = counts.std(axis=0, ddof=1) / math.sqrt(NETWORKS) / WIDTH
        limit = process.expected_zeros((lo, hi))
        # Neurons of layer 1 are independent, so that the law is exact and its error known.
        exact_error = math.sqrt(limit[0] * (1 - limit[0]) / (WIDTH * NETWORKS))
        assert abs(mean[0] - limit[0]) < 5 * exact_error
        finite, finite_error = finite_width_law(lo, hi)
        assert (np.abs(mean - finite) < 5 * np.hypot(error, finite_error)).all()
        # What is left of the limit at this width is of the order of the depth over the width.
        assert (np.abs(finite - limit) < 5 * finite_error + DEPTH / WIDTH).all()


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_positions_follow_the_cauchy_law(wide_networks: list[Any], layer: int) -> None:
    """Kolmogorov and Smirnov's distance, of which a bootstrap by networks says what is usual.

    Breakpoints of one network depend on each other through the layers below, so that networks are
    what is drawn again, by normal multipliers.
    """
    distribution = GaussianProcess(DEPTH, bias_variance=BIAS).breakpoint_law(layer)
    grid = distribution.ppf(np.linspace(0.0, 1.0, 21)[1:-1])
    measured = np.array(
        [np.searchsorted(np.sort(positions(f, layer)), grid) for f in wide_networks]
    )
    measured = measured / WIDTH
    shift = np.array([finite_width_law(-1e6, x)[0][layer - 1] for x in grid])
    shift -= distribution.cdf(grid) - distribution.cdf(-1e6)
    difference = measured - distribution.cdf(grid)
    distance = np.abs(difference.mean(axis=0) - shift).max()
    multipliers = np.random.default_rng(layer).standard_normal((4000, NETWORKS)) / NETWORKS
    usual = np.abs(multipliers @ (difference - difference.mean(axis=0))).max(axis=1)
    # One in a thousand, and what so few networks make the spread too small by.
    assert distance < np.quantile(usual, 0.999) * math.sqrt(NETWORKS / (NETWORKS - 1))
    # Another scale would be noticed.
    other = GaussianProcess(DEPTH + 1, bias_variance=BIAS).breakpoint_law(layer + 1)
    assert np.abs(measured.mean(axis=0) - other.cdf(grid)).max() > np.quantile(usual, 0.999)


# Bad input


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"depth": 0}, ValueError, "depth is 0, but must be at least 1"),
        ({"depth": 2.0}, TypeError, "depth is of type float"),
        ({"weight_variance": 0.0}, ValueError, r"weight_variance is 0.0, but must be positive"),
        ({"weight_variance": [1.0, -1.0]}, ValueError, "weight_variance is -1.0"),
        ({"weight_variance": [1.0]}, ValueError, r"weight_variance has shape \(1,\).* 2 layers"),
        ({"weight_variance": math.nan}, ValueError, "weight_variance is nan"),
        ({"weight_variance": "he"}, TypeError, "weight_variance"),
        ({"bias_variance": -0.5}, ValueError, "bias_variance is -0.5, but must not be negative"),
        ({"bias_variance": 0.0}, ValueError, "bias_variance of layer 1 is 0, but must be positive"),
        ({"bias_variance": [0.0, 1.0]}, ValueError, "bias_variance of layer 1 is 0"),
        ({"bias_variance": math.inf}, ValueError, "bias_variance is inf"),
        ({"negative_slope": math.nan}, ValueError, "negative_slope is nan"),
        ({"start": [1.0]}, ValueError, "start is given, but stop is missing"),
        ({"start": [], "stop": []}, ValueError, r"start has shape \(0,\)"),
        ({"start": [1.0, 2.0], "stop": [1.0]}, ValueError, "stop has shape"),
        ({"start": [1.0, 2.0], "stop": [1.0, 2.0]}, ValueError, "are equal"),
        (
            {"start": [-1.0, -2.0], "stop": [1.0, 2.0], "bias_variance": 0.0},
            ValueError,
            "meets the origin",
        ),
    ],
)
def test_refuses(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        GaussianProcess(**{"depth": 2, **arguments})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"widths": (1, 0, 1)}, ValueError, r"widths\[1\] is 0, but must be at least 1"),
        ({"widths": (1, 5)}, ValueError, "widths has 2 entries"),
        ({"widths": (2, 5, 1)}, ValueError, "network has 2 inputs"),
        ({"interval": (1.0, -1.0)}, ValueError, r"interval is \(1.0, -1.0\)"),
        ({"interval": (math.nan, 1.0)}, ValueError, "interval is"),
        ({"whole_line": True}, ValueError, "start and stop, which it extends"),
        ({"start": [0.0], "stop": [1.0], "interval": (0.0, 1.0)}, ValueError, "already say"),
        ({"weight_variance": -2.0}, ValueError, "weight_variance is -2.0"),
    ],
)
def test_expected_breakpoints_refuses(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        expected_breakpoints(**{"widths": (1, 5, 1), **arguments})


@pytest.mark.parametrize("layer", [0, 3, -1])
def test_there_is_no_such_layer(layer: int) -> None:
    with pytest.raises(ValueError, match="layer is"):
        GaussianProcess(2).breakpoint_law(layer)


def test_positions_that_do_not_broadcast() -> None:
    with pytest.raises(ValueError, match=r"x has shape \(2,\) and y has shape \(3,\)"):
        GaussianProcess(2).covariance([1.0, 2.0], [1.0, 2.0, 3.0])


def test_an_integral_that_does_not_converge() -> None:
    with pytest.raises(RuntimeError, match="does not converge"):
        expected_zeros(lambda x: 1.0 / x, (0.0, 1.0))
