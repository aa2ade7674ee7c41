"""`monte_carlo`: its numbers, and that no executor, store or way of resuming changes their bits.

Statistical bands are five standard deviations of what is measured.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
import pytest
from executors import bits, executors
from normal_law import FIVE_SIGMA, assert_normal_moment
from numpy.typing import NDArray
from scipy import stats
from test_normals import slow_normals, ziggurat

import relufast
from relufast import _numba
from relufast.monte_carlo import breakpoint_counts, loops
from relufast.monte_carlo import run as run_module
from relufast.monte_carlo.statistic import block_sequence
from relufast.statistics import BreakpointCounts, Function, JittedFunction, Statistic

Array = NDArray[np.float64]

MASK = 2**64 - 1


def number(rng: np.random.Generator) -> float:
    return rng.standard_normal()


def grid(rng: np.random.Generator) -> Array:
    return rng.exponential(size=(2, 3)) * 10.0 ** np.arange(3)


def far_from_zero(rng: np.random.Generator) -> Array:
    return 1e8 + rng.standard_normal(2)


@numba.njit
def jitted_pair(rng: Any, out: Any) -> None:
    out[0] = rng.random()
    out[1] = out[0] ** 2 + rng.standard_normal()


def with_blocks(statistic: Any, block_size: int) -> Any:
    """Small blocks, so that few trials are many of them."""
    statistic.block_size = block_size
    return statistic


def identified(f: Any, *arguments: Any, block_size: int = 16) -> Any:
    kind = JittedFunction if arguments else Function
    return kind(f, *arguments, name="test", version="1", block_size=block_size)


STATISTICS: dict[str, Callable[[], Statistic]] = {
    "number": lambda: identified(number),
    "grid": lambda: identified(grid),
    "jitted": lambda: identified(jitted_pair, 2),
    "jitted number": lambda: identified(jitted_number, ()),
    "he": lambda: with_blocks(BreakpointCounts((1, 12, 9, 1), bias_variance=0.3), 16),
    "orthogonal": lambda: with_blocks(
        BreakpointCounts((1, 8, 9, 5, 1), weight_init="orthogonal", interval=(-1, 2)), 16
    ),
}
SOME = ["grid", "jitted", "he"]


@numba.njit
def jitted_number(rng: Any, out: Any) -> None:
    out[0] = rng.random()


def all_rows(statistic: Statistic, seed: int, n_trials: int) -> Array:
    """What a run of so many trials averages, shape (n_trials, size)."""
    blocks = []
    for block, first in enumerate(range(0, n_trials, statistic.block_size)):
        size = min(statistic.block_size, n_trials - first)
        blocks.append(statistic.rows(block_sequence(seed, block), size).values)
    return np.concatenate(blocks)


# ---- Numbers ----


@pytest.mark.parametrize("n_trials", [2, 15, 16, 17, 200])
@pytest.mark.parametrize("name", STATISTICS)
def test_numbers_are_numpys(name: str, n_trials: int) -> None:
    statistic = STATISTICS[name]()
    rows = all_rows(statistic, 3, n_trials)
    assert rows.shape == (n_trials, statistic.size)
    estimate = relufast.monte_carlo(statistic, n_trials=n_trials, seed=3)
    of_all = relufast.monte_carlo(statistic, n_trials=n_trials, seed=3, covariance=True)

    shape = statistic.shape
    size = float(np.abs(rows).max())
    close = partial(np.testing.assert_allclose, rtol=1e-12)
    for each in (estimate, of_all):
        variance = rows.var(axis=0, ddof=1).reshape(shape)
        close(each.mean, rows.mean(axis=0).reshape(shape), atol=1e-12 * size)
        close(each.variance, variance, atol=1e-12 * size**2)
        close(each.standard_error, np.sqrt(variance / n_trials), atol=1e-12 * size)
        np.testing.assert_array_equal(each.minimum, rows.min(axis=0).reshape(shape))
        np.testing.assert_array_equal(each.maximum, rows.max(axis=0).reshape(shape))
        assert (each.n_trials, each.n_uncertified, each.seed) == (n_trials, 0, 3)
    assert estimate.covariance is None
    covariance = np.atleast_2d(np.cov(rows, rowvar=False)).reshape((*shape, *shape))
    close(of_all.covariance, covariance, atol=1e-12 * size**2)
    assert of_all.mean.tobytes() == estimate.mean.tobytes()


def test_a_single_trial_says_nothing_of_its_error() -> None:
    estimate = relufast.monte_carlo(grid, n_trials=1, seed=0, covariance=True)
    assert estimate.covariance is not None
    for spread in (estimate.variance, estimate.standard_error, estimate.covariance):
        assert np.isposinf(spread).all()
    lower, upper = estimate.confidence_interval()
    assert np.isneginf(lower).all()
    assert np.isposinf(upper).all()
    np.testing.assert_array_equal(estimate.mean, relufast.replay(grid, 0, 0, 0))


def test_variance_of_what_lies_far_from_zero() -> None:
    """Means of blocks are rounded to 1e-8, and are 0.1 apart: 1e-8 is left of the variance.

    From sums of squares nothing would be left: 1e16 is rounded to 2.
    """
    statistic = Function(far_from_zero)
    rows = all_rows(statistic, 5, 10_000) - 1e8  # exact
    estimate = relufast.monte_carlo(statistic, n_trials=10_000, seed=5, covariance=True)
    np.testing.assert_allclose(estimate.mean - 1e8, rows.mean(axis=0), atol=3e-7)
    np.testing.assert_allclose(estimate.variance, rows.var(axis=0, ddof=1), rtol=1e-8)
    np.testing.assert_allclose(
        estimate.covariance, np.cov(rows, rowvar=False), rtol=1e-8, atol=1e-8
    )


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_confidence_interval_covers_as_often_as_it_says(level: float) -> None:
    """Of normal numbers, whose studentised mean has Student's law."""
    n_trials, n_means = 50, 5000
    estimate = relufast.monte_carlo(
        lambda rng: 3.0 + 2.0 * rng.standard_normal(n_means), n_trials=n_trials, seed=8
    )
    lower, upper = estimate.confidence_interval(level)
    np.testing.assert_allclose((lower + upper) / 2, estimate.mean)
    covered = int(np.count_nonzero((lower <= 3.0) & (upper >= 3.0)))
    reach = stats.norm.ppf(0.5 + level / 2)
    probability = 1 - 2 * stats.t.sf(reach, n_trials - 1)
    assert stats.binomtest(covered, n_means, probability).pvalue > FIVE_SIGMA


