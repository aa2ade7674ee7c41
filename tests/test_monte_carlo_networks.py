"""Statistics of random networks at random points: their trials, and that bits are everywhere equal.

What they should be on average is in test_rank_theory.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from executors import bits, process_pool
from numpy.typing import NDArray
from scipy import stats

import relufast
from relufast.monte_carlo.statistic import block_sequence
from relufast.statistics import (
    ActivationRanks,
    BreakpointCounts,
    EffectiveDimensions,
    FunctionFormErrors,
    Measured,
    NetworksAtPoints,
    NeuronCensus,
)

Array = NDArray[np.float64]

OPTIONS: dict[str, dict[str, Any]] = {
    "he": {},
    "glorot": {"weight_init": "glorot", "bias_variance": 0.5},
    "orthogonal": {"weight_init": "orthogonal", "bias_variance": 0.0},
    "leaky": {"negative_slope": 0.2, "weight_variance": 1.7, "bias_variance": 0.1},
}
WIDTHS = (5, 12, 9, 1)


def census(**options: Any) -> NeuronCensus:
    statistic = NeuronCensus(WIDTHS, 7, **options)
    statistic.block_size = 16
    return statistic


def dimensions(**options: Any) -> EffectiveDimensions:
    statistic = EffectiveDimensions(WIDTHS, 7, **options)
    statistic.block_size = 16
    return statistic


# Of which the second has products that BLAS would share among threads.
STATISTICS: dict[str, Callable[[], NetworksAtPoints]] = {
    "census": census,
    "census, wide": lambda: NeuronCensus((200, 200, 150, 1), 100),
    "dimensions": dimensions,
    "dimensions, wide": lambda: EffectiveDimensions((200, 200, 150, 1), 100, centered=True),
    "ranks": lambda: ActivationRanks(WIDTHS, 7),
    "ranks, wide": lambda: ActivationRanks((150, 150, 120, 1), 100),
    "ranks, numerical": lambda: ActivationRanks(WIDTHS, 7, method="numerical"),
    "ranks, numerical, wide": lambda: ActivationRanks((150, 150, 120, 1), 100, method="numerical"),
    "function forms": lambda: FunctionFormErrors(60, 4, 7),
    "function forms, wide": lambda: FunctionFormErrors(2500, 20, 150),
    "dimensions, orthogonal": lambda: EffectiveDimensions(
        (150, 200, 150, 1), 100, weight_init="orthogonal", kind="stable_rank"
    ),
}


def hidden_layers(network: relufast.Network, X: Array) -> list[tuple[Array, Array]]:
    """(z, h) in NumPy's own terms."""
    layers = []
    for weights, biases in zip(network.weights[:-1], network.biases[:-1], strict=True):
        z = X @ weights.T + biases
        X = np.where(z > 0, z, network.negative_slope * z)
        layers.append((z, X))
    return layers


@pytest.mark.parametrize("options", OPTIONS)
def test_values_are_those_of_the_trials_networks(options: str) -> None:
    statistic = census(**OPTIONS[options])
    rows = statistic.rows(block_sequence(3, 2), 5)
    assert rows.n_uncertified == 0
    for trial, row in enumerate(rows.values):
        network, X = statistic.trial(3, 2, trial)
        expected = []
        for z, _ in hidden_layers(network, X):
            on = (z > 0).mean(axis=0)
            expected.append([(on == 0).mean(), (on == 1).mean(), ((on > 0) & (on < 1)).mean()])
        np.testing.assert_allclose(row.reshape(3, 2), np.transpose(expected), rtol=1e-15)


@pytest.mark.parametrize("kind", ["effective_rank", "stable_rank", "participation_ratio"])
@pytest.mark.parametrize("options", OPTIONS)
def test_dimensions_are_those_of_the_trials_networks(options: str, kind: str) -> None:
    for centered in (False, True):
        statistic = dimensions(kind=kind, centered=centered, **OPTIONS[options])
        rows = statistic.rows(block_sequence(4, 1), 3)
        for trial, row in enumerate(rows.values):
            network, X = statistic.trial(4, 1, trial)
            measure = getattr(relufast, kind)
            expected = [measure(h, centered=centered) for _, h in hidden_layers(network, X)]
            np.testing.assert_allclose(row, expected, rtol=1e-11)


