"""`analyze`: each part against the engine or NumPy, the files, and what cannot be done."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from line_by_forward_passes import breakpoint_counts

import relufast

FOLDER = os.environ.get("RELUFAST_REAL_NETWORKS", "")


def network(widths: tuple[int, ...] = (4, 24, 16, 3), seed: int = 1) -> relufast.Network:
    return relufast.Network.random(widths, bias_variance=0.1, seed=seed)


def points(m: int = 60, n: int = 4) -> np.ndarray:
    return np.random.default_rng(7).standard_normal((m, n))


@pytest.fixture(scope="module")
def labelled() -> relufast.Analysis:
    return relufast.analyze(network(), points(), np.arange(60) % 3, n_lines=12, seed=5)


def test_nothing_is_skipped(labelled: relufast.Analysis) -> None:
    assert labelled.skipped == {}
    assert len(labelled.summary) == len(labelled.parts) == 9
    assert "60 points, 9 parts, 0 skipped" in repr(labelled)


def test_breakpoints_are_those_of_forward_passes(labelled: relufast.Analysis) -> None:
    lines = labelled.lines
    assert len(lines.between) == len(lines.whole) == 12
    rows = {row.tobytes() for row in labelled.points}
    for found in lines.between:
        start, stop = found.line
        assert {start.tobytes(), stop.tobytes()} <= rows
        net = found.network
        expected = breakpoint_counts(net.weights, net.biases, net.negative_slope, start, stop)
        assert found.count_by_layer.tolist() == expected
    assert all(np.isinf(found.interval).all() for found in lines.whole)


def test_the_law_is_that_of_the_networks_own_variances() -> None:
    # Of a wide network drawn from the law, so that both agree.
    widths = (3, 2000, 2000, 1)
    net = relufast.Network.random(widths, weight_variance=1.5, bias_variance=0.3, seed=2)
    lines = relufast.analyze(net, points(8, 3), n_lines=3, work=1e11).lines
    for law, found in zip(lines.law, lines.between, strict=True):
        start, stop = found.line
        expected = relufast.expected_breakpoints(
            widths, weight_variance=1.5, bias_variance=0.3, start=start, stop=stop
        )
        np.testing.assert_allclose(law, expected, rtol=0.1)


def test_counts_of_neurons_are_numpys(labelled: relufast.Analysis) -> None:
    census = labelled.neurons.census
    for layer, z in enumerate(network().preactivations(points())):
        assert census.n_active[layer].tolist() == (z > 0.0).sum(axis=0).tolist()


def test_ranks_and_dimensions_are_those_of_the_activations(labelled: relufast.Analysis) -> None:
    layers = network().activations(points())
    assert labelled.ranks.exact.certified.all()
    ranks = [int(np.linalg.matrix_rank(h)) for h in layers]
    assert labelled.ranks.exact.rank.tolist() == labelled.ranks.numerical.rank.tolist() == ranks
    for index, h in enumerate([points(), *layers]):
        s = np.linalg.svd(h, compute_uv=False)
        assert labelled.dimensions.stable_rank[index] == pytest.approx((s**2).sum() / s[0] ** 2)
        p = s[s > 0.0] / s.sum()
        assert labelled.dimensions.effective_rank[index] == pytest.approx(
            np.exp(-(p * np.log(p)).sum())
        )


def test_widths_tell_right_from_wrong(labelled: relufast.Analysis) -> None:
    right = network()(points()).argmax(axis=1) == np.arange(60) % 3
    found = labelled.widths.found
    assert (found.n_correct, found.n_wrong) == (right.sum(), (~right).sum())
    assert found.n_compared == min(right.sum(), (~right).sum())


def test_errors_of_low_rank_layers_at_points_that_fits_have_not_seen(
    labelled: relufast.Analysis,
) -> None:
    net, X = network(), points()
    for each in labelled.low_rank.layers:
        assert each.n_other == 30
        A, b = net.weights[each.layer - 1], net.biases[each.layer - 1]
        entering = [X, *net.activations(X)][each.layer - 1][30:]
        outputs = np.maximum(entering @ A.T + b, 0.0)
        for index, (k, fit) in enumerate(zip(each.values.ks, each.values.fits, strict=True)):
            L = fit.W @ fit.M
            assert np.linalg.matrix_rank(L, tol=1e-9) <= k
            errors = np.linalg.norm(np.maximum(entering @ L.T + b, 0.0) - outputs, axis=1)
            assert each.fitted[index] == pytest.approx(errors.max(), rel=1e-9, abs=1e-12)
            assert each.n_parameters[index] == k * sum(A.shape)


def test_a_layer_of_low_rank_is_found_out() -> None:
    # Rank 2 of 20, so that truncation at rank 2 or above has no error.
    rng = np.random.default_rng(3)
    low = rng.standard_normal((20, 2)) @ rng.standard_normal((2, 20))
    net = relufast.Network([rng.standard_normal((20, 6)), low, rng.standard_normal((2, 20))])
    found = relufast.analyze(net, points(60, 6), n_lines=2).low_rank
    second = found.layers[1]
    index = second.suggestion(1e-6)
    assert index is not None
    assert second.values.ks[index] == 2
    assert second.output_change[index] < 1e-6
    assert second.same_class[index] == 1.0


def test_the_first_layer_of_pairs_of_rows_is_injective() -> None:
    A = np.vstack([np.eye(3), -np.eye(3)])
    net = relufast.Network([A, np.ones((1, 6))])
    found = relufast.analyze(net, points(30, 3), n_lines=2)
    assert found.active_rows.first_layer.injective
    assert found.active_rows.layers[0].upper == found.active_rows.layers[0].lower == 3
    assert found.jacobians.found.injective.all()


def test_work_bounds_the_cells_that_are_visited() -> None:
    net = relufast.Network.random((5, 40, 1), seed=2)
    decided = relufast.analyze(net, points(30, 5), n_lines=2).active_rows
    assert decided.first_layer is not None
    assert decided.undecided == ""
    cut = relufast.analyze(net, points(30, 5), n_lines=2, work=1e7).active_rows
    assert cut.first_layer is None
    assert "flats" in cut.undecided
    assert cut.layers[0].lower <= decided.layers[0].lower == decided.layers[0].upper
    assert any("not visited" in note for note in cut.section().notes)


def test_the_same_numbers_for_any_number_of_threads() -> None:
    def numbers(n_threads: int) -> dict[str, Any]:
        return relufast.analyze(network(), points(), n_lines=4, n_threads=n_threads).to_dict()

    assert numbers(1) == numbers(2)


def test_another_seed_draws_other_lines() -> None:
    counts = [
        [f.count for f in relufast.analyze(network(), points(), n_lines=9, seed=s).lines.between]
        for s in (0, 1)
    ]
    assert counts[0] != counts[1]


def test_points_that_are_drawn_keep_their_labels() -> None:
    X, labels = points(), np.arange(60) % 3
    found = relufast.analyze(network(), X, labels, n_lines=2, max_points=25)
    where = [int(np.flatnonzero((x == X).all(axis=1))[0]) for x in found.points]
    assert len(set(where)) == 25
    assert found.labels is not None
    assert found.labels.tolist() == labels[where].tolist()
    assert found.origin == "25 of 60 given points, drawn without replacement, of seed 0."


def test_points_of_several_dimensions_are_flattened() -> None:
    X = points()
    flat = relufast.analyze(network(), X, n_lines=2)
    images = relufast.analyze(network(), X.reshape(60, 2, 2).astype(np.float32), n_lines=2)
    np.testing.assert_array_equal(images.points, flat.points.astype(np.float32))


def test_without_points_they_are_random_and_said_to_be(tmp_path: Path) -> None:
    found = relufast.analyze(network(), n_lines=2, max_points=400)
    assert found.points_are_random
    assert found.points.shape == (400, 4)
    assert abs(found.points.mean()) < 5 / np.sqrt(1600)
    assert abs(found.points.std() - 1.0) < 5 / np.sqrt(3200)
    found.write(tmp_path)
    page = (tmp_path / "analysis.html").read_text()
    assert "<strong>Random inputs.</strong> No data was given" in page


def test_one_point() -> None:
    found = relufast.analyze(network(), points(1), n_lines=3)
    assert set(found.skipped) == {"pieces", "low_rank"}
    assert found.lines.between == ()
    assert "no two different points" in found.skipped["pieces"]


def test_equal_points_have_nothing_between() -> None:
    found = relufast.analyze(network(), np.ones((40, 4)), n_lines=3)
    assert "no two different points" in found.skipped["pieces"]
    assert found.ranks.exact.rank.max() <= 1


def test_widths_of_one_and_one_input(tmp_path: Path) -> None:
    found = relufast.analyze(network((1, 1, 1, 1)), n_lines=3, max_points=30)
    assert "No hidden layer has a rank above 1" in found.skipped["low_rank"]
    assert len(found.lines.whole) == 1
    found.write(tmp_path / "out")


def test_dead_layers_and_zeros(tmp_path: Path) -> None:
    net = relufast.Network([np.zeros((3, 4)), np.ones((5, 3)), np.ones((1, 5))])
    found = relufast.analyze(net, points(), n_lines=3)
    assert found.neurons.census.dead.tolist() == [3, 5]
    assert found.dimensions.effective_rank.tolist()[1:] == [0.0, 0.0]
    assert found.lines.law is None
    found.write(tmp_path / "out")


def test_leaky_networks(tmp_path: Path) -> None:
    net = relufast.Network.random((4, 12, 12, 2), negative_slope=0.1, seed=1)
    found = relufast.analyze(net, points(), n_lines=3)
    assert set(found.skipped) == {"low_rank", "active_rows"}
    found.write(tmp_path / "out")


def test_what_overflows_says_so() -> None:
    net = relufast.Network([np.full((3, 4), 1e200), np.full((3, 3), 1e200), np.ones((1, 3))])
    found = relufast.analyze(net, points(), n_lines=2)
    assert "beyond the range of float64" in found.skipped["dimensions"]
    assert "beyond the range of float64" in found.skipped["widths"]
    assert not isinstance(found.ranks, relufast.Skipped)


def test_work_cuts_parts_and_leaves_them_out() -> None:
    full = relufast.analyze(network(), points(), n_lines=12)
    less = relufast.analyze(network(), points(), n_lines=12, work=2e5)
    assert 0 < len(less.lines.between) < len(full.lines.between)
    assert "but work allows 2.0e+05" in less.skipped["low_rank"]
    none = relufast.analyze(network(), points(), work=1.0)
    assert len(none.skipped) == 9
    assert none.summary == []


def test_of_deep_networks_some_layers_are_fitted() -> None:
    net = relufast.Network.random((4, *[8] * 16, 2), seed=1)
    found = relufast.analyze(net, points(), n_lines=2)
    layers = [each.layer for each in found.low_rank.layers]
    assert len(layers) == 12
    assert (layers[0], layers[-1]) == (1, 16)


def test_files(labelled: relufast.Analysis, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    labelled.write(out, title="A <name>")
    page = (out / "analysis.html").read_text()
    assert "A &lt;name&gt;" in page
    assert "Random inputs" not in page
    assert not re.search(r'(src|href)="(?!#|data:)', page)
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert page.count('<svg class="wide"') == page.count('<svg class="narrow"') >= 9
    for part in labelled.parts.values():
        assert part.section().findings[0].split(" ")[0] in page
    saved = json.loads((out / "analysis.json").read_text())
    assert saved == json.loads(json.dumps(labelled.to_dict() | {"title": "A <name>"}))
    tables = {n: rows for part in saved["parts"].values() for n, rows in part["tables"].items()}
    assert sorted(f"{name}.csv" for name in tables) == sorted(p.name for p in out.glob("*.csv"))
    with (out / "analysis-neurons.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["dead"]) for row in rows] == labelled.neurons.census.dead.tolist()
    with (out / "analysis-mean-widths.csv").open() as file:
        rows = list(csv.DictReader(file))
    means = [float(row["right"]) for row in rows]
    assert means == labelled.widths.found.correct.mean.tolist()
    errors = [float(row["right_standard_error"]) for row in rows]
    assert errors == labelled.widths.found.correct.standard_error.tolist()


def test_an_earlier_analysis_is_replaced_and_other_files_are_not(
    labelled: relufast.Analysis, tmp_path: Path
) -> None:
    labelled.write(tmp_path)
    (tmp_path / "notes.csv").write_text("mine")
    relufast.analyze(network(), points(1), n_lines=2).write(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert "notes.csv" in names
    assert "analysis-pieces.csv" not in names  # which one point has not
    assert "analysis-ranks.csv" in names


def test_progress_tells_each_part(capfd: pytest.CaptureFixture[str]) -> None:
    moments: list[relufast.AnalysisProgress] = []
    relufast.analyze(network(), points(), n_lines=2, progress=moments.append)
    assert [m.n_done for m in moments] == list(range(10))
    assert all(m.n_total == 9 for m in moments)
    assert capfd.readouterr().err == ""
    relufast.analyze(network(), points(), n_lines=2, progress=True)
    lines = capfd.readouterr().err.strip().splitlines()
    assert [line.rsplit(":", 1)[0] for line in lines] == [m.part for m in moments[:-1]]


def test_an_interrupt_passes_through() -> None:
    def stop(moment: relufast.AnalysisProgress) -> None:
        if moment.n_done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        relufast.analyze(network(), points(), n_lines=2, progress=stop)


@pytest.mark.skipif(not FOLDER, reason="RELUFAST_REAL_NETWORKS names no folder of networks")
@pytest.mark.parametrize("name", ["acasxu_1_1.onnx", "bunny_2d_4x32.pt", "mnist_256x2.onnx"])
def test_networks_that_others_trained(name: str, tmp_path: Path) -> None:
    from relufast.interop import from_onnx, from_torch

    path = Path(FOLDER, name)
    net = from_onnx(path) if path.suffix == ".onnx" else from_torch(path)
    found = relufast.analyze(net, n_lines=5, max_points=100, work=1e9)
    assert isinstance(found.lines.whole[0], relufast.Breakpoints)
    assert all(each.certified for each in found.lines.between)
    found.write(tmp_path)
