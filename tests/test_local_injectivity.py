"""Jacobians of hidden layers at points, against exact integers and products in NumPy."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from rank_oracle import exact_rank

import relufast

SEED = 20261128


def exact_ranks(network: relufast.Network, x: NDArray[np.float64]) -> list[int]:
    """Of Jacobians multiplied out in fractions."""
    h = [Fraction(t) for t in x.tolist()]
    J = [[Fraction(int(i == k)) for k in range(len(h))] for i in range(len(h))]
    ranks = []
    for weights, biases in zip(network.weights[:-1], network.biases[:-1], strict=True):
        rows = [[Fraction(w) for w in row] for row in weights.tolist()]
        z = [
            sum((w * t for w, t in zip(row, h, strict=True)), Fraction(b))
            for row, b in zip(rows, biases.tolist(), strict=True)
        ]
        slopes = [Fraction(1) if t > 0 else Fraction(network.negative_slope) for t in z]
        h = [s * t for s, t in zip(slopes, z, strict=True)]
        J = [
            [s * sum(w * J[k][c] for k, w in enumerate(row)) for c in range(len(x))]
            for s, row in zip(slopes, rows, strict=True)
        ]
        # Python's numbers keep every bit.
        ranks.append(exact_rank(np.array(J, dtype=object)))
    return ranks


def random_network(seed: int) -> relufast.Network:
    rng = np.random.default_rng([SEED, seed])
    widths = (3, 7, 5, 4, 1)
    slope = [0.0, 0.0, 0.5, -0.3][seed % 4]
    weights = [
        rng.integers(-2, 3, shape).astype(float) for shape in zip(widths[1:], widths, strict=False)
    ]
    if seed % 2:
        weights = [w + 2.0**-40 * rng.standard_normal(w.shape) for w in weights]
    biases = [rng.integers(-1, 2, n).astype(float) for n in widths[1:]]
    return relufast.Network(weights, biases, negative_slope=slope)


@pytest.mark.parametrize("seed", range(12))
def test_ranks_are_those_of_exact_jacobians(seed: int) -> None:
    network = random_network(seed)
    X = np.random.default_rng(seed).integers(-3, 4, (8, 3)) / 2.0
    found = relufast.local_injectivity(network, X)
    assert found.certified.all()
    expected = [exact_ranks(network, x) for x in X]
    assert found.ranks.tolist() == expected
    np.testing.assert_array_equal(found.injective, np.array(expected) == 3)
    for layer, z in enumerate(network.preactivations(X)):
        np.testing.assert_array_equal(found.n_active[:, layer], (z > 0).sum(axis=1))


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_singular_values_are_those_of_numpy(slope: float) -> None:
    network = relufast.Network.random((4, 20, 15, 1), negative_slope=slope, seed=2)
    X = np.random.default_rng(SEED).standard_normal((20, 4))
    found = relufast.local_injectivity(network, X)
    for point, x in enumerate(X):
        J = np.eye(4)
        for layer, z in enumerate(network.preactivations(x)):
            J = np.where(z > 0.0, 1.0, slope)[:, np.newaxis] * (network.weights[layer] @ J)
            expected = np.linalg.svd(J, compute_uv=False)[3]
            error = found.singular_value_errors[point, layer]
            assert 0.0 < error < 1e-10
            # NumPy rounds as well.
            assert abs(found.smallest_singular_values[point, layer] - expected) <= 2.0 * error


def test_a_rank_that_float64_cannot_see() -> None:
    """A singular value of about 1e-20, which is not zero; and one that is."""
    tiny = 2.0**-66
    W1 = np.array([[1.0, 1.0], [1.0, 1.0]])
    for entry, rank in [(tiny, 2), (0.0, 1)]:
        W2 = np.eye(2)
        first = np.vstack([W1, [0.0, entry]])
        network = relufast.Network([first, np.eye(3), np.ones((1, 3))], None)
        found = relufast.local_injectivity(network, [[1.0, 1.0]])
        assert found.ranks.tolist() == [[rank, rank]]
        assert found.certified.all()
        assert (found.smallest_singular_values <= found.singular_value_errors).all()
        assert W2.shape == (2, 2)


def test_fewer_neurons_than_inputs_and_none() -> None:
    network = relufast.Network([-np.ones((2, 3)), np.ones((4, 2)), np.ones((1, 4))], None)
    found = relufast.local_injectivity(network, [[1.0, 1.0, 1.0], [-1.0, -1.0, 0.0]])
    assert found.ranks.tolist() == [[0, 0], [1, 1]]
    assert found.certified.all()
    assert not found.injective.any()
    assert (found.smallest_singular_values == 0.0).sum() >= 3
    assert "2 points" in repr(found)


def test_overflow_is_seen() -> None:
    network = relufast.Network([np.full((2, 1), 1e300), np.full((2, 2), 1e300), [[1.0, 1.0]]], None)
    found = relufast.local_injectivity(network, [1.0])
    assert found.ranks.tolist() == [[1, 1]]
    assert np.isnan(found.smallest_singular_values[0, 1])
    assert found.singular_value_errors[0, 1] == np.inf


def test_equal_patterns_and_progress() -> None:
    network = relufast.Network.random((3, 8, 8, 1), seed=1)
    X = np.random.default_rng(SEED).standard_normal((6, 3))
    seen: list[relufast.WorkProgress] = []
    twice = relufast.local_injectivity(network, np.vstack([X, X]), progress=seen.append)
    assert [p.n_done for p in seen] == [*range(1, 13)]
    once = relufast.local_injectivity(network, X)
    for name in ("ranks", "certified", "n_active", "smallest_singular_values"):
        array = getattr(twice, name)
        np.testing.assert_array_equal(array[:6], getattr(once, name))
        np.testing.assert_array_equal(array[6:], getattr(once, name))
        assert not array.flags.writeable