def test_confidence_interval_is_of_95_percent() -> None:
    estimate = relufast.monte_carlo(number, n_trials=100, seed=1)
    reach = stats.norm.ppf(0.975) * estimate.standard_error
    lower, upper = estimate.confidence_interval()
    np.testing.assert_allclose([lower, upper], [estimate.mean - reach, estimate.mean + reach])


@pytest.mark.parametrize("covariance", [False, True])
def test_dictionary_is_json(covariance: bool) -> None:
    estimate = relufast.monte_carlo(grid, n_trials=100, seed=1, covariance=covariance)
    values = json.loads(json.dumps(estimate.to_dict(), allow_nan=False))
    assert set(values) == set(estimate.__dataclass_fields__)
    for name, value in values.items():
        expected = getattr(estimate, name)
        if expected is None:
            assert value is None
        else:
            np.testing.assert_array_equal(value, expected)


def test_arrays_are_read_only() -> None:
    estimate = relufast.monte_carlo(grid, n_trials=100, seed=1, covariance=True)
    arrays = [value for value in vars(estimate).values() if isinstance(value, np.ndarray)]
    assert len(arrays) == 6
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0


def test_repr_tells_means_and_errors() -> None:
    estimate = relufast.monte_carlo(lambda rng: rng.random(2), n_trials=2000, seed=1)
    pairs = zip(estimate.mean, estimate.standard_error, strict=True)
    one, other = (f"{mean:.4f} ± {error:.4f}" for mean, error in pairs)
    assert repr(estimate) == f"Estimate({one}, {other}, 2,000 trials)"
    many = relufast.monte_carlo(lambda rng: rng.random((7, 2)), n_trials=2000, seed=1)
    assert repr(many) == "Estimate(of shape (7, 2), 2,000 trials)"


# ---- The same bits everywhere ----


@pytest.fixture(scope="module", name="executor_of")
def _executor_of() -> Iterator[Callable[[str], Executor | None]]:
    with executors() as made:
        yield made


EXECUTORS = ["none", "thread 1", "thread 2", "thread 7", "process 2", "dask 2"]


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("name", SOME)
def test_bits_depend_on_no_executor_and_store(
    name: str, executor: str, executor_of: Any, tmp_path: Path
) -> None:
    n_trials = 200  # 12 blocks and a half
    expected = bits(relufast.monte_carlo(STATISTICS[name](), n_trials=n_trials, seed=7))
    run = partial(relufast.monte_carlo, STATISTICS[name](), seed=7, executor=executor_of(executor))
    assert bits(run(n_trials=n_trials)) == expected
    assert bits(run(n_trials=n_trials, store=tmp_path / "at once.db")) == expected
    in_parts = tmp_path / "in parts.db"
    for n in (15, 40, 16, n_trials, n_trials):
        part = run(n_trials=n, store=in_parts)
        assert part.n_trials == n
    assert bits(part) == expected
    assert bits(run(n_trials=40, store=in_parts)) == bits(run(n_trials=40))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_covariances_have_the_same_bits(executor: str, executor_of: Any, tmp_path: Path) -> None:
    run = partial(relufast.monte_carlo, STATISTICS["grid"](), n_trials=200, seed=7, covariance=True)
    expected = bits(run())
    for _ in range(2):
        again = run(executor=executor_of(executor), store=str(tmp_path / "store.db"))
        assert bits(again) == expected


