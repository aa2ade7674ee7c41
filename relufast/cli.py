"""The command line."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import NoReturn

import click

import relufast


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
@click.option("--full", "effort", flag_value="full", help="More and wider ones: ten minutes.")
def report(out: Path, seed: int, effort: str | None) -> None:
    """Measure random and trained networks and write one HTML page.

    Takes about two minutes at most. The tables of the page are also written as CSV files.
    """
    try:
        _report(out, seed, effort or "default")
    except KeyboardInterrupt:
        # Not click's own answer, whose exit code is 1.
        _fail("Stopped; nothing was written.", 130)


def _report(out: Path, seed: int, effort: str) -> None:
    # Imported here because `relufast --help` needs none of it.
    from relufast.report import EFFORTS, PAGE_NAME, OutputFolderError, write_report

    try:
        chapters = write_report(out, EFFORTS[effort].settings(seed))
    except OutputFolderError as error:
        _fail(f"Error: {error}", 2)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal without some sign gets a question mark, not an error after all the work.
        sys.stdout.reconfigure(errors="replace")
    for chapter in chapters:
        click.secho(f"\n{chapter.title}", bold=True)
        for finding in chapter.summary:
            click.echo(f"- {finding}")
    click.echo(f"\nReport: {(out / PAGE_NAME).resolve()}")


def _fail(message: str, code: int) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
