"""Capacities against quadrature, nested searches, thirty digits, Monte Carlo and limits."""

from __future__ import annotations

import itertools
import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import capacity_oracle as oracle
import mpmath
import numpy as np
import pytest
from scipy.optimize import root

import relufast
from relufast import _lifted_duality, _random_duality, _second_level, _stationary

CONDITIONS = ["weak", "strong"]


def lifted_point(capacity: relufast.Capacity) -> np.ndarray[Any, Any]:
    """As `oracle.lifted` takes it."""
    saddle: Any = capacity.parameters
    layers = np.stack([saddle.coupling, saddle.s, saddle.tau, saddle.theta], axis=1).ravel()
    return np.array([saddle.c, saddle.gamma, saddle.threshold, *layers, capacity.alphas[-1]])


def second_level_point(capacity: relufast.Capacity) -> np.ndarray[Any, Any]:
    s: Any = capacity.parameters
    return np.array([s.c, s.p, s.q, s.gamma, s.threshold, s.y, capacity.alphas[-1]])


# ---- One layer ----


def test_check_values() -> None:
    assert relufast.injectivity_capacity().alphas[0] == pytest.approx(7.647694935, abs=1e-9)
    assert relufast.injectivity_capacity(2).alphas[1] == pytest.approx(7.540673, abs=1e-6)
    lifted = relufast.injectivity_capacity(method="lifted")
    assert lifted.alphas[0] == pytest.approx(7.448639, abs=1e-6)
    second = relufast.injectivity_capacity(method="second_level")
    assert second.alphas[0] == pytest.approx(6.71569684, abs=1e-8)


def test_published_values_of_one_layer() -> None:
    """Maillard et al., arXiv 2302.14112: replica-symmetric, and with one step of breaking."""
    assert round(float(relufast.injectivity_capacity().alphas[0]), 4) == 7.6477
    assert round(float(relufast.injectivity_capacity(method="second_level").alphas[0]), 4) == 6.7157


def test_plain_in_thirty_digits() -> None:
    with mpmath.workdps(30):

        def excess(t: Any) -> Any:
            tail = mpmath.erfc(t / mpmath.sqrt(2)) / 2
            return mpmath.quad(lambda g: g * g * mpmath.npdf(g), [0, t]) / tail - 1

        t = mpmath.findroot(excess, (0.5, 2))
        alpha = 2 / mpmath.erfc(t / mpmath.sqrt(2))
    found = relufast.injectivity_capacity()
    assert abs(found.alphas[0] - alpha) < 1e-13
    assert abs(found.parameters.threshold - t) < 1e-14  # type: ignore[union-attr]


def test_lifted_in_thirty_digits() -> None:
    found = relufast.injectivity_capacity(method="lifted")
    with mpmath.workdps(30):

        def excess(c: Any, gamma: Any, t: Any, alpha: Any) -> Any:
            b = c / (4 * gamma)
            middle = mpmath.quad(lambda g: mpmath.exp(-b * g * g) * mpmath.npdf(g), [0, t])
            tail = mpmath.erfc(t / mpmath.sqrt(2)) / 2
            mean = mpmath.mpf(1) / 2 + middle + mpmath.exp(-b * t * t) * tail
            r = (c + mpmath.sqrt(c * c + 4)) / 2
            total = -c * gamma + b * t * t + alpha * mpmath.log(mean)
            total += c * r + mpmath.log(r) - r * r / 2 + mpmath.mpf(1) / 2
            return c / 2 - total / c

        def equations(*x: Any) -> list[Any]:
            slopes = [
                mpmath.diff(excess, x, tuple(int(i == j) for j in range(4))) for i in range(3)
            ]
            return [*slopes, excess(*x)]

        exact = mpmath.findroot(equations, lifted_point(found).tolist(), tol=1e-20)
        errors = [abs(a - b) for a, b in zip(lifted_point(found), exact, strict=True)]
    assert errors[-1] < 1e-12
    assert max(errors) < 1e-9


