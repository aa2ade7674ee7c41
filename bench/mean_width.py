"""How fast relufast finds Gaussian mean widths: see README.md in this folder."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from functools import partial
from itertools import cycle

import numpy as np
from _benchmark import Outcome, benchmark
from _measure import Prepare, Spread, Timing, interleave
from _memory import measure_mean_width_memory
from _tables import milliseconds, table, two_decimals, verdict
from numpy.typing import NDArray
from scipy.optimize import linprog
from threadpoolctl import threadpool_limits

import relufast

SEED = 0
N_CHECKED = 20  # directions
PROGRAM_GOAL, PRODUCT_GOAL, EXTRA_MIB = 3000.0, 1.5, 100.0

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """Normal points. A time is the mean of so many calls in a row.

    A call of the linear program is for one direction, the next one each time, and counts for all.
    """

    n_points: int
    dimension: int
    n_samples: int
    rounds: int
    calls: int = 1
    programs: bool = False
    product_goal: float | None = None


@dataclass
class Result:
    """What one case gave."""

    case: Case
    timings: dict[str, Timing]
    wrong: list[str]


FULL = [
    Case(1000, 5, 100, rounds=7, calls=100, programs=True),
    Case(10_000, 784, 1000, rounds=7, product_goal=PRODUCT_GOAL),
]
QUICK = [Case(200, 5, 100, rounds=3, calls=20, programs=True), Case(1000, 100, 256, rounds=3)]


def measure(quick: bool) -> Outcome:
    cases = QUICK if quick else FULL
    # Every contender on one thread: what is compared is work, not cores.
    with threadpool_limits(1):
        results = [run(case) for case in cases]
    largest = cases[-1]
    memory = measure_mean_width_memory(
        largest.n_points, largest.dimension, largest.n_samples, seed=SEED
    )
    extra = memory["extra_mib"]
    of_memory = (
        f"At {largest.n_points:,} points in R^{largest.dimension}, {largest.n_samples:,} "
        f"directions, the call took {extra:.0f} MiB besides the points, on two threads: "
        f"under {EXTRA_MIB:g} {verdict(extra < EXTRA_MIB)}."
    )
    record = {"seed": SEED, "results": [asdict(result) for result in results], "memory": memory}
    wrong = [answer for result in results for answer in result.wrong]
    return Outcome([time_table(results), of_memory], record, wrong)


def run(case: Case) -> Result:
    """Check the answers of all contenders, and take their times."""
    random = np.random.default_rng(SEED)
    K = random.standard_normal((case.n_points, case.dimension))
    directions = random.standard_normal((case.n_samples, case.dimension))

    def ours() -> object:
        return relufast.gaussian_mean_width(K, n_samples=case.n_samples, seed=SEED, n_threads=1)

    contenders: dict[str, Prepare] = {
        "relufast": lambda: ours,
        "NumPy": lambda: lambda: product(K, directions),
    }
    if case.programs:
        in_turn = cycle(directions)
        contenders["HiGHS"] = lambda: partial(linear_program, K, next(in_turn))
    timings = interleave(contenders, rounds=case.rounds, calls=case.calls)
    if case.programs:
        timings["HiGHS"] = timings["HiGHS"].scaled(case.n_samples)
    return Result(case, timings, faults(case, K))


def faults(case: Case, K: Matrix) -> list[str]:
    """The same directions to all."""
    one = relufast.statistics.MeanWidth(K, spherical=True)
    directions = relufast._core.gaussian_directions(SEED, 0, 0, N_CHECKED, case.dimension)
    directions /= np.linalg.norm(directions, axis=1)[:, np.newaxis]
    found = np.array([relufast.replay(one, SEED, 0, trial) for trial in range(N_CHECKED)])
    wrong = []
    if not np.allclose(found, product(K, directions), rtol=1e-12, atol=0.0):
        wrong.append(f"{case}: widths are not NumPy's")
    if case.programs:
        programs = [linear_program(K, g) for g in directions]
        if not np.allclose(found, programs, rtol=1e-9, atol=0.0):
            wrong.append(f"{case}: widths are not those of the linear program")
    return wrong


def product(K: Matrix, directions: Matrix) -> Matrix:
    """In NumPy, as one writes it down."""
    reached = K @ directions.T
    widths: Matrix = reached.max(axis=0) - reached.min(axis=0)
    return widths


def linear_program(K: Matrix, g: Matrix) -> float:
    """The paper's: the furthest two points of the convex hull."""
    m = len(K)
    hulls = np.kron(np.eye(2), np.ones((1, m)))
    reached = K @ g
    found = linprog(np.concatenate([-reached, reached]), A_eq=hulls, b_eq=[1, 1], method="highs")
    return float(-found.fun)


def time_table(results: list[Result]) -> str:
    head = ["points", "dimension", "directions", "relufast, ms", "NumPy, ms", "times faster"]
    head += ["goal", "", "HiGHS, ms", "times faster", "goal", ""]
    rows = []
    for result in results:
        case, timings = result.case, result.timings
        row = [f"{case.n_points:,}", f"{case.dimension:,}", f"{case.n_samples:,}"]
        row += [milliseconds(timings["relufast"]), milliseconds(timings["NumPy"])]
        row += _cells(timings["relufast"].times_faster_than(timings["NumPy"]), case.product_goal)
        if case.programs:
            row += [milliseconds(timings["HiGHS"])]
            faster = timings["relufast"].times_faster_than(timings["HiGHS"])
            row += _cells(faster, PROGRAM_GOAL if case.n_points == 1000 else None)
        else:
            row += [""] * 4
        rows.append(row)
    return table(head, rows)


def _cells(ratio: Spread, goal: float | None) -> list[str]:
    if goal is None:
        return [two_decimals(ratio), "", ""]
    return [two_decimals(ratio), f"at least {goal:g}", verdict(ratio.median >= goal)]


if __name__ == "__main__":
    sys.exit(
        benchmark(
            measure,
            doc=__doc__,
            name="mean_width",
            title="Gaussian mean width",
            quick="small sizes only, < 10 s",
        )
    )
