"""How fast relufast finds ranks: see README.md in this folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import flint
import numpy as np
from _benchmark import Outcome, benchmark
from _measure import Prepare, Spread, Timing, as_prepare, interleave
from _tables import goal_cells, milliseconds, table
from numpy.typing import NDArray
from scipy.linalg.blas import dgemm
from threadpoolctl import threadpool_limits

import relufast
from relufast import _core

SEED = 0
PRIME = _core.primes(1)[0]  # python-flint gets the same one
BLOCK = 64  # rows that IncrementalRank gets at a time
INCREMENTAL_GOAL = 2.0
PREFIX_SAMPLES = 8


@dataclass(frozen=True)
class Case:
    """A random square matrix, and the goals if it has any."""

    size: int
    rounds: int
    calls: int = 1
    gemm_goal: float | None = None
    flint_goal: float | None = None
    numpy_goal: float | None = None
    prefix_goal: float | None = None


@dataclass
class Result:
    """What one case gave."""

    case: Case
    timings: dict[str, Timing] = field(default_factory=dict)
    # Of numpy.linalg.matrix_rank on a sample of the leading blocks: seconds, and their numbers of
    # rows. Every sample stands for size / len(sample) of the blocks.
    prefix_sample: dict[int, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def numpy_prefix_seconds(self) -> float:
        return sum(self.prefix_sample.values()) * self.case.size / len(self.prefix_sample)


FULL = [
    Case(100, rounds=15, calls=50, flint_goal=2.0),
    Case(500, rounds=11, calls=2, flint_goal=6.0, numpy_goal=8.0),
    Case(1000, 9, gemm_goal=0.5, flint_goal=7.5, numpy_goal=8.0, prefix_goal=2500.0),
    Case(2000, 5, gemm_goal=0.45, flint_goal=7.5, numpy_goal=8.0),
]
QUICK = [
    Case(100, rounds=5, calls=10, flint_goal=2.0),
    Case(300, rounds=3, calls=2),
]


def measure(quick: bool) -> Outcome:
    results = []
    # Idle threads of a BLAS pool keep spinning, and would take CPUs from whoever is timed next.
    with threadpool_limits(1):
        for case in QUICK if quick else FULL:
            print(f"{case.size} x {case.size} ...", flush=True)
            results.append(run(case))
    return Outcome(
        tables=[rank_table(results), sweep_table(results)],
        record={"seed": SEED, "prime": PRIME, "results": [asdict(result) for result in results]},
        wrong=[answer for result in results for answer in result.wrong],
    )


def run(case: Case) -> Result:
    """Check the answers, then take the time."""
    n = case.size
    random = np.random.default_rng(SEED)
    matrix = random.standard_normal((n, n))
    factors = [np.asfortranarray(random.standard_normal((n, n))) for _ in range(3)]
    residues = flint.nmod_mat(n, n, random.integers(0, PRIME, n * n).tolist(), PRIME)
    result = Result(case, wrong=faults(matrix, residues))

    contenders: dict[str, Callable[[], object]] = {
        "relufast": lambda: relufast.matrix_rank(matrix),
        "dgemm": lambda: dgemm(1.0, factors[0], factors[1], c=factors[2], overwrite_c=1),
        "flint": residues.rank,
        "numpy": lambda: np.linalg.matrix_rank(matrix),
        "sweep": lambda: relufast.prefix_ranks(matrix, axis=0),
        "incremental": lambda: append_in_blocks(matrix),
    }
    prepared: dict[str, Prepare] = {name: as_prepare(call) for name, call in contenders.items()}
    result.timings = interleave(prepared, rounds=case.rounds, calls=case.calls)
    # The middles of equal ranges of the number of rows.
    sampled = [round((i + 0.5) * n / PREFIX_SAMPLES) for i in range(PREFIX_SAMPLES)]
    prefixes = {str(k): as_prepare(prefix_by_numpy(matrix, k)) for k in sampled}
    timings = interleave(prefixes, rounds=1)
    result.prefix_sample = {k: timings[str(k)].spread.median for k in sampled}
    return result


def prefix_by_numpy(matrix: NDArray[np.float64], k: int) -> Callable[[], object]:
    return lambda: np.linalg.matrix_rank(matrix[:k])


def append_in_blocks(matrix: NDArray[np.float64]) -> relufast.IncrementalRank:
    rows = relufast.IncrementalRank(matrix.shape[1])
    for begin in range(0, len(matrix), BLOCK):
        rows.append(matrix[begin : begin + BLOCK])
    return rows


def faults(matrix: NDArray[np.float64], residues: flint.nmod_mat) -> list[str]:
    """What is wrong with the ranks of a random matrix and of one with a row less in its span."""
    n = len(matrix)
    wrong = []
    found = relufast.matrix_rank(matrix)
    if not (found.rank == np.linalg.matrix_rank(matrix) == n and found.certified):
        wrong.append(f"{n} x {n}: {found}")
    integers = np.array([int(x) for x in residues.entries()], float).reshape(n, n)
    integers[-1] = integers[0] + integers[1]
    entries = [int(x) for x in integers.ravel()]
    expected = flint.nmod_mat(n, n, entries, PRIME).rank()
    if _core.rank_modulo(integers, PRIME) != expected:
        wrong.append(f"{n} x {n} modulo {PRIME}: python-flint has {expected}")
    ranks = relufast.prefix_ranks(integers, axis=0)
    if ranks.tolist() != [*range(1, n), n - 1]:
        wrong.append(f"{n} x {n}: ranks of leading rows end in {ranks[-3:]}")
    if append_in_blocks(integers).independent_rows.tolist() != list(range(n - 1)):
        wrong.append(f"{n} x {n}: other rows by pieces")
    return wrong


def rank_table(results: list[Result]) -> str:
    """matrix_rank beside a product of matrices and beside other ranks."""
    head = ["size", "relufast, ms", "dgemm, ms", "times dgemm", "goal", ""]
    head += [
        "python-flint, ms",
        "times faster",
        "goal",
        "",
        "NumPy, ms",
        "times faster",
        "goal",
        "",
    ]
    rows = []
    for result in results:
        case, timings = result.case, result.timings
        ours = timings["relufast"]
        row = [f"{case.size:,}", milliseconds(ours), milliseconds(timings["dgemm"])]
        row += goal_cells(timings["dgemm"].times_faster_than(ours), case.gemm_goal, at_most=True)
        for name, goal in (("flint", case.flint_goal), ("numpy", case.numpy_goal)):
            row += [milliseconds(timings[name])]
            row += goal_cells(ours.times_faster_than(timings[name]), goal)
        rows.append(row)
    return table(head, rows)


def sweep_table(results: list[Result]) -> str:
    """prefix_ranks beside matrix_rank of every prefix, and rows in blocks beside all at once."""
    head = ["size", "prefix_ranks, ms", "NumPy on every prefix, s (extrapolated)", "times faster"]
    head += ["goal", "", f"IncrementalRank by {BLOCK}, ms", "times prefix_ranks", "goal", ""]
    rows = []
    for result in results:
        sweep, pieces = result.timings["sweep"], result.timings["incremental"]
        numpy_seconds = result.numpy_prefix_seconds
        ratio = Spread.of([numpy_seconds / seconds for seconds in sweep.seconds])
        row = [f"{result.case.size:,}", milliseconds(sweep), f"{numpy_seconds:.3g}"]
        row += goal_cells(ratio, result.case.prefix_goal)
        row += [milliseconds(pieces)]
        row += goal_cells(sweep.times_faster_than(pieces), INCREMENTAL_GOAL, at_most=True)
        rows.append(row)
    return table(head, rows)


if __name__ == "__main__":
    sys.exit(
        benchmark(
            measure,
            doc=__doc__,
            name="rank",
            title="Ranks",
            quick="small sizes only, < 10 s",
            packages=["python-flint"],
        )
    )
