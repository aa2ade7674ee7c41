"""Statistics of Gaussian layers: their trials, known probabilities, and equal bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from test_monte_carlo import bits

import relufast
from relufast.monte_carlo.statistic import block_sequence
from relufast.statistics import FewestActiveRows, InjectiveLayers, NetworksAtPoints

STATISTICS: dict[str, Callable[[], NetworksAtPoints]] = {
    "injective": lambda: InjectiveLayers(3, (6, 9, 14)),
    "fewest": lambda: FewestActiveRows(4, range(8, 20, 4), n_steps=300),
}


def test_one_input() -> None:
    """Injective if both signs come: 1 - 2^(1 - m)."""
    rows = (1, 2, 3, 5)
    found = relufast.monte_carlo(InjectiveLayers(1, rows), n_trials=4000, seed=1)
    expected = 1.0 - 2.0 ** (1.0 - np.array(rows))
    errors = np.sqrt(expected * (1.0 - expected) / 4000)
    assert (abs(found.mean - expected) <= 5.0 * errors).all()


@pytest.mark.parametrize("m", [5, 8])
def test_two_inputs(m: int) -> None:
    """Injective if each half plane has two rows: by the rows' angles, drawn anew."""
    n_trials = 3000
    found = relufast.monte_carlo(InjectiveLayers(2, (m,)), n_trials=n_trials, seed=2)
    angles = np.random.default_rng(3).uniform(0.0, 2.0 * np.pi, (100_000, m))
    turn = (angles[:, np.newaxis, :] - angles[:, :, np.newaxis]) % (2.0 * np.pi)
    after = ((turn > 0.0) & (turn < np.pi)).sum(axis=2)
    # A half plane begins just after a row, or ends just before it.
    p = float((np.minimum(after, m - 1 - after).min(axis=1) >= 2).mean())
    error = math.sqrt(p * (1.0 - p) * (1.0 / n_trials + 1.0 / len(angles)))
    assert abs(float(found.mean[0]) - p) <= 5.0 * error


def test_trials_are_decided_as_alone() -> None:
    statistic = InjectiveLayers(3, (6, 9, 14, 20))
    values = statistic.rows(block_sequence(3, 2), 6).values
    for trial, row in enumerate(values):
        A = statistic.trial(3, 2, trial)[0].weights[0]
        expected = [relufast.is_injective(A[:m]).injective for m in statistic.rows_of_layers]
        assert row.tolist() == expected


def test_the_search_is_no_lower_than_the_minimum() -> None:
    statistic = FewestActiveRows(3, (8, 16), n_steps=1000)
    values = statistic.rows(block_sequence(5, 0), 8).values
    exact = []
    for trial in range(8):
        A = statistic.trial(5, 0, trial)[0].weights[0]
        exact.append([relufast.min_active_rows(A[:m]).upper / 3 for m in (8, 16)])
    assert (values >= np.array(exact)).all()
    assert np.mean(values == np.array(exact)) > 0.8


@pytest.mark.parametrize("name", STATISTICS)
def test_bits_do_not_depend_on_threads(name: str) -> None:
    expected = bits(relufast.monte_carlo(STATISTICS[name](), n_trials=40, seed=5))
    for workers in (2, 7):
        with ThreadPoolExecutor(workers) as threads:
            found = relufast.monte_carlo(STATISTICS[name](), n_trials=40, seed=5, executor=threads)
        assert bits(found) == expected


def test_keys_tell_statistics_apart() -> None:
    keys = [
        str(statistic.key())
        for statistic in (
            InjectiveLayers(3, (6, 9)),
            InjectiveLayers(3, (7, 9)),
            FewestActiveRows(3, (6, 9)),
            FewestActiveRows(3, (6, 9), n_steps=10),
            FewestActiveRows(3, (6, 9), n_restarts=1),
        )
    ]
    assert len(set(keys)) == 5
