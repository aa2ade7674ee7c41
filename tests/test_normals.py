"""The counter-based normals: against NumPy's Philox, a slow ziggurat, and the normal law.

Statistical bands are five standard deviations of what is measured, under the normal law.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pytest
import scripts
from mpmath import mp
from normal_law import FIVE_SIGMA, assert_normal_moment
from numpy.typing import NDArray
from scipy import stats
from scripts import ROOT

from relufast import _core

Array = NDArray[np.float64]

NETWORK_DOMAIN = 1


def normals(count: int, *, seed: int = 2025, layer: int = 1, row: int = 0, rows: int = 1) -> Array:
    """Rows of `count` normals each: every row's bias, then its weights."""
    weights, biases = _core.normal_layer(seed, layer, row, row + rows, count - 1, 1.0, 1.0)
    return np.column_stack([biases, weights])


def numpy_words(seed: int, layer: int, row: int, count: int) -> list[int]:
    """The stream's words from NumPy, which increments the counter before every block."""
    first = (NETWORK_DOMAIN << 192) + (layer << 128) + (row << 64)
    words: list[int] = np.random.Philox(key=seed, counter=first - 1).random_raw(count).tolist()
    return words


def table_maker() -> ModuleType:
    return scripts.tool("make_ziggurat_tables")


class Ziggurat(NamedTuple):
    step: list[float]
    right_edge: list[float]
    inner_edge: list[float]


@cache
def ziggurat() -> Ziggurat:
    with mp.workdps(40):
        r = mp.findroot(table_maker().top_gap, 3.654152885361009)
        edges = table_maker().right_edges(r)
        base = table_maker().layer_area(r) / table_maker().density(r)
        width = [base, *edges]
        return Ziggurat(
            [float(x / 2**52) for x in width],
            [float(x) for x in edges[:1] + edges],
            [*(float(x) for x in edges), 0.0],
        )


def slow_normals(words: Iterator[int]) -> Iterator[float]:
    """The definition: Marsaglia and Tsang's ziggurat, in floating point with a math library."""
    step, right_edge, inner_edge = ziggurat()
    r = right_edge[0]

    def uniform() -> float:
        return ((next(words) >> 11) | 1) / 2**53

    for word in words:
        layer = word & 255
        signed = word - 2**64 if word >= 2**63 else word
        x = ((signed >> 11) | 1) * step[layer]
        if abs(x) < inner_edge[layer]:
            yield x
        elif layer == 0:
            excess, exponential = 0.0, -1.0
            while 2 * exponential <= excess**2:
                excess, exponential = -math.log(uniform()) / r, -math.log(uniform())
            yield math.copysign(r + excess, x)
        else:
            low, high = (math.exp(-(y**2) / 2) for y in (right_edge[layer], inner_edge[layer]))
            if low + uniform() * (high - low) < math.exp(-(x**2) / 2):
                yield x


@pytest.mark.parametrize(
    ("counter", "key"),
    [
        ((0, 0, 0, 0), (0, 0)),
        ((1, 2, 3, 4), (5, 6)),
        ((2**64 - 1,) * 4, (2**64 - 1,) * 2),
        ((0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 7), (0xFEDCBA98, 2**63)),
    ],
)
def test_philox_is_numpys(counter: tuple[int, ...], key: tuple[int, ...]) -> None:
    number = sum(word << 64 * i for i, word in enumerate(counter))
    bits = np.random.Philox(key=key[0] + (key[1] << 64), counter=(number - 1) % 2**256)
    assert _core.philox4x64(counter, key) == bits.random_raw(4).tolist()


def test_committed_tables_are_what_mpmath_gives() -> None:
    committed = (ROOT / "cpp" / "src" / "ziggurat_tables.hpp").read_text()
    assert committed == table_maker().tables()


