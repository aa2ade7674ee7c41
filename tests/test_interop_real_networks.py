"""Networks that others trained, from a folder that the variable RELUFAST_REAL_NETWORKS names.

It holds what bench/real_networks.py lists. Without it, the same is tested on networks made here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from line_by_forward_passes import breakpoint_counts
from onnx_models import ModelBuilder

import relufast
from relufast.interop import from_onnx, from_torch

FOLDER = os.environ.get("RELUFAST_REAL_NETWORKS", "")
needs_folder = pytest.mark.skipif(
    not FOLDER, reason="RELUFAST_REAL_NETWORKS names no folder of trained networks"
)


def require_counts(network: relufast.Network, start: Any, stop: Any) -> None:
    found = relufast.breakpoints(network, start=start, stop=stop)
    assert found.certified
    expected = breakpoint_counts(
        network.weights, network.biases, network.negative_slope, np.asarray(start), np.asarray(stop)
    )
    assert found.count_by_layer.tolist() == expected


def normal_model(widths: tuple[int, ...], seed: int) -> Any:
    """As the networks of ACAS Xu are written: a mean to subtract, Flatten, MatMul, Add, Relu."""
    rng = np.random.default_rng(seed)
    builder = ModelBuilder((1, 1, 1, widths[0]), np.float32)
    builder.add("Sub", "...", builder.parameter(rng.standard_normal((1, 1, 1, widths[0]))))
    builder.add("Flatten", axis=1)
    for layer, (n_in, n_out) in enumerate(pairwise(widths)):
        if layer > 0:
            builder.add("Relu")
        weights = rng.standard_normal((n_in, n_out)) * np.sqrt(2.0 / n_in)
        builder.add("MatMul", "...", builder.parameter(weights))
        builder.add("Add", "...", builder.parameter(0.1 * rng.standard_normal(n_out)))
    return builder.model()


@pytest.mark.parametrize("seed", range(4))
def test_lines_through_a_converted_network(seed: int) -> None:
    pytest.importorskip("onnx")
    network = from_onnx(normal_model((5, 30, 30, 30, 3), seed))
    ends = np.random.default_rng(seed).uniform(-1.0, 1.0, (2, 5))
    require_counts(network, *ends)


@pytest.mark.parametrize("seed", range(4))
def test_regioncam_finds_as_many(seed: int) -> None:
    """Its float32 would lose a breakpoint only where others are near, as on none of these lines."""
    pytest.importorskip("onnx")
    regioncam = pytest.importorskip("regioncam")
    network = from_onnx(normal_model((5, 30, 30, 30, 3), seed))
    ends = np.random.default_rng(seed).uniform(-20.0, 20.0, (2, 5)).astype(np.float32)
    partition = regioncam.Regioncam1D.through_points(ends, size=2.0)
    for layer, (weights, biases) in enumerate(zip(network.weights, network.biases, strict=True)):
        partition.linear(weights.T.astype(np.float32), biases.astype(np.float32))
        if layer < network.depth:
            partition.relu()
    found = relufast.breakpoints(network, start=ends[0], stop=ends[1])
    assert found.certified
    assert partition.num_vertices - 2 == found.count > 20  # its two ends are vertices as well


def test_the_benchmark_reads_them(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    script = Path(__file__).parent.parent / "bench" / "real_networks.py"
    if not script.is_file():
        pytest.skip("the tests were taken out of their clone")
    onnx.save(normal_model((5, 12, 12, 3), 0), tmp_path / "acasxu_0_0.onnx")
    command = [sys.executable, str(script), str(tmp_path), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "| acasxu_0_0 | 5-12-12-3 | 20 " in done.stdout
    (result,) = json.loads((tmp_path / "out" / "real_networks.json").read_text())["results"]
    assert result["n_certified"] == result["n_as_float64"] == 20


@needs_folder
@pytest.mark.parametrize("name", ["acasxu_1_1.onnx", "acasxu_3_3.onnx", "mnist_256x2.onnx"])
def test_real_onnx_networks_agree_with_the_reference_implementation(name: str) -> None:
    onnx = pytest.importorskip("onnx")
    reference = pytest.importorskip("onnx.reference")
    path = Path(FOLDER) / name
    network = from_onnx(path)
    model = onnx.load(path)
    initial = {tensor.name for tensor in model.graph.initializer}
    (given,) = (value for value in model.graph.input if value.name not in initial)
    shape = [d.dim_value for d in given.type.tensor_type.shape.dim]
    evaluator = reference.ReferenceEvaluator(model)
    rng = np.random.default_rng(1)
    for _ in range(20):
        x = rng.uniform(-0.5, 0.5, shape).astype(np.float32)
        expected = evaluator.run(None, {given.name: x})[0].reshape(-1)
        found = network(x.reshape(-1))
        assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


@needs_folder
@pytest.mark.parametrize("name", ["acasxu_1_1.onnx", "acasxu_3_3.onnx"])
@pytest.mark.parametrize("line", range(3))
def test_lines_through_collision_avoidance(name: str, line: int) -> None:
    pytest.importorskip("onnx")
    network = from_onnx(Path(FOLDER) / name)
    require_counts(network, *np.random.default_rng(line).uniform(-0.5, 0.5, (2, 5)))


@needs_folder
def test_the_line_between_two_digits() -> None:
    pytest.importorskip("onnx")
    network = from_onnx(Path(FOLDER) / "mnist_256x2.onnx")
    first, second = np.load(Path(FOLDER) / "mnist_points.npy")
    require_counts(network, first, second)
    require_counts(network, np.zeros_like(first), first)


@needs_folder
@pytest.mark.parametrize("name", ["bunny_2d_4x32.pt", "bunny_3d_8x32.pt"])
@pytest.mark.parametrize("line", range(3))
def test_lines_through_signed_distances(name: str, line: int) -> None:
    pytest.importorskip("torch")
    network = from_torch(Path(FOLDER) / name)
    ends = np.random.default_rng(line).uniform(-1.0, 1.0, (2, network.widths[0]))
    require_counts(network, *ends)