def test_a_stored_run_computes_nothing(tmp_path: Path) -> None:
    calls = []

    def f(rng: np.random.Generator) -> float:
        calls.append(1)
        return rng.random()

    statistic = Function(f, name="f", version="1", block_size=10)
    assert len(calls) == 1
    first = relufast.monte_carlo(statistic, n_trials=35, seed=1, store=tmp_path / "s.db")
    assert len(calls) == 36
    assert bits(relufast.monte_carlo(statistic, n_trials=35, seed=1, store=tmp_path / "s.db")) == (
        bits(first)
    )
    assert len(calls) == 36
    # The last block is half done only, and is done again.
    relufast.monte_carlo(statistic, n_trials=40, seed=1, store=tmp_path / "s.db")
    assert len(calls) == 46


def test_blocks_of_one_trial_take_little_room(tmp_path: Path) -> None:
    """Their spread is a matrix of zeros, which for 200 quantities is 320 kB."""
    statistic = Function(lambda rng: rng.random(200), name="f", version="1", block_size=1)
    run = partial(relufast.monte_carlo, statistic, n_trials=20, seed=1, covariance=True)
    first = run(store=tmp_path / "s.db")
    assert (tmp_path / "s.db").stat().st_size < 20 * 200 * 200 * 8 / 10
    assert bits(run(store=tmp_path / "s.db")) == bits(first) == bits(run())


@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_seed_decides(seed: int) -> None:
    run = partial(relufast.monte_carlo, number, n_trials=100)
    assert bits(run(seed=seed)) == bits(run(seed=np.uint64(seed)))
    assert run(seed=seed).mean != run(seed=1).mean


def test_blocks_have_streams_of_their_own() -> None:
    """No two trials of a run, of any block, have the same value."""
    for name in ("number", "jitted number"):
        rows = all_rows(STATISTICS[name](), 1, 3000)
        assert len(np.unique(rows)) == 3000


PRECISIONS = {
    "relative": relufast.Precision(relative=0.05),
    "absolute": relufast.Precision(absolute=0.4, level=0.9),
    "either": relufast.Precision(relative=0.2, absolute=0.1, level=0.99),
    "at once": relufast.Precision(absolute=1e9),
}