def test_trials_are_networks_random_and_standard_normal_points() -> None:
    """The network is that of `Network.random`, from a seed of the block's stream."""
    statistic = census(**OPTIONS["leaky"])
    seeds = np.random.default_rng(block_sequence(9, 4)).integers(2**64, size=3, dtype=np.uint64)
    for trial, seed in enumerate(seeds.tolist()):
        network, X = statistic.trial(9, 4, trial)
        expected = relufast.Network.random(WIDTHS, seed=seed, **OPTIONS["leaky"])
        for mine, other in zip(
            network.weights + network.biases, expected.weights + expected.biases, strict=True
        ):
            np.testing.assert_array_equal(mine, other)
        assert network.negative_slope == 0.2
        assert X.shape == (7, 5)
        # No stream of the network's is used again for its points.
        assert not np.isin(X / X[0, 0], network.weights[0] / network.weights[0][0, 0])[0, 1:].any()
    many = np.array([statistic.trial(1, b, t)[1].ravel() for b in range(20) for t in range(16)])
    assert stats.kstest(many.ravel(), "norm").pvalue > 2 * stats.norm.sf(5)
    # Correlations of n pairs have a standard deviation of 1 / sqrt(n); the largest of 600 is below
    # six of them but once in a million times.
    assert abs(np.corrcoef(many, rowvar=False) - np.eye(35)).max() < 6 / np.sqrt(len(many))


@pytest.mark.parametrize("name", STATISTICS)
def test_bits_do_not_depend_on_threads_or_processes(name: str) -> None:
    statistic = STATISTICS[name]()
    n_trials = 40 if "wide" not in name and "orth" not in name else 6
    expected = bits(relufast.monte_carlo(statistic, n_trials=n_trials, seed=5))
    for workers in (1, 2):
        with ThreadPoolExecutor(workers) as threads:
            found = relufast.monte_carlo(statistic, n_trials=n_trials, seed=5, executor=threads)
            assert bits(found) == expected
    with process_pool(2) as processes:
        found = relufast.monte_carlo(statistic, n_trials=n_trials, seed=5, executor=processes)
        assert bits(found) == expected


def test_bits_do_not_depend_on_the_threads_of_blas() -> None:
    program = (
        "import hashlib, relufast\n"
        "from relufast.monte_carlo.statistic import block_sequence\n"
        "from test_monte_carlo_networks import STATISTICS\n"
        "for name in STATISTICS:\n"
        "    rows = STATISTICS[name]().rows(block_sequence(5, 0), 1)\n"
        "    print(hashlib.sha256(rows.values.tobytes()).hexdigest())\n"
    )
    outputs = set()
    for n_threads in ("1", "2", "3"):
        limits = {"OPENBLAS_NUM_THREADS": n_threads, "OMP_NUM_THREADS": n_threads}
        paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
        finished = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **limits, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(finished.stdout)
    assert len(outputs) == 1


def test_more_trials_begin_with_the_same_ones() -> None:
    for name in ("census", "dimensions"):
        statistic = STATISTICS[name]()
        whole = statistic.rows(block_sequence(1, 1), 16).values
        for n_trials in (1, 7):
            some = statistic.rows(block_sequence(1, 1), n_trials).values
            np.testing.assert_array_equal(some, whole[:n_trials])
        assert len(np.unique(whole, axis=0)) > 8


def test_keys_tell_parameters_apart() -> None:
    different = [
        NeuronCensus(WIDTHS, 7),
        NeuronCensus(WIDTHS, 8),
        NeuronCensus((5, 12, 8, 1), 7),
        NeuronCensus(WIDTHS, 7, bias_variance=0.5),
        NeuronCensus(WIDTHS, 7, weight_variance=1.0),
        NeuronCensus(WIDTHS, 7, weight_init="orthogonal"),
        NeuronCensus(WIDTHS, 7, negative_slope=0.1),
        census(),
        EffectiveDimensions(WIDTHS, 7),
        EffectiveDimensions(WIDTHS, 7, centered=True),
        EffectiveDimensions(WIDTHS, 7, kind="stable_rank"),
    ]
    keys = [json.dumps(statistic.key(), sort_keys=True) for statistic in different]
    assert len(set(keys)) == len(keys)
    assert NeuronCensus(WIDTHS, 7).key() == NeuronCensus(list(WIDTHS), 7, weight_variance=2.0).key()


def test_a_store_resumes(tmp_path: Path) -> None:
    for make in (census, dimensions):
        store = tmp_path / "runs.sqlite"
        relufast.monte_carlo(make(), n_trials=20, seed=2, store=store)
        resumed = relufast.monte_carlo(make(), n_trials=50, seed=2, store=store)
        assert bits(resumed) == bits(relufast.monte_carlo(make(), n_trials=50, seed=2))


def test_replay_runs_a_trial() -> None:
    statistic = dimensions()
    rows = statistic.rows(block_sequence(6, 3), 9).values
    np.testing.assert_array_equal(relufast.replay(statistic, seed=6, block=3, trial=8), rows[8])


