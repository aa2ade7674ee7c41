"""Mean widths: the paper's linear program, exact furthest points, laws that are known."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog

import relufast
from relufast import _core
from relufast._blas import single_threaded
from relufast._mean_norm import mean_norm
from relufast.operator_mean_width import mean_of_root
from relufast.statistics import MeanWidth

Array = NDArray[np.float64]


def linear_program(K: Array, g: Array) -> float:
    """The paper's: max <g, y - z> over y and z in the convex hull of K."""
    m = len(K)
    hulls = np.kron(np.eye(2), np.ones((1, m)))
    found = linprog(np.concatenate([-(K @ g), K @ g]), A_eq=hulls, b_eq=[1, 1], method="highs")
    assert found.success
    return float(-found.fun)


def exact_dots(K: Any, g: Array) -> list[Fraction]:
    return [
        sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(x, g, strict=True)) for x in K
    ]


def extremes(K: Any, directions: Array, n_threads: int = 1) -> Any:
    found = _core.DirectionalExtremes(directions)
    with single_threaded():
        found.take(_core.PointTiles(K, None, n_threads), n_threads)
    return found


@pytest.mark.parametrize(("m", "d"), [(1, 3), (2, 1), (60, 5), (200, 30)])
def test_is_the_value_of_the_linear_program(m: int, d: int) -> None:
    K = np.random.default_rng(m).standard_normal((m, d))
    directions = _core.gaussian_directions(5, 0, 0, 10, d)
    lengths = np.linalg.norm(directions, axis=1)
    found = [relufast.replay(MeanWidth(K, spherical=True), 5, 0, t) for t in range(10)]
    expected = [linear_program(K, g) for g in directions] / lengths
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def ties(rng: np.random.Generator) -> Array:
    K = rng.integers(-1, 2, (80, 4)).astype(float)
    return np.concatenate([K, K])


SETS: dict[str, Callable[[np.random.Generator], Array]] = {
    "normal": lambda rng: rng.standard_normal((150, 5)),
    "wide": lambda rng: rng.standard_normal((40, 80)),
    "ties": ties,
    "duplicates": lambda rng: np.tile(rng.standard_normal(3), (700, 1)),
    "last bits": lambda rng: 1.0 + 2.0**-52 * rng.integers(0, 3, (100, 4)),
    "subnormal": lambda rng: rng.integers(-9, 9, (60, 3)) * 5e-324,
    "huge": lambda rng: rng.standard_normal((50, 3)) * 2.0**490,
    "all scales": lambda rng: (
        rng.standard_normal((60, 3)) * 10.0 ** rng.integers(-300, 149, (60, 3))
    ),
    "zeros": lambda rng: np.zeros((5, 2)),
}


@pytest.mark.parametrize("name", SETS)
def test_furthest_points_are_exact(name: str) -> None:
    rng = np.random.default_rng(7)
    K = np.ascontiguousarray(SETS[name](rng))
    # Directions of small integers beside normal ones, so that different points tie.
    d = K.shape[1]
    directions = np.concatenate(
        [rng.standard_normal((5, d)), rng.integers(-2, 3, (5, d)), np.zeros((1, d))]
    )
    found = extremes(K, directions)
    (highest, at_highest), (lowest, at_lowest) = found.maxima(), found.minima()
    widths = found.widths()
    for i, g in enumerate(directions):
        dots = exact_dots(K, g)
        assert at_highest[i] == dots.index(max(dots))
        assert at_lowest[i] == dots.index(min(dots))
        assert highest[i] == float(max(dots))
        assert lowest[i] == float(min(dots))
        assert widths[i] == float(max(dots) - min(dots))


def test_float32_is_taken_as_it_is() -> None:
    K = np.random.default_rng(0).standard_normal((500, 20)).astype(np.float32)
    expected = relufast.gaussian_mean_width(K.astype(float), seed=1, n_samples=300).to_dict()
    for same in (K, np.asfortranarray(K), K[::-1], K.astype(">f4")):
        assert relufast.gaussian_mean_width(same, seed=1, n_samples=300).to_dict() == expected


@pytest.mark.parametrize("d", [3, 70])
def test_threads_chunks_files_and_layouts_give_the_same_bits(d: int, tmp_path: Path) -> None:
    K = np.random.default_rng(1).standard_normal((5000, d)) + 10.0
    expected = relufast.gaussian_mean_width(K, seed=3, n_samples=600, n_threads=1).to_dict()

    def same(points: Any, **options: Any) -> None:
        found = relufast.gaussian_mean_width(points, seed=3, n_samples=600, **options)
        assert found.to_dict() == expected

    for n_threads in (2, 7):
        same(K, n_threads=n_threads)
    for n_chunks in (1, 3, 100):
        same(iter(np.array_split(K, n_chunks)))
    same(chunk for chunk in (K[:1], K[:0], K[1:]))
    same(np.asfortranarray(K))
    read_only = K.copy()
    read_only.flags.writeable = False
    same(read_only)
    np.save(tmp_path / "K.npy", K)
    same(np.load(tmp_path / "K.npy", mmap_mode="r"))
    with ThreadPoolExecutor(3) as executor:
        found = relufast.monte_carlo(MeanWidth(K), n_trials=600, seed=3, executor=executor)
    assert found.to_dict() == expected


