"""The command line."""

from __future__ import annotations

import io
import json
import math
import sys
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NoReturn

import click

import relufast
from relufast._command_executors import executor_options, open_executor


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(relufast.__version__, prog_name="relufast")
def main() -> None:
    """Exact numerics for random and trained ReLU networks."""


@main.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="relufast-report",
    show_default=True,
    help="Folder of the report. Only files of the report's own names in it are replaced.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    default=0,
    show_default=True,
    help="Determines every number of the report.",
)
@click.option("--quick", "effort", flag_value="quick", help="Fewer and narrower networks: seconds.")
@click.option("--full", "effort", flag_value="full", help="More and wider ones: some ten minutes.")
@click.option(
    "--chapter",
    "chapters",
    multiple=True,
    metavar="NAME",
    help="Only this one, with the numbers that it has among all; for several, more than once.",
)
@click.option(
    "--store",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File that keeps averages over networks, so that a stopped report goes on from there.",
)
@executor_options
def report(
    out: Path,
    seed: int,
    effort: str | None,
    chapters: tuple[str, ...],
    store: Path | None,
    executor: str,
    workers: int | None,
) -> None:
    """Measure random and trained networks and write one HTML page.

    By default takes about two minutes. The tables of the page are also written as CSV files.
    """
    try:
        with open_executor(executor, workers) as pool:
            _report(out, seed, effort or "default", chapters, store, pool)
    except KeyboardInterrupt:
        # Not click's own answer, whose exit code is 1.
        kept = f"; {store} keeps the averages that are done" if store is not None else ""
        _fail(f"Stopped; nothing was written{kept}.", 130)


def _report(
    out: Path,
    seed: int,
    effort: str,
    names: tuple[str, ...],
    store: Path | None,
    executor: Executor,
) -> None:
    # Imported here because `relufast --help` needs none of it.
    from relufast.report import CHAPTERS, EFFORTS, PAGE_NAME, OutputFolderError, write_report

    for name in names:
        if name not in CHAPTERS:
            _fail(f"Error: --chapter must be one of {', '.join(CHAPTERS)}, but got {name}", 2)
    settings = EFFORTS[effort].settings(seed)
    try:
        chapters = write_report(out, settings, chapters=names, store=store, executor=executor)
    except (OutputFolderError, relufast.MonteCarloError) as error:
        _fail(f"Error: {error}", 2)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal without some sign gets a question mark, not an error after all the work.
        sys.stdout.reconfigure(errors="replace")
    for chapter in chapters:
        click.secho(f"\n{chapter.title}", bold=True)
        for finding in chapter.summary:
            click.echo(f"- {finding}")
    click.echo(f"\nReport: {(out / PAGE_NAME).resolve()}")


@main.command()
def info() -> None:
    """Print how relufast was built, and what it runs on: for bug reports and benchmarks."""
    click.echo(str(relufast.build_info()))


@main.group()
def simulate() -> None:
    """Average over many random networks: reproducible, resumable, in parallel."""


