"""Sweeps by windows and layers against the rational oracle, and against `breakpoints`."""

from __future__ import annotations

import math
import pickle
import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import adversarial
import numpy as np
import pytest
from executors import executors
from line_by_forward_passes import breakpoint_counts
from networks import NetworkCase, SegmentCase, network_case, segment_case
from rational_oracle import exact_breakpoints

import relufast
from relufast import _window_sweep

SEED = 20261126
PART = 60  # cases a test

LAW: dict[str, Any] = {"bias_variance": 0.5, "seed": 11}


def lazy_network_of(case: NetworkCase | SegmentCase, folder: Path) -> relufast.LazyNetwork:
    paths = [folder / f"{layer}.npy" for layer in range(len(case.weights))]
    for path, weights in zip(paths, case.weights, strict=True):
        np.save(path, np.ascontiguousarray(weights))
    return relufast.Network.from_npy(paths, case.biases, negative_slope=case.negative_slope)


class Swept:
    """A sweep, and all that it handed out."""

    def __init__(self, network: relufast.Network | relufast.LazyNetwork, *args: Any, **kw: Any):
        self.windows: list[relufast.BreakpointWindow] = []
        self.result = relufast.sweep_breakpoints(network, *args, to=self.windows.append, **kw)

    def joined(self, name: str) -> np.ndarray[Any, Any]:
        return np.concatenate([getattr(window, name) for window in self.windows])

    def triples(self) -> list[tuple[int, int, int]]:
        columns = (self.joined(name).tolist() for name in ("sites", "layers", "neurons"))
        return list(zip(*columns, strict=True))


def assert_same(swept: Swept, found: relufast.Breakpoints, label: str = "") -> None:
    result = swept.result
    assert result.certified == found.certified, label
    columns = (found.sites, found.layers, found.neurons)
    expected = list(zip(*(column.tolist() for column in columns), strict=True))
    assert swept.triples() == expected, label
    assert result.count == found.count, label
    assert result.count_by_layer.tolist() == found.count_by_layer.tolist(), label
    assert result.n_regions == found.n_regions, label
    with np.errstate(invalid="ignore"):
        apart = np.abs(swept.joined("positions") - found.positions)
        bound = swept.joined("position_error") + found.position_error
    assert np.all((apart <= bound) | np.isnan(apart)), label  # NaN: beyond float64 in both


def assert_exact(
    case: NetworkCase | SegmentCase, network: relufast.LazyNetwork, n_windows: int, **line: Any
) -> None:
    exact = exact_breakpoints(
        case.weights,
        case.biases,
        case.interval,
        negative_slope=case.negative_slope,
        **{name: end for name, end in line.items() if name != "whole_line"},
    )
    args = () if line else (case.interval,)
    swept = Swept(network, *args, n_windows=n_windows, **line)
    assert swept.result.certified, case.label
    assert swept.triples() == [crossing[:3] for crossing in exact.crossings], case.label
    assert swept.result.n_regions == exact.n_regions, case.label
    assert swept.result.count_by_layer.tolist() == exact.count_by_layer, case.label


@pytest.mark.parametrize("part", range(5))
def test_agrees_with_rational_arithmetic(part: int, tmp_path: Path) -> None:
    for index in range(part * PART, (part + 1) * PART):
        case = network_case(SEED, index)
        assert_exact(case, lazy_network_of(case, tmp_path), 1 + index % 6)


@pytest.mark.parametrize("part", range(2))
def test_agrees_with_rational_arithmetic_on_segments(part: int, tmp_path: Path) -> None:
    for index in range(part * PART, (part + 1) * PART):
        case = segment_case(SEED, index)
        assert_exact(
            case,
            lazy_network_of(case, tmp_path),
            1 + index % 6,
            start=case.start,
            stop=case.stop,
            whole_line=math.isinf(case.interval[0]),
        )