def test_runs_from_a_store(tmp_path: Path) -> None:
    K = np.eye(4)
    run = {"n_trials": 600, "seed": 1, "store": tmp_path / "s.db"}
    first = relufast.monte_carlo(MeanWidth(K), **run)
    assert relufast.monte_carlo(MeanWidth(K.astype(np.float32)), **run).to_dict() == first.to_dict()
    other = relufast.monte_carlo(MeanWidth(2.0 * K), **run)
    np.testing.assert_allclose(other.mean, 2.0 * first.mean, rtol=1e-14)


def test_known_widths() -> None:
    cube = np.array(np.meshgrid(*[[-1.0, 1.0]] * 6)).reshape(6, -1).T
    segment = np.array([[0.0] * 9, [2.0] * 9])
    for K, expected in [(cube, 12 * math.sqrt(2 / math.pi)), (segment, 6 * math.sqrt(2 / math.pi))]:
        found = relufast.gaussian_mean_width(K, seed=2, n_samples=4000)
        assert abs(found.mean - expected) < 5 * found.standard_error
        sphere = relufast.gaussian_mean_width(K, seed=2, n_samples=4000, spherical=True)
        expected /= mean_norm(K.shape[1])
        assert abs(sphere.mean - expected) < 5 * sphere.standard_error
    one = relufast.gaussian_mean_width([[3.0, 4.0]], seed=0)
    assert (one.mean, one.standard_error, one.n_trials, one.seed) == (0.0, 0.0, 1000, 0)


def test_stops_at_a_precision() -> None:
    K = np.random.default_rng(1).standard_normal((50, 4))
    until = relufast.Precision(relative=0.02)
    found = relufast.gaussian_mean_width(K, seed=1, until=until)
    assert until.holds(found)
    assert found.n_trials % 256 == 0
    capped = relufast.Precision(relative=1e-6)
    assert relufast.gaussian_mean_width(K, seed=1, until=capped, n_samples=300).n_trials == 300


def test_mean_norm() -> None:
    for n in (1, 2, 5, 299, 300, 301, 10_000, 10**6):
        with mpmath.workdps(40):
            half = mpmath.mpf(n) / 2
            exact = mpmath.sqrt(2) * mpmath.gammaprod([half + mpmath.mpf(1) / 2], [half])
            assert abs(mean_norm(n) / exact - 1) < 4e-15


def small_network() -> tuple[relufast.Network, Array]:
    network = relufast.Network.random((4, 12, 9, 3), seed=2)
    return network, np.random.default_rng(2).standard_normal((60, 4))


def test_layers_are_sets_of_activations() -> None:
    network, X = small_network()
    labels = np.arange(60) % 3
    found = relufast.layer_mean_widths(network, X, labels, seed=4, n_samples=300)
    correct = np.argmax(network(X), axis=1) == labels
    assert (found.n_points, found.n_correct, found.n_wrong) == (60, correct.sum(), (~correct).sum())
    for layer, h in enumerate(network.activations(X)):
        directions = _core.gaussian_directions(4, layer, 0, 300, h.shape[1])
        directions *= mean_norm(h.shape[1]) / np.linalg.norm(directions, axis=1)[:, np.newaxis]
        of_group = []
        for estimate, kept in (
            (found.widths, np.full(60, True)),
            (found.correct, correct),
            (found.wrong, ~correct),
        ):
            assert estimate is not None
            of_group.append(np.ptp(h[kept] @ directions.T, axis=0))
            assert estimate.mean[layer] == pytest.approx(of_group[-1].mean(), rel=1e-12)
        assert found.difference is not None
        error = (of_group[1] - of_group[2]).std(ddof=1) / math.sqrt(300)
        assert found.difference.standard_error[layer] == pytest.approx(error, rel=1e-9)
    again = relufast.layer_mean_widths(network, X, labels, seed=4, n_samples=300, n_threads=7)
    assert again.widths.to_dict() == found.widths.to_dict()


