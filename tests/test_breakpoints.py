"""Breakpoints against the rational oracle, against extended precision, and against themselves."""

from __future__ import annotations

import copy
import gc
import math
import pickle
from collections.abc import Iterator
from fractions import Fraction

import adversarial
import numpy as np
import pytest
from extended_precision import brute_force_breakpoints
from networks import NetworkCase, SegmentCase, network_case, saw_tooth, segment_case
from rational_oracle import ExactBreakpoints, exact_breakpoints

import relufast
from relufast import _knots
from relufast._core import Knots
from relufast._knots import find_knots

SEED = 20261123
PART = 100  # cases a test


def found_triples(found: relufast.Breakpoints) -> list[tuple[int, int, int, bool]]:
    """(site, layer, neuron, reaches_output), in the order of the arrays."""
    columns = (found.sites, found.layers, found.neurons, found.reaches_output)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def assert_exact(found: relufast.Breakpoints, exact: ExactBreakpoints, label: str) -> None:
    assert found.certified, label
    assert found.n_ambiguous == 0, label
    assert found_triples(found) == exact.crossings, label
    assert found.count == exact.count, label
    assert found.count_by_layer.tolist() == exact.count_by_layer, label
    assert found.n_regions == exact.n_regions, label
    assert found.n_output_regions == exact.n_output_regions, label
    assert np.all(found.positions[1:] >= found.positions[:-1]), label
    for x, error, triple in zip(
        found.positions.tolist(), found.position_error.tolist(), exact.triples, strict=True
    ):
        if math.isinf(x):  # a position that no float64 comes near
            assert abs(triple.x) > Fraction(np.finfo(float).max), label
        elif not math.isinf(error):
            assert abs(Fraction(x) - triple.x) <= Fraction(error), label


def network_of(case: NetworkCase | SegmentCase) -> relufast.Network:
    return relufast.Network(case.weights, case.biases, negative_slope=case.negative_slope)


@pytest.mark.parametrize("part", range(24))
def test_agrees_with_rational_arithmetic(part: int) -> None:
    for index in range(part * PART, (part + 1) * PART):
        case = network_case(SEED, index)
        found = relufast.breakpoints(network_of(case), case.interval)
        exact = exact_breakpoints(
            case.weights, case.biases, case.interval, negative_slope=case.negative_slope
        )
        assert_exact(found, exact, case.label)


@pytest.mark.parametrize("part", range(12))
def test_agrees_with_rational_arithmetic_on_segments(part: int) -> None:
    for index in range(part * PART, (part + 1) * PART):
        case = segment_case(SEED, index)
        found = relufast.breakpoints(
            network_of(case),
            start=case.start,
            stop=case.stop,
            whole_line=math.isinf(case.interval[0]),
        )
        exact = exact_breakpoints(
            case.weights,
            case.biases,
            case.interval,
            start=case.start,
            stop=case.stop,
            negative_slope=case.negative_slope,
        )
        assert_exact(found, exact, case.label)


@pytest.mark.parametrize("case", adversarial.CASES, ids=lambda case: case.label)
def test_no_false_certificate(case: NetworkCase, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = exact_breakpoints(
        case.weights, case.biases, case.interval, negative_slope=case.negative_slope
    )
    assert_exact(relufast.breakpoints(network_of(case), case.interval), exact, case.label)
    # and without the integers, which settle most of these
    monkeypatch.setattr("relufast._knots._EXACT_BUDGET", 0.0)
    found = relufast.breakpoints(network_of(case), case.interval)
    if found.certified:
        assert_exact(found, exact, case.label)


@pytest.mark.parametrize("depth", [1, 4, 9])
def test_saw_tooth_has_all_its_teeth(depth: int) -> None:
    weights, biases = saw_tooth(depth)
    found = relufast.breakpoints(relufast.Network(weights, biases), (0.0, 1.0))
    assert found.certified
    assert found.n_output_regions == 2**depth


def gaussian(
    width: int, depth: int, seed: int, *, negative_slope: float = 0.0, bias_variance: float = 0.25
) -> relufast.Network:
    return relufast.Network.random(
        (1, *[width] * depth, 1),
        bias_variance=bias_variance,
        negative_slope=negative_slope,
        seed=seed,
    )


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="longdouble is no wider than double")
@pytest.mark.parametrize(
    ("width", "depth", "negative_slope"),
    [(300, 3, 0.0), (100, 6, 0.0), (60, 12, 0.0), (100, 4, 0.01), (80, 4, -0.5)],
)
def test_agrees_with_extended_precision(width: int, depth: int, negative_slope: float) -> None:
    network = gaussian(width, depth, 7, negative_slope=negative_slope)
    found = relufast.breakpoints(network, (-1000.0, 1000.0))
    brute = brute_force_breakpoints(
        network.weights, network.biases, negative_slope, -1000.0, 1000.0
    )
    assert found.certified
    assert found.layers.tolist() == brute.layers.tolist()
    assert found.neurons.tolist() == brute.neurons.tolist()
    gap = np.abs(found.positions - brute.positions)
    # longdouble's own error: its roundoff against float64's, with which the bound was made
    assert np.all(gap <= found.position_error * (1 + 2**-8))
    assert found.reaches_output.all()


