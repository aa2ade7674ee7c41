"""The report as one HTML page that needs nothing else, and its tables as CSV files."""

from __future__ import annotations

import gc
from collections.abc import Sequence

from relufast.report import html, verdict
from relufast.report.chapter import Cell, Chapter, Column, Figure, Table
from relufast.report.estimate import Estimate
from relufast.report.progress import Progress
from relufast.report.settings import Settings
from relufast.report.table import csv_file

PAGE_NAME = "relufast-report.html"


def render_tables(chapters: Sequence[Chapter]) -> dict[str, bytes]:
    """CSV files by name: numbers in full precision, and estimates as two columns."""
    tables = [table for chapter in chapters for table in chapter.tables]
    if any(chapter.claims for chapter in chapters):
        tables.insert(0, _claims_table(chapters))
    return {f"{table.name}.csv": csv_file(table) for table in tables}


def render_page(
    chapters: Sequence[Chapter], settings: Settings, progress: Progress, *, version: str
) -> bytes:
    """The page, in UTF-8. The same input gives the same bytes."""
    numbers = {figure: number for number, figure in enumerate(_figures(chapters), start=1)}
    # Figures leave much garbage in cycles; its collector need not look through all modules for it.
    gc.freeze()
    try:
        drawn = html.draw(progress.track(list(numbers.items()), "figures"))
    finally:
        gc.unfreeze()
    claims = [claim for chapter in chapters for claim in chapter.claims]
    return html.render(
        "relufast.report",
        "page.html",
        chapters=chapters,
        settings=settings,
        version=version,
        drawings=drawn,
        figure_numbers=numbers,
        claim_numbers={claim: number for number, claim in enumerate(claims, start=1)},
        verdicts={v: sum(claim.verdict == v for claim in claims) for v in verdict.VERDICTS},
        signs=_SIGNS,
        claims_table=_claims_table(chapters) if claims else None,
    )


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
        columns=[Column(key, key) for key in (*keys, "why_open", "limits", "rule")],
        rows=[
            (
                f"arXiv {chapter.reference.arxiv}",
                chapter.name,
                claim.claim,
                *_number_and_error(claim.number),
                claim.measured,
                claim.verdict,
                claim.why_open,
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
