"""Breakpoints of networks that other people trained: see README.md in this folder.

FOLDER holds some of: ACAS Xu collision avoidance networks (acasxu_*.onnx), MNIST 256 x 2
(mnist_256x2.onnx with mnist_points.npy, two images), and signed-distance networks as PyTorch state
dicts (bunny_*.pt). Needs the packages onnx and torch to read them, and regioncam to compare.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _contenders import float32_layers, load_regioncam, regioncam_count, regioncam_segment
from _machine import load_average, machine_record
from _measure import Prepare, Timing, interleave
from _results import write_results
from _tables import milliseconds, table, two_decimals
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import relufast
from relufast.interop import from_onnx, from_torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from line_by_forward_passes import breakpoint_counts

Point = NDArray[np.float64]

SEED = 1
N_LINES = 20
ROUNDS, CALLS = 21, 10


class Lines(NamedTuple):
    """A network, and pairs of points."""

    name: str
    network: relufast.Network
    ends: list[tuple[Point, Point]]


@dataclass
class Result:
    """What one network gave, summed over its lines."""

    name: str
    widths: tuple[int, ...]
    n_lines: int
    count: int = 0
    n_output_regions: int = 0
    n_certified: int = 0
    n_as_float64: int = 0  # lines with the same counts in every layer
    regioncam: list[int] = field(default_factory=list)  # by line: how many more than relufast
    timings: dict[str, Timing] = field(default_factory=dict)  # of all lines


def networks(folder: Path) -> Iterator[Lines]:
    rng = np.random.default_rng(SEED)

    def random_lines(network: relufast.Network, radius: float) -> list[tuple[Point, Point]]:
        ends = rng.uniform(-radius, radius, (N_LINES, 2, network.widths[0]))
        return [(start, stop) for start, stop in ends]

    for path in sorted(folder.glob("acasxu_*.onnx")):
        network = from_onnx(path)
        yield Lines(path.stem, network, random_lines(network, 0.5))
    images = folder / "mnist_256x2.onnx"
    if images.exists():
        network = from_onnx(images)
        first, second = np.load(folder / "mnist_points.npy")
        black = np.zeros_like(first)
        yield Lines(images.stem, network, [(first, second), (black, first), (black, second)])
    for path in sorted(folder.glob("bunny_*.pt")):
        network = from_torch(path)
        yield Lines(path.stem, network, random_lines(network, 1.0))


def run(lines: Lines, regioncam: Any | None) -> Result:
    """Count, and then take the time of all lines one after the other."""
    network = lines.network
    result = Result(lines.name, network.widths, len(lines.ends))
    layers = float32_layers(network)
    for start, stop in lines.ends:
        found = relufast.breakpoints(network, start=start, stop=stop)
        result.count += found.count
        result.n_output_regions += found.n_output_regions
        result.n_certified += found.certified
        plain = breakpoint_counts(
            network.weights, network.biases, network.negative_slope, start, stop
        )
        result.n_as_float64 += plain == found.count_by_layer.tolist()
        if regioncam is not None:
            theirs = regioncam_count(regioncam_segment(regioncam, layers, start, stop))
            result.regioncam.append(theirs - found.count)

    def ours() -> None:
        for start, stop in lines.ends:
            relufast.breakpoints(network, start=start, stop=stop, n_threads=1)

    def theirs() -> None:
        for start, stop in lines.ends:
            regioncam_segment(regioncam, layers, start, stop)

    contenders: dict[str, Prepare] = {"relufast": lambda: ours}
    if regioncam is not None:
        contenders["regioncam"] = lambda: theirs
    result.timings = interleave(contenders, rounds=ROUNDS, calls=CALLS)
    return result


def result_table(results: list[Result]) -> str:
    head = ["network", "widths", "lines", "breakpoints", "output regions", "certified"]
    head += ["as float64", "regioncam: equal", "most apart", "relufast, ms a line"]
    head += ["regioncam, ms a line", "times faster"]
    rows = []
    for result in results:
        n = result.n_lines
        row = [result.name, "-".join(map(str, result.widths)), str(n), f"{result.count:,}"]
        row += [f"{result.n_output_regions:,}", f"{result.n_certified} of {n}"]
        row += [f"{result.n_as_float64} of {n}"]
        a_line = {name: timing.scaled(1.0 / n) for name, timing in result.timings.items()}
        if result.regioncam:
            row += [f"{result.regioncam.count(0)} of {n}", str(max(map(abs, result.regioncam)))]
            row += [milliseconds(a_line["relufast"]), milliseconds(a_line["regioncam"])]
            row += [two_decimals(a_line["relufast"].times_faster_than(a_line["regioncam"]))]
        else:
            row += ["not installed", "", milliseconds(a_line["relufast"]), "", ""]
        rows.append(row)
    return table(head, rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write JSON and Markdown there")
    options = parser.parse_args()
    machine = machine_record(("onnx", "torch"))
    regioncam = load_regioncam()
    # Idle threads of a BLAS pool keep spinning, and would take CPUs from whoever is timed next.
    with threadpool_limits(1):
        results = [run(lines, regioncam) for lines in networks(options.folder)]
    if not results:
        parser.error(f"{options.folder} holds no network that is known here")
    machine["load_average_at_end"] = load_average()
    text = result_table(results)
    print(text)
    if options.out is not None:
        record = {"seed": SEED, "results": [asdict(result) for result in results]}
        write_results(
            options.out, "real_networks", "Networks of other people", machine, record, text
        )
    wrong = [r.name for r in results if min(r.n_certified, r.n_as_float64) < r.n_lines]
    for name in wrong:
        print(f"WRONG: {name}: not certified, or not the counts of float64", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