def test_equal_sizes_compare_like_with_like() -> None:
    # All points are of one law, and right or wrong by a coin: only sizes differ.
    network = relufast.Network.random((3, 20, 2), seed=1)
    rng = np.random.default_rng(3)
    X = rng.standard_normal((400, 3))
    labels = np.argmax(network(X), axis=1) ^ (rng.random(400) < 0.1)
    plain = relufast.layer_mean_widths(network, X, labels, seed=1, n_samples=300)
    fair = relufast.layer_mean_widths(network, X, labels, seed=1, n_samples=300, equal_sizes=True)
    assert fair.n_compared == fair.n_wrong == plain.n_wrong
    assert plain.difference is not None
    assert fair.difference is not None
    assert plain.correct is not None
    assert fair.correct is not None
    assert fair.correct.mean[0] < plain.correct.mean[0] - 5 * plain.correct.standard_error[0]
    assert abs(fair.difference.mean[0]) < plain.difference.mean[0]
    assert fair.wrong is not None
    assert plain.wrong is not None
    np.testing.assert_array_equal(fair.wrong.mean, plain.wrong.mean)


def test_standard_errors_of_equal_sizes() -> None:
    # Against the law of one trial: directions drawn here, and all subsets of the larger group.
    network = relufast.Network.random((3, 12, 2), seed=1)
    X = np.random.default_rng(3).standard_normal((10, 3))
    predicted = np.argmax(network(X), axis=1)
    labels = predicted ^ (np.arange(10) >= 7)
    n = 4000
    found = relufast.layer_mean_widths(network, X, labels, seed=1, n_samples=n, equal_sizes=True)
    assert (found.n_correct, found.n_wrong, found.n_compared) == (7, 3, 3)
    (h,) = network.activations(X)
    directions = np.random.default_rng(4).standard_normal((40_000, 12))
    directions *= mean_norm(12) / np.linalg.norm(directions, axis=1)[:, np.newaxis]
    values = directions @ h.T
    of_subsets = np.stack([np.ptp(values[:, s], axis=1) for s in combinations(range(7), 3)], axis=1)
    of_wrong = np.ptp(values[:, 7:], axis=1)[:, np.newaxis]
    for estimate, trials in (
        (found.correct, of_subsets),
        (found.wrong, of_wrong),
        (found.difference, of_subsets - of_wrong),
    ):
        assert estimate is not None
        deviation = float(trials.std())
        # Of all trials drawn here as of those that were estimated, five standard errors.
        band = 5 * math.hypot(1 / math.sqrt(n), 1 / math.sqrt(len(values)))
        assert abs(estimate.mean[0] - trials.mean()) <= band * deviation
        kurtosis = ((trials - trials.mean()) ** 4).mean() / deviation**4
        relative = band * math.sqrt(kurtosis - 1) / 2
        error = deviation / math.sqrt(n)
        assert estimate.standard_error[0] == pytest.approx(error, rel=relative)
    # One that left out the choice of subsets would be outside of that band.
    assert of_subsets.mean(axis=1).std() < (1 - 2 * relative) * of_subsets.std()


def test_groups_may_be_missing_and_one_output_is_two_classes() -> None:
    network = relufast.Network([[[1.0], [-1.0]], [[1.0, -1.0]]])  # x
    X = [-2.0, -1.0, 1.0, 5.0]
    found = relufast.layer_mean_widths(network, X, [0, 0, 1, 1], seed=0, n_samples=100)
    assert (found.n_correct, found.n_wrong, found.wrong, found.difference) == (4, 0, None, None)
    found = relufast.layer_mean_widths(network, X, [True, False, True, True], seed=0)
    assert (found.n_correct, found.n_wrong) == (3, 1)
    assert found.wrong is not None
    assert found.wrong.mean[0] == 0.0
    none = relufast.layer_mean_widths(network, X, seed=0)
    assert (none.correct, none.n_correct, none.n_compared) == (None, None, None)


@pytest.mark.parametrize(
    "values",
    [[1.0], [1.0] * 7, [1.0] * 2000, [1.0, 1e-3, 1e-9], [5.0, 2.0, 0.0], [1.0, 2.0, 3.0, 4.0]],
)
def test_mean_of_a_root(values: list[float]) -> None:
    found = mean_of_root(np.array(values))
    if len(set(values)) == 1:
        assert found == pytest.approx(values[0] * mean_norm(len(values)), rel=1e-10)
        return
    squares = [mpmath.mpf(v) ** 2 for v in values]

    def integrand(x: Any) -> Any:
        product = mpmath.fprod(mpmath.sqrt(1 + 2 * mpmath.exp(x) * s) for s in squares)
        return (1 - 1 / product) * mpmath.exp(-x / 2)

    with mpmath.workdps(20):
        exact = mpmath.quad(integrand, range(-120, 121, 6), maxdegree=4) / (
            2 * mpmath.sqrt(mpmath.pi)
        )
    assert found == pytest.approx(float(exact), rel=1e-10)