@pytest.mark.parametrize("case", adversarial.CASES, ids=lambda case: case.label)
def test_no_false_certificate(
    case: NetworkCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = lazy_network_of(case, tmp_path)
    assert_exact(case, network, 3)
    monkeypatch.setattr("relufast._knots._EXACT_BUDGET", 0.0)
    if relufast.sweep_breakpoints(network, case.interval, n_windows=3).certified:
        assert_exact(case, network, 3)


@pytest.mark.parametrize("n_windows", [2, 3, 5, 9])
@pytest.mark.parametrize("negative_slope", [0.0, 0.25, -1.0])
def test_neurons_that_turn_at_a_border(
    n_windows: int, negative_slope: float, tmp_path: Path
) -> None:
    # Every neuron of layers two and three turns, or touches zero, where one of the first does: at
    # every place where windows may meet. Two are dead, one of them without inputs.
    places = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]) / 4.0
    first = np.ones((8, 1))
    second = np.vstack([np.tril(np.ones((8, 8))), np.zeros((1, 8)), -np.ones((1, 8))])
    knots = np.maximum(places[:, np.newaxis] - places, negative_slope * (places[:, None] - places))
    at_places = second[:8] @ knots.T  # exact: all numbers are small dyadic fractions
    biases_2 = np.append(-np.diag(at_places), [0.0, -64.0])
    third = np.vstack([np.eye(8, 10), -np.eye(8, 10)])
    case = NetworkCase(
        "turns at borders",
        [first, second, third, np.ones((1, 16))],
        [-places, biases_2, np.zeros(16), np.zeros(1)],
        negative_slope,
        (-math.inf, math.inf),
    )
    network = lazy_network_of(case, tmp_path)
    assert relufast.sweep_breakpoints(network, n_windows=n_windows).n_windows == min(n_windows, 9)
    assert_exact(case, network, n_windows)
    assert_exact(case._replace(interval=(0.25, 2.0)), network, n_windows)


def test_one_window_where_no_border_can_be(tmp_path: Path) -> None:
    # The first layer turns at 0 alone, and 0 is a float64 number.
    weights = [np.array([[1.0], [-1.0]]), np.array([[1.0, 1.0]] * 3), np.ones((1, 3))]
    case = NetworkCase(
        "zero",
        weights,
        [np.zeros(2), np.array([-1.0, -2.0, 0.0]), np.zeros(1)],
        0.0,
        (-math.inf, math.inf),
    )
    network = lazy_network_of(case, tmp_path)
    assert relufast.sweep_breakpoints(network, n_windows=4).n_windows == 1
    assert_exact(case, network, 4)