@pytest.mark.parametrize("alpha", [6.9, 7.448638726, 8.0])
def test_lifted_optima_by_searching(alpha: float) -> None:
    """M = max over c of c/2 - (max over gamma, min over nu of I_dist + G_0)/c changes sign."""

    def excess(c: float) -> float:
        def distance(gamma: float) -> float:
            def at(t: float) -> float:
                M = oracle.lifted([c, gamma, t, alpha], [], 1)
                return (0.5 * c - M) * c - oracle.sphere(c)

            return oracle.best(at, 0.05, 5.0, sign=1)

        return 0.5 * c - (oracle.best(distance, 1e-2, 2.0, sign=-1) + oracle.sphere(c)) / c

    largest = max(excess(c) for c in (0.1, 0.7, 1.351273830738, 2.0, 5.0))
    capacity = 7.448638726294
    if abs(alpha - capacity) < 1e-6:
        assert abs(largest) < 1e-9
        assert largest == excess(1.351273830738)
    else:
        assert (largest > 0.0) == (alpha > capacity)
        assert abs(largest) > 1e-3


def test_second_level_is_a_saddle_of_the_integrals() -> None:
    point = second_level_point(relufast.injectivity_capacity(method="second_level"))
    assert abs(oracle.second_level(point)) < 1e-12
    slopes = oracle.gradient(oracle.second_level, point)
    assert np.abs(slopes[:-1]).max() < 1e-9
    # The capacity's error is that of M over this.
    assert abs(slopes[-1]) > 0.1


def test_second_level_by_refinement() -> None:
    saddles = [
        _stationary.follow(
            _second_level.family(1, step), _second_level.plain_saddle(1), largest_c=20
        )
        for step in (0.25, 0.125, 0.0625)
    ]
    alphas = [float(saddle.parameters[-1]) for saddle in saddles]
    assert 1e-11 < abs(alphas[0] - alphas[2]) < 1e-7
    assert abs(alphas[1] - alphas[2]) < 1e-12
    found = relufast.injectivity_capacity(method="second_level")
    assert found.alphas[0] == alphas[1]


def lifted_families() -> list[tuple[list[float], int]]:
    """Expansions of earlier layers, and kappa."""
    return [([], 1), ([7.448638726], 1), ([7.448638726, 7.411258946], 1), ([8.0], 2)]


def test_the_functions_of_saddles_are_the_integrals() -> None:
    """Anywhere in the domain, not only at saddles."""
    random = np.random.default_rng(3)
    for earlier, kappa in lifted_families():
        family = _lifted_duality.family(earlier, kappa)
        for _ in range(10):
            x = _lifted_duality.plain_saddle(earlier, kappa)
            x *= np.exp(random.uniform(-0.1, 0.1, len(x)))
            x[0] = random.uniform(0.05, 0.8)
            found = float(family.value(x.astype(complex)).real)
            assert found == pytest.approx(oracle.lifted(x, earlier, kappa), abs=1e-12)
    for _ in range(10):
        c, p, q, gamma, t, rest, alpha = random.uniform(0.1, 0.9, 7)
        y = 0.5 * c * (1.0 - q) / rest
        x = np.array([c, p, q, gamma, t, y, 8.0 * alpha])
        found = float(_second_level.family(1).value(x.astype(complex)).real)
        assert found == pytest.approx(oracle.second_level(x), rel=1e-11, abs=1e-11)


def roots_from_random_starts(
    family: Any, centre: Any, n_starts: int, spread: float
) -> tuple[list[Any], list[Any]]:
    """Of M and all its slopes: those that are inside the domain, and those in its corners."""

    def to_point(u: Any) -> Any:
        return _stationary._parameters(family, u.astype(complex)).real

    valid, spurious = [], []
    random = np.random.default_rng(0)
    start = _stationary._coordinates(family, centre)
    for _ in range(n_starts):
        guess = start + random.uniform(-spread, spread, len(start))
        with np.errstate(all="ignore"):
            found = root(lambda u: _stationary._equations(family, u), guess, method="lm")
        if not np.abs(found.fun).max() < 1e-8:
            continue
        x = to_point(found.x)
        fractions = x[list(family.fractions)]
        inside = (fractions > 1e-6).all() and (fractions < 1.0 - 1e-6).all()
        (valid if x[0] > 0.05 and x.min() > 1e-3 and inside else spurious).append(x)
    return valid, spurious


