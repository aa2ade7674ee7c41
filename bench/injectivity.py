"""How fast relufast decides injectivity and searches active rows: see README.md in this folder."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field
from math import comb, inf
from time import process_time

import numpy as np
from _benchmark import Outcome, benchmark
from _measure import Spread, Timing, interleave
from _tables import milliseconds, table, three_digits, two_decimals, verdict
from numpy.typing import NDArray
from scipy.optimize import linprog
from threadpoolctl import threadpool_limits

import relufast

SEED = 0
CELLS_GOAL, SEARCH_GOAL = 100.0, 30.0
# Starts are half of either kind: see relufast.min_active_rows.
N_STARTS = 2
# A call with so many times the steps tells what annealing alone takes.
LONGER = 10

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class CellCase:
    """A Gaussian layer without biases, and whether the goal is set for this size."""

    n: int
    m: int
    rounds: int
    has_goal: bool = False
    with_peer: bool = True


@dataclass
class CellResult:
    """What one case gave."""

    case: CellCase
    n_cells: int = 0
    injective: bool = False
    min_active: int = 0
    timing: Timing | None = None
    early: Timing | None = None
    peer_seconds: float | None = None  # of the CPU, once: half a minute has many moods
    n_programs: int = 0


@dataclass(frozen=True)
class SearchCase:
    """A Gaussian layer, and steps of annealing."""

    n: int
    m: int
    n_steps: int
    rounds: int
    has_goal: bool = False


@dataclass
class SearchResult:
    """What one case gave."""

    case: SearchCase
    timings: dict[str, Timing] = field(default_factory=dict)
    found: int = 0
    peer_found: int = 0


FULL_CELLS = [
    CellCase(2, 30, rounds=9),
    CellCase(4, 12, rounds=9),
    CellCase(4, 20, rounds=9, has_goal=True),
    CellCase(6, 30, rounds=3, with_peer=False),
    CellCase(6, 40, rounds=1, with_peer=False),
]
QUICK_CELLS = [CellCase(2, 12, rounds=3), CellCase(3, 10, rounds=3)]
FULL_SEARCHES = [
    SearchCase(20, 140, n_steps=100_000, rounds=3),
    SearchCase(100, 700, n_steps=100_000, rounds=5, has_goal=True),
]
QUICK_SEARCHES = [SearchCase(10, 60, n_steps=5000, rounds=1)]


def measure(quick: bool) -> Outcome:
    wrong: list[str] = []
    cells, searches = [], []
    # Every contender on one thread: what is compared is work, not cores.
    with threadpool_limits(1):
        for cell_case in QUICK_CELLS if quick else FULL_CELLS:
            print(f"cells, n = {cell_case.n}, m = {cell_case.m} ...", flush=True)
            cells.append(run_cells(cell_case, wrong))
        for search_case in QUICK_SEARCHES if quick else FULL_SEARCHES:
            print(f"search, n = {search_case.n}, m = {search_case.m} ...", flush=True)
            searches.append(run_search(search_case, wrong))
    record = {
        "seed": SEED,
        "cells": [asdict(result) for result in cells],
        "searches": [asdict(result) for result in searches],
    }
    return Outcome([cell_table(cells), search_table(searches)], record, wrong)


def gaussian(m: int, n: int) -> Matrix:
    return np.random.default_rng(SEED).standard_normal((m, n))


def run_cells(case: CellCase, wrong: list[str]) -> CellResult:
    """Check the answers against linear programs and the closed form, then take the time."""
    A = gaussian(case.m, case.n)
    found = relufast.is_injective(A)
    result = CellResult(case)
    assert found.n_cells is not None
    assert found.min_active is not None
    result.n_cells, result.injective, result.min_active = (
        found.n_cells,
        found.injective,
        found.min_active,
    )
    name = f"n = {case.n}, m = {case.m}"
    closed_form = 2 * sum(comb(case.m - 1, k) for k in range(case.n))
    if found.n_cells != closed_form:
        wrong.append(f"{name}: {found.n_cells} cells, not {closed_form}")
    if case.with_peer:
        began = process_time()
        peer = LinearPrograms(A)
        n_cells, injective, min_active = peer.decide()
        result.peer_seconds = process_time() - began
        result.n_programs = peer.n_programs
        ours = (found.n_cells, found.injective, found.min_active)
        if ours != (n_cells, injective, min_active):
            wrong.append(f"{name}: {ours}, but {(n_cells, injective, min_active)} by programs")
    timings = interleave(
        {
            "relufast": lambda: lambda: relufast.is_injective(A),
            "early": lambda: lambda: relufast.is_injective(A, complete=False),
        },
        rounds=case.rounds,
    )
    result.timing, result.early = timings["relufast"], timings["early"]
    return result


class LinearPrograms:
    """The same decision with HiGHS: a program for each side of a row that a cell may have.

    Half of the cells will do, those in which the first row is positive. The side on which a cell's
    known point lies needs no program. Nothing here is exact.
    """

    def __init__(self, A: Matrix) -> None:
        self.A = A
        self.n_programs = 0

    def decide(self) -> tuple[int, bool, int]:
        """The number of cells, whether all have spanning active rows, and the fewest of them."""
        m, n = self.A.shape
        cells = [([True], self.A[0])]
        for i in range(1, m):
            following = []
            for signs, point in cells:
                side = bool(self.A[i] @ point > 0.0)
                following.append(([*signs, side], point))
                other = self._inner_point([*signs, not side])
                if other is not None:
                    following.append(([*signs, not side], other))
            cells = following
        injective, fewest = True, m
        for signs, _ in cells:
            for active in (np.array(signs), ~np.array(signs)):
                fewest = min(fewest, int(active.sum()))
                injective = injective and np.linalg.matrix_rank(self.A[active]) == n
        return 2 * len(cells), bool(injective), fewest

    def _inner_point(self, signs: list[bool]) -> Matrix | None:
        """The centre of the largest ball in the cell, in a box; None if there is none."""
        self.n_programs += 1
        k, n = len(signs), self.A.shape[1]
        rows = self.A[:k]
        sided = np.where(signs, -1.0, 1.0)[:, np.newaxis] * rows
        found = linprog(
            np.append(np.zeros(n), -1.0),
            A_ub=np.column_stack([sided, np.linalg.norm(rows, axis=1)]),
            b_ub=np.zeros(k),
            bounds=[(-1.0, 1.0)] * n + [(-inf, 1.0)],
            method="highs",
        )
        return found.x[:n] if found.status == 0 and found.x[n] > 1e-9 else None


def run_search(case: SearchCase, wrong: list[str]) -> SearchResult:
    """Check that counts are those of the points, then take the time."""
    A = gaussian(case.m, case.n)
    A /= np.linalg.norm(A, axis=1)[:, np.newaxis]
    result = SearchResult(case)

    def ours(n_steps: int = case.n_steps) -> relufast.MinActiveRows:
        return relufast.min_active_rows(
            A, method="search", n_restarts=N_STARTS, n_steps=n_steps, n_threads=1
        )

    def peer() -> tuple[int, Matrix]:
        # As many steps, all of them of the hot kind.
        return annealing(A, N_STARTS * case.n_steps)

    name = f"search, n = {case.n}, m = {case.m}"
    found = ours()
    x = np.array([float(t) for t in found.point])
    if np.count_nonzero(A @ x > 0.0) != found.upper:
        wrong.append(f"{name}: {found.upper} rows, but NumPy has {np.count_nonzero(A @ x > 0.0)}")
    result.found = found.upper
    result.peer_found, x = peer()
    # Rounding adds up in the peer's products.
    if abs(np.count_nonzero(A @ x > 0.0) - result.peer_found) > 2:
        wrong.append(f"{name}: annealing in NumPy says {result.peer_found}")
    result.timings = interleave(
        {
            "relufast": lambda: ours,
            "longer": lambda: lambda: ours(LONGER * case.n_steps),
            "numpy": lambda: peer,
        },
        rounds=case.rounds,
    )
    return result


def annealing(A: Matrix, n_steps: int) -> tuple[int, Matrix]:
    """The annealing of relufast's hot starts in NumPy, random numbers drawn ahead."""
    random = np.random.default_rng(SEED)
    n = A.shape[1]
    columns = np.ascontiguousarray(A.T, dtype=np.float32)
    x = random.standard_normal(n)
    z = (A @ x).astype(np.float32)
    active = best = int(np.count_nonzero(z > 0.0))
    best_x = x.copy()
    block = 1024
    for begin in range(0, n_steps, block):
        progress = begin / n_steps
        temperature = 1.0 * 0.15**progress
        length = np.sqrt(n) * 0.5 * 0.1**progress
        coordinates = random.integers(n, size=block).tolist()
        changes = (length * random.standard_normal(block)).astype(np.float32)
        limits = (-temperature * np.log(random.random(block))).tolist()
        for k, change, limit in zip(coordinates, changes, limits, strict=True):
            moved = z + change * columns[k]
            after = int(np.count_nonzero(moved > 0.0))
            if after - active <= limit:
                z, active = moved, after
                x[k] += float(change)
                if active < best:
                    best, best_x = active, x.copy()
        x *= np.sqrt(n) / np.linalg.norm(x)
        z = (A @ x).astype(np.float32)
        active = int(np.count_nonzero(z > 0.0))
    return best, best_x


