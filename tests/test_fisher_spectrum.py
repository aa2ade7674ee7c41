"""Eigenvalues of infinite width against quadrature in forty digits, closed forms and sums."""

from __future__ import annotations

import itertools
import math
from typing import Any

import mpmath
import numpy as np
import pytest

import relufast
from relufast.fisher_spectrum import mean_of_relu

U = 2.0**-53


def eigenvalues_by_quadrature(d: int, last: int) -> list[Any]:
    """d times the Funk-Hecke coefficients of the arc-cosine kernel itself, over its angle.

    The weight falls off like exp(-d t^2 / 2), to 1e-55 where the interval ends.
    """
    width = min(mpmath.pi / 2, 16 / mpmath.sqrt(d))
    rule = mpmath.calculus.quadrature.GaussLegendre(mpmath.mp)
    area, sums = mpmath.mpf(0), [mpmath.mpf(0)] * (last + 1)
    for piece in range(-4, 4):
        for x, weight in rule.calc_nodes(5, mpmath.mp.prec):
            angle = mpmath.pi / 2 + width * (piece + (1 + x) / 2) / 4
            t, s = mpmath.cos(angle), mpmath.sin(angle)
            weight *= s ** (d - 2)
            kernel = (s + (mpmath.pi - angle) * t) / (2 * mpmath.pi)
            area += weight
            # P_k of d dimensions, P_k(1) = 1.
            before, now = mpmath.mpf(0), mpmath.mpf(1)
            for k in range(last + 1):
                sums[k] += weight * kernel * now
                n = max(k + d - 2, 1)  # in two dimensions P_1 is t as well
                step = (2 * k + d - 2) / mpmath.mpf(n) if k > 0 else 1
                before, now = now, step * t * now - k * before / mpmath.mpf(n)
    return [d * total / area for total in sums]


def eigenvalue_in_closed_form(d: int, k: int) -> Any:
    """By Gamma functions, for even k; see the notes of `fisher_spectrum`."""
    n, half = k // 2, mpmath.mpf(d) / 2
    if k == 0:
        c = mpmath.gamma(half) / (2 * mpmath.sqrt(mpmath.pi) * mpmath.gamma(half + 0.5))
    else:
        c = mpmath.gamma(half) * mpmath.factorial(k - 2)
        c /= 2**k * mpmath.sqrt(mpmath.pi) * mpmath.factorial(n - 1)
        c /= mpmath.gamma(n + half + 0.5)
    return (d * c) ** 2


@pytest.mark.parametrize("d", [2, 3, 4, 7, 10, 31, 32, 33, 100, 1000, 10_000])
def test_eigenvalues_against_quadrature(d: int) -> None:
    found = relufast.fisher_spectrum(d, 10).eigenvalues
    with mpmath.workdps(60):
        for k, expected in enumerate(eigenvalues_by_quadrature(d, 10)):
            if k % 2 == 1 and k > 1:
                assert found[k] == 0.0
                assert abs(expected) < 1e-45
            else:
                assert abs(found[k] / expected - 1) < (k + 16) * U, k


@pytest.mark.parametrize("d", [2, 3, 5, 10, 31, 32, 50, 784, 3000, 10_000, 10**6])
def test_eigenvalues_and_shares_of_high_degree(d: int) -> None:
    last = 600
    spectrum = relufast.fisher_spectrum(d, last)
    with mpmath.workdps(50):
        for k in (0, *range(2, 40, 2), 100, 200, 398, 500, 600):
            expected = eigenvalue_in_closed_form(d, k)
            bound = (k + 16) * U
            if expected > 1e-307:
                assert abs(spectrum.eigenvalues[k] / expected - 1) < bound, k
            else:
                assert abs(spectrum.eigenvalues[k] - expected) < 1e-307
            share = expected * spectrum.multiplicities[k] / (mpmath.mpf(d) / 2)
            if share > 1e-307:
                assert abs(spectrum.shares[k] / share - 1) < bound, k