@pytest.mark.parametrize(("earlier", "kappa"), lifted_families())
def test_one_lifted_root_from_many_starts(earlier: list[float], kappa: int) -> None:
    family = _lifted_duality.family(earlier, kappa)
    expected = _lifted_duality.solve(earlier, kappa)
    centre = _lifted_duality.plain_saddle(earlier, kappa)
    centre[0] = 1.0
    valid, spurious = roots_from_random_starts(family, centre, 20, 0.4)
    assert len(valid) >= 2
    for x in valid:
        assert x[-1] == pytest.approx(expected.alpha, abs=1e-8)
    # The others are on the way to c = 0 and plain duality, or to t = 0, where half of all neurons
    # are active.
    for x in spurious:
        assert x[-1] == pytest.approx(centre[-1] if x[0] < 0.05 else 2.0 * kappa, abs=1e-2)


def test_one_root_of_the_second_level_from_many_starts() -> None:
    found = relufast.injectivity_capacity(method="second_level")
    centre = np.array([6.0, 0.7, 0.3, 0.1, 0.4, 3.0, 7.0])
    valid, spurious = roots_from_random_starts(_second_level.family(1), centre, 10, 0.5)
    assert len(valid) >= 3
    for x in valid:
        np.testing.assert_allclose(x, second_level_point(found), rtol=1e-6)
    # The others are the smaller methods in disguise.
    for x in spurious:
        smaller = [relufast.injectivity_capacity(method=m).alphas[0] for m in ("plain", "lifted")]
        assert min(abs(x[-1] - smaller)) < 1e-3


# ---- The image of a layer ----


@pytest.mark.parametrize(
    ("theta", "nu"), [(0.29, 0.81), (0.01, 40.0), (2.0, 0.05), (1e-3, 1.0), (5.0, 5.0)]
)
def test_expected_gain(theta: float, nu: float) -> None:
    found = float(_random_duality.expected_gain(theta, nu))  # type: ignore[arg-type]
    assert found == pytest.approx(oracle.expected_gain(theta, nu), rel=1e-12, abs=1e-14)
    # Samples of q itself, by its definition as a maximum.
    g, h = np.random.default_rng(1).standard_normal((2, 400_000))
    samples = oracle.gain(g, h, theta, nu)
    assert abs(samples.mean() - found) < 5.0 * samples.std() / math.sqrt(len(samples))


def test_gain_is_a_maximum() -> None:
    """The oracle's own q, on a grid of w."""
    g, h = np.random.default_rng(2).standard_normal((2, 200, 1))
    w = np.linspace(-12.0, 12.0, 24_001)
    active = np.maximum(w, 0.0)
    for theta, nu in [(0.3, 0.8), (1.0, 0.1), (0.05, 3.0)]:
        by_grid = (h * active - theta * active**2 - nu * (g - w) ** 2).max(axis=1)
        by_rule = oracle.gain(g, h, theta, nu)[:, 0]
        assert (by_rule >= by_grid - 1e-12).all()
        np.testing.assert_allclose(by_rule, by_grid, rtol=0, atol=(theta + nu) * 1e-6)


@pytest.mark.parametrize(
    ("c", "theta", "nu", "k"),
    [(1.2, 0.28, 0.8, 0.6), (0.3, 0.1, 3.0, 0.5), (2.0, 0.5, 0.3, 0.4), (1e-3, 0.3, 0.8, 1.0)],
)
def test_partition(c: float, theta: float, nu: float, k: float) -> None:
    x: Any = np.array([c, theta, nu, k])
    found = float(_random_duality.log_partition(*x))
    mean = oracle.circle_mean(lambda q: 1.0 / (1.0 - 2.0 * c * q), theta, nu, k)
    assert found == pytest.approx(math.log(mean), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("alpha", "width_squared"), [(7.6477, 1.0), (7.0, 0.8), (11.0, 0.9), (100.0, 0.5), (3.0, 0.1)]
)
def test_image_by_searching(alpha: float, width_squared: float) -> None:
    found = _random_duality.image(alpha, width_squared)
    expected = oracle.image_width_squared(alpha, width_squared)
    assert found.width_squared == pytest.approx(expected, rel=1e-9)
    assert found.residual < 1e-12