@pytest.fixture
def _short_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is under way when a run ends does not hold up the next one."""
    monkeypatch.setattr(run_module, "_TASK_SECONDS", 0.005)


@pytest.mark.usefixtures("_short_tasks")
@pytest.mark.parametrize(
    ("name", "precision"),
    [
        ("grid", "relative"),
        ("grid", "either"),
        ("grid", "at once"),
        ("he", "absolute"),
        ("he", "relative"),
    ],
)
def test_stops_at_the_first_block_that_is_precise(
    name: str, precision: str, executor_of: Any, tmp_path: Path
) -> None:
    statistic, until = STATISTICS[name](), PRECISIONS[precision]
    rows = all_rows(statistic, 11, 6400)
    for n_blocks in itertools.count(1):
        done = rows[: n_blocks * statistic.block_size]
        assert len(done) < len(rows)
        reach = stats.norm.ppf(0.5 + until.level / 2) * stats.sem(done, axis=0)
        allowed = np.maximum(
            (until.relative or 0.0) * np.abs(done.mean(axis=0)), until.absolute or 0.0
        )
        if len(done) >= 100 and (reach <= allowed).all():
            break
    expected = bits(relufast.monte_carlo(statistic, n_trials=len(done), seed=11))
    run = partial(relufast.monte_carlo, statistic, until=until, seed=11)
    for executor in EXECUTORS:
        assert bits(run(executor=executor_of(executor))) == expected
    for executor in ("thread 2", "none 0"):
        stored = run(executor=executor_of(executor), store=tmp_path / "store.db")
        assert bits(stored) == expected


@pytest.mark.usefixtures("_short_tasks")
@pytest.mark.parametrize("executor", EXECUTORS)
def test_n_trials_limits_what_a_precision_asks_for(executor: str, executor_of: Any) -> None:
    run = partial(relufast.monte_carlo, STATISTICS["grid"](), n_trials=150, seed=2)
    estimate = run(until=relufast.Precision(relative=1e-9), executor=executor_of(executor))
    assert bits(estimate) == bits(run())
    early = run(until=relufast.Precision(relative=100.0), executor=executor_of(executor))
    assert early.n_trials == 112  # the first whole block from 100 on


class CountingExecutor(ThreadPoolExecutor):
    """Knows how many tasks it had at once that were not finished."""

    def __init__(self, n_workers: int) -> None:
        super().__init__(n_workers)
        self.submitted: list[Future[Any]] = []
        self.most = 0

    def submit(self, *arguments: Any, **options: Any) -> Future[Any]:
        future = super().submit(*arguments, **options)
        self.submitted.append(future)
        self.most = max(self.most, sum(not future.done() for future in self.submitted))
        return future


def sleepy(rng: np.random.Generator) -> float:
    time.sleep(0.005)
    return rng.random()


@pytest.mark.parametrize("n_workers", [1, 3])
def test_two_tasks_a_worker_at_the_most(n_workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "_LARGEST_TASK", 2)
    statistic = Function(sleepy, block_size=1)
    with CountingExecutor(n_workers) as executor:
        relufast.monte_carlo(statistic, n_trials=80, seed=1, executor=executor)
        assert 40 <= len(executor.submitted) <= 80
        assert executor.most == 2 * n_workers
        # It still works: a run does not shut it down.
        assert executor.submit(int, 1).result() == 1


def test_progress_tells_of_the_run() -> None:
    told: list[relufast.Progress] = []
    estimate = relufast.monte_carlo(grid, n_trials=20_000, seed=1, progress=told.append)
    assert [p.n_done for p in told] == sorted(p.n_done for p in told)
    assert told[-1].n_done == told[-1].n_trials == 20_000
    assert bits(told[-1].estimate) == bits(estimate)
    assert told[-1].seconds_left == 0.0


def test_progress_bar_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    relufast.monte_carlo(grid, n_trials=1000, seed=1, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "1.00k/1.00k" in err


# ---- Replay ----


@pytest.mark.parametrize("name", STATISTICS)
def test_replay_gives_the_trial_of_the_run(name: str) -> None:
    statistic = STATISTICS[name]()
    n, seed = statistic.block_size, 2**63 + 1
    second = np.array([relufast.replay(statistic, seed, 1, trial) for trial in range(n)])
    first = np.array([relufast.replay(statistic, seed, 0, trial) for trial in range(n)])
    assert second.shape == (n, *statistic.shape)
    alone = relufast.monte_carlo(statistic, n_trials=n, seed=seed)
    assert alone.mean.tobytes() == first.mean(axis=0).tobytes()
    both = relufast.monte_carlo(statistic, n_trials=2 * n, seed=seed)
    rows = np.concatenate([first, second])
    np.testing.assert_array_equal(both.minimum, rows.min(axis=0))
    np.testing.assert_array_equal(both.maximum, rows.max(axis=0))
    np.testing.assert_allclose(both.mean, rows.mean(axis=0), rtol=1e-12)


# ---- Breakpoint counts ----


@pytest.mark.parametrize("weight_init", ["he", "glorot", "orthogonal"])
def test_each_neuron_of_layer_one_breaks_once(weight_init: Any) -> None:
    statistic = BreakpointCounts((1, 17, 5, 1), weight_init=weight_init)
    estimate = relufast.monte_carlo(statistic, n_trials=500, seed=4)
    assert estimate.minimum[0] == estimate.maximum[0] == estimate.mean[0] == 17
    assert estimate.variance[0] == 0.0
    assert estimate.minimum[1] < estimate.maximum[1]


@pytest.mark.parametrize("slope", [0.0, 0.2])
@pytest.mark.parametrize("interval", [(-1.0, 1.0), (0.5, 0.6), (-math.inf, 0.3), (2.0, math.inf)])
@pytest.mark.parametrize("weight_init", ["he", "glorot"])
def test_layer_one_has_the_expected_counts(
    weight_init: Any, interval: tuple[float, float], slope: float
) -> None:
    n, variance, bias_variance = 20, 1.7, 0.6
    statistic = BreakpointCounts(
        (1, n, 1),
        interval=interval,
        weight_init=weight_init,
        weight_variance=variance,
        bias_variance=bias_variance,
        negative_slope=slope,
    )
    estimate = relufast.monte_carlo(statistic, n_trials=8000, seed=6)
    expected = relufast.expected_breakpoints(
        (1, n, 1),
        weight_variance=variance * (2 / (1 + n) if weight_init == "glorot" else 1),
        bias_variance=bias_variance,
        negative_slope=slope,
        interval=interval,
    )
    assert 0 < expected[0] < n
    assert abs(estimate.mean[0] - expected[0]) < 5 * estimate.standard_error[0]
    # A neuron breaks there or not: independent of the others.
    share = expected[0] / n
    assert estimate.variance[0] == pytest.approx(n * share * (1 - share), rel=0.1)


def test_half_lines_have_half_of_the_breakpoints() -> None:
    """Whatever the weights: the law of (W, b) is that of (-W, b)."""
    for interval in ((0.0, math.inf), (-math.inf, 0.0)):
        statistic = BreakpointCounts((1, 9, 9, 1), weight_init="orthogonal", interval=interval)
        whole = BreakpointCounts((1, 9, 9, 1), weight_init="orthogonal")
        half = relufast.monte_carlo(statistic, n_trials=4000, seed=6)
        both = relufast.monte_carlo(whole, n_trials=4000, seed=7)
        band = 5 * np.hypot(half.standard_error, both.standard_error / 2)
        assert (np.abs(half.mean - both.mean / 2) < band).all()


@pytest.mark.parametrize(
    "interval", [(-math.inf, math.inf), (-0.1, 0.2), (1e-3, 2e-3), (0.0, math.inf), (-math.inf, 1)]
)
@pytest.mark.parametrize("slope", [0.0, 0.01, -0.5, 1.0])
@pytest.mark.parametrize("widths", [(1, 7, 1), (1, 6, 9, 2), (1, 9, 4, 6, 1), (1, 5, 6, 7, 8, 3)])
@pytest.mark.parametrize("weight_init", ["he", "glorot", "orthogonal"])
def test_counts_are_those_of_breakpoints(
    weight_init: Any, widths: tuple[int, ...], slope: float, interval: tuple[float, float]
) -> None:
    statistic = BreakpointCounts(
        widths,
        interval=interval,
        weight_init=weight_init,
        bias_variance=0.4,
        negative_slope=slope,
    )
    assert statistic.shape == (len(widths) - 2,)
    for block in (0, 5):
        rows = statistic.rows(block_sequence(13, block), 4)
        assert rows.n_uncertified == 0
        for trial, counts in enumerate(rows.values):
            network = statistic.network(13, block, trial)
            assert network.widths == widths
            found = relufast.breakpoints(network, interval)
            assert found.certified
            np.testing.assert_array_equal(counts, found.count_by_layer)


@pytest.mark.parametrize("options", [{"weight_variance": 1e300}, {"negative_slope": 1e300}])
def test_what_double_double_leaves_open_is_decided_exactly(
    options: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    decided = []

    def watched(*arguments: Any, **named: Any) -> relufast.Breakpoints:
        decided.append(relufast.breakpoints(*arguments, **named))
        return decided[-1]

    monkeypatch.setattr(breakpoint_counts, "breakpoints", watched)
    statistic = BreakpointCounts((1, 6, 6, 1), **options)
    rows = statistic.rows(block_sequence(1, 0), 20)
    assert decided
    assert rows.n_uncertified == sum(not found.certified for found in decided)
    for trial, counts in enumerate(rows.values):
        found = relufast.breakpoints(statistic.network(1, 0, trial))
        np.testing.assert_array_equal(counts, found.count_by_layer)


def test_uncertified_trials_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def uncertain(*_: Any, **__: Any) -> Any:
        return SimpleNamespace(count_by_layer=np.array([100, 200]), certified=False)

    monkeypatch.setattr(breakpoint_counts, "breakpoints", uncertain)
    statistic = with_blocks(BreakpointCounts((1, 6, 6, 1), weight_variance=1e300), 16)
    rows = [statistic.rows(block_sequence(1, block), 16) for block in range(3)]
    n = sum(int(np.count_nonzero(block.values[:, 0] == 100)) for block in rows)
    assert n == sum(block.n_uncertified for block in rows) > 3
    for _ in range(2):
        estimate = relufast.monte_carlo(statistic, n_trials=48, seed=1, store=tmp_path / "s.db")
        assert estimate.n_uncertified == n
    assert estimate.to_dict()["n_uncertified"] == n


def networks(statistic: BreakpointCounts, n: int) -> list[relufast.Network]:
    return [statistic.network(17, block, 0) for block in range(n)]


@pytest.mark.parametrize("weight_init", ["he", "glorot"])
def test_parameters_are_normal_with_the_right_variances(weight_init: Any) -> None:
    widths, variance, bias_variance = (1, 12, 8, 3), 1.3, 0.7
    sample = networks(
        BreakpointCounts(
            widths,
            weight_init=weight_init,
            weight_variance=variance,
            bias_variance=bias_variance,
        ),
        300,
    )
    for layer, (fan_in, fan_out) in enumerate(pairwise(widths)):
        fan = fan_in if weight_init == "he" else (fan_in + fan_out) / 2
        for parameters, scale in (
            (np.array([network.weights[layer] for network in sample]), variance / fan),
            (np.array([network.biases[layer] for network in sample]), bias_variance),
        ):
            values = parameters.ravel() / math.sqrt(scale)
            assert abs(values.mean()) < 5 / math.sqrt(values.size)
            # x^2 has variance 2.
            assert abs((values**2).mean() - 1) < 5 * math.sqrt(2 / values.size)
            assert stats.kstest(values, "norm").pvalue > FIVE_SIGMA


def test_defaults_are_those_of_random_networks() -> None:
    """Mean squares of many weights and biases, statistic and `Network.random` side by side."""
    for weight_init in ("he", "glorot", "orthogonal"):
        sample = networks(BreakpointCounts((1, 40, 30, 2), weight_init=weight_init), 60)
        usual = [
            relufast.Network.random((1, 40, 30, 2), weight_init=weight_init, seed=seed)
            for seed in range(60)
        ]
        for layer in range(3):
            for kind in ("weights", "biases"):
                one, other = (
                    np.array([getattr(network, kind)[layer] for network in each])
                    for each in (sample, usual)
                )
                assert one.shape == other.shape
                # Squares of normals vary by 2 at the most, those of Haar's law by less.
                band = 5 * math.sqrt(2 * 2 / one.size)
                assert np.mean(one**2) / np.mean(other**2) == pytest.approx(1, abs=band)


@pytest.mark.parametrize("widths", [(1, 6, 6, 1), (1, 3, 9, 4, 2), (1, 1, 1), (1, 2, 30, 30, 5)])
def test_orthogonal_weights_are_orthonormal_times_the_scale(widths: tuple[int, ...]) -> None:
    statistic = BreakpointCounts(
        widths, weight_init="orthogonal", weight_variance=1.7, bias_variance=0.7
    )
    for network in networks(statistic, 5):
        for weights in network.weights:
            n_out, n_in = weights.shape
            product = weights @ weights.T if n_out < n_in else weights.T @ weights
            scale = 1.7 * max(n_in, n_out) / n_in
            np.testing.assert_allclose(product, scale * np.eye(len(product)), atol=1e-13 * scale)
    biases = np.concatenate([np.concatenate(n.biases) for n in networks(statistic, 300)])
    assert abs((biases**2).mean() / 0.7 - 1) < 5 * math.sqrt(2 / biases.size)


def test_orthogonal_weights_have_haars_law() -> None:
    """Traces have the first moments 0, 1, 0 and 3 of a normal number (Diaconis, Shahshahani)."""
    statistic = BreakpointCounts((1, 5, 5, 1), weight_init="orthogonal", weight_variance=1.0)
    matrices = np.array([network.weights[1] for network in networks(statistic, 1500)])
    n = len(matrices)
    for signs in (np.ones(5), np.array([1.0, -1.0, 1.0, -1.0, -1.0])):
        traces = np.einsum("tii,i->t", matrices, signs)
        for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
            assert abs((traces**power).mean() - mean) < 5 * math.sqrt(variance / n)
    assert stats.binomtest(int((np.linalg.det(matrices) > 0).sum()), n).pvalue > FIVE_SIGMA
    # A square of an entry is Beta(1/2, (5 - 1)/2).
    for i, j in ((0, 0), (4, 4), (2, 1), (1, 4)):
        assert stats.kstest(matrices[:, i, j] ** 2, "beta", (0.5, 2)).pvalue > FIVE_SIGMA


def test_more_trials_begin_with_the_same_ones() -> None:
    for name in STATISTICS:
        statistic = STATISTICS[name]()
        long = statistic.rows(block_sequence(5, 2), 16).values
        short = statistic.rows(block_sequence(5, 2), 7).values
        np.testing.assert_array_equal(long[:7], short)


@pytest.mark.parametrize("widths", [(1, 1, 1), (1, 30, 30, 1), (1, 300, 300, 300, 1)])
def test_blocks_follow_from_the_widths(widths: tuple[int, ...]) -> None:
    sizes = {BreakpointCounts(widths, bias_variance=b).block_size for b in (0.1, 1.0)}
    assert len(sizes) == 1
    size = sizes.pop()
    assert size & (size - 1) == 0
    assert 1 <= size <= 4096


# ---- Compiled and not ----

PRINT_BITS = """
import hashlib
import numpy as np, relufast
from relufast.monte_carlo import loops
from relufast.monte_carlo.statistic import block_sequence
from relufast.statistics import BreakpointCounts