def test_blocks_shrink_as_trials_grow() -> None:
    for make in (NeuronCensus, EffectiveDimensions):
        sizes = [make((n, n, n, 1), n).block_size for n in (2, 16, 128, 1024)]
        assert all(first >= second for first, second in pairwise(sizes))
        assert sizes[0] > sizes[-1] == 1


def test_blocks_of_deep_networks_are_single_trials() -> None:
    """Integers decide their signs, which takes up to a second a trial: Ctrl-C waits for a block."""
    for n, depth, n_points in ((8, 80, 8), (30, 60, 30), (64, 30, 10), (16, 60, 200)):
        widths = (*(n,) * (depth + 1), 1)
        assert NeuronCensus(widths, n_points).block_size == 1
        assert ActivationRanks(widths, n_points).block_size == 1
    for n in (8, 20, 64):
        assert BreakpointCounts((1, *(n,) * 30, 1)).block_size == 1
    # Where there are no signs to prove, and where they are easily proven, nothing changes.
    assert ActivationRanks((8,) * 81 + (1,), 8, method="numerical").block_size > 1
    assert NeuronCensus((30,) * 11 + (1,), 30).block_size > 1
    assert BreakpointCounts((1, *(8,) * 20, 1)).block_size > 1


class OutputSum(NetworksAtPoints):
    """What docs/monte-carlo.md says a subclass needs."""

    def __init__(self, widths: Any, n_points: int) -> None:
        super().__init__(widths, n_points)
        self.shape, self.block_size = (), 8

    def measure(self, network: relufast.Network, X: Array) -> Measured:
        return Measured(network(X).sum(), certified=X[0, 0] > 0)


def test_a_statistic_of_ones_own() -> None:
    statistic = OutputSum((3, 4, 2), 5)
    estimate = relufast.monte_carlo(statistic, n_trials=200, seed=1)
    assert estimate.mean.shape == ()
    assert 0 < estimate.n_uncertified < 200
    network, X = statistic.trial(1, 2, 3)
    assert relufast.replay(statistic, seed=1, block=2, trial=3) == network(X).sum()


@pytest.mark.parametrize(
    ("measured", "message"),
    [
        (Measured(np.zeros(1)), r"ValueError: measure returns shape \(1,\), but needs shape"),
        (Measured(np.float64(1.0)), r"ValueError: measure returns shape \(\), but needs shape"),
        (Measured(np.zeros((1, 3))), r"ValueError: measure returns shape \(1, 3\), but needs"),
        (Measured(np.zeros(3, complex)), "TypeError: measure returns dtype complex128, but needs"),
        (Measured(np.array(["1"] * 3)), "TypeError: measure returns dtype <U1, but needs real nu"),
        (Measured(np.ma.masked_equal([0, 1, 2], 1)), "TypeError: measure returns an array with m"),
        (np.zeros(3), "TypeError: measure's result is of type ndarray, but needs a Measured"),
    ],
)
def test_a_measure_that_is_not_what_its_statistic_says(measured: Any, message: str) -> None:
    class Wrong(OutputSum):
        def measure(self, network: relufast.Network, X: Array) -> Measured:
            return measured if X[0, 0] > 1.0 else Measured(np.zeros(3))

    statistic = Wrong((3, 4, 2), 5)
    statistic.shape = (3,)
    with pytest.raises(relufast.TrialError, match=message) as caught:
        relufast.monte_carlo(statistic, n_trials=200, seed=1)
    error = caught.value
    assert statistic.trial(error.seed, error.block, error.trial)[1][0, 0] > 1.0
    with pytest.raises((TypeError, ValueError), match=message.split(": ")[1]):
        relufast.replay(statistic, error.seed, error.block, error.trial)


def test_a_measure_of_whole_numbers() -> None:
    class Active(OutputSum):
        def measure(self, network: relufast.Network, X: Array) -> Measured:
            return Measured(np.count_nonzero(network(X) > 0))  # type: ignore[arg-type]

    assert 0 < relufast.monte_carlo(Active((3, 4, 2), 5), n_trials=200, seed=1).mean < 10


def test_uncertified_trials_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deep networks, of which only integers decide all signs."""
    statistic = NeuronCensus((20,) * 61 + (1,), 10, bias_variance=0.0)
    assert relufast.monte_carlo(statistic, n_trials=3, seed=1).n_uncertified == 0
    module = sys.modules["relufast.neuron_census"]  # the package's name is the function's
    monkeypatch.setattr(module, "BUDGET", 0.0)
    assert relufast.monte_carlo(statistic, n_trials=3, seed=1).n_uncertified == 3