@pytest.mark.parametrize("alpha", [6.8, 7.65, 20.0, 1e3, 1e6, 1e9, 1e12])
@pytest.mark.parametrize("width_squared", [1.0, 0.9, 0.5, 0.1, 1e-2, 1e-3])
def test_images_are_narrower_but_not_by_much(alpha: float, width_squared: float) -> None:
    found = _random_duality.image(alpha, width_squared)
    assert found.residual < 1e-9
    assert 0.9 * width_squared < found.width_squared < width_squared


def test_no_image_has_no_need() -> None:
    for width_squared in (math.nan, 0.0, -1.0, 1.5):
        assert math.isnan(_random_duality.need(width_squared, 1).alpha)


# ---- More layers ----


@pytest.mark.parametrize("condition", CONDITIONS)
def test_plain_layers_by_the_recursion(condition: Any) -> None:
    found = relufast.injectivity_capacity(10, condition=condition)
    assert found.residual < 1e-12
    saddle: Any = found.parameters
    assert saddle.widths[0] == 1.0
    for layer, alpha in enumerate(found.alphas):
        kappa = 2 if condition == "strong" and layer > 0 else 1
        assert oracle.distance(alpha, kappa) == pytest.approx(saddle.widths[layer] ** 2, abs=1e-12)
    for layer in range(3):
        width_squared = oracle.image_width_squared(found.alphas[layer], saddle.widths[layer] ** 2)
        assert saddle.widths[layer + 1] ** 2 == pytest.approx(width_squared, rel=1e-8)


@pytest.mark.parametrize(
    ("depth", "condition"), [(1, "weak"), (2, "weak"), (3, "weak"), (4, "weak"), (3, "strong")]
)
def test_lifted_is_a_saddle_of_the_integrals(depth: int, condition: Any) -> None:
    found = relufast.injectivity_capacity(depth, condition=condition, method="lifted")
    kappa = 2 if condition == "strong" else 1
    earlier = found.alphas[:-1].tolist()

    def excess(x: Any) -> float:
        return oracle.lifted(x, earlier, kappa)

    point = lifted_point(found)
    slopes = oracle.gradient(excess, point)
    assert np.abs(slopes[:-1]).max() < 1e-9
    # The capacity's error is that of M over its slope.
    assert abs(excess(point) / slopes[-1]) < 1e-11


def test_two_lifted_layers_are_the_optima_that_they_should_be() -> None:
    """Inside out: G is least over theta, then largest over s and tau; M has the opposite sign."""
    found = relufast.injectivity_capacity(2, method="lifted")
    point = lifted_point(found)
    earlier = found.alphas[:1].tolist()

    def excess(moved: dict[int, float]) -> float:
        x = point.copy()
        for i, value in moved.items():
            x[i] = value
        return oracle.lifted(x, earlier, 1)

    for factor in (0.9, 0.98, 1.02, 1.1):
        assert excess({6: factor * point[6]}) < -1e-6
        for i in (4, 5):
            moved = factor * point[i]
            largest = oracle.best(
                lambda theta, i=i, moved=moved: excess({i: moved, 6: theta}),  # type: ignore[misc]
                0.5 * point[6],
                2.0 * point[6],
                sign=-1,
            )
            assert largest > 1e-6, (i, factor)


@pytest.mark.parametrize(("earlier", "kappa"), lifted_families())
def test_no_other_c_is_better(earlier: list[float], kappa: int) -> None:
    """The alpha at which M = 0, along the whole branch: it falls, and then it rises."""
    family = _lifted_duality.family(earlier, kappa)
    start = _lifted_duality.plain_saddle(earlier, kappa)
    needs = [
        math.exp(point.u[-1])
        for point in _stationary.branch(family, start, largest_c=20.0, step=0.1)
    ]
    assert len(needs) >= 69
    least = int(np.argmin(needs))
    assert (np.diff(needs[: least + 1]) < 0.0).all()
    assert (np.diff(needs[least:]) > 0.0).all()
    capacity = _lifted_duality.solve(earlier, kappa).alpha
    assert capacity <= needs[least] < capacity + 0.01