def test_mean_of_relu_in_every_dimension() -> None:
    with mpmath.workdps(40):
        for d in (*range(1, 200), 999, 10_000, 10**6, 2**53):
            half = mpmath.mpf(d) / 2
            logarithm = mpmath.loggamma(half) - mpmath.loggamma(half + mpmath.mpf(1) / 2)
            expected = mpmath.exp(logarithm) / (2 * mpmath.sqrt(mpmath.pi))
            assert abs(mean_of_relu(d) / expected - 1) < 4 * U, d


def test_check_values_in_ten_dimensions() -> None:
    found = relufast.fisher_spectrum(10, 4).eigenvalues
    np.testing.assert_allclose(found[[0, 2]], [1.6730121, 0.01382655], rtol=0, atol=5e-8)
    np.testing.assert_allclose(found[4], 8.18e-5, rtol=0, atol=5e-8)
    assert found[1] == 0.25
    assert found[3] == 0.0


@pytest.mark.parametrize("d", [2, 3, 10, 500])
def test_degree_two_from_degree_zero(d: int) -> None:
    found = relufast.fisher_spectrum(d, 2).eigenvalues
    assert found[2] == pytest.approx(found[0] / (d + 1) ** 2, rel=4 * U)


@pytest.mark.parametrize("d", [1, 2, 3, 4, 9])
def test_multiplicities_by_counting_monomials(d: int) -> None:
    """Harmonics of degree k: homogeneous polynomials of degree k, less those of degree k - 2."""

    def monomials(k: int) -> int:
        return sum(1 for _ in itertools.combinations_with_replacement(range(d), k))

    found = relufast.fisher_spectrum(d, 7).multiplicities
    assert found == tuple(monomials(k) - (monomials(k - 2) if k >= 2 else 0) for k in range(8))


def test_multiplicities_are_exact_however_large() -> None:
    d, last = 10_000, 500
    found = relufast.fisher_spectrum(d, last).multiplicities
    assert all(type(n) is int for n in found)
    for k in (2, 3, 10, 57, 500):
        expected = math.comb(k + d - 1, k) - math.comb(k + d - 3, k - 2)
        assert found[k] == expected
    assert found[500] > 10**300
    assert sum(found) == math.comb(last + d - 1, last) + math.comb(last + d - 2, last - 1)


@pytest.mark.parametrize("d", [2, 3, 5, 10, 40])
def test_shares_add_up_to_one(d: int) -> None:
    """From degree 2 on, share_{k+2} / share_k <= (k / (k + 2))^2, as the test sees as well.

    So a share falls at least like k^-2, and what is missing is below K / 2 times the last share:
    the sum over j of (K / (K + 2 j))^2 is at most the integral, K / 2.
    """
    last = 4000
    shares = relufast.fisher_spectrum(d, last).shares
    even = shares[2::2]
    k = np.arange(2, last, 2)
    assert (even[1:] <= even[:-1] * (k / (k + 2)) ** 2).all()
    missing = 1.0 - math.fsum(shares)
    assert -1e-12 < missing < 0.5 * last * shares[last] + 1e-12
    assert missing < 1e-4


def test_trace_by_degrees_of_two_dimensions() -> None:
    """c_k = 1 / (pi (1 - k^2)); the sum of 1 / (k^2 - 1)^2 over even k > 0 is (pi^2 - 8) / 16."""
    found = relufast.fisher_spectrum(2, 100)
    k = np.arange(0, 101, 2)
    np.testing.assert_allclose(
        found.eigenvalues[::2], 4 / (np.pi**2 * (1.0 - k**2) ** 2), rtol=120 * U
    )
    assert found.trace == 1.0
    total = 4 / math.pi**2 + 0.5 + 2 * (4 / math.pi**2) * (math.pi**2 - 8) / 16
    assert total == pytest.approx(1.0, abs=4 * U)


