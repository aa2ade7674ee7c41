"""Ranks of hidden activations against exact integers, and the signs that they rest on."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from activation_rank_oracle import exact_layers, exact_ranks
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import FAMILIES
from numpy.typing import NDArray

import relufast
from relufast import _blas, _core
from relufast._exact_activations import BUDGET, ExactActivations
from relufast.monte_carlo.statistic import block_sequence

FloatArray = NDArray[np.float64]

SEED = 20261125


def random_network(width: int, depth: int, seed: int, **options: Any) -> relufast.Network:
    return relufast.Network.random((width, *[width] * depth, 1), seed=seed, **options)


def gaussian(rng: np.random.Generator, m: int, n: int) -> FloatArray:
    return rng.standard_normal((m, n))


def near_duplicates(rng: np.random.Generator, m: int, n: int) -> FloatArray:
    X = rng.standard_normal((m, n))
    X[m // 2 :] = X[: m - m // 2] + 1e-12 * rng.standard_normal((m - m // 2, n))
    return X


def duplicates(rng: np.random.Generator, m: int, n: int) -> FloatArray:
    X = rng.standard_normal((m, n))
    X[m // 2 :] = X[: m - m // 2]
    return X


def on_a_line(rng: np.random.Generator, m: int, n: int) -> FloatArray:
    """Exactly on it: integers along an integer direction."""
    start, step = rng.integers(-3, 4, n), rng.integers(-3, 4, n)
    return (start + np.outer(np.arange(m) - m // 2, step)).astype(float)


def on_a_circle(rng: np.random.Generator, m: int, n: int) -> FloatArray:
    X = np.zeros((m, n))
    angles = np.linspace(0.0, 2.0 * math.pi, m, endpoint=False)
    X[:, 0], X[:, min(1, n - 1)] = np.cos(angles), np.sin(angles)
    return X


def small_integers(rng: np.random.Generator, m: int, n: int) -> FloatArray:
    return rng.integers(-2, 3, (m, n)).astype(float)


INPUTS: dict[str, Callable[[np.random.Generator, int, int], FloatArray]] = {
    "gaussian": gaussian,
    "near duplicates": near_duplicates,
    "duplicates": duplicates,
    "line": on_a_line,
    "circle": on_a_circle,
    "integers": small_integers,
}

LAWS: dict[str, dict[str, Any]] = {
    "he": {},
    "he without bias": {"bias_variance": 0.0},
    "orthogonal": {"weight_init": "orthogonal", "bias_variance": 0.0},
    "small weights": {"weight_variance": 0.25},
    "leaky": {"negative_slope": 0.1},
    "steep": {"negative_slope": -1.5, "weight_variance": 0.5},
    "linear": {"negative_slope": 1.0},
}


def assert_right(
    found: relufast.ActivationRanks, network: relufast.Network, X: FloatArray, label: object
) -> NDArray[np.int64]:
    """Bounds enclose the true ranks, and where they meet the rank is certified. Returns them."""
    true = np.array(exact_ranks(network, X), dtype=np.int64)
    assert (found.lower <= true).all(), (label, found.lower, true)
    assert (true <= found.upper).all(), (label, found.upper, true)
    meet = found.lower == found.upper
    assert (found.rank == np.where(meet, true, -1)).all(), label
    assert (found.certified == meet).all(), label
    return true


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("law", LAWS)
def test_encloses_the_exact_ranks(law: str, inputs: str) -> None:
    n_layers = n_closed = 0
    for seed, (m, width, depth) in enumerate([(16, 16, 12), (24, 9, 6), (7, 20, 6), (1, 5, 3)]):
        rng = np.random.default_rng([SEED, seed])
        network = random_network(width, depth, seed, **LAWS[law])
        X = INPUTS[inputs](rng, m, width)
        found = relufast.activation_ranks(network, X)
        assert found.uncertified_signs is not None
        assert (found.uncertified_signs == 0).all()
        assert_right(found, network, X, (law, inputs, seed))
        structural = relufast.activation_ranks(network, X, method="structural")
        assert (structural.upper <= found.upper).all()
        assert (structural.lower == 0).all()
        n_layers += depth
        n_closed += int(found.certified.sum())
    # What stays open is a layer here and there, except where inputs or weights are dependent.
    assert n_closed >= 0.8 * n_layers or inputs in ("line", "circle", "integers"), n_closed


@pytest.mark.parametrize("law", ["he", "orthogonal", "small weights", "leaky", "linear"])
def test_encloses_the_exact_ranks_of_deep_networks(law: str) -> None:
    network = random_network(32, 40, 3, **LAWS[law])
    X = np.random.default_rng(SEED).standard_normal((32, 32))
    found = relufast.activation_ranks(network, X)
    assert_right(found, network, X, law)
    assert found.certified.sum() >= 38
    if law in ("leaky", "linear"):
        assert (found.rank == 32).all()


def test_small_weights_have_a_rank_that_floats_do_not_see() -> None:
    network = random_network(64, 30, 1, **LAWS["small weights"])
    X = np.random.default_rng(1).standard_normal((64, 64))
    found = relufast.activation_ranks(network, X)
    true = assert_right(found, network, X, "small weights")
    numerical = relufast.activation_ranks(network, X, method="numerical")
    assert found.certified.all()
    assert true[-1] > 20
    assert numerical.rank[-1] <= 3


def test_linear_network_keeps_its_rank() -> None:
    network = random_network(64, 30, 1, negative_slope=1.0)
    X = np.random.default_rng(1).standard_normal((64, 64))
    assert (relufast.activation_ranks(network, X).rank == 64).all()
    assert relufast.activation_ranks(network, X, method="numerical").rank[-1] < 64


def test_near_duplicates_are_told_apart() -> None:
    network = random_network(64, 2, 1, negative_slope=0.1)
    X = near_duplicates(np.random.default_rng(1), 64, 64)
    found = relufast.activation_ranks(network, X)
    assert_right(found, network, X, "near duplicates")
    assert found.certified.all()
    assert (found.rank == 64).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_encloses_the_exact_ranks_of_degenerate_networks(family: str) -> None:
    for index in range(25):
        rng = np.random.default_rng([SEED, index, list(FAMILIES).index(family)])
        n_inputs = int(rng.integers(1, 5))
        weights, biases = FAMILIES[family](rng, n_inputs)
        slope = float(rng.choice([0.0, 0.0, 0.25, 1.0, -1.0]))
        network = relufast.Network(weights, biases, negative_slope=slope)
        inputs = list(INPUTS.values())[index % len(INPUTS)]
        X = inputs(rng, int(rng.integers(1, 12)), n_inputs)
        found = relufast.activation_ranks(network, X)
        assert found.uncertified_signs is not None
        assert (found.uncertified_signs == 0).all()
        assert_right(found, network, X, (family, index))


@given(
    integers=st.lists(st.integers(-2, 2), min_size=36, max_size=36),
    slope=st.sampled_from([0.0, 0.5, 1.0, -1.0, 3.0]),
)
@settings(max_examples=80, deadline=None, derandomize=True)
def test_encloses_the_exact_ranks_of_any_small_integers(integers: list[int], slope: float) -> None:
    values = np.array(integers, dtype=float)
    weights = [values[:9].reshape(3, 3), values[9:18].reshape(3, 3), np.ones((1, 3))]
    biases = [values[18:21], values[21:24], np.zeros(1)]
    network = relufast.Network(weights, biases, negative_slope=slope)
    X = values[24:].reshape(4, 3)
    assert_right(relufast.activation_ranks(network, X), network, X, integers)


@pytest.mark.parametrize("scale", [1e308, 1e-308, 5e-324, 1e150, 1e-150])
@pytest.mark.parametrize("slope", [0.0, 0.1, 1.0])
def test_scale_of_the_inputs_does_not_matter(scale: float, slope: float) -> None:
    network = random_network(6, 3, 2, bias_variance=0.0, negative_slope=slope)
    rng = np.random.default_rng(SEED)
    X = rng.integers(-3, 4, (5, 6)) * (scale / 4.0 if scale > 1.0 else scale)
    found = relufast.activation_ranks(network, X)
    true = assert_right(found, network, X, (scale, slope))
    numerical = relufast.activation_ranks(network, X, method="numerical")
    assert (numerical.rank == true).all()


@pytest.mark.parametrize(("first", "second"), [(1e308, 1e-308), (1e-308, 1e308), (1e300, 1e300)])
def test_scale_of_the_weights_does_not_matter(first: float, second: float) -> None:
    given_network = random_network(5, 2, 4, bias_variance=0.0)
    weights = [w / np.abs(w).max() for w in given_network.weights]
    network = relufast.Network([weights[0] * first, weights[1] * second, weights[2]])
    X = np.random.default_rng(SEED).standard_normal((6, 5))
    found = relufast.activation_ranks(network, X)
    true = assert_right(found, network, X, (first, second))
    numerical = relufast.activation_ranks(network, X, method="numerical")
    assert (numerical.rank == true).all()


def test_zero_weights_and_dead_layers() -> None:
    X = np.random.default_rng(SEED).standard_normal((5, 3))
    zero = np.zeros((4, 3))
    for bias, rank in ((0.0, 0), (-1.0, 0), (1.0, 1)):
        network = relufast.Network(
            [zero, np.eye(4), np.ones((1, 4))], [np.full(4, bias), np.zeros(4), np.zeros(1)]
        )
        found = relufast.activation_ranks(network, X)
        assert_right(found, network, X, bias)
        assert found.lower.tolist() == [rank, rank]
        assert found.rank.tolist() == [rank, rank]
    # a dead layer, and a layer of constants after it
    network = relufast.Network(
        [np.eye(3), -np.ones((4, 3)), np.ones((4, 4)), np.ones((1, 4))],
        [np.ones(3), np.full(4, -9.0), np.ones(4), np.zeros(1)],
    )
    found = relufast.activation_ranks(network, np.abs(X))
    assert found.rank[1:].tolist() == [0, 1]


def signs_of(network: relufast.Network, X: FloatArray, exact: Any) -> Any:
    with _blas.single_threaded():
        return _core.activation_signs(network._core_network(), X, True, exact)


def assert_proven_signs(signs: Any, network: relufast.Network, X: FloatArray, label: object) -> int:
    """Signs of points with no open one are the true ones; returns how many points end open."""
    for layer, exact in enumerate(exact_layers(network, X), 1):
        closed = signs.open_from > layer
        active = signs.active(layer).astype(bool)
        assert (active[closed] == (exact.signs[closed] > 0)).all(), (label, layer)
        assert (signs.n_open[layer - 1] > 0) == (not closed.all()), (label, layer)
    return int((signs.open_from <= network.depth).sum())


@pytest.mark.parametrize("law", [law for law in LAWS if law != "linear"])
def test_signs_are_proven_without_integers(law: str) -> None:
    """Double-double alone is enough for networks in general position."""
    network = random_network(40, 30, 5, **LAWS[law])
    X = np.random.default_rng(SEED).standard_normal((30, 40))
    assert assert_proven_signs(signs_of(network, X, None), network, X, law) == 0


@pytest.mark.parametrize("family", FAMILIES)
def test_open_signs_are_told_and_the_others_right(family: str) -> None:
    for index in range(12):
        rng = np.random.default_rng([SEED, 7, index, list(FAMILIES).index(family)])
        weights, biases = FAMILIES[family](rng, 3)
        network = relufast.Network(weights, biases, negative_slope=float(index % 2) / 4.0)
        X = rng.integers(-3, 4, (9, 3)) / 2.0
        assert_proven_signs(signs_of(network, X, None), network, X, (family, index))


def test_exact_ties_need_integers_and_get_them() -> None:
    rng = np.random.default_rng(SEED)
    weights = [rng.integers(-1, 2, (12, 12)).astype(float) for _ in range(4)]
    network = relufast.Network([*weights, np.ones((1, 12))])
    X = rng.integers(-1, 2, (10, 12)).astype(float)
    asked: list[tuple[int, int]] = []
    exact = ExactActivations(network, X, BUDGET)

    def noted(layer: int, point: int) -> FloatArray | None:
        asked.append((layer, point))
        return exact.preactivations(layer, point)

    assert assert_proven_signs(signs_of(network, X, noted), network, X, "ties") == 0
    assert asked
    assert assert_proven_signs(signs_of(network, X, None), network, X, "ties") > 0


def test_open_signs_leave_bounds_that_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["relufast.activation_ranks"]  # the package's name is the function's
    monkeypatch.setattr(module, "BUDGET", 0.0)
    n_open = 0
    for index in range(20):
        rng = np.random.default_rng([SEED, 8, index])
        weights = [rng.integers(-1, 2, (8, 8)).astype(float) for _ in range(3)]
        network = relufast.Network([*weights, np.ones((1, 8))])
        X = rng.standard_normal((9, 8))
        X[rng.random(9) < 0.4] = rng.integers(-1, 2, 8)
        X[:2, :4] = 0.0
        X[0, 4:] = 1.0
        found = relufast.activation_ranks(network, X)
        assert_right(found, network, X, index)
        assert found.uncertified_signs is not None
        if found.uncertified_signs.any():
            n_open += 1
            first = int(np.flatnonzero(found.uncertified_signs)[0])
            assert (found.uncertified_signs[first:] > 0).all()
            # A point with one open sign has all of them open above.
            above = found.uncertified_signs[first + 1 :]
            assert (above >= 8).all()
    assert n_open > 5


def test_without_certificate() -> None:
    network = random_network(20, 5, 1)
    X = np.random.default_rng(SEED).standard_normal((20, 20))
    found = relufast.activation_ranks(network, X, certify=False)
    proven = relufast.activation_ranks(network, X)
    assert found.uncertified_signs is None
    assert not found.certified.any()
    assert (found.rank == proven.rank).all()


def test_numerical_is_numpys() -> None:
    for law in LAWS:
        network = random_network(24, 12, 1, **LAWS[law])
        X = np.random.default_rng(SEED).standard_normal((30, 24))
        found = relufast.activation_ranks(network, X, method="numerical")
        plain = [np.linalg.matrix_rank(h) for h in network.activations(X)]
        assert found.rank.tolist() == plain
        assert (found.lower == found.rank).all()
        assert (found.upper == found.rank).all()
        assert not found.certified.any()
        assert found.primes == ()


def test_more_primes_only_where_bounds_are_open() -> None:
    network = random_network(16, 3, 1, negative_slope=0.1)
    X = np.random.default_rng(SEED).standard_normal((16, 16))
    assert len(relufast.activation_ranks(network, X, max_primes=5).primes) == 1
    # Dependent weights: no prime closes the bounds, and each is tried.
    weights = np.outer([1.0, -2.0, 3.0, -4.0], np.arange(1.0, 5.0))
    dependent = relufast.Network([weights, np.ones((1, 4))], negative_slope=0.5)
    X = np.random.default_rng(SEED).standard_normal((6, 4))
    for max_primes in (1, 2, 4):
        found = relufast.activation_ranks(dependent, X, max_primes=max_primes)
        assert len(set(found.primes)) == max_primes
        assert_right(found, dependent, X, max_primes)
        assert found.rank.tolist() == [-1]
        assert found.lower.tolist() == [2]


def test_equal_inputs_count_once() -> None:
    network = random_network(12, 4, 1, negative_slope=0.1)
    X = np.random.default_rng(SEED).standard_normal((5, 12))
    once = relufast.activation_ranks(network, X)
    twice = relufast.activation_ranks(network, np.concatenate([X, X, X[:2]]))
    assert twice.rank.tolist() == once.rank.tolist() == [5] * 4
    zeros = np.array([[0.0] * 12, [-0.0] * 12])
    assert relufast.activation_ranks(network, zeros).rank.tolist() == [1] * 4


def test_points_of_one_region_have_the_rank_of_the_input() -> None:
    """Forty points on a line through a wide network: two in a region, whatever the width."""
    network = relufast.Network.random((1, 30, 30, 30, 1), seed=1)
    X = np.linspace(10.0, 11.0, 40)[:, np.newaxis]
    n_regions = relufast.breakpoints(network, (10.0, 11.0)).n_regions
    found = relufast.activation_ranks(network, X)
    assert_right(found, network, X, "one region")
    assert (found.upper <= 2 * n_regions).all()
    assert n_regions < 10


def test_batch_without_points() -> None:
    network = random_network(4, 3, 1)
    for method in ("exact", "numerical", "structural"):
        found = relufast.activation_ranks(network, np.empty((0, 4)), method=method)
        assert found.lower.tolist() == found.upper.tolist() == found.rank.tolist() == [0, 0, 0]


@pytest.mark.parametrize("layout", ["fortran", "strided", "read-only", "float32", "integer"])
def test_layouts_and_dtypes(layout: str) -> None:
    network = random_network(5, 3, 1)
    X = np.random.default_rng(SEED).integers(-4, 5, (6, 5)).astype(float)
    given_X: Any = {
        "fortran": np.asfortranarray(X),
        "strided": np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
        "read-only": X.copy(),
        "float32": X.astype(np.float32),
        "integer": X.astype(np.int32),
    }[layout]
    given_X.flags.writeable = layout != "read-only"
    found = relufast.activation_ranks(network, given_X)
    assert found.to_dict() == relufast.activation_ranks(network, X).to_dict()


def test_result() -> None:
    network = random_network(5, 3, 1)
    X = np.random.default_rng(SEED).standard_normal((6, 5))
    found = relufast.activation_ranks(network, X)
    for array in (found.lower, found.upper, found.rank, found.certified, found.uncertified_signs):
        assert isinstance(array, np.ndarray)
        assert array.shape == (3,)
        assert not array.flags.writeable
    assert json.loads(json.dumps(found.to_dict()))["rank"] == found.rank.tolist()
    ranks = ", ".join(map(str, found.rank.tolist()))
    assert repr(found) == f"ActivationRanks({ranks}; certified)"
    deep = relufast.activation_ranks(random_network(5, 30, 1), X)
    assert "..." in repr(deep)


def test_same_result_for_any_order_of_points() -> None:
    network = random_network(20, 10, 2)
    rng = np.random.default_rng(SEED)
    X = rng.standard_normal((30, 20))
    found = relufast.activation_ranks(network, X)
    shuffled = relufast.activation_ranks(network, rng.permutation(X))
    assert found.certified.all()
    assert shuffled.to_dict() == found.to_dict()


def test_statistic_has_the_exact_ranks_of_its_trials() -> None:
    statistic = relufast.statistics.ActivationRanks((6, 9, 9, 1), 8, bias_variance=0.0)
    assert statistic.shape == (2,)
    n_trials = 20
    values = statistic.rows(block_sequence(3, 2), n_trials).values
    for trial, row in enumerate(values):
        network, X = statistic.trial(3, 2, trial)
        assert X.shape == (8, 6)
        assert row.tolist() == exact_ranks(network, X)


def test_dependent_inputs() -> None:
    """Only the rank of the input shows that of a linear network."""
    X = np.outer([1.0, 2.0, 3.0, 5.0], [1.0, -1.0, 4.0, 2.0, 1.0])
    network = random_network(5, 3, 1, bias_variance=0.0, negative_slope=1.0)
    found = relufast.activation_ranks(network, X)
    assert found.rank.tolist() == [1, 1, 1] == exact_ranks(network, X)
    assert found.certified.all()


def test_a_group_without_active_neurons_still_has_its_one() -> None:
    """Its row of [H, 1] is (0, ..., 0, 1), and the next layer has biases: rank 3 from ranks 2."""
    network = relufast.Network(
        [[[1], [1]], [[1, 3], [2, 1], [1, 1]], [[1, 1, 1]]], [[1, 2], [5, 7, 2], [0]]
    )
    X = np.array([[1.0], [2.0], [3.0], [-5.0]])
    found = relufast.activation_ranks(network, X)
    assert_right(found, network, X, "ones")
    assert found.rank.tolist() == [2, 3]
    structural = relufast.activation_ranks(network, X, method="structural")
    assert (structural.upper >= [2, 3]).all()


def test_the_sign_of_an_infinity_is_not_believed() -> None:
    """A partial sum overflows to inf, and the true preactivation is -1.6e307."""
    network = relufast.Network([[[0.8e308, 0.8e308, -0.8e308, -0.8e308]], [[1.0]]])
    X = np.array([[1.5, 1.5, 1.6, 1.6]])
    found = relufast.activation_ranks(network, X)
    assert found.rank.tolist() == [0]
    assert found.certified.all()
    census = relufast.neuron_census(network, X)
    assert (census.dead.tolist(), census.certified.all()) == ([1], True)
