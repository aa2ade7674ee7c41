"""How fast Monte Carlo over random networks runs: see README.md in this folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np
from _benchmark import Outcome, benchmark
from _contenders import load_regioncam, regioncam_count, regioncam_partition
from _measure import Prepare, Spread, Timing, as_prepare, interleave
from _tables import goal_cells, table, two_decimals, verdict
from threadpoolctl import threadpool_limits

import relufast
from relufast import _blas, _core

WIDTHS = (1, 50, 50, 50, 1)
BIAS_VARIANCE = 0.25
RADIUS = 1000.0
SEED = 1
COUNTS = relufast.statistics.BreakpointCounts(
    WIDTHS, bias_variance=BIAS_VARIANCE, interval=(-RADIUS, RADIUS)
)


class NumPyNetworks:
    """Networks with NumPy's normals, and two counts of their breakpoints."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(SEED)

    def layers(self) -> list[tuple[Any, Any]]:
        return [
            (
                self._rng.standard_normal((fan_in, fan_out)) * np.sqrt(2.0 / fan_in),
                self._rng.standard_normal(fan_out) * np.sqrt(BIAS_VARIANCE),
            )
            for fan_in, fan_out in pairwise(WIDTHS)
        ]

    def count_by_numpy(self) -> int:
        """Layer by layer: all points so far through all layers, then the zeros in between."""
        layers = self.layers()
        x = np.array([-RADIUS, RADIUS])
        for depth in range(1, len(layers)):
            z = x[:, np.newaxis]
            for weights, biases in layers[: depth - 1]:
                z = np.maximum(z @ weights + biases, 0.0)
            weights, biases = layers[depth - 1]
            z = z @ weights + biases
            k, i = np.nonzero((z[1:] > 0.0) != (z[:-1] > 0.0))
            left, right = z[k, i], z[k + 1, i]
            roots = x[k] + (x[k + 1] - x[k]) * (left / (left - right))
            x = np.sort(np.concatenate([x, roots]))
        return len(x) - 2

    def count_by_regioncam(self, regioncam: Any) -> int:
        layers = [(w.astype(np.float32), b.astype(np.float32)) for w, b in self.layers()]
        return regioncam_count(regioncam_partition(regioncam, layers, RADIUS))


def measure(quick: bool) -> Outcome:
    rounds = 5 if quick else 15
    n_trials = 512 if quick else 2048
    with threadpool_limits(1):
        timings, means, wrong = networks(n_trials, rounds)
        parts = measure_parts(n_trials, rounds)
        overhead = trivial(100_000 if quick else 1_000_000, rounds)
    # As a user's pools are: without limits, and for some seconds each.
    timings["two processes"], timings["one process"] = processes(16 * n_trials, rounds)
    starts = measure_starts(3 if quick else 9)
    return Outcome(
        tables=[
            network_table(timings, means),
            part_table(timings, parts),
            engine_table(timings, overhead),
            start_table(starts),
        ],
        record={
            "widths": WIDTHS,
            "timings": {name: asdict(timing) for name, timing in timings.items()},
            "parts": {name: asdict(timing) for name, timing in parts.items()},
            "overhead": asdict(overhead),
            "starts": {name: asdict(timing) for name, timing in starts.items()},
        },
        wrong=wrong,
    )


def networks(n_trials: int, rounds: int) -> tuple[dict[str, Timing], dict[str, float], list[str]]:
    """Seconds a network, sampling included, on one thread; the mean counts have to agree."""
    numpy_networks, regioncam = NumPyNetworks(), load_regioncam()
    few = n_trials // 8
    counted: dict[str, Callable[[], int]] = {"NumPy": numpy_networks.count_by_numpy}
    if regioncam is not None:
        counted["regioncam"] = lambda: numpy_networks.count_by_regioncam(regioncam)
    estimate = relufast.monte_carlo(COUNTS, n_trials=n_trials, seed=SEED, covariance=True)
    mean = float(estimate.mean.sum())
    assert estimate.covariance is not None
    error = float(np.sqrt(estimate.covariance.sum() / n_trials))
    means, wrong = {"relufast": mean}, []
    if estimate.n_uncertified:
        wrong.append(f"{estimate.n_uncertified} counts are not certified")
    for name, count in counted.items():
        counts = np.array([count() for _ in range(4 * few)], dtype=float)
        means[name] = float(counts.mean())
        deviation = means[name] - mean
        if abs(deviation) > 5.0 * np.hypot(error, counts.std() / np.sqrt(len(counts))):
            wrong.append(f"{name} counts {means[name]}, relufast {mean}")
    contenders: dict[str, Prepare] = {
        "relufast": lambda: lambda: relufast.monte_carlo(COUNTS, n_trials=n_trials, seed=SEED)
    }
    for name, count in counted.items():
        contenders[name] = lambda count=count: lambda: [count() for _ in range(few)]
    raw = interleave(contenders, rounds=rounds)
    timings = {
        name: timing.scaled(1.0 / (n_trials if name == "relufast" else few))
        for name, timing in raw.items()
    }
    return timings, means, wrong


