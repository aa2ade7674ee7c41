"""How fast relufast handles Fisher information matrices: see README.md in this folder."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from _benchmark import Outcome, benchmark
from _measure import Spread, Timing, as_prepare, interleave
from _memory import measure_fisher_memory
from _tables import goal_cells, milliseconds, table, two_decimals, verdict
from numpy.typing import NDArray
from scipy.linalg.blas import dgemm
from scipy.sparse.linalg import eigsh
from threadpoolctl import threadpool_limits

import relufast

SEED = 0
TOLERANCE = 1e-8
EIGH_GOAL, EIGSH_GOAL, FORMULA_GOAL, PASS_GOAL = 50.0, 5.0, 10.0, 1.0
LARGE = {"m": 100_000, "d": 50, "k": 51}
LARGE_SECONDS, LARGE_GIB = 300.0, 1.5
NANOSECONDS_AN_ENTRY = 2.0

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """Gaussian weights, and whether the goals are set for this size."""

    m: int
    d: int
    rounds: int
    has_goals: bool = False

    @property
    def k(self) -> int:
        """All of the groups of degree 0, 1 and 2."""
        return self.d * (self.d + 3) // 2

    def goal(self, number: float) -> float | None:
        return number if self.has_goals else None


@dataclass
class Result:
    """What one case gave."""

    case: Case
    timings: dict[str, Timing] = field(default_factory=dict)
    eigh_seconds: float = 0.0  # of numpy.linalg.eigh, once
    passes: int = 0
    wrong: list[str] = field(default_factory=list)


FULL = [Case(1000, 5, rounds=5), Case(4000, 10, rounds=3, has_goals=True)]
QUICK = [Case(500, 4, rounds=3)]


def measure(quick: bool) -> Outcome:
    results = []
    # Every contender on one thread: what is compared is work, not cores.
    with threadpool_limits(1):
        for case in QUICK if quick else FULL:
            print(f"m = {case.m}, d = {case.d} ...", flush=True)
            results.append(run(case))
    tables = [eigen_table(results), pass_table(results)]
    large = {}
    if not quick:
        large = run_large()
        tables.append(large_table(large))
    return Outcome(
        tables=tables,
        record={"seed": SEED, "results": [asdict(result) for result in results], "large": large},
        wrong=[answer for result in results for answer in result.wrong],
    )


def measure_large() -> Outcome:
    large = run_large()
    return Outcome(tables=[large_table(large)], record={"seed": SEED, "large": large}, wrong=[])


def run_large() -> dict[str, Any]:
    print(f"m = {LARGE['m']:,}, d = {LARGE['d']} ...", flush=True)
    return measure_fisher_memory(**LARGE, seed=SEED, tol=TOLERANCE)


def weights(case: Case) -> Matrix:
    random = np.random.default_rng(SEED)
    return random.standard_normal((case.m, case.d)) / np.sqrt(case.m)


def run(case: Case) -> Result:
    """Take the time, and check the answers against numpy.linalg.eigh."""
    W = weights(case)
    J = relufast.FisherInformation(W)
    dense = J.to_dense(n_threads=1)
    result = Result(case)
    began = perf_counter()
    all_values = np.linalg.eigh(dense)[0][::-1]
    result.eigh_seconds = perf_counter() - began
    ours = J.eigh(case.k, tol=TOLERANCE, n_threads=1)
    result.passes = ours.passes
    result.wrong += faults(case, ours, dense, all_values)

    # ARPACK's tolerance is relative to each eigenvalue: this one gives the last the same residual.
    tolerance = TOLERANCE * all_values[0] / all_values[case.k - 1]
    random = np.random.default_rng(SEED)
    block = random.standard_normal((case.m, case.k))
    vector = random.standard_normal(case.m)
    left, right = np.asfortranarray(dense), np.asfortranarray(block)
    transposed = np.asfortranarray(W.T)
    gram, product = np.empty((case.m, case.m), order="F"), np.empty(block.shape, order="F")
    start = np.ones(case.m)

    contenders = {
        "eigh": lambda: relufast.FisherInformation(W).eigh(case.k, tol=TOLERANCE, n_threads=1),
        "eigsh": lambda: eigsh(formula(W), case.k, tol=tolerance, v0=start),
        "eigsh, made by relufast": lambda: eigsh(
            relufast.FisherInformation(W).to_dense(n_threads=1), case.k, tol=tolerance, v0=start
        ),
        "pass": lambda: J.matmat(block, n_threads=1),
        "dgemm": lambda: (
            dgemm(1.0, transposed, transposed, trans_a=True, c=gram, overwrite_c=True),
            dgemm(1.0, left, right, c=product, overwrite_c=True),
        ),
        "matvec": lambda: J.matvec(vector, n_threads=1),
        "formula": lambda: formula(W) @ vector,
    }
    result.timings = interleave(
        {name: as_prepare(call) for name, call in contenders.items()}, rounds=case.rounds
    )
    return result


def formula(W: Matrix) -> Matrix:
    """The matrix in NumPy, as one writes it down."""
    norms = np.linalg.norm(W, axis=1)
    sizes = np.outer(norms, norms)
    cosines = np.clip(W @ W.T / sizes, -1.0, 1.0)
    angles = np.arccos(cosines)
    matrix: Matrix = sizes * (np.sin(angles) + (np.pi - angles) * cosines) / (2.0 * np.pi)
    return matrix


def faults(
    case: Case, found: relufast.FisherEigenpairs, dense: Matrix, all_values: Matrix
) -> list[str]:
    name = f"m = {case.m}, d = {case.d}"
    wrong = []
    largest = all_values[0]
    if abs(found.eigenvalues - all_values[: case.k]).max() > TOLERANCE * largest:
        wrong.append(f"{name}: eigenvalues are not those of numpy.linalg.eigh")
    vectors = found.eigenvectors
    residuals = np.linalg.norm(dense @ vectors - vectors * found.eigenvalues, axis=0)
    if residuals.max() > 1.001 * TOLERANCE * largest:
        wrong.append(f"{name}: a residual is {residuals.max():.1e}")
    if abs(dense - formula(weights(case))).max() > 1e-13 * dense.max():
        wrong.append(f"{name}: the matrix is not NumPy's")
    return wrong


def eigen_table(results: list[Result]) -> str:
    """The leading pairs beside dense and sparse solvers."""
    head = ["m", "d", "pairs", "passes", "relufast, ms", "numpy.linalg.eigh, s", "times faster"]
    head += ["goal", "", "NumPy's formula and eigsh, ms", "times faster", "goal", ""]
    head += ["our to_dense and eigsh, ms", "times faster"]
    rows = []
    for result in results:
        case, ours = result.case, result.timings["eigh"]
        row = [f"{case.m:,}", str(case.d), str(case.k), str(result.passes), milliseconds(ours)]
        beside_eigh = Spread.of([result.eigh_seconds / seconds for seconds in ours.seconds])
        row += [f"{result.eigh_seconds:.3g}", *goal_cells(beside_eigh, case.goal(EIGH_GOAL))]
        eigsh_timing = result.timings["eigsh"]
        row += [milliseconds(eigsh_timing)]
        row += goal_cells(ours.times_faster_than(eigsh_timing), case.goal(EIGSH_GOAL))
        helped = result.timings["eigsh, made by relufast"]
        row += [milliseconds(helped), two_decimals(ours.times_faster_than(helped))]
        rows.append(row)
    return table(head, rows)


def pass_table(results: list[Result]) -> str:
    """One pass beside its products alone, and beside NumPy's formula."""
    head = ["m", "d", "k", "one pass, ms", "its dgemm, ms", "of what is allowed", "goal", ""]
    head += ["matvec, ms", "NumPy's formula, ms", "times faster", "goal", ""]
    rows = []
    for result in results:
        case, timings = result.case, result.timings
        row = [f"{case.m:,}", str(case.d), str(case.k)]
        row += [milliseconds(timings["pass"]), milliseconds(timings["dgemm"])]
        entries = 1e-9 * NANOSECONDS_AN_ENTRY * case.m**2
        seconds = zip(timings["pass"].seconds, timings["dgemm"].seconds, strict=True)
        share = Spread.of([ours / (2.0 * products + entries) for ours, products in seconds])
        row += goal_cells(share, case.goal(PASS_GOAL), at_most=True)
        row += [milliseconds(timings["matvec"]), milliseconds(timings["formula"])]
        faster = timings["matvec"].times_faster_than(timings["formula"])
        row += goal_cells(faster, case.goal(FORMULA_GOAL))
        rows.append(row)
    return table(head, rows)


def large_table(large: dict[str, Any]) -> str:
    """A matrix that no memory here could hold."""
    head = ["m", "d", "pairs", "passes", "largest residual", "s, two threads", "goal", ""]
    head += ["CPU, s", "peak, GiB", "goal", ""]
    row = [f"{large['m']:,}", str(large["d"]), str(large["k"]), str(large["passes"])]
    row += [f"{large['largest_residual']:.1e}", f"{large['seconds']:.0f}"]
    row += [f"under {LARGE_SECONDS:.0f}", verdict(large["seconds"] < LARGE_SECONDS)]
    row += [f"{large['cpu_seconds']:.0f}", f"{large['peak_gib']:.2f}", f"under {LARGE_GIB:g}"]
    row += [verdict(large["peak_gib"] < LARGE_GIB)]
    return table(head, [row])


if __name__ == "__main__":
    sys.exit(
        benchmark(
            measure,
            doc=__doc__,
            name="fisher",
            title="Fisher information",
            quick="small sizes only, < 10 s",
            large=measure_large,
        )
    )