@pytest.mark.parametrize(("width", "depth"), [(150, 4), (40, 10)])
def test_any_number_of_threads_gives_the_same_bits(width: int, depth: int) -> None:
    network = gaussian(width, depth, 3)
    one, two, seven = (relufast.breakpoints(network, n_threads=n) for n in (1, 2, 7))
    for other in (two, seven):
        for name in (
            "positions",
            "position_error",
            "layers",
            "neurons",
            "reaches_output",
            "sites",
        ):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)


@pytest.mark.parametrize("negative_slope", [0.0, 0.2])
def test_tile_size_changes_no_discrete_result(negative_slope: float) -> None:
    network = gaussian(90, 4, 5, negative_slope=negative_slope)

    def knots(tile_size: int) -> Knots:
        return find_knots(
            network,
            (-math.inf, math.inf),
            None,
            certify=True,
            n_threads=2,
            tile_size=tile_size,
        )

    reference = knots(4096)
    assert not reference.open_after.any()
    for tile_size in (1, 2, 3, 17, 100, 384):
        tiled = knots(tile_size)
        assert not tiled.open_after.any()
        for name in ("layers", "neurons", "reaches_output", "first_crossing"):
            np.testing.assert_array_equal(getattr(tiled, name), getattr(reference, name))
        inner = slice(1, -1)  # the ends may be infinite
        gap = np.abs(tiled.x[inner] - reference.x[inner])
        assert np.all(gap <= tiled.x_error[inner] + reference.x_error[inner])


@pytest.mark.parametrize("negative_slope", [0.0, 0.2])
@pytest.mark.parametrize(
    "widths",
    [
        (1, 90, 90, 90, 1),
        (1, 40, 60, 80, 50, 5),
        (1, 30, 30, 30, 10),
        (1, 40, 50, 30, 60, 40, 50, 2),
    ],
)
@pytest.mark.parametrize("radius", [3.0, math.inf])
def test_chunks_of_neurons_with_one_sign_change_no_discrete_result(
    widths: tuple[int, ...], radius: float, negative_slope: float
) -> None:
    """The last layer leaves out those with one sign, inner layers without a leak the inactive."""
    network = relufast.Network.random(widths, seed=8, negative_slope=negative_slope)

    def knots(chunk_size: int, tile_size: int) -> Knots:
        return find_knots(
            network,
            (-radius, radius),
            None,
            certify=True,
            n_threads=2,
            tile_size=tile_size,
            chunk_size=chunk_size,
        )

    reference = knots(0, 0)  # of narrow layers all neurons are evaluated
    assert not reference.open_after.any()
    for chunk_size, tile_size in ((1, 0), (2, 40), (5, 100), (16, 0), (64, 0), (10_000, 0)):
        found = knots(chunk_size, tile_size)
        assert not found.open_after.any()
        for name in ("layers", "neurons", "reaches_output", "first_crossing"):
            np.testing.assert_array_equal(getattr(found, name), getattr(reference, name))
        inner = slice(1, -1)  # the ends may be infinite
        gap = np.abs(found.x[inner] - reference.x[inner])
        assert np.all(gap <= found.x_error[inner] + reference.x_error[inner])


@pytest.mark.parametrize("depth", [3, 6])
def test_wide_layers_are_those_of_all_their_neurons(depth: int) -> None:
    widths = (1, *[300] * depth, 2)
    network = relufast.Network.random(widths, seed=3, bias_variance=0.25)
    by_chunks = find_knots(network, (-10.0, 10.0), None, certify=True, n_threads=2)
    # One chunk: hardly a neuron keeps its sign.
    whole = find_knots(network, (-10.0, 10.0), None, certify=True, n_threads=2, chunk_size=10**6)
    for name in ("layers", "neurons", "reaches_output", "first_crossing"):
        np.testing.assert_array_equal(getattr(by_chunks, name), getattr(whole, name))
    assert np.all(np.abs(by_chunks.x - whole.x) <= by_chunks.x_error + whole.x_error)
    counts = np.bincount(by_chunks.layers, minlength=depth + 1)[1:]
    statistic = relufast.breakpoints(network, (-10.0, 10.0))
    np.testing.assert_array_equal(counts, statistic.count_by_layer)


