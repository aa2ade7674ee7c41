"""What all benchmarks share: their command line, their output and their exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _machine import load_average, machine_record
from _results import write_results


@dataclass(frozen=True)
class Outcome:
    """What a benchmark found."""

    tables: Sequence[str]
    record: dict[str, Any]  # all of it, for the JSON file
    wrong: Sequence[str]  # answers, in words


def benchmark(
    measure: Callable[[bool], Outcome],
    *,
    doc: str | None,
    name: str,
    title: str,
    quick: str,
    packages: Sequence[str] = (),
    large: Callable[[], Outcome] | None = None,
) -> int:
    """Measure, quickly or not, as the command line says; print, and write where it says so.

    Parameters
    ----------
    doc, name, title, quick : str
        For the help, for the files, for the page of results, and what the quick mode leaves.
    packages : sequence of str
        Whose versions are of interest, besides the usual ones.
    large : callable, optional
        Measures the largest case alone, which `--large` asks for; nothing is written then.

    Returns
    -------
    int
        For the shell: 1 if an answer is wrong. A goal that was missed is no error.
    """
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--out", type=Path, metavar="DIR", help="write JSON and Markdown there")
    if large is not None:
        parser.add_argument("--large", action="store_true", help="the largest case only")
    options = parser.parse_args()
    if large is not None and options.large and (options.quick or options.out is not None):
        parser.error("--large goes with neither --quick nor --out")
    machine = machine_record(packages)
    print(f"{machine['cpu']}, {machine['cpus_usable']} CPUs, {'; '.join(machine['blas'])}")
    outcome = large() if large is not None and options.large else measure(options.quick)
    machine["load_average_at_end"] = load_average()
    tables = "\n\n".join(outcome.tables)
    print(f"\n{tables}")
    if options.out is not None:
        write_results(options.out, name, title, machine, outcome.record, tables)
    for answer in outcome.wrong:
        print(f"WRONG: {answer}", file=sys.stderr)
    return 1 if outcome.wrong else 0
