"""Breakpoints of networks that other people trained.

    python examples/real_networks.py FOLDER

FOLDER holds some of: ACAS Xu collision avoidance networks (acasxu_*.onnx), MNIST 256 x 2
(mnist_256x2.onnx with mnist_points.npy, two images), and signed-distance networks as PyTorch state
dicts (bunny_*.pt). Needs the packages onnx and torch to read them, and regioncam to compare.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

import relufast


def read_onnx(path: Path) -> relufast.Network:
    """Dense layers in the graph's order; a constant subtracted from the input is folded."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    constants = {c.name: numpy_helper.to_array(c).astype(np.float64) for c in graph.initializer}
    weights: list[np.ndarray] = []
    biases: list[np.ndarray] = []
    offset = 0.0
    for node in graph.node:
        operands = [constants[name] for name in node.input if name in constants]
        if node.op_type == "Constant":
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t).astype(float)
        elif node.op_type == "Sub" and not weights:
            offset = operands[0].reshape(-1)
        elif node.op_type == "MatMul":
            # x @ M, or M @ x: the side tells
            weights.append(operands[0] if node.input[0] in constants else operands[0].T)
        elif node.op_type == "Gemm":
            transposed = any(a.name == "transB" and a.i for a in node.attribute)
            weights.append(operands[0] if transposed else operands[0].T)
            biases.append(operands[1].reshape(-1))
        elif node.op_type == "Add":
            biases.append(operands[0].reshape(-1))
        elif node.op_type not in ("Relu", "Flatten", "Reshape"):
            raise ValueError(f"{path.name}: the node {node.op_type} is not handled here")
    biases[0] = biases[0] - weights[0] @ np.broadcast_to(offset, weights[0].shape[1])
    return relufast.Network(weights, biases)


def read_state_dict(path: Path) -> relufast.Network:
    import torch

    state = torch.load(path, weights_only=True, map_location="cpu")
    weights = [v.double().numpy() for k, v in state.items() if k.endswith("weight")]
    biases = [v.double().numpy() for k, v in state.items() if k.endswith("bias")]
    return relufast.Network(weights, biases)


def peer_count(network: relufast.Network, start: np.ndarray, stop: np.ndarray) -> int | None:
    """What regioncam, in float32, finds between the two points."""
    try:
        from regioncam import Regioncam1D
    except ImportError:
        return None
    points = np.stack([start, stop]).astype(np.float32)
    camera = Regioncam1D.through_points(points, size=2.0)
    for layer, (w, b) in enumerate(zip(network.weights, network.biases, strict=True)):
        camera.linear(w.T.astype(np.float32), b.astype(np.float32))
        if layer < network.depth:
            camera.relu()
    return int(camera.num_vertices) - 2


def report(name: str, network: relufast.Network, start: np.ndarray, stop: np.ndarray) -> None:
    begin = time.perf_counter()
    found = relufast.breakpoints(network, start=start, stop=stop)
    milliseconds = 1e3 * (time.perf_counter() - begin)
    print(
        f"{name:34} {found.count:6} breakpoints, {found.n_regions:6} regions, "
        f"{found.n_output_regions:6} of the output, "
        f"{'certified' if found.certified else f'{found.n_ambiguous} ambiguous'}, "
        f"{milliseconds:7.1f} ms; regioncam: {peer_count(network, start, stop)}"
    )


def main(folder: Path) -> None:
    rng = np.random.default_rng(1)
    for path in sorted(folder.glob("acasxu_*.onnx")):
        network = read_onnx(path)
        for line in range(3):
            ends = rng.uniform(-0.5, 0.5, (2, network.widths[0]))
            report(f"{path.name}, line {line}", network, *ends)
    mnist = folder / "mnist_256x2.onnx"
    if mnist.exists():
        network = read_onnx(mnist)
        first, second = np.load(folder / "mnist_points.npy")
        report(f"{mnist.name}, two images", network, first, second)
        report(f"{mnist.name}, from black", network, np.zeros_like(first), first)
    for path in sorted(folder.glob("bunny_*.pt")):
        network = read_state_dict(path)
        for line in range(3):
            ends = rng.uniform(-1.0, 1.0, (2, network.widths[0]))
            report(f"{path.name}, line {line}", network, *ends)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
