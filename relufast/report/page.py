"""The report as one HTML page that needs nothing else, and its tables as CSV files."""

from __future__ import annotations

import base64
import gc
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from relufast.report import verdict
from relufast.report.chapter import Cell, Chapter, Column, Figure, Table
from relufast.report.estimate import Estimate
from relufast.report.progress import Progress
from relufast.report.prose import caption, prose
from relufast.report.settings import Settings
from relufast.report.table import cell as _cell
from relufast.report.table import csv_file as _csv
from relufast.report.table import is_number as _is_number

PAGE_NAME = "relufast-report.html"


def render_tables(chapters: Sequence[Chapter]) -> dict[str, bytes]:
    """CSV files by name: numbers in full precision, and estimates as two columns."""
    tables = [table for chapter in chapters for table in chapter.tables]
    if any(chapter.claims for chapter in chapters):
        tables.insert(0, _claims_table(chapters))
    return {f"{table.name}.csv": _csv(table) for table in tables}


def render_page(
    chapters: Sequence[Chapter], settings: Settings, progress: Progress, *, version: str
) -> bytes:
    """The page, in UTF-8. The same input gives the same bytes."""
    # Imported here because it takes matplotlib half a second.
    from relufast.report import figures

    numbers = {figure: number for number, figure in enumerate(_figures(chapters), start=1)}
    # Figures leave much garbage in cycles; its collector need not look through all modules for it.
    gc.freeze()
    try:
        drawn = {
            figure: Markup("\n").join(
                Markup(figures.svg(figure.draw, layout, figure.title, f"{layout.name}-{number}-"))
                for layout in (figures.WIDE, figures.NARROW)
            )
            for figure, number in progress.track(list(numbers.items()), "figures")
        }
    finally:
        gc.unfreeze()
    claims = [claim for chapter in chapters for claim in chapter.claims]
    environment = Environment(
        loader=PackageLoader("relufast.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = prose
    environment.filters["caption"] = caption
    page = environment.get_template("page.html").render(
        chapters=chapters,
        settings=settings,
        version=version,
        drawings=drawn,
        figure_numbers=numbers,
        claim_numbers={claim: number for number, claim in enumerate(claims, start=1)},
        verdicts={v: sum(claim.verdict == v for claim in claims) for v in verdict.VERDICTS},
        signs=_SIGNS,
        claims_table=_claims_table(chapters) if claims else None,
        cell=_cell,
        is_number=_is_number,
        csv_url=lambda table: "data:text/csv;base64," + base64.b64encode(_csv(table)).decode(),
    )
    return page.encode()


# Beside the words, so that colours are not needed to find a verdict.
_SIGNS = {
    verdict.HOLDS: "\N{CHECK MARK}",
    verdict.LIMITED: "\N{ALMOST EQUAL TO}",
    verdict.FAILS: "\N{MULTIPLICATION SIGN}",
    verdict.OPEN: "?",
}


def _claims_table(chapters: Sequence[Chapter]) -> Table:
    """All claims, for their CSV file."""
    keys = ("paper", "chapter", "claim", "number", "standard_error", "measured", "verdict")
    return Table(
        name="claims",
        caption="Published claims and what we measured.",
        columns=[Column(key, key) for key in (*keys, "limits", "rule")],
        rows=[
            (
                f"arXiv {chapter.reference.arxiv}",
                chapter.name,
                claim.claim,
                *_number_and_error(claim.number),
                claim.measured,
                claim.verdict,
                claim.limits,
                claim.rule,
            )
            for chapter in chapters
            for claim in chapter.claims
        ],
    )


def _number_and_error(number: Estimate | float | None) -> tuple[Cell, Cell]:
    """Empty where there is none: an exact number has no error."""
    if isinstance(number, Estimate):
        return number.value, number.standard_error
    return ("" if number is None else number), ""


def _figures(chapters: Sequence[Chapter]) -> list[Figure]:
    return [f for chapter in chapters for section in chapter.sections for f in section.figures]