@pytest.mark.parametrize("condition", CONDITIONS)
def test_better_methods_need_less(condition: Any) -> None:
    plain = relufast.injectivity_capacity(4, condition=condition).alphas
    lifted = relufast.injectivity_capacity(4, condition=condition, method="lifted").alphas
    assert (lifted < plain).all()
    second = relufast.injectivity_capacity(condition=condition, method="second_level").alphas
    assert second[0] < lifted[0]


@pytest.mark.parametrize("method", ["plain", "lifted"])
def test_the_strong_condition_needs_more_after_layer_one(method: Any) -> None:
    weak = relufast.injectivity_capacity(3, method=method).alphas
    strong = relufast.injectivity_capacity(3, condition="strong", method=method).alphas
    assert weak[0] == strong[0]
    assert (strong[1:] > weak[1:] + 3.0).all()


def test_plain_layers_fall_towards_two() -> None:
    """Below twice n active neurons are not enough even for one input; nothing else is left."""
    alphas = relufast.injectivity_capacity(300).alphas
    assert (np.diff(alphas) < 0.0).all()
    assert 2.0 < alphas[-1] < 3.0


# ---- Limits ----


@pytest.mark.parametrize(("earlier", "kappa"), lifted_families())
def test_plain_is_the_limit_of_lifted(earlier: list[float], kappa: int) -> None:
    """On the branch, alpha tends to the plain one in proportion to c."""
    family = _lifted_duality.family(earlier, kappa)
    start = _lifted_duality.plain_saddle(earlier, kappa)
    rates = []
    for c in (1e-2, 1e-3, 1e-4):
        start[0] = c
        first = next(_stationary.branch(family, start, largest_c=1.0))
        rates.append((start[-1] - math.exp(first.u[-1])) / c)
    assert rates[0] > 0.0
    assert abs(rates[1] / rates[0] - 1.0) < 0.05
    assert abs(rates[2] / rates[1] - 1.0) < 0.005


def test_lifted_is_the_limit_of_the_second_level() -> None:
    point = lifted_point(relufast.injectivity_capacity(method="lifted"))
    c, gamma, t, alpha = point
    y = 0.25 * (c + math.sqrt(c * c + 4.0))
    for overlap in (1e-4, 1e-8):
        x: Any = np.array([c, overlap, overlap, gamma, t, y, alpha])
        second = float(_second_level.family(1).value(x).real)
        lifted = float(_lifted_duality.family([], 1).value(point.astype(complex)).real)
        assert abs(second - lifted) < 2.0 * overlap


def test_plain_is_where_the_second_level_begins() -> None:
    """With overlaps alike and between 0 and 1: the replica-symmetric saddle."""
    start = _second_level.plain_saddle(1)
    start[0] = 1e-4
    family = _second_level.family(1)
    first = next(_stationary.branch(family, start, largest_c=1.0))
    _, p, q, gamma, t, y, alpha = _stationary._parameters(family, first.u.astype(complex)).real
    assert alpha == pytest.approx(relufast.injectivity_capacity().alphas[0], abs=1e-3)
    assert (gamma, y) == pytest.approx((0.5, 0.5), abs=1e-3)
    assert q == pytest.approx(p, abs=1e-3)
    assert oracle.overlap_map(p, alpha, t) == pytest.approx(p, abs=1e-3)
    assert abs(start[1] - p) < 0.1


# ---- Given layers, and the curve ----


@pytest.mark.parametrize("method", ["plain", "lifted"])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_earlier_layers_at_their_own_capacities_are_the_default(
    method: Any, condition: Any
) -> None:
    default = relufast.injectivity_capacity(3, condition=condition, method=method)
    given = relufast.injectivity_capacity(
        3, condition=condition, method=method, earlier=default.alphas[:2]
    )
    assert np.array_equal(given.alphas, default.alphas)
    assert given.residual == default.residual
    # What a person types is accepted too.
    rounded = relufast.injectivity_capacity(
        3, condition=condition, method=method, earlier=np.round(default.alphas[:2], 6).tolist()
    )
    assert rounded.alphas[-1] == pytest.approx(default.alphas[-1], abs=1e-6)