@pytest.mark.parametrize(
    ("seed", "layer", "row"), [(0, 1, 0), (1, 2, 3), (2**64 - 1, 2**64 - 1, 2**64 - 2)]
)
def test_stream_is_the_slow_ziggurats(seed: int, layer: int, row: int) -> None:
    count = 30_000
    words = iter(numpy_words(seed, layer, row, 2 * count))
    expected = np.array(list(itertools.islice(slow_normals(words), count)))
    actual = normals(count, seed=seed, layer=layer, row=row)[0]

    # A value in the tail is a logarithm, rounded otherwise by each math library.
    in_tail = np.abs(expected) > ziggurat().right_edge[0]
    assert in_tail.any()
    np.testing.assert_array_equal(actual[~in_tail], expected[~in_tail])
    np.testing.assert_allclose(actual[in_tail], expected[in_tail], rtol=1e-15)


def test_bits_are_frozen() -> None:
    """Changing these breaks every seed that anybody has written down."""
    first = normals(4, seed=0, layer=1, row=0)[0]
    assert [value.hex() for value in first.tolist()] == [
        "0x1.5708a35325e2dp-1",
        "-0x1.da02a43e8173cp-6",
        "-0x1.af15b30f82a9cp-1",
        "0x1.09901c215dd28p-4",
    ]
    far = normals(4, seed=2**64 - 1, layer=3, row=2**63)[0]
    assert [value.hex() for value in far.tolist()] == [
        "-0x1.2b1860b23dc23p+0",
        "0x1.b4a735606062ep-2",
        "-0x1.fea856a800160p-3",
        "-0x1.301d280017ad3p-4",
    ]
    values = normals(1000, seed=42, layer=2, rows=1000).astype("<f8")
    assert hashlib.sha256(values.tobytes()).hexdigest() == (
        "1446018b1a009a0522e751ad66efeeef436ade0287c28409df3e255f3a16d50d"
    )


def test_any_row_comes_by_itself() -> None:
    weights, biases = _core.normal_layer(3, 2, 0, 20, 7, 0.5, 2.0)
    for row in range(20):
        row_weights, row_bias = _core.normal_layer(3, 2, row, row + 1, 7, 0.5, 2.0)
        np.testing.assert_array_equal(row_weights[0], weights[row])
        assert row_bias[0] == biases[row]


def test_biases_come_alone() -> None:
    _, biases = _core.normal_layer(3, 2, 0, 20, 7, 0.5, 2.0)
    no_weights, same_biases = _core.normal_layer(3, 2, 0, 20, 0, 0.5, 2.0)
    assert no_weights.shape == (20, 0)
    np.testing.assert_array_equal(same_biases, biases)


def test_a_wider_row_begins_with_the_narrower_one() -> None:
    wide, narrow = normals(500, rows=3), normals(8, rows=3)
    np.testing.assert_array_equal(wide[:, :8], narrow)


def test_scales_multiply_once() -> None:
    weights, biases = _core.normal_layer(9, 1, 4, 8, 5, 0.3, 0.7)
    unscaled = normals(6, seed=9, row=4, rows=4)
    np.testing.assert_array_equal(biases, 0.7 * unscaled[:, 0])
    np.testing.assert_array_equal(weights, 0.3 * unscaled[:, 1:])


def test_layer_comes_as_c_contiguous_float64() -> None:
    weights, biases = _core.normal_layer(0, 1, 0, 3, 4, 1.0, 1.0)
    assert weights.shape == (3, 4)
    assert biases.shape == (3,)
    assert weights.dtype == biases.dtype == np.float64
    assert weights.flags.c_contiguous


def test_no_rows() -> None:
    weights, biases = _core.normal_layer(0, 1, 5, 5, 4, 1.0, 1.0)
    assert weights.shape == (0, 4)
    assert biases.shape == (0,)