def measure_parts(n_trials: int, rounds: int) -> dict[str, Timing]:
    """Sampling and counting alone, called from compiled loops, and NumPy's normals beside ours."""
    from relufast import _numba
    from relufast.monte_carlo.breakpoint_counts import _scales
    from relufast.monte_carlo.loops import count_into, draw_parameters
    from relufast.monte_carlo.statistic import block_sequence

    random = _numba.new_random(block_sequence(SEED, 0))
    counter = _numba.new_breakpoint_counter(WIDTHS, 0.0, (-RADIUS, RADIUS))
    scales = _scales(COUNTS)
    kept = []
    for _ in range(n_trials // 8):
        parameters = np.empty_like(scales)
        draw_parameters(random.address, scales, parameters)
        kept.append(parameters)
    counts, values = np.empty(COUNTS.shape, dtype=np.int64), np.empty((1, *COUNTS.shape))
    outcomes = np.empty(1, dtype=np.int64)
    rng, out = np.random.default_rng(SEED), np.empty(1_000_000)

    def sample() -> None:
        for parameters in kept:
            draw_parameters(random.address, scales, parameters)

    def count() -> None:
        for parameters in kept:
            count_into(counter.address, parameters, counts, values, outcomes, 0)

    with _blas.single_threaded():
        timings = interleave(
            {
                "sampling": lambda: sample,
                "counting": lambda: count,
                "our normals": lambda: lambda: _numba.random_normals(random.address, out),
                "Network.random's": lambda: (
                    lambda: _core.normal_layer(SEED, 1, 0, 1, len(out) - 1, 1.0, 1.0)
                ),
                "NumPy's normals": lambda: lambda: rng.standard_normal(out=out),
            },
            rounds=rounds,
        )
    per = {"sampling": len(kept), "counting": len(kept)}
    return {name: t.scaled(1.0 / per.get(name, len(out))) for name, t in timings.items()}


def processes(n_trials: int, rounds: int) -> tuple[Timing, Timing]:
    """Two workers against one, both of a pool whose workers have compiled all they need."""
    with ProcessPoolExecutor(2) as two, ProcessPoolExecutor(1) as one:
        timings = interleave(
            {
                str(n): lambda pool=pool: (
                    lambda: relufast.monte_carlo(
                        COUNTS, n_trials=n_trials, seed=SEED, executor=pool
                    )
                )
                for n, pool in ((2, two), (1, one))
            },
            rounds=min(rounds, 7),
        )
    return timings["2"].scaled(1.0 / n_trials), timings["1"].scaled(1.0 / n_trials)


def measure_starts(rounds: int) -> dict[str, Timing]:
    """New processes: NumPy alone, with relufast, and a first estimate with all compiled before."""
    programs = {
        "numpy": "import numpy",
        "relufast": "import numpy, relufast",
        "first estimate": (
            "import relufast\n"
            f"counts = relufast.statistics.BreakpointCounts({WIDTHS}, bias_variance=0.25)\n"
            "relufast.monte_carlo(counts, n_trials=1, seed=1)"
        ),
    }
    # The first call, to warm up, fills Numba's cache.
    contenders = {name: as_prepare(new_process(code)) for name, code in programs.items()}
    return interleave(contenders, rounds=rounds)


def new_process(code: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, "-c", code], check=True)