def test_earlier_layers_take_any_real_numbers() -> None:
    expected = relufast.injectivity_capacity(3, earlier=[8.0, 9.0]).alphas
    given: list[Any] = [
        (8, 9),
        np.array([8, 9]),
        np.array([8, 9], np.float32),
        np.array([8.0, 0.0, 9.0, 0.0])[::2],
        np.array([9.0, 8.0])[::-1],
    ]
    for earlier in given:
        assert np.array_equal(relufast.injectivity_capacity(3, earlier=earlier).alphas, expected)
    assert relufast.injectivity_capacity(1, earlier=[]).depth == 1
    assert relufast.injectivity_capacity(np.int64(2)).depth == 2


@pytest.mark.parametrize("method", ["plain", "lifted"])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_curve(method: Any, condition: Any) -> None:
    alpha_1 = np.array([[7.65, 9.0, 20.0], [100.0, 1e4, 1e6]])
    curve = relufast.capacity_curve(alpha_1, condition=condition, method=method)
    assert curve.alpha_2.shape == alpha_1.shape
    assert curve.residual < 1e-8
    for index, alpha in np.ndenumerate(alpha_1):
        one = relufast.injectivity_capacity(2, condition=condition, method=method, earlier=[alpha])
        assert curve.alpha_2[index] == one.alphas[1]
    needs = curve.alpha_2.ravel()
    assert (np.diff(needs) > 0.0).all()
    # What is missing to the limit falls like the root of alpha_1.
    missing = curve.limit - needs[-2:]
    assert missing[1] > 0.0
    assert missing[0] / missing[1] == pytest.approx(10.0, rel=0.02)
    with pytest.raises(ValueError, match="read-only"):
        curve.alpha_2[0, 0] = 1.0


def test_curve_of_one_number_and_of_none() -> None:
    one = relufast.capacity_curve(8)
    assert one.alpha_2.shape == ()
    assert float(one.alpha_2) == relufast.injectivity_capacity(2, earlier=[8]).alphas[1]
    assert relufast.capacity_curve([]).alpha_2.shape == (0,)


def test_curve_s_limit() -> None:
    assert relufast.capacity_curve([8.0]).limit == relufast.injectivity_capacity().alphas[0]
    for method in ("plain", "lifted"):
        strong = relufast.capacity_curve([8.0], condition="strong", method=method)  # type: ignore[arg-type]
        assert strong.limit > 11.0
    by_bisection = oracle.brentq(lambda alpha: oracle.distance(alpha, 2) - 1.0, 4.1, 50.0)
    strong = relufast.capacity_curve([8.0], condition="strong")
    assert strong.limit == pytest.approx(by_bisection, abs=1e-9)


# ---- What is not a capacity is not returned ----


def test_no_root_at_small_c_is_returned() -> None:
    """After four lifted layers lifting is of no use any more: M falls from c = 0 on."""
    with pytest.raises(relufast.CapacityError, match="layer 5 has no lifted capacity") as caught:
        relufast.injectivity_capacity(5, method="lifted")
    best = caught.value.best
    earlier = best.alphas[:4].tolist()
    assert best.alphas[4] == pytest.approx(_lifted_duality.plain_saddle(earlier, 1)[-1], abs=1e-3)
    # The alpha at which M = 0, along the branch.
    family = _lifted_duality.family(earlier, 1)
    start = _lifted_duality.plain_saddle(earlier, 1)
    points = list(_stationary.branch(family, start, largest_c=10.0, step=0.3))
    assert len(points) > 20
    assert (np.diff([point.u[-1] for point in points]) > 0.0).all()
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert np.array_equal(again.best.alphas, best.alphas)


