"""Peak memory of one call, in a process of its own: ``python _memory.py MEASURE JSON``."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, TypeVar

import numpy as np

import relufast

Result = TypeVar("Result")


def measure_memory(width: int, depth: int, *, seed: int, radius: float) -> dict[str, Any]:
    """Of breakpoints: peak resident memory, interpreter, libraries and the network included."""
    return _in_a_process("breakpoints", width=width, depth=depth, seed=seed, radius=radius)


def measure_fisher_memory(m: int, d: int, k: int, *, seed: int, tol: float) -> dict[str, Any]:
    """Of leading eigenpairs of the Fisher information: the same."""
    return _in_a_process("fisher", m=m, d=d, k=k, seed=seed, tol=tol)


def measure_pieces_memory(length: int, *, seed: int, tolerance: float) -> dict[str, Any]:
    """Of the fewest pieces of a long walk: the same."""
    return _in_a_process("minimal_pieces", length=length, seed=seed, tolerance=tolerance)


def measure_mean_width_memory(
    n_points: int, dimension: int, n_samples: int, *, seed: int
) -> dict[str, Any]:
    """Of a mean width: what the call takes besides the points."""
    arguments = {"n_points": n_points, "dimension": dimension, "n_samples": n_samples}
    return _in_a_process("mean_width", **arguments, seed=seed)


def measure_sweep(
    width: int, depth: int, n_windows: int, *, seed: int, n_threads: int
) -> dict[str, Any]:
    """Of a sweep of a network that is drawn as needed: time, and peak resident memory."""
    size = {"width": width, "depth": depth, "n_windows": n_windows}
    return _in_a_process("sweep", **size, seed=seed, n_threads=n_threads)


def _in_a_process(measure: str, **arguments: float) -> dict[str, Any]:
    command = [sys.executable, __file__, measure, json.dumps(arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
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


def _measured(call: Callable[[], Result]) -> tuple[Result, dict[str, float]]:
    """What a call returns, how long it takes, and the peaks of memory before and after it."""
    before = peak_gib()
    began, cpu_began = perf_counter(), process_time()
    result = call()
    return result, {
        "seconds": perf_counter() - began,
        "cpu_seconds": process_time() - cpu_began,
        "peak_gib": peak_gib(),
        "peak_before_gib": before,
    }


def _breakpoints(width: int, depth: int, seed: int, radius: float) -> dict[str, Any]:
    network = relufast.Network.random((1, *[width] * depth, 1), bias_variance=0.25, seed=seed)
    found, cost = _measured(lambda: relufast.breakpoints(network, (-radius, radius), n_threads=2))
    return {
        "width": width,
        "depth": depth,
        "seed": seed,
        **cost,
        "count": found.count,
        "certified": found.certified,
        "n_ambiguous": found.n_ambiguous,
    }


def _fisher(m: int, d: int, k: int, seed: int, tol: float) -> dict[str, Any]:
    W = np.random.default_rng(seed).standard_normal((m, d)) / np.sqrt(m)
    J = relufast.FisherInformation(W)
    began = perf_counter()

    def show(step: relufast.EigenProgress) -> None:
        seconds = perf_counter() - began
        print(f"pass {step.passes}, {seconds:.0f} s: {step}", file=sys.stderr, flush=True)

    found, cost = _measured(lambda: J.eigh(k, tol=tol, n_threads=2, progress=show))
    return {
        "m": m,
        "d": d,
        "k": k,
        "seed": seed,
        **cost,
        "passes": found.passes,
        "largest_residual": found.residuals.max() / found.eigenvalues[0],
    }


def _minimal_pieces(length: int, seed: int, tolerance: float) -> dict[str, Any]:
    y = np.random.default_rng(seed).standard_normal(length)
    np.cumsum(y, out=y)  # in place, so that no peak of memory comes before the one in question
    x = np.arange(float(length))
    found, cost = _measured(lambda: relufast.minimal_pieces(x, y, tolerance))
    return {"knots": length, "count": found.count, **cost}


def _mean_width(n_points: int, dimension: int, n_samples: int, seed: int) -> dict[str, Any]:
    K = np.random.default_rng(seed).standard_normal((n_points, dimension))
    relufast.gaussian_mean_width(K[:2], n_samples=2, seed=seed)  # loads what is imported late
    _, cost = _measured(
        lambda: relufast.gaussian_mean_width(K, n_samples=n_samples, seed=seed, n_threads=2)
    )
    return {
        "n_points": n_points,
        "dimension": dimension,
        "n_samples": n_samples,
        "extra_mib": 1024.0 * (cost["peak_gib"] - cost["peak_before_gib"]),
    }


def _sweep(width: int, depth: int, n_windows: int, seed: int, n_threads: int) -> dict[str, Any]:
    relufast.load_blas()
    widths = (1, *[width] * depth, 1)
    found, cost = _measured(
        lambda: relufast.sweep_breakpoints(
            relufast.Network.lazy(widths, seed=seed), n_windows=n_windows, n_threads=n_threads
        )
    )
    return {
        "width": width,
        "depth": depth,
        "n_windows": n_windows,
        "n_threads": n_threads,
        "seed": seed,
        **cost,
        "count_by_layer": found.count_by_layer.tolist(),
        "certified": found.certified,
    }


if __name__ == "__main__":
    measures = {
        "breakpoints": _breakpoints,
        "fisher": _fisher,
        "mean_width": _mean_width,
        "minimal_pieces": _minimal_pieces,
        "sweep": _sweep,
    }
    print(json.dumps(measures[sys.argv[1]](**json.loads(sys.argv[2]))))
