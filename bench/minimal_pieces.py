"""How fast relufast finds the fewest pieces within a tolerance: see README.md in this folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from _benchmark import Outcome, benchmark
from _measure import Prepare, Spread, Timing, interleave
from _memory import measure_pieces_memory
from _plain_minimal_pieces import plain_minimal_pieces
from _tables import milliseconds, table, three_digits, two_decimals, verdict
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import relufast

Points = tuple[NDArray[np.float64], NDArray[np.float64]]

SEED = 0
SORT_GOAL = 10.0
PLAIN_GOAL = 100.0
# Steps of a random walk: a piece has a fixed mean number of knots, however long the walk is.
GROWTH_TOLERANCE = 10.0
# Rounded knots may miss the tolerance by a little, and say so: see relufast.MinimalPieces.
LARGEST_EXCESS = 1e-3


def random_walk(n: int) -> Points:
    random = np.random.default_rng(SEED)
    x = np.unique(random.random(n))
    return x, np.cumsum(random.standard_normal(len(x))) / 1000.0


def sine(n: int) -> Points:
    x, _ = random_walk(n)
    return x, np.sin(6.0 * x)


def constant(n: int) -> Points:
    x, _ = random_walk(n)
    return x, np.full(len(x), 0.5)


def network_output(width: int) -> Points:
    """A random network with one input and 10 hidden layers, on [-5, 5]."""
    widths = (1, *[width] * 10, 1)
    network = relufast.Network.random(widths, bias_variance=0.25, seed=1)
    found = relufast.breakpoints(network, (-5.0, 5.0), n_threads=2)
    x = np.unique(np.concatenate([[-5.0], found.positions, [5.0]]))
    return x, found.function(x)[:, 0]


def walk_of_unit_steps(n: int) -> Points:
    return np.arange(float(n)), np.random.default_rng(SEED).standard_normal(n).cumsum()


FUNCTIONS: dict[str, Callable[[int], Points]] = {
    "random walk": random_walk,
    "sin(6 x)": sine,
    "constant": constant,
    "network": network_output,
}


@dataclass(frozen=True)
class Case:
    """One function and tolerance, and the goals if it has any."""

    function: str
    size: int  # knots; of the network its width
    tolerance: float
    sort_goal: float | None = None
    plain_goal: float | None = None
    plain_number: type[float] | type[Fraction] = float  # what plain Python calculates with
    rounds: int = 5
    calls: int = 1


@dataclass
class Result:
    """What one case gave."""

    case: Case
    knots: int = 0
    count: int = 0
    certified: bool = False
    deviation: float = 0.0
    plain_count: int = 0
    timings: dict[str, Timing] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Growth:
    """The same walk at several lengths."""

    counts: dict[int, int] = field(default_factory=dict)
    timings: dict[int, Timing] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


MILLION = 1_000_000
FULL = [
    Case("random walk", MILLION, 0.01, sort_goal=SORT_GOAL, plain_goal=PLAIN_GOAL, rounds=9),
    Case("random walk", MILLION, 0.1),
    Case("random walk", MILLION, 0.001),
    Case("sin(6 x)", MILLION, 0.001),
    Case("constant", MILLION, 0.001),
    Case("network", 1000, 0.01, rounds=15, calls=5),
    Case("random walk", 10_000, 0.01, plain_goal=PLAIN_GOAL, plain_number=Fraction),
    Case("random walk", 10_000, 0.001, plain_goal=PLAIN_GOAL, plain_number=Fraction),
]
FULL_GROWTH = [10_000, 100_000, MILLION, 10 * MILLION]

QUICK = [
    Case("random walk", 100_000, 0.01),
    Case("random walk", 100_000, 0.001, rounds=3),
    Case("sin(6 x)", 100_000, 0.001, rounds=3),
    Case("constant", 100_000, 0.001, rounds=3),
    Case("network", 200, 0.01, rounds=5, calls=5),
    Case("random walk", 3_000, 0.01, plain_number=Fraction, rounds=3),
]
QUICK_GROWTH = [10_000, 100_000, MILLION]


def measure(quick: bool) -> Outcome:
    results = []
    # Idle threads of a BLAS pool keep spinning, and would take CPUs from whoever is timed next.
    with threadpool_limits(1):
        for case in QUICK if quick else FULL:
            print(f"{case.function}, tolerance {case.tolerance:g} ...", flush=True)
            results.append(run(case))
        lengths = QUICK_GROWTH if quick else FULL_GROWTH
        print(f"walks of {lengths[0]:,} to {lengths[-1]:,} knots ...", flush=True)
        growth = run_growth(lengths)
    print(f"memory at {lengths[-1]:,} knots ...", flush=True)
    memory = measure_pieces_memory(lengths[-1], seed=SEED, tolerance=GROWTH_TOLERANCE)
    return Outcome(
        tables=[
            sort_table(results),
            plain_table(results),
            growth_table(growth),
            memory_table(memory),
        ],
        record={
            "seed": SEED,
            "results": [asdict(result) for result in results],
            "growth": {"tolerance": GROWTH_TOLERANCE, **asdict(growth)},
            "memory": memory,
        },
        wrong=[*(answer for result in results for answer in result.wrong), *growth.wrong],
    )


def run(case: Case) -> Result:
    """Check the answers, then take the time."""
    x, y = FUNCTIONS[case.function](case.size)
    number = case.plain_number
    x_list, y_list = ([number(value) for value in values.tolist()] for values in (x, y))
    plain_tolerance = number(case.tolerance)
    normals = np.random.default_rng(SEED).standard_normal(len(x))
    result = Result(case, knots=len(x))

    found = relufast.minimal_pieces(x, y, case.tolerance)
    result.count, result.certified, result.deviation = found.count, found.certified, found.deviation
    name = f"{case.function}, tolerance {case.tolerance:g}"
    result.wrong += [f"{name}: {fault}" for fault in faults(x, y, found)]
    plain_knots, plain_values = plain_minimal_pieces(x_list, y_list, plain_tolerance)
    result.plain_count = len(plain_knots) - 1
    if result.plain_count != found.count:
        result.wrong.append(f"{name}: {found.count} pieces, {result.plain_count} by plain Python")
    reached = deviation(x, y, np.array(plain_knots, float), np.array(plain_values, float))
    if not reached <= case.tolerance * (1.0 + LARGEST_EXCESS):
        result.wrong.append(f"{name}: plain Python is {reached} away")

    contenders: dict[str, Prepare] = {
        "relufast": lambda: lambda: relufast.minimal_pieces(x, y, case.tolerance),
        "numpy.sort": lambda: lambda: np.sort(normals),
        "plain Python": lambda: lambda: plain_minimal_pieces(x_list, y_list, plain_tolerance),
    }
    result.timings = interleave(contenders, rounds=case.rounds, calls=case.calls)
    return result


def run_growth(lengths: list[int]) -> Growth:
    """All lengths in every round, the short ones several times."""
    growth = Growth()
    contenders: dict[str, Prepare] = {}
    for length in lengths:
        x, y = walk_of_unit_steps(length)
        found = relufast.minimal_pieces(x, y, GROWTH_TOLERANCE)
        growth.counts[length] = found.count
        growth.wrong += [f"walk of {length} knots: {fault}" for fault in faults(x, y, found)]
        contenders[str(length)] = repeated(x, y, growth_repeats(length))
    timings = interleave(contenders, rounds=5)
    for length in lengths:
        growth.timings[length] = timings[str(length)].scaled(1.0 / growth_repeats(length))
    return growth


def growth_repeats(length: int) -> int:
    return max(1, MILLION // length)


def repeated(x: NDArray[np.float64], y: NDArray[np.float64], repeats: int) -> Prepare:
    def call() -> None:
        for _ in range(repeats):
            relufast.minimal_pieces(x, y, GROWTH_TOLERANCE)

    return lambda: call


def faults(
    x: NDArray[np.float64], y: NDArray[np.float64], found: relufast.MinimalPieces
) -> list[str]:
    """What is wrong with an answer: it has to be a function, near enough, of so few pieces."""
    wrong = []
    if not found.certified:
        wrong.append(f"not certified, {found.n_ambiguous} decisions ambiguous")
    ends = (found.knots[0], found.knots[-1])
    if len(found.knots) != found.count + 1 or ends != (x[0], x[-1]):
        wrong.append(f"{found.count} pieces, but {len(found.knots)} knots from {ends}")
    if not np.all(np.diff(found.knots) > 0.0):
        wrong.append("knots do not rise")
    rounding = 1e-14 * float(np.abs(y).max())
    reached = deviation(x, y, found.knots, found.values)
    if not reached <= found.deviation + rounding:
        wrong.append(f"{reached} away, not {found.deviation}")
    if not found.deviation <= found.tolerance * (1.0 + LARGEST_EXCESS):
        wrong.append(f"{found.deviation} away for a tolerance of {found.tolerance}")
    # From right to left all pieces are other ones, and as many only if none could be saved.
    mirrored = relufast.minimal_pieces(-x[::-1], y[::-1], found.tolerance).count
    if mirrored != found.count:
        wrong.append(f"{found.count} pieces from the left, {mirrored} from the right")
    return wrong


def deviation(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    knots: NDArray[np.float64],
    values: NDArray[np.float64],
) -> float:
    """How far two piecewise linear functions are apart, by NumPy."""
    at_points = np.abs(np.interp(x, knots, values) - y).max()
    at_knots = np.abs(np.interp(knots, x, y) - values).max()
    return float(max(at_points, at_knots))


def sort_table(results: list[Result]) -> str:
    """relufast beside a sort of as many numbers."""
    head = ["function", "knots", "tolerance", "pieces", "certified", "deviation", "relufast, ms"]
    head += ["numpy.sort, ms", "times numpy.sort", "at the fastest", "goal", ""]
    rows = []
    for result in results:
        ours, sort = result.timings["relufast"], result.timings["numpy.sort"]
        ratio = sort.times_faster_than(ours)
        goal = result.case.sort_goal
        rows.append(
            [
                *_case_cells(result),
                "yes" if result.certified else "NO",
                _deviation_cell(result),
                milliseconds(ours),
                milliseconds(sort),
                two_decimals(ratio),
                f"{ours.spread.lowest / sort.spread.lowest:.2f}",
                "" if goal is None else f"under {goal:g}",
                "" if goal is None else verdict(ratio.median < goal),
            ]
        )
    return table(head, rows)


def plain_table(results: list[Result]) -> str:
    """relufast beside the same algorithm in plain Python."""
    head = ["function", "knots", "tolerance", "pieces", "plain Python", "found", "relufast, ms"]
    head += ["plain Python, ms", "times faster", "at the fastest", "goal", ""]
    rows = []
    for result in results:
        ours, plain = result.timings["relufast"], result.timings["plain Python"]
        ratio = ours.times_faster_than(plain)
        goal = result.case.plain_goal
        rows.append(
            [
                *_case_cells(result),
                "floats" if result.case.plain_number is float else "fractions",
                f"{result.plain_count:,}",
                milliseconds(ours),
                milliseconds(plain),
                two_decimals(ratio),
                f"{plain.spread.lowest / ours.spread.lowest:.2f}",
                "" if goal is None else f"at least {goal:g}",
                "" if goal is None else verdict(ratio.median >= goal),
            ]
        )
    return table(head, rows)


def growth_table(growth: Growth) -> str:
    """Time a knot at several lengths."""
    head = ["knots", "pieces", "knots a piece", "relufast, ms", "ns a knot", "times the row above"]
    rows = []
    above: Timing | None = None
    for length, count in growth.counts.items():
        timing = growth.timings[length]
        a_knot = timing.scaled(1.0 / length)
        row = [f"{length:,}", f"{count:,}", f"{length / count:.0f}"]
        row += [milliseconds(timing), _nanoseconds(a_knot.spread)]
        row += ["" if above is None else two_decimals(above.times_faster_than(a_knot))]
        rows.append(row)
        above = a_knot
    return table(head, rows)


def memory_table(memory: dict[str, Any]) -> str:
    """The peak of a long walk's process."""
    head = ["knots", "pieces", "s", "peak, GiB", "of it before the call", "bytes a knot since"]
    since = (memory["peak_gib"] - memory["peak_before_gib"]) * 2**30 / memory["knots"]
    row = [
        f"{memory['knots']:,}",
        f"{memory['count']:,}",
        f"{memory['seconds']:.3g}",
        f"{memory['peak_gib']:.2f}",
        f"{memory['peak_before_gib']:.2f}",
        f"{since:.0f}",
    ]
    return table(head, [row])


def _case_cells(result: Result) -> list[str]:
    name = result.case.function
    if name == "network":
        name = f"network, {result.case.size} x 10"
    return [name, f"{result.knots:,}", f"{result.case.tolerance:g}", f"{result.count:,}"]


def _deviation_cell(result: Result) -> str:
    excess = result.deviation / result.case.tolerance - 1.0
    return "within" if result.deviation <= result.case.tolerance else f"{excess:.0e} of it over"


def _nanoseconds(spread: Spread) -> str:
    low, high = three_digits(1e9 * spread.lowest), three_digits(1e9 * spread.highest)
    return f"{three_digits(1e9 * spread.median)} [{low}, {high}]"


if __name__ == "__main__":
    sys.exit(
        benchmark(
            measure,
            doc=__doc__,
            name="minimal_pieces",
            title="Minimal pieces",
            quick="small sizes only, < 15 s",
        )
    )
