from __future__ import annotations

import copy
import hashlib
import math
import pickle
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import threadpoolctl
from normal_law import FIVE_SIGMA
from numpy.typing import NDArray
from scipy import stats

from relufast import Network, _core

Array = NDArray[np.float64]


def small_network(negative_slope: float = 0.0) -> Network:
    """Three inputs, widths 4 and 5, two outputs."""
    return Network.random((3, 4, 5, 2), bias_variance=0.25, negative_slope=negative_slope, seed=8)


def slow_output(network: Network, x: Array) -> list[list[Fraction]]:
    """Exact preactivations of all layers at one point, the output as the last."""
    slope = Fraction(network.negative_slope)
    h = [Fraction(float(v)) for v in x]
    layers = []
    for weights, biases in zip(network.weights, network.biases, strict=True):
        z = [
            sum((Fraction(w) * v for w, v in zip(row, h, strict=True)), Fraction(bias))
            for row, bias in zip(weights.tolist(), biases.tolist(), strict=True)
        ]
        layers.append(z)
        h = [v if v > 0 else slope * v for v in z]
    return layers


# ---- Construction ----


def test_shapes_and_counts() -> None:
    network = small_network()
    assert network.widths == (3, 4, 5, 2)
    assert network.depth == 2
    assert network.n_neurons == 9
    assert network.negative_slope == 0.0
    assert network.rounded_line is False
    assert [w.shape for w in network.weights] == [(4, 3), (5, 4), (2, 5)]
    assert [b.shape for b in network.biases] == [(4,), (5,), (2,)]


LAYOUTS: dict[str, Callable[[Array], object]] = {
    "float64": lambda w: w,
    "float32": lambda w: w.astype(np.float32),
    "float16": lambda w: w.astype(np.float16),
    "int8": lambda w: w.astype(np.int8),
    "int64": lambda w: w.astype(np.int64),
    "uint32": lambda w: np.abs(w).astype(np.uint32),
    "big-endian": lambda w: w.astype(">f8"),
    "Fortran-ordered": lambda w: np.asfortranarray(w),
    "sliced": lambda w: np.repeat(np.repeat(w, 2, axis=0), 3, axis=1)[::2, ::3],
    "reversed": lambda w: w[::-1, ::-1],
    "nested lists": lambda w: w.tolist(),
    "read-only": lambda w: np.frombuffer(w.tobytes()).reshape(w.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_weights_of_any_layout(layout: str) -> None:
    first = LAYOUTS[layout](np.array([[1.0, -2.0], [3.0, 4.0], [0.0, -5.0]]))
    second = LAYOUTS[layout](np.array([[7.0, 8.0, -9.0]]))
    network = Network([first, second])
    for given, kept in zip((first, second), network.weights, strict=True):
        np.testing.assert_array_equal(kept, np.asarray(given, dtype=np.float64))
        assert kept.dtype == np.float64
        assert kept.dtype.isnative
        assert kept.flags.c_contiguous
        assert not kept.flags.writeable


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int16, np.uint64])
def test_biases_of_any_dtype(dtype: type[np.generic]) -> None:
    biases = np.array([[1, 9], [2, 9]], dtype=dtype)[:, 0]
    network = Network([np.ones((2, 1)), np.ones((1, 2))], [biases, biases[:1]])
    np.testing.assert_array_equal(network.biases[0], [1.0, 2.0])
    assert network.biases[0].dtype == np.float64


def test_biases_are_zero_if_not_given() -> None:
    network = Network([np.ones((2, 1)), np.ones((1, 2))])
    np.testing.assert_array_equal(network.biases[0], [0.0, 0.0])
    np.testing.assert_array_equal(network.biases[1], [0.0])


def test_tuples_serve_as_lists() -> None:
    network = Network((np.ones((2, 1)), np.ones((1, 2))), (np.ones(2), np.ones(1)))
    np.testing.assert_array_equal(network(1.0), [5.0])


def test_integers_up_to_2_to_53_are_exact() -> None:
    network = Network([[[2**53]], [[-(2**53)]]])
    assert network.weights[0][0, 0] == 2**53
    assert network.weights[1][0, 0] == -(2**53)


# ---- Immutability ----