def cell_table(results: list[CellResult]) -> str:
    """relufast beside linear programs."""
    head = ["n", "m", "cells", "injective", "fewest active", "relufast, ms", "complete=False, ms"]
    head += ["programs", "HiGHS, CPU s", "times faster", "goal", ""]
    rows = []
    for result in results:
        case = result.case
        assert result.timing is not None
        assert result.early is not None
        row = [str(case.n), str(case.m), f"{result.n_cells:,}"]
        row += ["yes" if result.injective else "no", str(result.min_active)]
        row += [milliseconds(result.timing), milliseconds(result.early)]
        if result.peer_seconds is None:
            row += [""] * 5
        else:
            ratio = Spread.of([result.peer_seconds / s for s in result.timing.cpu_seconds])
            row += [f"{result.n_programs:,}", three_digits(result.peer_seconds)]
            row += [two_decimals(ratio)]
            row += [f"at least {CELLS_GOAL:g}" if case.has_goal else ""]
            row += [verdict(ratio.median >= CELLS_GOAL) if case.has_goal else ""]
        rows.append(row)
    return table(head, rows)


def search_table(results: list[SearchResult]) -> str:
    """relufast beside annealing in NumPy."""
    head = ["n", "m", "steps", "found", "NumPy found", "relufast, ms", "its annealing, ms"]
    head += ["NumPy, ms", "times faster", "its annealing", "goal", ""]
    rows = []
    for result in results:
        case, ours, peer = result.case, result.timings["relufast"], result.timings["numpy"]
        # All but annealing takes as long however many steps there are.
        longer = result.timings["longer"]
        pairs = zip(longer.seconds, ours.seconds, strict=True)
        annealing_alone = Timing([max(a - b, 1e-6) for a, b in pairs], longer.cpu_seconds).scaled(
            1.0 / (LONGER - 1)
        )
        ratio = annealing_alone.times_faster_than(peer)
        row = [str(case.n), str(case.m), f"{N_STARTS * case.n_steps:,}", str(result.found)]
        row += [str(result.peer_found), milliseconds(ours)]
        row += [milliseconds(annealing_alone), milliseconds(peer)]
        row += [two_decimals(ours.times_faster_than(peer)), two_decimals(ratio)]
        row += [f"at least {SEARCH_GOAL:g}" if case.has_goal else ""]
        row += [verdict(ratio.median >= SEARCH_GOAL) if case.has_goal else ""]
        rows.append(row)
    return table(head, rows)


if __name__ == "__main__":
    sys.exit(
        benchmark(
            measure,
            doc=__doc__,
            name="injectivity",
            title="Injectivity of layers",
            quick="small sizes only, < 10 s",
        )
    )