def trivial(n_trials: int, rounds: int) -> Timing:
    """Seconds a trial of a statistic that does nothing."""
    import numba

    @numba.njit
    def nothing(rng: Any, out: Any) -> None:
        out[0] = 1.0

    statistic = relufast.statistics.JittedFunction(nothing, 1)
    timings = interleave(
        {"nothing": lambda: lambda: relufast.monte_carlo(statistic, n_trials=n_trials, seed=SEED)},
        rounds=min(rounds, 5),
    )
    return timings["nothing"].scaled(1.0 / n_trials)


def network_table(timings: dict[str, Timing], means: dict[str, float]) -> str:
    """relufast beside loops in Python over other counts."""
    head = ["one thread, sampling included", "us a network", "mean count", "relufast is faster by"]
    head += ["goal", "", "aim"]
    rows = [["relufast.monte_carlo", _micro(timings["relufast"]), f"{means['relufast']:.2f}"]]
    rows[0] += ["", "", "", ""]
    for name, goal, aim in (("regioncam", 4.0, 6.0), ("NumPy", 6.0, 9.0)):
        if name not in timings:
            continue
        ratio = timings["relufast"].times_faster_than(timings[name])
        rows.append(
            [
                f"{name}, NumPy's normals",
                _micro(timings[name]),
                f"{means[name]:.2f}",
                *goal_cells(ratio, goal),
                f"{aim:g}",
            ]
        )
    return table(head, rows)


def part_table(timings: dict[str, Timing], parts: dict[str, Timing]) -> str:
    """Where the time goes."""
    ours = parts["our normals"]
    ratio = ours.times_faster_than(parts["NumPy's normals"])
    whole = timings["relufast"].spread.median
    inside = parts["sampling"].spread.median + parts["counting"].spread.median
    rest = 1.0 - inside / whole
    rows = [
        ["sampling, us a network", _micro(parts["sampling"]), "", ""],
        ["counting, us a network", _micro(parts["counting"]), "", ""],
        ["share of all else", f"{100.0 * rest:.1f} %", "below 5 %", verdict(rest < 0.05)],
        ["normals, ns each", _nano(ours), "", ""],
        ["Network.random's normals, ns each", _nano(parts["Network.random's"]), "", ""],
        ["NumPy's normals, ns each", _nano(parts["NumPy's normals"]), "", ""],
        ["ours faster by", two_decimals(ratio), "at least 2.2", verdict(ratio.median >= 2.2)],
    ]
    return table(["part", "measured", "goal", ""], rows)


def engine_table(timings: dict[str, Timing], overhead: Timing) -> str:
    """What the engine costs and gives."""
    ratio = timings["two processes"].times_faster_than(timings["one process"])
    nanoseconds = 1e9 * overhead.spread.median
    rows = [
        ["two worker processes against one", *goal_cells(ratio, 1.8)],
        ["a trial that does nothing, ns", f"{nanoseconds:.0f}", "under 1000"],
    ]
    rows[1].append(verdict(nanoseconds < 1000.0))
    return table(["engine", "measured", "goal", ""], rows)


def start_table(starts: dict[str, Timing]) -> str:
    """What a new process waits for."""
    pairs = zip(starts["relufast"].seconds, starts["numpy"].seconds, strict=True)
    beyond = Spread.of([with_relufast - alone for with_relufast, alone in pairs])
    first = starts["first estimate"].spread
    rows = [
        ["a process that imports NumPy, s", _scaled(starts["numpy"].spread, 1.0), "", ""],
        ["import relufast beyond that, s", _scaled(beyond, 1.0), "at most 0.1"],
        ["a process with a first estimate, s", _scaled(first, 1.0), "under 2"],
    ]
    rows[1].append(verdict(beyond.median <= 0.1))
    rows[2].append(verdict(first.median < 2.0))
    return table(["start", "measured", "goal", ""], rows)


def _micro(timing: Timing) -> str:
    return _scaled(timing.spread, 1e6)


def _nano(timing: Timing) -> str:
    return _scaled(timing.spread, 1e9)


def _scaled(spread: Spread, factor: float) -> str:
    median, low, high = (factor * value for value in (spread.median, spread.lowest, spread.highest))
    return f"{median:.3g} [{low:.3g}, {high:.3g}]"


if __name__ == "__main__":
    sys.exit(
        benchmark(
            measure,
            doc=__doc__,
            name="monte_carlo",
            title="Monte Carlo",
            quick="fewer rounds, < 40 s",
        )
    )