def test_callers_later_writes_do_not_show() -> None:
    weights = [np.ones((2, 1)), np.ones((1, 2))]
    biases = [np.ones(2), np.ones(1)]
    network = Network(weights, biases)
    weights[0][:] = 7.0
    biases[0][:] = 7.0
    weights.append(np.ones((1, 1)))
    assert network.depth == 1
    np.testing.assert_array_equal(network.weights[0], np.ones((2, 1)))
    np.testing.assert_array_equal(network.biases[0], np.ones(2))


ORIGINS: dict[str, Callable[[], Network]] = {
    "given": lambda: Network([np.ones((2, 1)), np.ones((1, 2))], [np.ones(2), np.ones(1)]),
    "no biases": lambda: Network([np.ones((2, 1)), np.ones((1, 2))]),
    "random": small_network,
    "orthogonal": lambda: Network.random((2, 3, 1), weight_init="orthogonal", seed=1),
    "line": lambda: small_network().on_line(np.zeros(3), np.ones(3)),
    "unpickled": lambda: pickle.loads(pickle.dumps(small_network())),
    "copied": lambda: copy.deepcopy(small_network()),
}


@pytest.mark.parametrize("origin", [*ORIGINS, "loaded"])
def test_parameters_cannot_be_written(origin: str, tmp_path: Path) -> None:
    if origin == "loaded":
        small_network().save(tmp_path / "net.npz")
        network = Network.load(tmp_path / "net.npz")
    else:
        network = ORIGINS[origin]()
    for array in (*network.weights, *network.biases):
        assert array.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True


def test_attributes_cannot_be_set() -> None:
    network = small_network()
    with pytest.raises(AttributeError, match="cannot set 'weights': a Network is immutable"):
        network.weights = ()
    with pytest.raises(AttributeError, match="cannot set 'colour': a Network is immutable"):
        network.colour = "red"
    with pytest.raises(AttributeError, match="cannot delete '_weights': a Network is immutable"):
        del network._weights


def test_equality_and_hash_are_identity() -> None:
    network, twin = small_network(), small_network()
    assert network == network
    assert network != twin
    assert len({network, twin}) == 2


def assert_same_network(actual: Network, expected: Network) -> None:
    assert actual.widths == expected.widths
    assert actual.negative_slope == expected.negative_slope
    assert actual.rounded_line == expected.rounded_line
    for one, other in zip(actual.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(actual.biases, expected.biases, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol: int) -> None:
    network = small_network(0.01).on_line([0, 0, 0], [1, 2, 3])
    assert_same_network(pickle.loads(pickle.dumps(network, protocol)), network)


# ---- Evaluation ----


@pytest.mark.parametrize("negative_slope", [0.0, 0.01, 1.0, -0.5])
def test_values_are_those_of_exact_arithmetic(negative_slope: float) -> None:
    network = small_network(negative_slope)
    X = np.random.default_rng(0).normal(size=(7, 3))
    preactivations, activations = network.preactivations(X), network.activations(X)
    assert len(preactivations) == len(activations) == network.depth
    for i, x in enumerate(X):
        *hidden, output = slow_output(network, x)
        np.testing.assert_allclose(network(X)[i], [float(v) for v in output], rtol=1e-13)
        for layer, z in enumerate(hidden):
            h = [v if v > 0 else Fraction(negative_slope) * v for v in z]
            np.testing.assert_allclose(preactivations[layer][i], np.float64(z), rtol=1e-13)
            np.testing.assert_allclose(activations[layer][i], np.float64(h), rtol=1e-13)


def test_shapes_of_points() -> None:
    network = small_network()
    one, many = network(np.ones(3)), network(np.ones((6, 3)))
    assert one.shape == (2,)
    assert many.shape == (6, 2)
    np.testing.assert_allclose(many, np.tile(one, (6, 1)), rtol=1e-14)
    assert network(np.ones((0, 3))).shape == (0, 2)
    assert [z.shape for z in network.preactivations(np.ones(3))] == [(4,), (5,)]
    assert [h.shape for h in network.activations(np.ones((6, 3)))] == [(6, 4), (6, 5)]


def test_shapes_of_points_of_one_input() -> None:
    network = Network.random((1, 4, 2), seed=0)
    assert network(0.5).shape == (2,)
    assert network(np.float32(0.5)).shape == (2,)
    assert network([0.5]).shape == (1, 2)
    assert network([0.5, 1.0, 2.0]).shape == (3, 2)
    assert network([[0.5], [1.0], [2.0]]).shape == (3, 2)
    assert network([]).shape == (0, 2)
    np.testing.assert_array_equal(network([0.5, 1.0]), network([[0.5], [1.0]]))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64])
