"""Pages of HTML that need nothing else: Jinja's templates, with figures drawn and tables linked."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from relufast.report.chapter import Figure, Table
from relufast.report.prose import caption, prose
from relufast.report.table import cell, csv_file, is_number


def draw(figures: Iterable[tuple[Figure, int]]) -> dict[Figure, Markup]:
    """Each numbered figure for wide screens and for narrow ones, as it comes."""
    # Imported here because it takes matplotlib half a second.
    from relufast.report.figures import NARROW, WIDE, svg

    return {
        figure: Markup("\n").join(
            Markup(svg(figure.draw, layout, figure.title, f"{layout.name}-{number}-"))
            for layout in (WIDE, NARROW)
        )
        for figure, number in figures
    }


def render(package: str, template: str, **values: Any) -> bytes:
    """A template of a package, in UTF-8; those of the report are behind it, to be built on."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("relufast.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(prose=prose, caption=caption)
    environment.globals.update(cell=cell, is_number=is_number, csv_url=_csv_url)
    return environment.get_template(template).render(values).encode()


def _csv_url(table: Table) -> str:
    return "data:text/csv;base64," + base64.b64encode(csv_file(table)).decode()