def test_degenerate_networks_agree_by_chunks() -> None:
    for index in range(300):
        case = network_case(SEED + 2, index)
        exact = exact_breakpoints(
            case.weights, case.biases, case.interval, negative_slope=case.negative_slope
        )
        knots = find_knots(
            network_of(case),
            case.interval,
            None,
            certify=True,
            n_threads=1,
            tile_size=(0, 3, 20)[index % 3],
            chunk_size=1 + index % 7,
        )
        if not knots.open_after.any():
            assert len(knots.layers) == exact.count, case.label
            assert knots.layers.tolist() == [t.layer for t in exact.triples], case.label


def test_degenerate_networks_do_not_depend_on_tiles() -> None:
    for index in range(150):
        case = network_case(SEED + 1, index)
        network = network_of(case)
        exact = exact_breakpoints(
            case.weights, case.biases, case.interval, negative_slope=case.negative_slope
        )
        knots = find_knots(
            network, case.interval, None, certify=True, n_threads=1, tile_size=1 + index % 5
        )
        if not knots.open_after.any():
            assert len(knots.layers) == exact.count, case.label
            assert knots.layers.tolist() == [t.layer for t in exact.triples], case.label


def test_without_certificate_the_same_breakpoints_are_found() -> None:
    network = gaussian(100, 5, 11)
    certified = relufast.breakpoints(network)
    plain = relufast.breakpoints(network, certify=False)
    assert certified.certified
    assert not plain.certified
    assert plain.n_ambiguous is None
    np.testing.assert_array_equal(plain.layers, certified.layers)
    np.testing.assert_array_equal(plain.neurons, certified.neurons)
    gap = np.abs(plain.positions - certified.positions)
    assert np.all(gap <= plain.position_error + certified.position_error)


def test_rays_without_slope_need_no_certificate() -> None:
    rng = np.random.default_rng(5)
    for _ in range(300):
        widths = (1, *rng.integers(1, 4, size=rng.integers(1, 6)).tolist(), 1)
        network = relufast.Network.random(widths, seed=int(rng.integers(2**32)))
        exact = exact_breakpoints(network.weights, network.biases)
        plain = relufast.breakpoints(network, certify=False)
        assert plain.layers.tolist() == [t.layer for t in exact.triples]


def test_what_cannot_be_proven_is_counted() -> None:
    """Two equal rows far beyond the integers' budget: their order is no order."""
    network = gaussian(400, 3, 2)
    weights = [w.copy() for w in network.weights]
    biases = [b.copy() for b in network.biases]
    weights[1][7] = weights[1][5]
    biases[1][7] = biases[1][5]
    found = relufast.breakpoints(relufast.Network(weights, biases), (-1.0, 1.0))
    pairs = np.count_nonzero((found.layers == 2) & (found.neurons == 5))
    assert pairs > 0
    assert found.certified or found.n_ambiguous >= pairs


def test_wide_networks_without_biases_meet_in_one_point() -> None:
    """All neurons of all layers are exactly zero at 0: no arithmetic beyond float64 is needed."""
    network = gaussian(300, 4, 1, bias_variance=0.0)
    found = relufast.breakpoints(network)
    assert found.certified
    assert found.n_regions == 2
    assert found.positions.tolist() == [0.0] * found.count
    assert found.position_error.tolist() == [0.0] * found.count
    left, right = (network.preactivations([[x]]) for x in (-1.0, 1.0))
    changed = [np.flatnonzero((a[0] > 0) != (b[0] > 0)) for a, b in zip(left, right, strict=True)]
    assert found.count_by_layer.tolist() == [len(c) for c in changed]
    assert found.neurons.tolist() == np.concatenate(changed).tolist()


def test_every_neuron_has_one_breakpoint_on_average_over_the_whole_line() -> None:
    """The Cauchy law, exactly 1 for every layer at infinite width (math.md, section 1).

    The first layer of any width has one each. For the second the count's variance per network is
    measured; the band is five standard errors plus the finite-width drift, which falls as 1/width.
    """
    width, n_networks = 200, 40
    counts = np.array(
        [
            relufast.breakpoints(gaussian(width, 2, seed)).count_by_layer
            for seed in range(n_networks)
        ]
    )
    assert np.all(counts[:, 0] == width)
    per_neuron = counts[:, 1] / width
    error = per_neuron.std(ddof=1) / math.sqrt(n_networks)
    assert abs(per_neuron.mean() - 1.0) < 5 * error + 5 / width


