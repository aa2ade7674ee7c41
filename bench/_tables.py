"""Results as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _measure import Spread, Timing
    from breakpoints import Result


def peer_table(results: Iterable[Result]) -> str:
    """relufast, certified and at the first call, beside regioncam."""
    head = ["width x depth", "breakpoints", "certified", "regioncam found", "relufast, ms"]
    head += ["regioncam, ms", "times faster", "at the fastest", "called again", "goal", ""]
    rows = []
    for result in results:
        row = [result.case.name, f"{result.count:,}", "yes" if result.certified else "NO"]
        ours = result.timings["relufast"]
        theirs = result.timings.get("regioncam")
        goal = result.case.goal
        if theirs is None:
            missing = "not installed" if result.case.has_peer else "no"
            row += [missing, milliseconds(ours), "", "", "", ""]
        else:
            ratio = ours.times_faster_than(theirs)
            again = result.timings["again"].times_faster_than(theirs)
            at_best = theirs.spread.lowest / ours.spread.lowest
            row += [f"{result.other_counts['regioncam']:,} of {result.count:,}"]
            row += [milliseconds(ours), milliseconds(theirs)]
            row += [two_decimals(ratio), f"{at_best:.2f}", two_decimals(again)]
        row += ["" if goal is None else f"at least {goal:g}"]
        row += ["" if goal is None or theirs is None else verdict(ratio.median >= goal)]
        rows.append(row)
    return table(head, rows)


def other_table(results: Iterable[Result]) -> str:
    """relufast's own variants, and what simpler methods take."""
    head = ["width x depth", "relufast, ms", "called again", "one thread", "certify=False"]
    head += ["found so", "NumPy, naive", "found so", "its products alone"]
    head += ["CPU, relufast", "CPU, regioncam"]
    rows = []
    for result in results:
        timings = result.timings
        row = [result.case.name]
        row += [milliseconds(timings[name]) for name in ("relufast", "again", "one thread")]
        for name in ("certify=False", "naive"):
            timed = name in timings
            row += [milliseconds(timings[name]) if timed else ""]
            row += [f"{result.other_counts[name]:,} of {result.count:,}" if timed else ""]
        row += [milliseconds(timings["products"])]
        for name in ("relufast", "regioncam"):
            timed = name in timings
            row += [three_digits(1e3 * timings[name].cpu_spread.median) if timed else ""]
        rows.append(row)
    return table(head, rows)


def limit_table(results: Iterable[Result], dgemm_flops: float) -> str:
    """The operations of a call's matrix products, in the time that they alone would take.

    At dgemm's rate of the same run and threads, single precision at twice that.
    """
    head = ["width x depth", "double, GFLOP", "single, GFLOP", "dgemm, GFLOP/s", "these alone, ms"]
    head += ["of a first call", "of a call again", "goal", ""]
    rows = []
    for result in results:
        if "dgemm" not in result.timings:
            continue
        double, single = result.flops.double, result.flops.single
        rate = dgemm_flops / result.timings["dgemm"].spread.median
        first, again = (result.timings[name].spread.median for name in ("relufast", "again"))
        share = (double + single / 2.0) / rate / first
        goal = result.case.limit_goal
        row = [result.case.name, f"{double / 1e9:.3g}", f"{single / 1e9:.3g}", f"{rate / 1e9:.0f}"]
        row += [three_digits(1e3 * share * first), f"{share:.2f}", f"{double / rate / again:.2f}"]
        row += ["" if goal is None else f"at least {goal:g}"]
        row += ["" if goal is None else verdict(share >= goal)]
        rows.append(row)
    return table(head, rows)


def memory_table(memory: dict[str, Any], goal_gib: float) -> str:
    """The peak of a deep network's process."""
    head = ["width x depth", "breakpoints", "certified", "ambiguous", "s", "peak, GiB"]
    head += ["of it before the call", "goal", ""]
    row = [
        f"{memory['width']} x {memory['depth']}",
        f"{memory['count']:,}",
        "yes" if memory["certified"] else "no",
        f"{memory['n_ambiguous']:,}",
        f"{memory['seconds']:.3g}",
        f"{memory['peak_gib']:.2f}",
        f"{memory['peak_before_gib']:.2f}",
        f"under {goal_gib:g}",
        verdict(memory["peak_gib"] < goal_gib),
    ]
    return table(head, [row])


def milliseconds(timing: Timing) -> str:
    spread = timing.spread
    low, high = three_digits(1e3 * spread.lowest), three_digits(1e3 * spread.highest)
    return f"{three_digits(1e3 * spread.median)} [{low}, {high}]"


def three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100.0 else f"{value:#.3g}"


def two_decimals(spread: Spread) -> str:
    return f"{spread.median:.2f} [{spread.lowest:.2f}, {spread.highest:.2f}]"


def verdict(holds: bool) -> str:
    return "holds" if holds else "MISSED"


def goal_cells(ratio: Spread, goal: float | None, *, at_most: bool = False) -> list[str]:
    """A ratio, what it should be, and whether it is, where there is a goal."""
    if goal is None:
        return [two_decimals(ratio), "", ""]
    holds = ratio.median <= goal if at_most else ratio.median >= goal
    bound = "at most" if at_most else "at least"
    return [two_decimals(ratio), f"{bound} {goal:g}", verdict(holds)]


def table(head: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    )
