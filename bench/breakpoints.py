"""How fast relufast finds all breakpoints, beside regioncam: see README.md in this folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from _benchmark import Outcome, benchmark
from _contenders import (
    ProductsOfNaiveMethod,
    float32_layers,
    load_regioncam,
    naive_positions,
    recount,
    regioncam_count,
    regioncam_partition,
)
from _dgemm import Dgemm
from _flops import Flops, counted_flops
from _measure import Prepare, Timing, interleave
from _memory import measure_memory
from _tables import limit_table, memory_table, other_table, peer_table
from threadpoolctl import threadpool_limits

import relufast

RADIUS = 1000.0
N_THREADS = 2
SEED = 1
MEMORY_GOAL_GIB = 2.0


@dataclass(frozen=True)
class Case:
    """One network, and by which factor relufast shall be faster than regioncam on it.

    regioncam knows one input and no leak: elsewhere relufast stands alone.
    """

    width: int
    depth: int
    goal: float | None = None
    rounds: int = 9
    calls: int = 1
    naive: bool = False
    limit_goal: float | None = None  # the share of the time that its products alone take
    n_inputs: int = 1
    negative_slope: float = 0.0

    @property
    def name(self) -> str:
        inputs = f"R^{self.n_inputs}, " if self.n_inputs > 1 else ""
        leak = f", leak {self.negative_slope:g}" if self.negative_slope else ""
        return f"{inputs}{self.width} x {self.depth}{leak}"

    @property
    def has_peer(self) -> bool:
        return self.n_inputs == 1 and self.negative_slope == 0.0

    def network(self) -> relufast.Network:
        return relufast.Network.random(
            (self.n_inputs, *[self.width] * self.depth, 1),
            weight_variance=2.0,
            bias_variance=0.25,
            negative_slope=self.negative_slope,
            seed=SEED,
        )

    def line(self) -> dict[str, Any]:
        """An interval, or a segment through a space of several inputs."""
        if self.n_inputs == 1:
            return {"interval": (-RADIUS, RADIUS)}
        start, stop = np.random.default_rng(SEED).standard_normal((2, self.n_inputs)) * RADIUS
        return {"start": start, "stop": stop}


@dataclass
class Result:
    """What one case gave."""

    case: Case
    count: int = 0
    certified: bool = False
    other_counts: dict[str, int] = field(default_factory=dict)
    timings: dict[str, Timing] = field(default_factory=dict)
    flops: Flops = field(default_factory=Flops)
    wrong: list[str] = field(default_factory=list)


FULL = [
    Case(2000, 4, goal=15.0, limit_goal=0.6),
    Case(1000, 10, goal=7.0),
    Case(4000, 3, goal=25.0, rounds=5),
    Case(50, 3, goal=3.0, rounds=201, calls=20, naive=True),
    Case(2000, 4, negative_slope=0.01),
    Case(2000, 4, n_inputs=784),
    Case(1000, 5, rounds=15),
    Case(200, 10, rounds=51),
]
FULL_MEMORY = (500, 100)

QUICK = [
    Case(50, 3, goal=3.0, rounds=51, calls=20, naive=True),
    Case(50, 3, rounds=9, negative_slope=0.01),
    Case(50, 3, rounds=9, n_inputs=784),
    Case(200, 10, rounds=9),
    Case(500, 4, rounds=5),
]
QUICK_MEMORY = (100, 20)


def measure(quick: bool) -> Outcome:
    regioncam = load_regioncam()
    if regioncam is None:
        print("regioncam is not installed (pip install regioncam): going on without it")
    dgemm = Dgemm(N_THREADS)
    results = []
    # Idle threads of a BLAS pool keep spinning, and would take CPUs from whoever is timed next.
    with threadpool_limits(1):
        for case in QUICK if quick else FULL:
            print(f"{case.name} ...", flush=True)
            results.append(run(case, regioncam, dgemm))
    width, depth = QUICK_MEMORY if quick else FULL_MEMORY
    print(f"memory at width {width} x depth {depth} ...", flush=True)
    memory = measure_memory(width, depth, seed=SEED, radius=RADIUS)
    return Outcome(
        tables=[
            peer_table(results),
            other_table(results),
            limit_table(results, dgemm.flops),
            memory_table(memory, MEMORY_GOAL_GIB),
        ],
        record={
            "network": {
                "weight_variance": 2.0,
                "bias_variance": 0.25,
                "interval": [-RADIUS, RADIUS],
                "n_threads": N_THREADS,
                "seed": SEED,
            },
            "results": [asdict(result) for result in results],
            "memory": memory,
        },
        wrong=[answer for result in results for answer in result.wrong],
    )


def run(case: Case, regioncam: Any | None, dgemm: Dgemm) -> Result:
    """Check the answers, then take the time."""
    network = case.network()
    result = Result(case)
    check(result, network)

    line = case.line()
    contenders: dict[str, Prepare] = {
        "relufast": lambda: caller(fresh(network), line),
        "again": lambda: caller(network, line),
        "certify=False": lambda: caller(fresh(network), line, certify=False),
        "one thread": lambda: caller(fresh(network), line, n_threads=1),
    }
    if regioncam is not None and case.has_peer:
        layers = float32_layers(network)
        partition = regioncam_partition(regioncam, layers, RADIUS)
        result.other_counts["regioncam"] = regioncam_count(partition)
        del partition
        contenders["regioncam"] = lambda: lambda: regioncam_partition(regioncam, layers, RADIUS)
    if case.naive:
        result.other_counts["naive"] = len(naive_positions(network, RADIUS))
        contenders["naive"] = lambda: lambda: naive_positions(network, RADIUS)
    products = ProductsOfNaiveMethod(network, result.count)
    contenders["products"] = lambda: products
    if case.calls == 1:  # many calls in a round are for networks without large products
        contenders["dgemm"] = lambda: dgemm

    result.timings = interleave(contenders, rounds=case.rounds, calls=case.calls)
    result.timings["products"] = result.timings["products"].scaled(products.repeats)
    return result


def fresh(network: relufast.Network) -> relufast.Network:
    """A copy that no call has prepared anything for."""
    return relufast.Network(network.weights, network.biases, negative_slope=network.negative_slope)


def caller(
    network: relufast.Network,
    line: dict[str, Any],
    *,
    certify: bool = True,
    n_threads: int = N_THREADS,
) -> Callable[[], relufast.Breakpoints]:
    return lambda: relufast.breakpoints(network, **line, certify=certify, n_threads=n_threads)


def check(result: Result, network: relufast.Network) -> None:
    line = result.case.line()
    found = caller(network, line)()
    result.count = found.count
    result.certified = bool(found.certified)
    name = result.case.name
    if not found.certified:
        result.wrong.append(f"{name}: not certified, {found.n_ambiguous} decisions ambiguous")
    alone = caller(network, line, n_threads=1)()
    for array in ("positions", "layers", "neurons", "reaches_output"):
        if not np.array_equal(getattr(found, array), getattr(alone, array)):
            result.wrong.append(f"{name}: {array} differ between 1 and {N_THREADS} threads")
    passes = recount(network, found.positions, **line)
    if passes != found.count:
        result.wrong.append(f"{name}: {found.count} found, {passes} met by forward passes")
    with counted_flops() as result.flops:
        caller(fresh(network), line)()
    result.other_counts["certify=False"] = caller(network, line, certify=False)().count


if __name__ == "__main__":
    sys.exit(
        benchmark(
            measure,
            doc=__doc__,
            name="breakpoints",
            title="Breakpoints",
            quick="small networks only, < 20 s",
        )
    )