for init in ("he", "glorot", "orthogonal"):
    statistic = BreakpointCounts(
        (1, 6, 9, 4, 1), weight_init=init, negative_slope=0.1, interval=(-1, 3)
    )
    rows = statistic.rows(block_sequence(1, 2), 5)
    network = statistic.network(1, 2, 4)
    parameters = np.concatenate([p.ravel() for p in (*network.weights, *network.biases)])
    digest = hashlib.sha256(parameters.tobytes()).hexdigest()
    print(rows.values.tolist(), rows.n_uncertified, digest)
print(hasattr(loops.count_breakpoints, "py_func"))
"""


def python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


@pytest.fixture(scope="module")
def compiled_bits() -> list[str]:
    return python(PRINT_BITS).splitlines()


def test_loops_without_numba_give_the_same_bits(compiled_bits: list[str]) -> None:
    *lines, is_compiled = compiled_bits
    *uncompiled_lines, is_still_compiled = python(PRINT_BITS, NUMBA_DISABLE_JIT="1").splitlines()
    assert (is_compiled, is_still_compiled) == ("True", "False")
    assert len(lines) == 3
    assert uncompiled_lines == lines


@pytest.mark.parametrize("kind", ["a file", "in a file", "read-only"])
def test_a_cache_that_cannot_be_written_is_no_error(
    kind: str, compiled_bits: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    if kind == "read-only":
        folder = Path("/proc/relufast")  # where not even root makes folders
        if not folder.parent.is_dir():
            pytest.skip("there is no /proc")
    else:
        folder.write_text("")
    path = folder / "below" if kind == "in a file" else folder
    assert python(PRINT_BITS, NUMBA_CACHE_DIR=str(path)).splitlines() == compiled_bits


AS_NOBODY = """
import os, pwd, tempfile