@pytest.mark.parametrize("scale", [1.0, 1e-310, 1e300])
def test_linear_operators_against_monte_carlo(scale: float) -> None:
    rng = np.random.default_rng(1)
    A = rng.standard_normal((6, 3)) @ rng.standard_normal((3, 5))  # of rank 3
    samples = 2.0 * np.linalg.norm(rng.standard_normal((20_000, 6)) @ A, axis=1)
    found = relufast.operator_mean_width(A * scale)
    assert found.lower == found.upper
    error = samples.std() / math.sqrt(len(samples))
    assert abs(found.upper / scale - samples.mean()) < 5 * error
    assert relufast.operator_mean_width(np.zeros((3, 2))).upper == 0.0


def test_progress_of_ascents(capsys: pytest.CaptureFixture[str]) -> None:
    A = np.random.default_rng(1).standard_normal((30, 20))
    seen: list[relufast.WorkProgress] = []
    options = {"activation": "relu", "n_samples": 50, "n_starts": 3, "seed": 1}
    told = relufast.operator_mean_width(A, progress=seen.append, **options)
    assert [p.n_done for p in seen] == sorted({p.n_done for p in seen})
    assert all(0 < p.n_done <= p.n_total == 50 for p in seen)
    assert seen[-1].n_done == 50
    silent = relufast.operator_mean_width(A, progress=False, **options)
    assert silent.by_starts is not None
    assert np.array_equal(silent.by_starts, told.by_starts)
    assert capsys.readouterr().err == ""
    relufast.operator_mean_width(A, progress=True, **options)
    assert "directions" in capsys.readouterr().err
    relufast.operator_mean_width(A, progress=True)
    assert capsys.readouterr().err == ""  # an integral, at once


def test_interrupted_ascents_end() -> None:
    A = np.random.default_rng(1).standard_normal((30, 20))
    with pytest.raises(KeyboardInterrupt):
        relufast.operator_mean_width(
            A, activation="relu", progress=lambda _: signal.raise_signal(signal.SIGINT)
        )


def test_relu_of_the_identity_is_reached() -> None:
    # sup <g, relu(x)> over the ball is |relu(g)|.
    # 256 starts all miss the orthant of three signs with probability (7/8)^256, about 1e-15.
    options = {"activation": "relu", "n_samples": 200, "n_starts": 256, "seed": 1}
    found = relufast.operator_mean_width(np.eye(3), **options)
    directions = _core.gaussian_directions(1, 0, 0, 200, 3)
    expected = 2.0 * np.linalg.norm(np.maximum(directions, 0.0), axis=1)
    assert found.ascent is not None
    assert found.by_starts is not None
    assert found.ascent.mean == pytest.approx(expected.mean(), rel=1e-6)
    assert found.ascent.mean <= expected.mean() * (1 + 1e-12)
    assert (np.diff(found.by_starts) >= 0.0).all()
    assert found.by_starts[-1] == found.ascent.mean
    assert found.lower < found.ascent.mean < found.upper
    for scale in (2.0**-1040, 2.0**900):
        other = relufast.operator_mean_width(np.eye(3) * scale, **options)
        assert other.upper == pytest.approx(found.upper * scale, rel=1e-12)
        assert other.ascent is not None
        assert other.ascent.mean == pytest.approx(found.ascent.mean * scale, rel=1e-12)


@pytest.mark.parametrize("m", [1, 2, 5, 12])
def test_relu_of_two_inputs_by_all_angles(m: int) -> None:
    A = np.random.default_rng(m).standard_normal((m, 2))
    found = relufast.operator_mean_width(A, activation="relu", n_starts=64, seed=1)
    n_angles = 5000
    angles = 2.0 * np.pi * np.arange(n_angles) / n_angles
    image = np.maximum(np.column_stack([np.cos(angles), np.sin(angles)]) @ A.T, 0.0)

    def widths(directions: Array) -> Array:
        return 2.0 * np.maximum((directions @ image.T).max(axis=1), 0.0)  # at 0 if nowhere more

    # Between two angles the image moves by no more than this, and half of it to the nearest.
    step = 2.0 * np.pi / n_angles * np.linalg.norm(A, 2)
    directions = _core.gaussian_directions(1, 0, 0, 200, m)
    best, missed = widths(directions).mean(), step * np.linalg.norm(directions, axis=1).mean()
    assert found.ascent is not None
    assert found.ascent.mean <= best + missed
    # It may stop at kinks, but not from all of 64 starts.
    assert found.ascent.mean >= 0.999 * best
    samples = widths(np.random.default_rng(1).standard_normal((4000, m)))
    band = 5.0 * samples.std() / math.sqrt(len(samples))
    assert found.lower - band <= samples.mean() <= found.upper + band + step * math.sqrt(m)