def lines() -> Iterator[tuple[relufast.Network, dict[str, object]]]:
    yield gaussian(20, 3, 1), {}
    yield gaussian(20, 3, 2, negative_slope=0.1), {"interval": (-1.0, 2.0)}
    many = relufast.Network.random((5, 30, 20, 3), seed=4)
    ends = {"start": np.arange(5.0), "stop": -np.ones(5)}
    yield many, ends
    yield many, {**ends, "whole_line": True}


@pytest.mark.parametrize(("network", "line"), list(lines()))
def test_pieces_are_the_network(network: relufast.Network, line: dict[str, object]) -> None:
    found = relufast.breakpoints(network, **line)  # type: ignore[arg-type]
    edges, slopes, intercepts = found.pieces()
    assert len(slopes) == len(intercepts) == len(edges) - 1 == found.n_regions
    assert (edges[0], edges[-1]) == found.interval
    inner = edges[1:-1]
    scale = np.abs(slopes).max() * np.abs(inner).max() + np.abs(intercepts).max()
    # continuous at every edge, and equal to the network in and outside
    left = slopes[:-1] * inner[:, np.newaxis] + intercepts[:-1]
    right = slopes[1:] * inner[:, np.newaxis] + intercepts[1:]
    np.testing.assert_allclose(left, right, rtol=0, atol=1e-11 * scale)
    low = max(edges[0], inner[0] - 1.0)
    high = min(edges[-1], inner[-1] + 1.0)
    x = np.concatenate([np.linspace(low, high, 50), inner])
    region = np.clip(np.searchsorted(inner, x), 0, len(slopes) - 1)
    np.testing.assert_allclose(
        slopes[region] * x[:, np.newaxis] + intercepts[region],
        found.function(x),
        rtol=0,
        atol=1e-11 * scale,
    )
    # a slope changes where the output is reached, and nowhere else
    changes = np.any(np.abs(np.diff(slopes, axis=0)) > 1e-12 * np.abs(slopes).max(), axis=1)
    reached = found.reaches_output[np.flatnonzero(np.diff(found.sites, prepend=-1))]
    np.testing.assert_array_equal(changes, reached)


