"""`neuron_census` against preactivations in exact rational arithmetic."""

from __future__ import annotations

import sys
from fractions import Fraction

import numpy as np
import pytest
from networks import FAMILIES
from numpy.typing import NDArray

import relufast

Array = NDArray[np.float64]


def exact_preactivations(network: relufast.Network, X: Array) -> list[list[list[Fraction]]]:
    """z of each hidden layer, as rows of numbers."""
    slope = Fraction(network.negative_slope)
    h = [[Fraction(x) for x in row] for row in X.tolist()]
    layers = []
    for weights, biases in zip(network.weights[:-1], network.biases[:-1], strict=True):
        w = [[Fraction(x) for x in row] for row in weights.tolist()]
        b = [Fraction(x) for x in biases.tolist()]
        z = [
            [sum(map(Fraction.__mul__, row, unit), bias) for unit, bias in zip(w, b, strict=True)]
            for row in h
        ]
        layers.append(z)
        h = [[x if x > 0 else slope * x for x in row] for row in z]
    return layers


def check(network: relufast.Network, X: Array) -> relufast.Census:
    census = relufast.neuron_census(network, X)
    assert census.n_points == len(X)
    for layer, z in enumerate(exact_preactivations(network, X)):
        active = np.array([[x > 0 for x in row] for row in z])
        counts = active.sum(axis=0)
        found, uncertain = census.n_active[layer], int(census.n_uncertain[layer])
        assert abs(found - counts).sum() <= uncertain
        of_found = (found == 0).sum(), (found == len(X)).sum()
        summary = census.dead[layer], census.always_on[layer], census.mixed[layer]
        assert summary == (*of_found, len(found) - sum(of_found))
        assert census.alive_fraction[layer] == (len(found) - of_found[0]) / len(found)
        if uncertain == 0:
            assert census.certified[layer]
        if census.certified[layer]:
            dead, always_on = (counts == 0).sum(), (counts == len(X)).sum()
            assert summary == (dead, always_on, len(counts) - dead - always_on)
    return census


@pytest.mark.parametrize("family", FAMILIES)
def test_adversarial_networks(family: str) -> None:
    rng = np.random.default_rng(list(FAMILIES).index(family))
    for n_inputs in (1, 3, 3):
        for slope in (0.0, 0.25, -1.0):
            weights, biases = FAMILIES[family](rng, n_inputs)
            network = relufast.Network(weights, biases, negative_slope=slope)
            integers = rng.integers(-2, 3, (4, n_inputs)).astype(float)
            check(network, integers)
            check(network, rng.standard_normal((3, n_inputs)) * 10.0 ** rng.integers(-3, 4))


def test_random_networks_are_certified() -> None:
    """He networks, to depth 30."""
    for seed, slope in enumerate((0.0, 0.0, 0.1)):
        network = relufast.Network.random(
            (64,) * 31 + (1,), bias_variance=0.0, negative_slope=slope, seed=seed
        )
        X = np.random.default_rng(seed).standard_normal((64, 64))
        census = relufast.neuron_census(network, X)
        assert census.n_uncertain.sum() == 0
        assert census.certified.all()


def test_exact_small_network() -> None:
    census = check(relufast.Network.random((3, 6, 6, 6, 1), seed=2), np.eye(3))
    assert census.certified.all()
    assert census.dead.dtype == census.n_uncertain.dtype == np.int64
    for array in (*census.n_active, census.dead, census.always_on, census.mixed):
        assert not array.flags.writeable
    assert repr(census).startswith("Census(3 points, ")


def test_zeros_are_inactive_and_certain() -> None:
    """A dead layer, and preactivations that are zero because their weights are."""
    weights = [[[1.0], [0.0]], [[1.0, 1.0], [0.0, 1.0]], [[1.0, 1.0]]]
    network = relufast.Network(weights)
    census = check(network, np.array([[-1.0], [-2.0]]))
    assert census.dead.tolist() == [2, 2]
    assert census.certified.all()
    assert census.n_uncertain.tolist() == [0, 0]


def test_ties_are_decided() -> None:
    """0.1 + 0.2 - 0.3 is no float64's zero, and integers tell."""
    network = relufast.Network([[[1.0, 1.0, -1.0]], [[1.0]]])
    census = check(network, np.array([[0.1, 0.2, 0.30000000000000004], [1.0, 2.0, 3.0]]))
    assert census.certified.all()
    assert census.n_uncertain.tolist() == [0]


@pytest.fixture
def no_integers(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["relufast.neuron_census"]  # the package's name is the function's
    monkeypatch.setattr(module, "BUDGET", 0.0)


def test_what_integers_are_not_asked_is_uncertain(no_integers: None) -> None:
    network = relufast.Network([[[1.0, 1.0, -1.0]], [[1.0]], [[1.0]]])
    census = check(network, np.array([[0.1, 0.2, 0.30000000000000004], [1.0, 2.0, 3.0]]))
    assert census.n_uncertain.tolist() == [1, 1]
    assert not census.certified.any()


def test_uncertain_signs_need_not_matter(no_integers: None) -> None:
    """A neuron on and off elsewhere is mixed whatever the sign at a tie."""
    network = relufast.Network([[[1.0, -1.0]], [[1.0]]], [[0.0], [0.0]])
    census = check(network, np.array([[0.1, 0.1], [2.0, 1.0], [1.0, 2.0]]))
    assert census.n_uncertain.tolist() == [1]
    assert census.certified[0]
    assert census.mixed.tolist() == [1]


def test_overflow_is_decided() -> None:
    network = relufast.Network([[[1e200], [-1e200]], [[1e200, -1e200]], [[1.0]]])
    assert check(network, np.array([[1e200], [1.0]])).certified.all()


@pytest.mark.parametrize("entries", [1, 64, 200, 10**6])
def test_chunks_do_not_matter(entries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network = relufast.Network.random((5, 40, 30, 1), seed=3)
    X = np.random.default_rng(1).standard_normal((57, 5))
    expected = relufast.neuron_census(network, X)
    module = sys.modules["relufast.neuron_census"]  # the package's name is the function's
    monkeypatch.setattr(module, "_ENTRIES_AT_ONCE", entries)
    found = relufast.neuron_census(network, X)
    for first, second in zip(found.n_active, expected.n_active, strict=True):
        np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(found.certified, expected.certified)


def test_takes_any_points() -> None:
    network = relufast.Network.random((3, 8, 8, 1), seed=3)
    X = np.random.default_rng(2).integers(-9, 10, (6, 3)).astype(float)
    expected = relufast.neuron_census(network, X)
    wide = np.zeros((12, 9))
    wide[::2, ::3] = X
    frozen = X.copy()
    frozen.flags.writeable = False
    for same in (
        X.tolist(),
        np.asfortranarray(X),
        wide[::2, ::3],
        X[::-1],
        X.astype(np.float32),
        X.astype(np.int8),
        frozen,
    ):
        found = relufast.neuron_census(network, same)
        for first, second in zip(found.n_active, expected.n_active, strict=True):
            np.testing.assert_array_equal(first, second)
    assert relufast.neuron_census(network, X[0]).n_points == 1
    one_input = relufast.Network.random((1, 8, 1), seed=3)
    assert relufast.neuron_census(one_input, [1.0, 2.0]).n_points == 2
    assert relufast.neuron_census(one_input, 1.0).n_points == 1
