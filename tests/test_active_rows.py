"""The fewest active rows, by enumeration and by search."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from injectivity_oracle import cells_by_elimination, facts
from numpy.typing import NDArray

import relufast
from relufast.active_rows import _partition, _spectral
from relufast.injectivity import checked_layer

FloatArray = NDArray[np.float64]

SEED = 20261127


def assert_proven(found: relufast.MinActiveRows, A: FloatArray, bias: FloatArray) -> None:
    """No more rows than said are active in any cell next to the point."""
    z = [
        sum((Fraction(a) * t for a, t in zip(row, found.point, strict=True)), Fraction(b))
        for row, b in zip(A.tolist(), bias.tolist(), strict=True)
    ]
    moves = A.any(axis=1)
    active = [i for i, value in enumerate(z) if value > 0 or (value == 0 and moves[i])]
    assert found.active_rows.tolist() == active
    assert len(found.active_rows) == found.upper >= found.lower
    assert not found.active_rows.flags.writeable


def assert_bounds(found: relufast.MinActiveRows, A: FloatArray, bias: FloatArray) -> None:
    expected = facts(A, bias, cells_by_elimination(A, bias)).min_active
    assert found.lower <= expected <= found.upper
    assert not found.is_exact or found.upper == expected


@pytest.mark.parametrize("seed", range(4))
def test_both_ways_agree_with_every_pattern_tried_in_fractions(seed: int) -> None:
    rng = np.random.default_rng([SEED, seed])
    for m, n in [(4, 1), (7, 2), (6, 3)]:
        A = rng.standard_normal((m, n)) if seed % 2 else rng.integers(-2, 3, (m, n)).astype(float)
        for bias in (np.zeros(m), rng.integers(-1, 2, m).astype(float)):
            exact = relufast.min_active_rows(A, bias)
            assert exact.is_exact
            assert exact.lower_bound == "enumeration"
            assert_bounds(exact, A, bias)
            z = [
                sum(Fraction(a) * t for a, t in zip(r, exact.point, strict=True))
                for r in A.tolist()
            ]
            active = [
                i for i, (t, b) in enumerate(zip(z, bias, strict=True)) if t + Fraction(b) > 0
            ]
            assert exact.active_rows.tolist() == active
            found = relufast.min_active_rows(A, bias, method="search", n_steps=2000, seed=seed)
            assert_proven(found, A, bias)
            assert_bounds(found, A, bias)


def test_the_search_finds_the_minimum_of_small_layers() -> None:
    """Not certain, but of these seeds it does."""
    for seed in range(8):
        rng = np.random.default_rng([SEED, 1, seed])
        A = rng.standard_normal((24, 3))
        bias = rng.standard_normal(24) * [0.0, 1e-6, 1.0, 1e6][seed % 4]
        exact = relufast.min_active_rows(A, bias, method="exact").upper
        assert relufast.min_active_rows(A, bias, method="search", seed=seed).upper == exact


def test_a_layer_of_rows_and_their_negatives() -> None:
    """Half of the rows are active everywhere, and the spectral bound is tight for (I, -I) twice."""
    B = np.random.default_rng(SEED).standard_normal((60, 30))
    A = np.vstack([B, -B])
    found = relufast.min_active_rows(A, method="search", n_steps=500, n_restarts=2)
    assert found.upper == 60
    assert_proven(found, A, np.zeros(120))
    twice = np.vstack([np.eye(20), -np.eye(20)] * 2)
    found = relufast.min_active_rows(twice, method="search", n_steps=500, n_restarts=2)
    # sigma^2 = 4 and s = 0
    assert (found.lower, found.lower_bound) == (2, "spectral")
    assert found.upper == 40


@pytest.mark.parametrize("seed", range(8))
def test_lower_bounds(seed: int) -> None:
    rng = np.random.default_rng([SEED, 2, seed])
    n = int(rng.integers(1, 5))
    half = rng.standard_normal((int(rng.integers(n, 16)), n)) * np.exp(rng.standard_normal((1, n)))
    A = np.vstack([half, -half * rng.uniform(0.9, 1.1, half.shape)])
    layer = checked_layer(A, None)
    exact = relufast.min_active_rows(A).upper
    assert _spectral(layer)[0] <= exact
    bound, name = _partition(layer, 2000)
    assert name == "partition"
    assert 0 <= bound <= exact
    assert bound > 0 or len(half) < 2 * n
    assert _spectral(checked_layer(A * np.ldexp(1.0, rng.integers(-400, 400, (len(A), 1))), None))[
        0
    ] == pytest.approx(_spectral(layer)[0], abs=1)


def test_beyond_the_budget_rows_are_enumerated_in_groups() -> None:
    A = np.random.default_rng(SEED).standard_normal((60, 4))
    exact = relufast.min_active_rows(A).upper
    found = relufast.min_active_rows(A, budget=10_000)
    assert found.lower_bound == "partition"
    assert 0 < found.lower < exact <= found.upper
    assert_proven(found, A, np.zeros(60))


def test_bits_do_not_depend_on_threads() -> None:
    A = np.random.default_rng(SEED).standard_normal((90, 20))
    first, *others = [
        relufast.min_active_rows(A, n_steps=3000, seed=3, n_threads=n_threads)
        for n_threads in (1, 2, 7)
    ]
    assert all(other.point == first.point for other in others)
    assert relufast.min_active_rows(A, n_steps=3000, seed=4, n_threads=2).point != first.point


def test_many_inputs() -> None:
    A = np.random.default_rng(SEED).standard_normal((300, 50))
    found = relufast.min_active_rows(A, n_steps=5000)
    assert_proven(found, A, np.zeros(300))
    # A random point has 150 +- 9; this is far from it.
    assert found.upper < 75
    zero_rows = np.vstack([A, np.zeros((3, 50))])
    assert relufast.min_active_rows(zero_rows, n_steps=100).upper < 150
    for method in ("exact", "search"):
        zeros = relufast.min_active_rows(np.zeros((3, 50)), [1.0, 0.0, -1.0], method=method)
        assert zeros.active_rows.tolist() == [0]
        assert zeros.is_exact


def test_layers_of_a_network() -> None:
    network = relufast.Network.random((3, 12, 10, 8, 1), bias_variance=0.1, seed=1)
    layers = relufast.min_active_rows(network, n_steps=20_000, n_restarts=3)
    assert len(layers) == network.depth
    first = relufast.min_active_rows(network.weights[0], network.biases[0])
    assert (layers[0].upper, layers[0].lower) == (first.upper, first.lower)
    rng = np.random.default_rng(SEED)
    random_inputs = network.activations(3.0 * rng.standard_normal((2000, 3)))
    for number, found in enumerate(layers):
        z = network.preactivations([float(t) for t in found.point])[number]
        assert np.flatnonzero(z >= 0.0).tolist() == found.active_rows.tolist()
        assert found.lower <= found.upper == len(found.active_rows)
        # A search is no worse than points at random.
        assert found.upper <= np.count_nonzero(random_inputs[number], axis=1).min()


def test_a_long_walk_stays_within_reach() -> None:
    """Pieces of almost parallel neurons lie at any distance; a walk once left float64 by them."""
    network = relufast.Network.random((2, 20, 20, 1), seed=1)
    _, deep = relufast.min_active_rows(network, n_steps=5_000_000, n_restarts=1)
    # Moves that gain go anywhere, but there are at most 20 of them.
    assert max(map(abs, deep.point)) < 1e100


def test_progress() -> None:
    seen: list[relufast.WorkProgress] = []
    A = np.random.default_rng(SEED).standard_normal((400, 60))
    relufast.min_active_rows(A, n_steps=30_000, n_threads=1, progress=seen.append)
    assert seen
    assert all(0 < p.n_done <= p.n_total == 8 * 30_000 for p in seen)
    network = relufast.Network.random((2, 5, 5, 1), seed=1)
    seen.clear()
    relufast.min_active_rows(network, n_steps=3000, n_restarts=2, progress=seen.append)
    assert [p.n_done for p in seen if p.n_total == 2 * math.ceil(3000 / 1000)][-6:] == [
        *range(1, 7)
    ]