def test_threads_give_the_same_rows() -> None:
    expected = normals(200, rows=64)
    with ThreadPoolExecutor(4) as executor:
        rows = list(executor.map(lambda row: normals(200, row=row)[0], range(64)))
    np.testing.assert_array_equal(rows, expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0, 0, 1, 1), "layer is 0, but layers count from 1"),
        ((0, 1, 2, 1, 1), "row_begin is greater than row_end"),
        ((0, 1, 0, 1, -1), "fan_in is negative"),
    ],
)
def test_layer_that_does_not_exist(arguments: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _core.normal_layer(*arguments, 1.0, 1.0)


@pytest.fixture(scope="module")
def sample() -> Array:
    """Four million normals from many short rows of several layers and seeds."""
    blocks = [
        normals(500, seed=seed, layer=layer, rows=1000).ravel()
        for seed, layer in itertools.product((1, 2**63 + 5), (1, 2, 3, 10))
    ]
    return np.concatenate(blocks)


@pytest.mark.parametrize("order", range(1, 9))
def test_moments(sample: Array, order: int) -> None:
    assert_normal_moment(sample, order)


def test_kolmogorov_smirnov(sample: Array) -> None:
    assert stats.kstest(sample, "norm").pvalue > FIVE_SIGMA


def test_counts_in_many_narrow_bins(sample: Array) -> None:
    """The density itself, as closely as the layers and their wedges divide it."""
    bins = 4096
    counts = np.bincount((stats.norm.cdf(sample) * bins).astype(np.int64), minlength=bins)
    assert stats.chisquare(counts).pvalue > FIVE_SIGMA


@pytest.fixture(scope="module")
def tail_sample() -> tuple[int, Array]:
    """How many normals were drawn, and those of them beyond 2."""
    blocks = []
    for layer in range(1, 21):
        values = normals(1000, seed=77, layer=layer, rows=1000)
        blocks.append(values[np.abs(values) > 2])
    return 20 * 1_000_000, np.concatenate(blocks)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("threshold", [2.0, 3.0, 3.5, 3.654152885361009, 3.8, 4.0, 4.5, 5.0])
def test_tail_probability(tail_sample: tuple[int, Array], sign: int, threshold: float) -> None:
    drawn, values = tail_sample
    beyond = int(np.count_nonzero(sign * values > threshold))
    assert stats.binomtest(beyond, drawn, stats.norm.sf(threshold)).pvalue > FIVE_SIGMA


def test_law_within_the_tail(tail_sample: tuple[int, Array]) -> None:
    _, values = tail_sample
    r = ziggurat().right_edge[0]
    tail = np.abs(values)[np.abs(values) > r]
    assert tail.size > 4000
    assert stats.kstest(stats.norm.sf(tail) / stats.norm.sf(r), "uniform").pvalue > FIVE_SIGMA


NEIGHBOURS: dict[str, Callable[[], tuple[Array, Array]]] = {
    "values": lambda: (normals(1_000_000)[0, :-1], normals(1_000_000)[0, 1:]),
    "rows": lambda: (normals(1000, rows=1000), normals(1000, row=1, rows=1000)),
    "layers": lambda: (normals(1000, layer=1, rows=1000), normals(1000, layer=2, rows=1000)),
    "seeds": lambda: (normals(1000, seed=0, rows=1000), normals(1000, seed=1, rows=1000)),
    "row and layer": lambda: (normals(10**6, layer=2, row=1), normals(10**6, layer=1, row=2)),
    "seed and layer": lambda: (normals(10**6, seed=2, layer=1), normals(10**6, seed=1, layer=2)),
}


@pytest.mark.parametrize("neighbours", NEIGHBOURS)
def test_neighbours_are_uncorrelated(neighbours: str) -> None:
    x, y = (values.ravel() for values in NEIGHBOURS[neighbours]())
    band = 5 / math.sqrt(x.size)
    assert abs(np.mean(x * y)) < band
    # x^2 - 1 has variance 2.
    assert abs(np.mean((x**2 - 1) * (y**2 - 1))) < 2 * band


def test_biases_of_neighbouring_rows_are_uncorrelated() -> None:
    """The first values of many streams, of which a layer's biases are made."""
    biases = normals(1, rows=1_000_001)[:, 0]
    band = 5 / math.sqrt(biases.size - 1)
    assert abs(np.mean(biases[1:] * biases[:-1])) < band
    assert abs(np.mean((biases[1:] ** 2 - 1) * (biases[:-1] ** 2 - 1))) < 2 * band
    assert stats.kstest(biases, "norm").pvalue > FIVE_SIGMA