def unknown(user):
    raise KeyError(user)

def temporary_file(*, dir, make=tempfile.TemporaryFile):  # how Numba tries a folder
    if os.path.isabs(dir):
        raise PermissionError(dir)
    return make(dir=dir)

pwd.getpwuid, tempfile.TemporaryFile = unknown, temporary_file
"""


def test_no_cache_where_there_is_no_home(
    compiled_bits: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a user without a name, who may write into the working folder only."""
    for name in ("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    assert python(AS_NOBODY + PRINT_BITS).splitlines() == compiled_bits
    assert list(tmp_path.iterdir()) == []


def test_loops_run_uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each loop's Python form, with Python forms below it, against the compiled one."""
    widths = np.array([1, 4, 7, 3, 1])
    statistic = BreakpointCounts(tuple(widths.tolist()), weight_init="orthogonal")
    n = int((widths[1:] * (widths[:-1] + 1)).sum())
    scales = np.linspace(0.5, 2.0, n)

    def results(python_forms: bool) -> list[Array]:
        form: Callable[[Any], Any] = (lambda f: f.py_func) if python_forms else (lambda f: f)
        random = _numba.new_random(block_sequence(1, 0))
        counter = _numba.new_breakpoint_counter(statistic.widths, 0.3, (-2.0, math.inf))
        found = []
        for loop, more in (
            (loops.count_breakpoints, ()),
            (loops.count_breakpoints_orthogonal, (widths,)),
        ):
            values, outcomes = np.empty((6, 3)), np.full(6, 9)
            parameters = np.empty(n)
            form(loop)(
                random.address,
                counter.address,
                scales,
                *more,
                parameters,
                np.empty(3, dtype=np.int64),
                values,
                outcomes,
            )
            found += [values, outcomes, parameters]
        return found

    relufast.load_blas()
    compiled = results(False)
    assert (compiled[1] == 0).all()
    inner = ("count_into", "draw_parameters", "draw_orthogonal_parameters", "orthonormalise")
    for name in inner:
        monkeypatch.setattr(loops, name, getattr(loops, name).py_func)
    for one, other in zip(compiled, results(True), strict=True):
        assert one.tobytes() == other.tobytes()


def test_the_loop_over_a_users_function_runs_uncompiled() -> None:
    values, reached = np.zeros((5, 2)), np.zeros(1, dtype=np.int64)
    loops.run_trials.py_func(
        jitted_pair.py_func, np.random.default_rng(block_sequence(1, 0)), values, reached
    )
    assert reached[0] == 4
    np.testing.assert_array_equal(
        values, JittedFunction(jitted_pair, 2).rows(block_sequence(1, 0), 5).values
    )


@pytest.mark.parametrize("module", ["numba", "scipy.linalg", "sqlite3", "tqdm", "dask"])
def test_import_leaves_for_later(module: str) -> None:
    assert python(f"import sys, relufast; print({module!r} in sys.modules)") == "False\n"


# ---- Random numbers ----


def draw(sequence: np.random.SeedSequence, *counts: int) -> Array:
    """Normals of one stream, fetched in such portions."""
    random = _numba.new_random(sequence)
    out = np.full(sum(counts), np.nan)
    ends = list(itertools.accumulate(counts, initial=0))
    for begin, end in pairwise(ends):
        _numba.random_normals(random.address, out[begin:end])
    return out


def xoshiro_lanes(sequence: np.random.SeedSequence) -> Iterator[int]:
    """Eight xoshiro256++ (Blackman, Vigna, 2021) in turn, from 32 words of a seed sequence."""

    def rotated(x: int, k: int) -> int:
        return (x << k | x >> (64 - k)) & MASK

    words = sequence.generate_state(32, np.uint64).tolist()
    lanes = [words[4 * i : 4 * i + 4] for i in range(8)]
    while True:
        for s in lanes:
            yield (rotated((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
            t = s[1] << 17 & MASK
            s[2] ^= s[0]
            s[3] ^= s[1]
            s[1] ^= s[2]
            s[0] ^= s[3]
            s[2] ^= t
            s[3] = rotated(s[3], 45)


@pytest.mark.parametrize(("seed", "block"), [(0, 0), (2**64 - 1, 12345)])
def test_stream_is_the_slow_one(seed: int, block: int) -> None:
    count = 30_000
    words = xoshiro_lanes(block_sequence(seed, block))
    expected = np.array(list(itertools.islice(slow_normals(words), count)))
    actual = draw(block_sequence(seed, block), count)
    # A value in the tail is a logarithm, rounded otherwise by each math library.
    in_tail = np.abs(expected) > ziggurat().right_edge[0]
    assert in_tail.any()
    np.testing.assert_array_equal(actual[~in_tail], expected[~in_tail])
    np.testing.assert_allclose(actual[in_tail], expected[in_tail], rtol=1e-15)


def test_portions_do_not_matter() -> None:
    sequence = block_sequence(3, 4)
    whole = draw(sequence, 3000)
    rng = np.random.default_rng(0)
    for largest in (1, 9, 300, 2000):
        counts = []
        while sum(counts) < 3000:
            counts.append(min(int(rng.integers(0, largest + 1)), 3000 - sum(counts)))
        np.testing.assert_array_equal(draw(sequence, *counts), whole)


def test_bits_are_frozen() -> None:
    """Changing these breaks every stored run and every seed that anybody has written down."""
    assert [x.hex() for x in draw(np.random.SeedSequence(2025, spawn_key=(3,)), 5)] == [
        "-0x1.c738f02e05ccep-3",
        "0x1.0601a9281f15dp+0",
        "0x1.d40982f1d6056p-1",
        "0x1.b1cec91634d17p-2",
        "-0x1.f738031870278p-1",
    ]


@pytest.fixture(scope="module")
def sample() -> Array:
    return draw(block_sequence(2025, 0), 1_000_000)


@pytest.mark.parametrize("order", range(1, 9))
def test_moments_of_normals(sample: Array, order: int) -> None:
    assert_normal_moment(sample, order)


def test_law_of_normals(sample: Array) -> None:
    assert stats.kstest(sample, "norm").pvalue > FIVE_SIGMA
    for lane in range(8):
        assert stats.kstest(sample[lane::8], "norm").pvalue > FIVE_SIGMA
    bins = 1024
    counts = np.bincount((stats.norm.cdf(sample) * bins).astype(np.int64), minlength=bins)
    assert stats.chisquare(counts).pvalue > FIVE_SIGMA


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("threshold", [2.0, 3.0, 3.654152885361009, 4.0, 4.5])
def test_tails_of_normals(sample: Array, sign: int, threshold: float) -> None:
    beyond = int(np.count_nonzero(sign * sample > threshold))
    assert stats.binomtest(beyond, sample.size, stats.norm.sf(threshold)).pvalue > FIVE_SIGMA


@pytest.mark.parametrize("lag", [*range(1, 18), 256])
def test_lanes_are_not_correlated(sample: Array, lag: int) -> None:
    """Words of eight generators in turn: a value's neighbours come of other ones."""
    x, y = sample[:-lag], sample[lag:]
    band = 5 / math.sqrt(x.size)
    assert abs(np.mean(x * y)) < band
    assert abs(np.mean((x**2 - 1) * (y**2 - 1))) < 2 * band


@pytest.mark.parametrize(("seed", "block"), [(2025, 1), (2026, 0), (0, 2025)])
def test_streams_are_not_correlated(sample: Array, seed: int, block: int) -> None:
    x, y = sample, draw(block_sequence(seed, block), sample.size)
    band = 5 / math.sqrt(x.size)
    assert abs(np.mean(x * y)) < band
    assert abs(np.mean((x**2 - 1) * (y**2 - 1))) < 2 * band


def test_first_normals_of_many_streams_are_normal() -> None:
    first = np.array([draw(block_sequence(1, block), 1)[0] for block in range(5000)])
    assert stats.kstest(first, "norm").pvalue > FIVE_SIGMA
    assert abs(np.mean(first[1:] * first[:-1])) < 5 / math.sqrt(first.size - 1)
