"""Peak memory of one call, in a process of its own: ``python _memory.py WIDTH DEPTH``."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import relufast


def measure_memory(width: int, depth: int, *, seed: int, radius: float) -> dict[str, Any]:
    """Peak resident memory, interpreter, libraries and the network included."""
    command = [sys.executable, __file__, *map(str, (width, depth, seed, radius))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    record: dict[str, Any] = json.loads(done.stdout)
    return record


def peak_gib() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        # Not ru_maxrss: on Linux a process starts with that of the one that started it.
        peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="ascii"))
        if peak:
            return int(peak[1]) / 2**20
    peak_rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak_rss / (2**30 if sys.platform == "darwin" else 2**20)


def _main(width: int, depth: int, seed: int, radius: float) -> None:
    network = relufast.Network.random((1, *[width] * depth, 1), bias_variance=0.25, seed=seed)
    before = peak_gib()
    began = perf_counter()
    found = relufast.breakpoints(network, (-radius, radius), n_threads=2)
    seconds = perf_counter() - began
    record = {
        "width": width,
        "depth": depth,
        "seed": seed,
        "seconds": seconds,
        "peak_gib": peak_gib(),
        "peak_before_gib": before,
        "count": found.count,
        "certified": found.certified,
        "n_ambiguous": found.n_ambiguous,
    }
    print(json.dumps(record))


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