def test_three_shares_for_large_dimension() -> None:
    limits = np.array([1 / math.pi, 0.5, 1 / (2 * math.pi)])
    for d in (100, 10_000, 10**6, 10**9):
        shares = relufast.fisher_spectrum(d, 2).shares
        # The terms in 1/d are 1/2 - of lambda_0 - and, of share_2, 1/2 - 2 + 1 = -1/2.
        np.testing.assert_allclose(
            d * (shares / limits - 1), [0.5, 0, -0.5], atol=4 / d + d * 9e-15
        )
    assert limits.sum() == pytest.approx(0.977, abs=5e-4)
    np.testing.assert_array_equal(relufast.fisher_spectrum(5, 2).limit_shares, limits)


def test_leading_forms() -> None:
    d = 10**7
    spectrum = relufast.fisher_spectrum(d, 12)
    np.testing.assert_allclose(
        spectrum.leading_eigenvalues[:5],
        [d / (2 * np.pi), 0.25, 1 / (2 * np.pi * d), 0, 1 / (2 * np.pi * d**3)],
        rtol=16 * U,
    )
    k = np.array([0, 1, 2, 4, 6, 8, 10, 12])
    ratio = spectrum.eigenvalues[k] / spectrum.leading_eigenvalues[k]
    assert (abs(ratio - 1) <= (k + 1) ** 2 / d).all()
    ratio = spectrum.shares[k] / spectrum.limit_shares[k]
    assert (abs(ratio - 1) <= (k + 1) ** 2 / d).all()
    assert d * (spectrum.eigenvalues[2] / spectrum.leading_eigenvalues[2] - 1) == pytest.approx(
        -1.5, abs=1e-5
    )


def test_limit_shares_are_the_hermite_coefficients_of_relu() -> None:
    """2 E[relu(g) He_k(g)]^2 / k!, by quadrature."""
    limits = relufast.fisher_spectrum(3, 10).limit_shares
    with mpmath.workdps(30):
        for k in range(11):
            moment = mpmath.quad(
                lambda g, k=k: (
                    g * mpmath.npdf(g) * mpmath.hermite(k, g / mpmath.sqrt(2)) / mpmath.sqrt(2) ** k
                ),
                [0, 2, 5, 10, 20],
            )
            expected = 2 * moment**2 / mpmath.factorial(k)
            assert abs(limits[k] - expected) < 1e-15


def test_one_dimension() -> None:
    spectrum = relufast.fisher_spectrum(1, 6)
    assert spectrum.multiplicities == (1, 1, 0, 0, 0, 0, 0)
    np.testing.assert_array_equal(spectrum.eigenvalues, [0.25, 0.25, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(spectrum.shares, [0.5, 0.5, 0, 0, 0, 0, 0])
    # The matrix is w_i w_j / 2 where signs agree: two blocks of rank one, with the eigenvalues
    # sum of w^2 / 2, of mean 1/4 and standard deviation sqrt(5 / 16 / m).
    m = 500
    w = np.random.default_rng(1).standard_normal(m) / math.sqrt(m)
    J = np.where(np.outer(w, w) > 0, np.outer(w, w) / 2, 0.0)
    found = np.linalg.eigvalsh(J)
    assert (abs(found[-2:] - 0.25) < 5 * math.sqrt(5 / 16 / m)).all()
    assert abs(found[:-2]).max() < 1e-14


def test_prefix_of_higher_degrees() -> None:
    whole = relufast.fisher_spectrum(12, 30)
    for last in (0, 1, 2, 17):
        part = relufast.fisher_spectrum(12, last)
        assert part.multiplicities == whole.multiplicities[: last + 1]
        for name in ("eigenvalues", "shares", "leading_eigenvalues", "limit_shares"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[: last + 1])


def test_result_is_frozen() -> None:
    spectrum = relufast.fisher_spectrum(np.int64(4), np.int8(3))
    assert repr(spectrum) == "FisherSpectrum(dimension 4, degrees 0 to 3)"
    assert spectrum.trace == 2.0
    assert not spectrum.eigenvalues.flags.writeable
    with pytest.raises(AttributeError):
        spectrum.dimension = 3  # type: ignore[misc]
