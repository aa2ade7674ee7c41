"""How fast relufast finds injectivity capacities: see README.md in this folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from time import perf_counter

import numpy as np
from _benchmark import Outcome, benchmark
from _duality_by_quadrature import capacities
from _measure import Timing, interleave
from _tables import milliseconds, table, two_decimals, verdict
from threadpoolctl import threadpool_limits

import relufast
from relufast._random_duality import image

Call = Callable[[], object]

PLAIN_SECONDS, LIFTED_SECONDS = 2.0, 10.0
FIRST_CALL = "import relufast; relufast.injectivity_capacity()"
ACCURACY = 1e-6


@dataclass(frozen=True)
class Case:
    """A call, and the seconds that it may take if there is a goal."""

    name: str
    call: Call
    goal: float | None = None


@dataclass
class Result:
    """What the run gave."""

    timings: dict[str, Timing] = field(default_factory=dict)
    first_call_seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def cases(*, quick: bool) -> list[Case]:
    capacity, curve = relufast.injectivity_capacity, relufast.capacity_curve
    few = [
        Case("plain, depth 1 to 10", lambda: capacity(10), PLAIN_SECONDS),
        Case("lifted, depth 1 to 4", lambda: capacity(4, method="lifted"), LIFTED_SECONDS),
        Case("second level, depth 1", lambda: capacity(method="second_level")),
    ]
    if quick:
        return few
    firsts = np.geomspace(8.0, 1e4, 100)
    return [
        *few,
        Case(
            "lifted, strong, depth 1 to 4",
            lambda: capacity(4, condition="strong", method="lifted"),
            LIFTED_SECONDS,
        ),
        Case("plain, depth 1 to 100", lambda: capacity(100)),
        Case("plain, curve of 100 points", lambda: curve(firsts)),
        Case("lifted, curve of 100 points", lambda: curve(firsts, method="lifted")),
    ]


def measure(quick: bool) -> Outcome:
    chosen = cases(quick=quick)
    peer_depth = 1 if quick else 2
    with threadpool_limits(1):
        result = run(chosen, peer_depth, rounds=3 if quick else 5)
    tables = [goal_table(chosen, result), peer_table(peer_depth, result)]
    return Outcome(tables, {"result": asdict(result)}, result.wrong)


def run(chosen: list[Case], peer_depth: int, *, rounds: int) -> Result:
    """Check the answers, then take the time."""
    result = Result(wrong=faults(peer_depth))
    began = perf_counter()
    subprocess.run([sys.executable, "-c", FIRST_CALL], check=True)
    result.first_call_seconds = perf_counter() - began
    calls: dict[str, Call] = {case.name: case.call for case in chosen}
    calls["relufast"] = lambda: relufast.injectivity_capacity(peer_depth)
    calls["peer"] = lambda: capacities(peer_depth)
    result.timings = interleave(
        {name: (lambda call=call: without_memory(call)) for name, call in calls.items()},
        rounds=rounds,
    )
    return result


def without_memory(call: Call) -> Call:
    """Layers that were solved before are kept: not on the clock."""

    def forget_and_call() -> object:
        image.cache_clear()
        return call()

    return forget_and_call


def faults(peer_depth: int) -> list[str]:
    wrong = []
    ours, theirs = relufast.injectivity_capacity(peer_depth).alphas, capacities(peer_depth)
    if np.abs(ours - theirs).max() > ACCURACY:
        wrong.append(f"plain capacities are {ours}, by quadrature {theirs}")
    plain = relufast.injectivity_capacity(4)
    lifted = relufast.injectivity_capacity(4, method="lifted")
    second = relufast.injectivity_capacity(method="second_level")
    for found in (plain, lifted, second):
        if not found.residual < 1e-8:
            wrong.append(f"{found} has a residual of {found.residual:.1e}")
    if not (lifted.alphas < plain.alphas).all() or not second.alphas[0] < lifted.alphas[0]:
        wrong.append(f"{plain}, {lifted} and {second} do not fall")
    return wrong


def goal_table(chosen: list[Case], result: Result) -> str:
    head = ["capacities", "ms", "goal", ""]
    rows = []
    for case in chosen:
        timing = result.timings[case.name]
        row = [case.name, milliseconds(timing)]
        if case.goal is None:
            row += ["", ""]
        else:
            row += [f"under {case.goal:g} s", verdict(timing.spread.median < case.goal)]
        rows.append(row)
    first = f"{1e3 * result.first_call_seconds:.0f}"
    rows.append(["depth 1 in a new process, with imports, once", first, "", ""])
    return table(head, rows)


def peer_table(depth: int, result: Result) -> str:
    head = ["plain, depth", "relufast, ms", "SciPy's quadrature and searches, ms", "times faster"]
    ours, theirs = result.timings["relufast"], result.timings["peer"]
    row = [str(depth), milliseconds(ours), milliseconds(theirs)]
    return table(head, [[*row, two_decimals(ours.times_faster_than(theirs))]])


if __name__ == "__main__":
    sys.exit(
        benchmark(
            measure,
            doc=__doc__,
            name="injectivity_capacity",
            title="Injectivity capacities",
            quick="few cases, < 10 s",
        )
    )