def test_points_of_any_dtype(dtype: type[np.generic]) -> None:
    network = small_network()
    X = np.array([[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(network(X.astype(dtype)), network(X.astype(np.float64)))


@pytest.mark.parametrize("negative_slope", [0.0, 0.1, -1.0])
def test_nan_stays_nan(negative_slope: float) -> None:
    network = small_network(negative_slope)
    X = np.ones((2, 3))
    X[0, 1] = np.nan
    for values in (network(X), *network.preactivations(X), *network.activations(X)):
        assert np.isnan(values[0]).all()
        assert np.isfinite(values[1]).all()


def test_infinity_follows_ieee_arithmetic() -> None:
    network = Network([[[1.0], [-1.0]], [[1.0, 1.0]]])
    np.testing.assert_array_equal(network([np.inf, -np.inf]), [[np.inf], [np.inf]])
    np.testing.assert_array_equal(network.activations(-np.inf)[0], [0.0, np.inf])


def test_overflow_gives_infinity_without_a_warning() -> None:
    network = Network([[[1e200]], [[1e200]]], negative_slope=1e200)
    assert network(1.0) == [np.inf]
    assert network.activations(-1.0)[0] == [-np.inf]


def test_evaluation_leaves_its_input_alone() -> None:
    X = np.full((2, 3), -1.0)
    small_network(0.5)(X)
    np.testing.assert_array_equal(X, -1.0)


# ---- Random networks ----


def test_bits_of_a_random_network_are_frozen() -> None:
    network = Network.random((1, 100, 100, 1), bias_variance=0.25, seed=1)
    digest = hashlib.sha256()
    for array in (*network.weights, *network.biases):
        digest.update(array.astype("<f8").tobytes())
    assert digest.hexdigest() == (
        "d7433b02c9dffa4c375619e2c64f9b6ea528df5782dadefd3fb99ca5373a3492"
    )


def test_parameters_are_the_scaled_normals_of_their_rows() -> None:
    network = Network.random([3, 4, 2], weight_variance=1.5, bias_variance=0.25, seed=2**64 - 1)
    for layer, (weights, biases) in enumerate(
        zip(network.weights, network.biases, strict=True), start=1
    ):
        rows, fan_in = weights.shape
        scale = math.sqrt(1.5 / fan_in)
        expected = _core.normal_layer(2**64 - 1, layer, 0, rows, fan_in, scale, 0.5)
        np.testing.assert_array_equal(weights, expected[0])
        np.testing.assert_array_equal(biases, expected[1])


WIDTHS = (40, 300, 200, 500, 30)
SHAPES = [(300, 40), (200, 300), (500, 200), (30, 500)]


@pytest.mark.parametrize(
    ("weight_init", "weight_variance", "variances"),
    [
        ("he", None, [2 / n_in for _, n_in in SHAPES]),
        ("he", 0.7, [0.7 / n_in for _, n_in in SHAPES]),
        ("glorot", None, [2 / (n_in + n_out) for n_out, n_in in SHAPES]),
        ("glorot", 3.0, [6 / (n_in + n_out) for n_out, n_in in SHAPES]),
    ],
)
def test_variances(weight_init: str, weight_variance: float | None, variances: list[float]) -> None:
    network = Network.random(
        WIDTHS,
        weight_init=weight_init,
        weight_variance=weight_variance,
        bias_variance=0.49,
        seed=3,
    )
    for weights, variance in zip(network.weights, variances, strict=True):
        band = 5 * variance * math.sqrt(2 / weights.size)
        assert np.mean(weights**2) == pytest.approx(variance, abs=band)
    for biases in network.biases:
        assert np.mean(biases**2) == pytest.approx(0.49, abs=5 * 0.49 * math.sqrt(2 / biases.size))


def test_bias_variance_zero_gives_zeros() -> None:
    for biases in Network.random(WIDTHS, bias_variance=0, seed=0).biases:
        assert biases.tobytes() == np.zeros(biases.size).tobytes()


def test_seeds_may_be_numpy_integers() -> None:
    expected = Network.random((1, 5, 1), seed=7)
    for seed in (np.int64(7), np.uint64(7), np.array(7)):
        assert_same_network(Network.random(np.array([1, 5, 1]), seed=seed), expected)


def test_seeds_differ() -> None:
    one, other = (Network.random((1, 50, 1), seed=seed) for seed in (0, 1))
    assert not np.isin(one.weights[0], other.weights[0]).any()


@pytest.mark.parametrize("weight_variance", [None, 0.3])
def test_orthogonal_rows_or_columns(weight_variance: float | None) -> None:
    network = Network.random(
        WIDTHS, weight_init="orthogonal", weight_variance=weight_variance, seed=5
    )
    for weights in network.weights:
        n_out, n_in = weights.shape
        gram = weights @ weights.T if n_out <= n_in else weights.T @ weights
        scale = (weight_variance or 2.0) * max(n_out, n_in) / n_in
        np.testing.assert_allclose(gram, scale * np.eye(len(gram)), atol=1e-13 * scale)


def test_biases_do_not_depend_on_the_initialiser() -> None:
    he, orthogonal = (
        Network.random(WIDTHS, weight_init=init, seed=5) for init in ("he", "orthogonal")
    )
    for one, other in zip(he.biases, orthogonal.biases, strict=True):
        np.testing.assert_array_equal(one, other)


def test_orthogonal_is_haar() -> None:
    """In the plane: a uniform angle, and independently of it a reflection in half of the cases."""
    networks = [
        Network.random((2, 2, 1), weight_init="orthogonal", weight_variance=1.0, seed=seed)
        for seed in range(4000)
    ]
    matrices = np.array([network.weights[0] for network in networks])
    angles = np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0])
    assert stats.kstest(angles / (2 * np.pi) + 0.5, "uniform").pvalue > FIVE_SIGMA
    rotation = np.linalg.det(matrices) > 0
    for half in (rotation, rotation == (angles > 0), rotation == (matrices[:, 0, 0] > 0)):
        assert stats.binomtest(int(half.sum()), half.size).pvalue > FIVE_SIGMA


def test_orthogonal_first_entry_has_the_law_of_a_sphere() -> None:
    """Householder's QR alone would make it negative."""
    # With scale 1, the square of a coordinate in n dimensions is Beta(1/2, (n - 1)/2).
    variance = 3 / 5
    networks = [
        Network.random((3, 5, 1), weight_init="orthogonal", weight_variance=variance, seed=seed)
        for seed in range(2000)
    ]
    entries = np.array([network.weights[0][0, 0] for network in networks])
    assert stats.kstest(entries**2, stats.beta(0.5, 2.0).cdf).pvalue > FIVE_SIGMA
    positive = int(np.count_nonzero(entries > 0))
    assert stats.binomtest(positive, entries.size).pvalue > FIVE_SIGMA


def test_orthogonal_does_not_depend_on_the_threads_of_blas() -> None:
    networks = []
    for n_threads in (1, 2, 7):
        with threadpoolctl.threadpool_limits(n_threads):
            networks.append(Network.random((500, 500, 500), weight_init="orthogonal", seed=1))
    assert_same_network(networks[1], networks[0])
    assert_same_network(networks[2], networks[0])


# ---- Lines ----


@pytest.mark.parametrize("negative_slope", [0.0, 0.2])
def test_line_follows_the_network(negative_slope: float) -> None:
    network = small_network(negative_slope)
    start, stop = np.array([0.5, -1.0, 2.0]), np.array([-3.0, 4.0, 0.25])
    line = network.on_line(start, stop)
    assert line.widths == (1, 4, 5, 2)
    assert line.negative_slope == negative_slope
    assert line.rounded_line is True
    t = np.linspace(-2.0, 3.0, 101)
    X = start + t[:, np.newaxis] * (stop - start)
    np.testing.assert_allclose(line(t), network(X), rtol=1e-12, atol=1e-12)


def test_line_is_as_close_as_it_says() -> None:
    network = Network.random((50, 20, 1), seed=4)
    rng = np.random.default_rng(1)
    start, stop = rng.normal(size=50) * 10.0 ** rng.integers(-8, 8, 50), rng.normal(size=50)
    line = network.on_line(start, stop)
    weights, biases = network.weights[0], network.biases[0]
    for i in range(20):
        terms = [
            (Fraction(float(w)), Fraction(float(a)), Fraction(float(b)))
            for w, a, b in zip(weights[i], start, stop, strict=True)
        ]
        slope = sum((w * (b - a) for w, a, b in terms), Fraction(0))
        offset = sum((w * a for w, a, _ in terms), Fraction(float(biases[i])))
        slope_bound = sum(abs(w) * (abs(a) + abs(b)) for w, a, b in terms) / 2**51
        offset_bound = sum((abs(w * a) for w, a, _ in terms), abs(Fraction(float(biases[i]))))
        assert abs(Fraction(float(line.weights[0][i, 0])) - slope) <= slope_bound
        assert abs(Fraction(float(line.biases[0][i])) - offset) <= offset_bound / 2**51


def test_line_shares_the_other_layers() -> None:
    network = small_network()
    line = network.on_line([0, 0, 0], [1, 1, 1])
    for shared, original in zip(line.weights[1:], network.weights[1:], strict=True):
        assert np.shares_memory(shared, original)


def test_line_of_a_one_input_network() -> None:
    network = Network([[[2.0]], [[1.0]]], [[1.0], [0.0]])
    line = network.on_line([1.0], [4.0])
    assert line.weights[0].tolist() == [[6.0]]
    assert line.biases[0].tolist() == [3.0]


# ---- Files ----


@pytest.mark.parametrize("name", ["net.npz", "net", "net.npz.backup", ".hidden"])
def test_save_and_load_take_the_path_as_it_is(tmp_path: Path, name: str) -> None:
    network = small_network(-0.3)
    network.save(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert_same_network(Network.load(str(tmp_path / name)), network)


def test_saved_line_is_loaded_as_a_line(tmp_path: Path) -> None:
    line = small_network().on_line([0, 0, 0], [1, 2, 3])
    line.save(tmp_path / "line.npz")
    assert_same_network(Network.load(tmp_path / "line.npz"), line)


def test_file_with_fortran_order_is_loaded_in_c_order(tmp_path: Path) -> None:
    network = small_network()
    network.save(tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz") as archive:
        arrays = {name: array.copy(order="F") for name, array in archive.items()}
    np.savez(tmp_path / "fortran.npz", **arrays)
    loaded = Network.load(tmp_path / "fortran.npz")
    assert_same_network(loaded, network)
    assert all(w.flags.c_contiguous for w in loaded.weights)


def test_save_replaces_a_file(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    small_network().save(path)
    other = Network.random((1, 2, 1), seed=0)
    other.save(path)
    assert_same_network(Network.load(path), other)


def test_same_network_gives_the_same_file(tmp_path: Path) -> None:
    small_network().save(tmp_path / "one.npz")
    small_network().save(tmp_path / "other.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()


def test_numpy_reads_the_file(tmp_path: Path) -> None:
    network = small_network(0.01)
    network.save(tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz", allow_pickle=False) as archive:
        assert archive["format"] == "relufast.Network"
        assert archive["version"] == 1
        assert archive["negative_slope"] == 0.01
        np.testing.assert_array_equal(archive["weights_2"], network.weights[2])
        np.testing.assert_array_equal(archive["biases_0"], network.biases[0])


# ---- Representation ----


@pytest.mark.parametrize(
    ("widths", "negative_slope", "text"),
    [
        ((1, 100, 100, 1), 0.0, "Network(1-100-100-1, relu, 10,401 parameters)"),
        ((2, 3, 1), 0.01, "Network(2-3-1, leaky relu 0.01, 13 parameters)"),
        ((5, 5, 5, 5, 1), 1.0, "Network(5x4-1, leaky relu 1.0, 96 parameters)"),
        ((1, *[9] * 20, 1), 0.0, "Network(1-9x20-1, relu, 1,738 parameters)"),
    ],
)
def test_repr(widths: tuple[int, ...], negative_slope: float, text: str) -> None:
    assert repr(Network.random(widths, negative_slope=negative_slope, seed=0)) == text


def test_repr_of_a_line() -> None:
    line = small_network().on_line([0, 0, 0], [1, 2, 3])
    assert repr(line) == "Network(1-4-5-2, relu, 45 parameters, rounded line)"
