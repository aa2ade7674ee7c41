"""The report as one HTML page that needs nothing else, and its tables as CSV files."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from relufast.report.chapter import Chapter, Figure
from relufast.report.progress import Progress
from relufast.report.settings import Settings
from relufast.report.table import cell as _cell
from relufast.report.table import csv_file as _csv
from relufast.report.table import is_number as _is_number

PAGE_NAME = "relufast-report.html"


def render_tables(chapters: Sequence[Chapter]) -> dict[str, bytes]:
    """CSV files by name: numbers in full precision, and estimates as two columns."""
    return {f"{table.name}.csv": _csv(table) for chapter in chapters for table in chapter.tables}


def render_page(
    chapters: Sequence[Chapter], settings: Settings, progress: Progress, *, version: str
) -> bytes:
    """The page, in UTF-8. The same input gives the same bytes."""
    # Imported here because it takes matplotlib half a second.
    from relufast.report import figures

    drawn = {
        figure: Markup("\n").join(
            Markup(figures.svg(figure.draw, layout, figure.title, f"{layout.name}-{number}-"))
            for layout in (figures.WIDE, figures.NARROW)
        )
        for number, figure in enumerate(progress.track(_figures(chapters), "figures"), start=1)
    }
    environment = Environment(
        loader=PackageLoader("relufast.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = _unbroken
    page = environment.get_template("page.html").render(
        chapters=chapters,
        settings=settings,
        version=version,
        drawings=drawn,
        cell=_cell,
        is_number=_is_number,
        csv_url=lambda table: "data:text/csv;base64," + base64.b64encode(_csv(table)).decode(),
    )
    return page.encode()


def _figures(chapters: Sequence[Chapter]) -> list[Figure]:
    return [f for chapter in chapters for section in chapter.sections for f in section.figures]


def _unbroken(sentence: str) -> str:
    """Keep an error with its value and a percentage with its sign on one line."""
    return re.sub(r" (?=[±%])|(?<=±) ", "\N{NO-BREAK SPACE}", sentence)