def test_a_branch_without_a_beginning_says_so() -> None:
    start = _lifted_duality.plain_saddle([], 1)
    nowhere = _stationary.follow(
        _stationary.Family(lambda x: x[0] * 0.0 + 1.0), start, largest_c=10.0
    )
    assert nowhere.faults == ("no branch begins at the plain saddle",)


def test_results_are_what_was_asked_for() -> None:
    found = relufast.injectivity_capacity(2, condition="strong", method="lifted")
    assert (found.depth, found.condition, found.method) == (2, "strong", "lifted")
    assert repr(found) == "Capacity([7.44864, 11.029], strong, lifted)"
    assert found.residual < 1e-8
    with pytest.raises(ValueError, match="read-only"):
        found.alphas[0] = 1.0
    with pytest.raises(AttributeError):
        found.residual = 0.0  # type: ignore[misc]
    assert repr(relufast.capacity_curve([8.0, 9.0])) == "CapacityCurve(2 points, weak, plain)"


def test_same_bits_in_many_threads() -> None:
    def alphas(_: int) -> bytes:
        return relufast.injectivity_capacity(2, method="lifted").alphas.tobytes()

    with ThreadPoolExecutor(7) as pool:
        assert len(set(pool.map(alphas, range(14)))) == 1


# ---- What the conditions say about networks: exact examples ----


def exact_layers(x: tuple[int, ...], weights: list[list[list[int]]]) -> list[tuple[Fraction, ...]]:
    outputs, h = [], tuple(map(Fraction, x))
    for rows in weights:
        h = tuple(
            max(sum((w * v for w, v in zip(row, h, strict=True)), Fraction(0)), Fraction(0))
            for row in rows
        )
        outputs.append(h)
    return outputs


def active(h: tuple[Fraction, ...]) -> int:
    return sum(1 for value in h if value > 0)


FIRST = [[1], [-1]]  # x -> (relu(x), relu(-x)), injective
RAYS = [(-3,), (-2,), (-1,), (1,), (2,), (3,)]  # all x but 0 are multiples of these


def test_the_weak_condition_is_not_sufficient() -> None:
    """n = 1: x -> |x| keeps n neurons active in each layer, and so do weights near these."""
    network = [FIRST, [[1, 1]]]
    for x in RAYS:
        assert all(active(h) >= 1 for h in exact_layers(x, network))
    assert exact_layers((1,), network)[-1] == exact_layers((-1,), network)[-1]
    # Any two positive weights do: a x = b y has a solution.
    network = [FIRST, [[3, 2]]]
    assert exact_layers((2,), network)[-1] == exact_layers((-3,), network)[-1]


def test_the_strong_condition_is_not_necessary() -> None:
    """n = 1: an injective network whose second layer has never 2 n neurons active."""
    network = [FIRST, [[1, -1], [-1, 1]]]
    for x in RAYS:
        assert active(exact_layers(x, network)[-1]) == 1
    outputs = {exact_layers(x, network)[-1] for x in [*RAYS, (0,)]}
    assert len(outputs) == len(RAYS) + 1
    # It is the identity in disguise: h1 - h2 = x.
    for x in RAYS:
        h = exact_layers(x, network)[-1]
        assert h[0] - h[1] == x[0]


def test_the_strong_condition_on_small_networks() -> None:
    """n = 1, all second layers of integers to 2 with three rows: where it holds no two agree."""
    entries = list(itertools.product(range(-2, 3), repeat=2))
    n_strong = 0
    for rows in itertools.combinations(entries, 3):
        # Generic: no two rows are dependent.
        if any(a[0] * b[1] == a[1] * b[0] for a, b in itertools.combinations(rows, 2)):
            continue
        network = [FIRST, [list(row) for row in rows]]
        if all(active(exact_layers((x,), network)[-1]) >= 2 for x in (-1, 1)):
            n_strong += 1
            # Each sheet is a ray: two outputs agree iff those of x = 1 and -1 are parallel.
            h, g = (exact_layers((x,), network)[-1] for x in (1, -1))
            assert any(h[i] * g[j] != h[j] * g[i] for i, j in itertools.combinations(range(3), 2))
    assert n_strong > 20