def _widths(_context: object, _parameter: object, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(width) for width in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a list of integers like 1,100,100,1") from None


@simulate.command("breakpoints")
@click.option("--widths", required=True, callback=_widths, help="Such as 1,100,100,1.")
@click.option("--trials", type=click.IntRange(1), help="Networks; at the most with --until-...")
@click.option("--until-relative", type=float, help="Stop at this relative error of every mean.")
@click.option("--until-absolute", type=float, help="Stop at this absolute error of every mean.")
@click.option("--level", type=float, default=0.95, show_default=True, help="Of those errors.")
@click.option("--interval", type=(float, float), default=(-math.inf, math.inf), help="LO HI")
@click.option(
    "--weight-init",
    type=click.Choice(["he", "glorot", "orthogonal"]),
    default="he",
    show_default=True,
)
@click.option("--weight-variance", type=float, help="2, or 1 for glorot, if not given.")
@click.option("--bias-variance", type=float, default=1.0, show_default=True)
@click.option("--negative-slope", type=float, default=0.0, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=0, show_default=True)
@executor_options
@click.option(
    "--store",
    type=click.Path(path_type=Path, dir_okay=False),
    help="SQLite file to keep finished blocks in; the same command goes on from it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the estimate as JSON.")
def simulate_breakpoints(
    widths: tuple[int, ...],
    trials: int | None,
    until_relative: float | None,
    until_absolute: float | None,
    level: float,
    seed: int,
    executor: str,
    workers: int | None,
    store: Path | None,
    as_json: bool,
    **network: Any,
) -> None:
    """Breakpoints by layer of random networks with one input, exactly counted."""
    if trials is None and until_relative is None and until_absolute is None:
        raise click.UsageError("Give --trials, or --until-relative or --until-absolute.")
    try:
        until = None
        if until_relative is not None or until_absolute is not None:
            until = relufast.Precision(until_relative, until_absolute, level)
        statistic = relufast.statistics.BreakpointCounts(widths, **network)
        with open_executor(executor, workers) as pool:
            estimate = relufast.monte_carlo(
                statistic,
                n_trials=trials,
                until=until,
                seed=seed,
                executor=pool,
                store=store,
                progress=True,
            )
    except KeyboardInterrupt:
        kept = "" if store is None else f"; the same command goes on from {store}"
        _fail(f"Stopped{kept}.", 130)
    except (ValueError, relufast.MonteCarloError) as error:
        _fail(f"Error: {error}", 2)
    if as_json:
        click.echo(json.dumps(estimate.to_dict()))
        return
    click.echo(f"{estimate.n_trials:,} networks, seed {seed}")
    click.echo(
        f"{'layer':>6} {'mean':>14} {'std. error':>12} {'variance':>12} {'min':>6} {'max':>6}"
    )
    columns = (estimate.mean, estimate.standard_error, estimate.variance)
    rows = zip(*columns, estimate.minimum, estimate.maximum, strict=True)
    for layer, (mean, spread, variance, lowest, highest) in enumerate(rows, start=1):
        click.echo(
            f"{layer:>6} {mean:>14.6f} {spread:>12.6f} {variance:>12.4f} {lowest:>6.0f} "
            f"{highest:>6.0f}"
        )
    if estimate.n_uncertified:
        click.echo(f"{estimate.n_uncertified:,} counts are not certified")


@main.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), help="Points, a .npy file of m rows.")
@click.option("--labels", type=click.Path(path_type=Path), help="Their classes, a .npy file.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder of the page and its tables; MODEL's name and -analysis if not given.",
)
@click.option("--lines", type=click.IntRange(1), default=100, show_default=True)
@click.option(
    "--max-points",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="So many points are drawn if there are more.",
)
@click.option(
    "--tolerance",
    type=float,
    default=0.1,
    show_default=True,
    help="Largest error of a suggested layer of lower rank, in units of its largest output.",
)
@click.option(
    "--work",
    type=float,
    default=5e10,
    show_default=True,
    help="Multiplications that each part may take, about: what takes more is cut or left out.",
)
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=0, show_default=True)
@click.option("--negative-slope", type=float, help="Of a state dict's activations; 0 if not given.")
@click.option(
    "--drop-output-activation", is_flag=True, help="Leave out a softmax or sigmoid at the end."
)
def analyze(
    model: Path, data: Path | None, labels: Path | None, out: Path | None, **options: Any
) -> None:
    """Write one page with all that is known about a network.

    MODEL is a .npz file of Network.save, an .onnx file, or a PyTorch state dict (.pt, .pth).
    Without data the network is looked at random inputs.
    """
    # Imported here because `relufast --help` needs none of it.
    from relufast.analysis.command import AnalyzeError, run

    try:
        done = run(model, data, labels, out, **options)
    except KeyboardInterrupt:
        _fail("Stopped; nothing was written.", 130)
    except AnalyzeError as error:
        _fail(f"Error: {error}", 2)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    for sentence in done.analysis.summary:
        click.echo(f"- {sentence}")
    for reason in done.analysis.skipped.values():
        click.echo(f"- Not done: {reason}")
    click.echo(f"\nPage: {done.page.resolve()}")


def _fail(message: str, code: int) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
