"""The law of alive neurons against sixty digits, by another route, and the published formulas."""

from __future__ import annotations

import math
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

import relufast
from relufast import rank_theory
from relufast.statistics import NeuronCensus

Array = NDArray[np.float64]


def correlations(depth: int) -> list[mpmath.mpf]:
    """c_0, ..., c_{depth - 1}, by the recursion as it is written, which loses digits."""
    c = mpmath.mpf(0)
    found = []
    for _ in range(depth):
        found.append(c)
        c = (mpmath.sqrt(1 - c * c) + c * (mpmath.pi - mpmath.acos(c))) / mpmath.pi
    return found


def dead_probability(m: int, c: mpmath.mpf) -> mpmath.mpf:
    """E_g[Phi(-g r)^m], by Gauss and Legendre between points where the integrand bends."""
    if c == 0:
        return mpmath.mpf(2) ** -m
    r = mpmath.sqrt(c / (1 - c))
    bend = mpmath.sqrt(2 * mpmath.log(m + 1)) / r
    offsets = [k / r for k in (-12, -6, -4, -2, -1, 0, 1, 2, 4, 6, 12)]
    points = {-bend + offset for offset in offsets} | {
        mpmath.mpf(k) for k in (-12, -6, -3, 0, 4, 9)
    }
    inside = sorted(point for point in points if -12 <= point <= 9)
    return mpmath.quad(
        lambda g: mpmath.npdf(g) * mpmath.exp(m * mpmath.log(mpmath.ncdf(-g * r))), inside
    )


@pytest.mark.parametrize("m", [1, 2, 3, 17, 256, 10**5, 10**9])
def test_alive_fraction_to_fourteen_digits(m: int) -> None:
    with mpmath.workdps(30):
        c = correlations(300)
        found = relufast.alive_fraction_theory(m, 300)
        for layer in (1, 2, 9, 300):
            expected = 1 - dead_probability(m, c[layer - 1])
            assert abs(found[layer - 1] - expected) < 1e-14, layer


def test_alive_fraction_of_two_points_in_closed_form() -> None:
    """Two Gaussians of correlation c are both negative with probability 1/4 + asin(c) / (2 pi)."""
    with mpmath.workdps(60):
        c = correlations(10_000)
        found = relufast.alive_fraction_theory(2, 10_000)
        for layer in (*range(1, 50), 100, 1000, 9999, 10_000):
            expected = mpmath.mpf(3) / 4 - mpmath.asin(c[layer - 1]) / (2 * mpmath.pi)
            assert abs(found[layer - 1] - expected) < 1e-14, layer


def test_angles_keep_their_relative_accuracy() -> None:
    with mpmath.workdps(60):
        expected = [mpmath.acos(c) for c in correlations(10_000)]
        angles = rank_theory._angles(10_000)
        errors = [abs(a / e - 1) for a, e in zip(angles.tolist(), expected, strict=True)]
        assert max(errors) < 2e-14


@pytest.mark.parametrize("m", [1, 5, 1000, 10**9, 2**53])
def test_alive_fraction_is_sane_to_great_depth(m: int) -> None:
    alive = relufast.alive_fraction_theory(m, 10_000)
    assert alive.shape == (10_000,)
    assert alive[0] == 1.0 - 0.5**m
    assert (np.diff(alive) <= 1e-15).all()
    assert (alive >= 0.5 - 1e-15).all()
    if m == 1:
        np.testing.assert_allclose(alive, 0.5, rtol=0, atol=1e-15)


def test_alive_fraction_is_the_prefix_of_a_deeper_one() -> None:
    deep = relufast.alive_fraction_theory(33, 40)
    for depth in (1, 2, 17):
        np.testing.assert_array_equal(relufast.alive_fraction_theory(33, depth), deep[:depth])


def test_alive_fraction_at_the_check_values() -> None:
    found = relufast.alive_fraction_theory(256, 30)[[4, 9, 19, 29]]
    np.testing.assert_allclose(found, [0.970, 0.875, 0.752, 0.689], atol=5e-4)


# ---- Measurement ----


def five_sigma(estimate: relufast.Estimate) -> Array:
    return 5 * estimate.standard_error


@pytest.mark.parametrize("weight_init", ["he", "glorot"])
def test_the_first_layer_is_exact_at_any_width(weight_init: str) -> None:
    """Given its weights, a neuron's signs at independent normal points are independent."""
    m = 3
    census = NeuronCensus((4, 7, 1), m, weight_init=weight_init, bias_variance=0.0)
    estimate = relufast.monte_carlo(census, n_trials=3000, seed=1)
    expected = np.array([[0.5**m], [0.5**m], [1 - 2 * 0.5**m]])
    assert (abs(estimate.mean - expected) <= five_sigma(estimate)).all()
    dead = 1.0 - relufast.alive_fraction_theory(m, 1)
    assert (abs(estimate.mean[0] - dead) <= five_sigma(estimate)[0]).all()


