"""Breakpoints of networks that other people trained.

    python examples/real_networks.py FOLDER

FOLDER holds some of: ACAS Xu collision avoidance networks (acasxu_*.onnx), MNIST 256 x 2
(mnist_256x2.onnx with mnist_points.npy, two images), and signed-distance networks as PyTorch state
dicts (bunny_*.pt). Needs the packages onnx and torch to read them, and regioncam to compare. Beside
each count stand two others: of regioncam, in float32, and of plain float64 forward passes (that of
tests/line_by_forward_passes.py).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

import relufast
from relufast.interop import from_onnx, from_torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from line_by_forward_passes import breakpoint_counts


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
    plain = breakpoint_counts(network.weights, network.biases, network.negative_slope, start, stop)
    print(
        f"{name:34} {found.count:6} breakpoints, {found.n_regions:6} regions, "
        f"{found.n_output_regions:6} of the output, "
        f"{'certified' if found.certified else f'{found.n_ambiguous} ambiguous'}, "
        f"{milliseconds:7.1f} ms; float64: {sum(plain)}; "
        f"regioncam: {peer_count(network, start, stop)}"
    )


def main(folder: Path) -> None:
    rng = np.random.default_rng(1)
    for path in sorted(folder.glob("acasxu_*.onnx")):
        network = from_onnx(path)
        for line in range(3):
            ends = rng.uniform(-0.5, 0.5, (2, network.widths[0]))
            report(f"{path.name}, line {line}", network, *ends)
    mnist = folder / "mnist_256x2.onnx"
    if mnist.exists():
        network = from_onnx(mnist)
        first, second = np.load(folder / "mnist_points.npy")
        report(f"{mnist.name}, two images", network, first, second)
        report(f"{mnist.name}, from black", network, np.zeros_like(first), first)
    for path in sorted(folder.glob("bunny_*.pt")):
        network = from_torch(path)
        for line in range(3):
            ends = rng.uniform(-1.0, 1.0, (2, network.widths[0]))
            report(f"{path.name}, line {line}", network, *ends)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