@pytest.mark.parametrize(
    "widths", [(1, 40, 1), (1, 6, 300, 280, 2), (1, 500, 400, 300, 1), (1, *[120] * 12, 1)]
)
@pytest.mark.parametrize("init", ["he", "glorot"])
def test_is_what_breakpoints_finds(
    widths: tuple[int, ...], init: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relufast._knots._EXACT_BUDGET", 0.0)  # proven without integers
    found = relufast.breakpoints(relufast.Network.random(widths, weight_init=init, **LAW))
    network = relufast.Network.lazy(widths, weight_init=init, **LAW)
    for n_windows in (1, 4):
        for n_threads in (1, 3):
            swept = Swept(network, n_windows=n_windows, n_threads=n_threads)
            assert_same(swept, found, f"{n_windows} windows")
    assert_same(Swept(network.stored(), n_windows=4), found, "stored")


@pytest.mark.parametrize("negative_slope", [0.0, 0.5])
def test_sums_over_thousands_of_neurons(negative_slope: float) -> None:
    # Summed by blocks once more than 4096 neurons send, as all of a leaky layer do.
    network = relufast.Network.lazy(
        (1, 60, 9000, 50, 40, 1), negative_slope=negative_slope, bias_variance=1.0, seed=4
    )
    stored = network.stored()
    swept = Swept(network, (-1.0, 1.0), n_windows=3)
    assert swept.result.certified
    counts = breakpoint_counts(
        stored.weights, stored.biases, negative_slope, np.array([-1.0]), np.array([1.0])
    )
    assert swept.result.count_by_layer.tolist() == counts
    assert_same(swept, relufast.breakpoints(stored, (-1.0, 1.0)))


def test_knots_that_float64_leaves_too_near_to_others() -> None:
    # A knot of layer ten lies nearer to one of layer twelve than its float64 bound tells: its place
    # has to be known better, by then.
    network = relufast.Network.lazy((1, *[1000] * 12, 1), seed=1)
    swept = Swept(network, (0.0697, 0.0716), n_windows=1)
    assert swept.result.certified
    gaps = np.diff(swept.joined("positions"))
    assert gaps.min() < 1e-7
    found = relufast.breakpoints(network.stored(), (0.0697, 0.0716))
    assert swept.result.count_by_layer.tolist() == found.count_by_layer.tolist()


def test_little_memory_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    widths = (1, 700, 600, 500, 400, 1)
    network = relufast.Network.lazy(widths, **LAW)
    plenty = Swept(network, n_windows=1)
    monkeypatch.setattr(_window_sweep, "_LEAST_VALUES", 1e3)  # a tile of each thread at a time
    little = Swept(network, n_windows=1, memory=1.0, n_threads=2)
    assert little.triples() == plenty.triples()
    assert little.joined("positions").tobytes() == plenty.joined("positions").tobytes()
    assert relufast.sweep_breakpoints(network, memory=1.0).n_windows > 100


def test_any_number_of_threads_gives_the_same_bits() -> None:
    network = relufast.Network.lazy((1, 400, 400, 400, 1), **LAW)
    one, *others = (Swept(network, n_windows=3, n_threads=n) for n in (1, 2, 7))
    for other in others:
        for name in ("positions", "position_error", "layers", "neurons", "sites"):
            assert one.joined(name).tobytes() == other.joined(name).tobytes()


def test_without_certificate() -> None:
    network = relufast.Network.lazy((1, 100, 100, 1), **LAW)
    proven = relufast.sweep_breakpoints(network, n_windows=3)
    result = relufast.sweep_breakpoints(network, n_windows=3, certify=False)
    assert result.n_ambiguous is None
    assert not result.certified
    assert result.count_by_layer.tolist() == proven.count_by_layer.tolist()


def test_what_cannot_be_proven_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relufast._knots._EXACT_BUDGET", 0.0)
    network = relufast.Network.lazy((1, *[30] * 60, 1), seed=1)
    result = relufast.sweep_breakpoints(network, n_windows=3)
    assert not result.certified
    assert result.n_ambiguous is not None
    assert result.n_ambiguous > 0


def test_positions_go_to_a_file(tmp_path: Path) -> None:
    network = relufast.Network.lazy((1, 200, 200, 1), **LAW)
    found = relufast.breakpoints(network.stored())
    path = tmp_path / "breakpoints.npy"
    result = relufast.sweep_breakpoints(network, n_windows=5, to=path)
    records = np.load(path)
    assert len(records) == result.count == found.count
    assert np.array_equal(records["layer"], found.layers)
    assert np.array_equal(records["neuron"], found.neurons)
    assert np.array_equal(records["site"], found.sites)
    assert np.all(
        np.abs(records["position"] - found.positions)
        <= records["position_error"] + found.position_error
    )
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_file_is_there_only_when_it_is_whole(tmp_path: Path) -> None:
    def stop(progress: relufast.WorkProgress) -> None:
        if progress.n_done == 2:
            raise RuntimeError("enough")

    network = relufast.Network.lazy((1, 50, 50, 1), **LAW)
    with pytest.raises(RuntimeError, match="enough"):
        relufast.sweep_breakpoints(network, n_windows=4, to=tmp_path / "b.npy", progress=stop)
    assert list(tmp_path.iterdir()) == []


def counts_of_progress(network: relufast.LazyNetwork, store: Path, **kw: Any) -> list[int]:
    done: list[int] = []
    relufast.sweep_breakpoints(network, store=store, progress=lambda p: done.append(p.n_done), **kw)
    return done


def test_goes_on_from_finished_windows(tmp_path: Path) -> None:
    network = relufast.Network.lazy((1, 150, 150, 150, 1), **LAW)
    whole = Swept(network, n_windows=5)
    store = tmp_path / "windows.db"

    def stop(progress: relufast.WorkProgress) -> None:
        if progress.n_done == 3:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        relufast.sweep_breakpoints(network, n_windows=5, store=store, progress=stop)
    assert counts_of_progress(network, store, n_windows=5)[0] == 3
    assert counts_of_progress(network, store, n_windows=5) == [5]
    again = Swept(network, n_windows=5, store=store)
    assert again.triples() == whole.triples()
    assert again.joined("positions").tobytes() == whole.joined("positions").tobytes()
    assert again.result.certified == whole.result.certified

    # What decides the result keeps calls apart.
    other = relufast.Network.lazy((1, 150, 150, 150, 1), seed=12)
    assert counts_of_progress(other, store, n_windows=5)[0] == 0
    assert counts_of_progress(network, store, n_windows=5, certify=False)[0] == 0
    assert counts_of_progress(network, store, n_windows=5, interval=(0.0, 1.0))[0] == 0


def test_a_store_knows_the_parameters_in_files(tmp_path: Path) -> None:
    case = network_case(SEED, 3)
    store = tmp_path / "windows.db"
    network = lazy_network_of(case, tmp_path)
    number = counts_of_progress(network, store, n_windows=2)[-1]
    assert counts_of_progress(lazy_network_of(case, tmp_path), store, n_windows=2) == [number]
    case.weights[-1][0, 0] += 1.0
    assert counts_of_progress(lazy_network_of(case, tmp_path), store, n_windows=2)[0] == 0


def test_a_damaged_store_is_not_believed(tmp_path: Path) -> None:
    network = relufast.Network.lazy((1, 20, 20, 1), **LAW)
    store = tmp_path / "windows.db"
    relufast.sweep_breakpoints(network, n_windows=2, store=store)
    with sqlite3.connect(store) as database:
        database.execute("UPDATE windows SET arrays = zeroblob(100) WHERE number = 1")
    database.close()
    with pytest.raises(relufast.StoreError, match="window 1 has changed"):
        relufast.sweep_breakpoints(network, n_windows=2, store=store)


@pytest.fixture(scope="module")
def pools() -> Any:
    with executors() as made:
        yield made


@pytest.mark.parametrize("pool", ["thread 2", "process 2", "dask 2"])
def test_executors_find_the_same(
    pool: str, pools: Callable[[str], Executor | None], tmp_path: Path
) -> None:
    if pool.startswith("dask"):
        pytest.importorskip("dask.distributed")
    lazy = relufast.Network.lazy((1, 150, 150, 150, 1), **LAW)
    here = Swept(lazy, n_windows=5)
    for network in (lazy, lazy.stored()):
        there = Swept(network, n_windows=5, executor=pools(pool), store=tmp_path / "windows.db")
        assert there.triples() == here.triples()
        for name in ("positions", "position_error"):
            assert there.joined(name).tobytes() == here.joined(name).tobytes()
        assert there.result.certified


def test_lazy_network_is_the_stored_one() -> None:
    widths = (2, 30, 40, 3)
    for init in ("he", "glorot"):
        options: dict[str, Any] = {"weight_init": init, "weight_variance": 1.5, **LAW}
        stored = relufast.Network.random(widths, negative_slope=0.1, **options)
        lazy = relufast.Network.lazy(widths, negative_slope=0.1, **options)
        copies = (lazy.stored(), pickle.loads(pickle.dumps(lazy)).stored())
        for copy in copies:
            for ours, theirs in zip(
                (*copy.weights, *copy.biases), (*stored.weights, *stored.biases), strict=True
            ):
                assert ours.tobytes() == theirs.tobytes()
            assert copy.negative_slope == stored.negative_slope
        assert lazy.widths == stored.widths
        assert lazy.depth == 2
        assert lazy.n_neurons == 70
        rows = lazy.weight_rows(2, 7, 12)
        assert rows.tobytes() == stored.weights[1][7:12].tobytes()


def test_network_in_files_is_the_stored_one(tmp_path: Path) -> None:
    case = segment_case(SEED, 2)
    lazy = lazy_network_of(case, tmp_path)
    stored = pickle.loads(pickle.dumps(lazy)).stored()
    for ours, theirs in zip(
        (*stored.weights, *stored.biases), (*case.weights, *case.biases), strict=True
    ):
        assert np.array_equal(ours, theirs)
    assert stored.negative_slope == case.negative_slope
