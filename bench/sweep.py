"""How much time and memory networks beyond memory take: see README.md in this folder."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from _cost_model import CostModel, Size, fit, least_gib
from _machine import load_average, machine_record
from _memory import measure_sweep, peak_gib
from _results import write_results
from _tables import table, three_digits, verdict

import relufast

SEED = 1
LARGE = Size(width=10_000, depth=10, n_windows=0)
LARGE_MINUTES, LARGE_GIB = 15.0, 6.0

FULL = [
    Size(1000, 3, 1),
    Size(1000, 6, 1),
    Size(1000, 6, 8),
    Size(1000, 12, 1),
    Size(2000, 3, 1),
    Size(2000, 3, 8),
    Size(2000, 5, 1),
    Size(3000, 3, 1),
    Size(3000, 4, 6),
    Size(2000, 10, 4),
    Size(4000, 5, 4),
]
QUICK = [Size(300, 3, 1), Size(300, 3, 8), Size(300, 8, 1), Size(600, 3, 1), Size(600, 5, 2)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small networks only, < 20 s")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write JSON and Markdown there")
    parser.add_argument(
        "--large",
        type=Path,
        metavar="STORE",
        help="10 layers of 10,000 neurons instead, with finished windows in this file",
    )
    options = parser.parse_args()
    if options.large is not None:
        return large(options.large)

    machine = machine_record()
    print(f"{machine['cpu']}, {machine['cpus_usable']} CPUs")
    runs: list[dict[str, Any]] = []
    wrong: list[str] = []
    for size in QUICK if options.quick else FULL:
        expected = counts_of_stored(size)
        # A virtual machine takes long to come by memory that nobody has used before.
        measure_sweep(**asdict(size), seed=SEED, n_threads=2)
        for n_threads in (1, 2):
            run = measure_sweep(**asdict(size), seed=SEED, n_threads=n_threads)
            runs.append(run)
            print(f"{size}, {n_threads} threads: {run['cpu_seconds']:.2f} CPU seconds", flush=True)
            if not run["certified"] or run["count_by_layer"] != expected:
                wrong.append(f"{size}: not certified, or another count than of the stored network")
    model = fit({_size(run): run["cpu_seconds"] for run in runs if run["n_threads"] == 1})
    machine["load_average_at_end"] = load_average()
    text = f"{run_table(runs, model)}\n\n{rate_table(model)}\n\n{extrapolation(model)}"
    print(f"\n{text}")
    if options.out is not None:
        record = {"seed": SEED, "runs": runs, "model": asdict(model)}
        write_results(options.out, "sweep", "Networks beyond memory", machine, record, text)
    for answer in wrong:
        print(f"WRONG: {answer}", file=sys.stderr)
    return 1 if wrong else 0


def counts_of_stored(size: Size) -> list[int]:
    widths = (1, *[size.width] * size.depth, 1)
    found = relufast.breakpoints(relufast.Network.random(widths, seed=SEED))
    counts: list[int] = found.count_by_layer.tolist()
    return counts


def run_table(runs: list[dict[str, Any]], model: CostModel) -> str:
    head = ["width x depth", "windows", "threads", "breakpoints", "certified", "seconds"]
    head += ["CPU seconds", "fitted", "peak, GiB", "layers, GiB"]
    rows = []
    for run in runs:
        size = _size(run)
        rows.append(
            [
                f"{size.width} x {size.depth}",
                f"{size.n_windows}",
                f"{run['n_threads']}",
                f"{sum(run['count_by_layer']):,}",
                "yes" if run["certified"] else "NO",
                three_digits(run["seconds"]),
                three_digits(run["cpu_seconds"]),
                three_digits(model.cpu_seconds(size)),
                f"{run['peak_gib']:.2f}",
                f"{least_gib(size, run['n_threads']):.2f}",
            ]
        )
    return table(head, rows)


def rate_table(model: CostModel) -> str:
    rows = [[kind, three_digits(1e9 * seconds)] for kind, seconds in model.seconds.items()]
    return (
        table(["work", "CPU nanoseconds each"], rows)
        + f"\n\nMeasured and fitted differ by at most a factor {model.worst_ratio:.2f}."
    )


def extrapolation(model: CostModel) -> str:
    """To sizes and cores that were not measured."""
    rows = []
    for width, depth, n_windows in ((10_000, 10, 10), (20_000, 10, 40), (10_000, 20, 20)):
        cpu = model.cpu_seconds(Size(width, depth, n_windows))
        rows.append(
            [f"{width:,} x {depth}", f"{n_windows}"]
            + [three_digits(cpu / cores / 60.0) for cores in (2, 64)]
        )
    head = ["extrapolated: width x depth", "windows", "minutes on 2 cores", "on 64 cores"]
    return (
        table(head, rows) + "\n\nExtrapolated from the rates above as if all cores were always "
        "busy and memory as quick for 64 as for one: not measured. Left out is what only larger "
        "networks need: evaluation in double-double, and tight bounds on norms."
    )


def large(store: Path) -> int:
    """The case that a stored network of 8 GB would be; goes on from where it was stopped."""
    network = relufast.Network.lazy((1, *[LARGE.width] * LARGE.depth, 1), seed=SEED)
    began = time.perf_counter()

    def show(progress: relufast.WorkProgress) -> None:
        seconds = time.perf_counter() - began
        print(
            f"{progress.n_done} of {progress.n_total} windows, {seconds:.0f} s, peak "
            f"{peak_gib():.2f} GiB",
            flush=True,
        )

    found = relufast.sweep_breakpoints(
        network, memory=5.2e9, n_threads=2, store=store, progress=show
    )
    minutes = (time.perf_counter() - began) / 60.0
    print(
        f"{found}, by layer {found.count_by_layer.tolist()}\n"
        f"{minutes:.1f} minutes: under {LARGE_MINUTES:g} {verdict(minutes < LARGE_MINUTES)}; "
        f"{peak_gib():.2f} GiB: under {LARGE_GIB:g} {verdict(peak_gib() < LARGE_GIB)}"
    )
    return 0


def _size(run: dict[str, Any]) -> Size:
    return Size(run["width"], run["depth"], run["n_windows"])


if __name__ == "__main__":
    sys.exit(main())