def test_pieces_of_an_interval_that_begins_beside_a_breakpoint() -> None:
    network = gaussian(20, 2, 6)
    whole = relufast.breakpoints(network)
    for x in whole.positions.tolist():
        lo = math.nextafter(x, -math.inf)
        found = relufast.breakpoints(network, (lo, lo + 0.5))
        _, slopes, intercepts = found.pieces()
        reference = whole.pieces()
        region = np.searchsorted(reference.edges, lo + 0.5) - 1
        np.testing.assert_allclose(slopes[-1], reference.slopes[region], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(
            intercepts[-1], reference.intercepts[region], rtol=1e-9, atol=1e-12
        )


def test_segment_agrees_with_the_rounded_line() -> None:
    network = relufast.Network.random((8, 60, 60, 2), seed=9)
    start, stop = np.linspace(-1, 1, 8), np.linspace(2, -3, 8)
    segment = relufast.breakpoints(network, start=start, stop=stop)
    rounded = relufast.breakpoints(network.on_line(start, stop), (0.0, 1.0))
    assert segment.certified
    np.testing.assert_array_equal(segment.layers, rounded.layers)
    np.testing.assert_array_equal(segment.neurons, rounded.neurons)
    np.testing.assert_allclose(segment.positions, rounded.positions, rtol=0, atol=1e-9)


def test_segment_is_part_of_its_whole_line() -> None:
    network = relufast.Network.random((3, 40, 40, 1), seed=3)
    start, stop = np.array([1.0, -2.0, 0.5]), np.array([-1.5, 0.25, 3.0])
    segment = relufast.breakpoints(network, start=start, stop=stop)
    whole = relufast.breakpoints(network, start=start, stop=stop, whole_line=True)
    inside = (whole.positions > 0) & (whole.positions < 1)
    assert 0 < segment.count < whole.count
    np.testing.assert_array_equal(segment.layers, whole.layers[inside])
    np.testing.assert_array_equal(segment.neurons, whole.neurons[inside])


def test_network_without_breakpoints() -> None:
    network = relufast.Network([[[0.0]], [[1.0]]], [[1.0], [0.0]])
    found = relufast.breakpoints(network)
    assert found.count == 0
    assert found.n_regions == found.n_output_regions == 1
    assert found.certified
    pieces = found.pieces()
    assert pieces.edges.tolist() == [-math.inf, math.inf]
    assert pieces.slopes.tolist() == [[0.0]]
    assert pieces.intercepts.tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("network", "in_integers"),
    [
        pytest.param(gaussian(10, 2, 1), False, id="one at a site"),
        pytest.param(
            relufast.Network([[[1.0], [2.0]], [[1.0, 1.0]]], [[0.0, 0.0], [0.0]]),
            False,
            id="two at a site",
        ),
        # The second layer is zero to the left of 0.1 + 0.2, which is not 0.3.
        pytest.param(
            relufast.Network(
                [[[1.0], [1.0]], [[1.0, -1.0]], [[1.0]]],
                [[-0.1 - 0.2, -0.3], [0.0], [0.0]],
            ),
            True,
            id="in integers",
        ),
    ],
)
def test_result_is_read_only(
    network: relufast.Network, in_integers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced = []
    replace = _knots._replace
    monkeypatch.setattr(
        _knots, "_replace", lambda *args: replaced.append(args[1]) or replace(*args)
    )
    found = relufast.breakpoints(network)
    assert found.certified
    assert found.count > 0
    assert any(replaced) == in_integers
    for name in ("positions", "position_error", "layers", "neurons", "reaches_output", "sites"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(found, name)[0] = 0
    with pytest.raises(AttributeError):
        found.certified = False  # type: ignore[misc]


def test_result_goes_through_pickle() -> None:
    found = relufast.breakpoints(gaussian(20, 3, 1))
    names = ("positions", "position_error", "layers", "neurons", "reaches_output", "sites")
    before = [getattr(found, name) for name in names]
    for copied in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert copied.certified == found.certified
        assert copied.interval == found.interval
        for name, array in zip(names, before, strict=True):
            np.testing.assert_array_equal(getattr(copied, name), array)
            with pytest.raises(ValueError, match="read-only"):
                getattr(copied, name)[0] = 0


def test_knots_are_made_of_arrays_that_belong_to_each_other() -> None:
    knots = find_knots(gaussian(5, 2, 1), (-math.inf, math.inf), None, certify=True, n_threads=1)
    arrays = knots.arrays()
    same = Knots(**arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(getattr(same, name), array)
    past_the_end = arrays["first_crossing"] + np.int32(1)
    wrong = [{"first_crossing": past_the_end}, {"first_crossing": -arrays["first_crossing"]}]
    wrong += [{name: np.append(array, array[:1])} for name, array in arrays.items() if len(array)]
    wrong += [{"undecided_x": np.ones(1)}, {"undecided_count": np.ones(1, np.int64)}]
    wrong += [{"y": arrays["x"]}]
    for name in arrays:
        with pytest.raises(KeyError, match=name):
            Knots(**{other: array for other, array in arrays.items() if other != name})
    for change in wrong:
        with pytest.raises(ValueError, match="do not belong to each other"):
            Knots(**{**arrays, **change})
        with pytest.raises(ValueError, match="do not belong to each other"):
            Knots.__new__(Knots).__setstate__({**arrays, **change})


def test_arrays_outlive_their_result() -> None:
    found = relufast.breakpoints(gaussian(20, 3, 1))
    positions, layers = found.positions, found.layers
    expected = positions.copy(), layers.copy()
    del found
    gc.collect()
    relufast.breakpoints(gaussian(20, 3, 2))  # would take the memory, were it free
    np.testing.assert_array_equal(positions, expected[0])
    np.testing.assert_array_equal(layers, expected[1])


def test_ends_of_a_line_may_be_changed_afterwards() -> None:
    network = relufast.Network.random((2, 5, 1), seed=1)
    start, stop = np.array([0.0, 1.0]), np.array([1.0, -1.0])
    found = relufast.breakpoints(network, start=start, stop=stop)
    before = found.function([0.25])
    start[:], stop[:] = 5.0, 7.0
    assert np.array_equal(found.function([0.25]), before)
    assert found.line is not None
    with pytest.raises(ValueError, match="read-only"):
        found.line[0][0] = 0.0


@pytest.mark.parametrize(("certify", "expected"), [(True, "certified)"), (False, "not certified)")])
def test_repr(certify: bool, expected: str) -> None:
    found = relufast.breakpoints(gaussian(10, 1, 1), (-1e9, 1e9), certify=certify)
    assert repr(found) == (
        f"Breakpoints(10 in (-1e+09, 1e+09), 11 regions, 11 of the output, {expected}"
    )