def test_the_first_layer_with_bias_is_exact() -> None:
    """With bias b and weights w a point is inactive with probability Phi(-b / |w|)."""
    m, n_inputs, ratio = 3, 6, 2.0
    census = NeuronCensus((n_inputs, 8, 1), m, weight_variance=1.5, bias_variance=ratio * 1.5)
    estimate = relufast.monte_carlo(census, n_trials=3000, seed=2)
    # b / |w| is sqrt(ratio) times Student's t of n_inputs degrees of freedom.
    law = stats.t(n_inputs)
    dead = law.expect(lambda t: stats.norm.cdf(-math.sqrt(ratio) * t) ** m)
    expected = np.array([[dead], [dead], [1 - 2 * dead]])
    assert (abs(estimate.mean - expected) <= five_sigma(estimate)).all()


def test_the_law_is_the_limit_of_growing_width() -> None:
    """Deviations are K_l / n + L_l / n^2 + ... in the width n.

    At widths n and 2n the first term drops out of 2 a(2n) - a(n); what is left of the second is
    estimated by the deviations themselves: L_l / n^2 is of the order of (K_l / n)^2.
    """
    m, depth = 16, 8
    law = relufast.alive_fraction_theory(m, depth)
    widths = (32, 64)
    estimates = []
    for width, n_trials in zip(widths, (800, 600), strict=True):
        census = NeuronCensus((width,) * (depth + 1) + (1,), m, bias_variance=0.0)
        estimates.append(relufast.monte_carlo(census, n_trials=n_trials, seed=3))
    alive = [1.0 - estimate.mean[0] for estimate in estimates]
    errors = [estimate.standard_error[0] for estimate in estimates]
    deviations = [a - law for a in alive]
    # It is there, it is negative, and it grows with depth: a test that sees it.
    assert (deviations[0][3:] < -5 * errors[0][3:]).all()
    limit = 2 * alive[1] - alive[0]
    noise = np.hypot(2 * errors[1], errors[0])
    # From layer 2 on: the first, exact at any width, has too few dead neurons for a band.
    assert (abs(limit - law) <= 5 * noise + deviations[0] ** 2)[1:].all()


def test_one_point_leaves_half_of_the_neurons_dead() -> None:
    """By the symmetry of weights, at every depth and width, while no layer is all dead."""
    census = NeuronCensus((5, 40, 40, 40, 1), 1, bias_variance=0.0)
    estimate = relufast.monte_carlo(census, n_trials=1000, seed=4)
    law = relufast.alive_fraction_theory(1, 3)
    assert (abs(1.0 - estimate.mean[0] - law) <= five_sigma(estimate)[0]).all()
    assert (estimate.mean[2] == 0.0).all()


# ---- The published formulas ----


def test_expected_effective_dimension() -> None:
    found = relufast.expected_effective_dimension(1000, 60)
    with mpmath.workdps(40):
        rho = 1 - 2 / mpmath.pi
        for layer, value in enumerate(found.tolist(), start=1):
            assert abs(value / (1000 * (1 - rho**layer)) - 1) < 1e-15
    assert (np.diff(found) >= 0).all()
    assert found[-1] == 1000.0


def test_revivals() -> None:
    depths = relufast.revival_depths(50)
    with mpmath.workdps(40):
        spacing = mpmath.pi / mpmath.log(1 / (1 - 2 / mpmath.pi))
        for k, depth in enumerate(depths.tolist()):
            assert abs(depth / ((k + mpmath.mpf(1) / 2) * spacing) - 1) < 1e-15
    gaps = {round(second - first, 10) for first, second in pairwise(depths.tolist())}
    assert len(gaps) == 1
    assert relufast.revival_height(200) == 158.0
    assert type(relufast.revival_height(200)) is float


def test_no_effective_dimension_follows_the_formula() -> None:
    """At m = n = 40 each of them lies tens of standard errors below it in layer 5."""
    widths = (40,) * 6 + (1,)
    claimed = relufast.expected_effective_dimension(40, 5)[-1]
    for kind in ("effective_rank", "stable_rank", "participation_ratio"):
        for centered in (False, True):
            statistic = relufast.statistics.EffectiveDimensions(
                widths, 40, kind=kind, centered=centered, bias_variance=0.0
            )
            estimate = relufast.monte_carlo(statistic, n_trials=30, seed=5)
            assert estimate.mean[-1] + 30 * estimate.standard_error[-1] < claimed
            # And it falls with depth, where the formula rises.
            assert (np.diff(estimate.mean) < 0).all()
