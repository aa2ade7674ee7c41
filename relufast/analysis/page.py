"""An analysis as one HTML page that needs nothing else, as JSON and as CSV files."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from relufast import _core
from relufast.analysis.part import Skipped, percent
from relufast.report import html
from relufast.report.chapter import Cell, Column, Section, Table
from relufast.report.estimate import Estimate
from relufast.report.table import cell, csv_file

if TYPE_CHECKING:
    from relufast.analysis.analysis import Analysis

PAGE_NAME = "analysis.html"
JSON_NAME = "analysis.json"
CSV_PREFIX = "analysis-"
FORMAT = "relufast.Analysis"


def render(analysis: Analysis, title: str) -> dict[str, bytes]:
    """All files by name."""
    sections = _sections(analysis)
    tables = [table for section in sections.values() for table in section.tables]
    files = {f"{table.name}.csv": csv_file(table) for table in tables}
    files[JSON_NAME] = (json.dumps(as_dict(analysis, title), indent=1) + "\n").encode()
    files[PAGE_NAME] = _page(analysis, title, sections)
    return files


def as_dict(analysis: Analysis, title: str) -> dict[str, Any]:
    network = analysis.network
    return {
        "format": FORMAT,
        "version": _core.version(),
        "title": title,
        "network": {
            "widths": list(network.widths),
            "negative_slope": network.negative_slope,
            "description": repr(network),
        },
        "points": {
            "number": len(analysis.points),
            "random": analysis.points_are_random,
            "origin": analysis.origin,
            "labelled": analysis.labels is not None,
        },
        "options": analysis.options,
        "summary": analysis.summary,
        "skipped": analysis.skipped,
        "parts": {
            name: {
                "title": section.title,
                "findings": list(section.findings),
                "notes": list(section.notes),
                "tables": {table.name: _rows(table) for table in section.tables},
            }
            for name, section in _sections(analysis).items()
        },
    }


def _sections(analysis: Analysis) -> dict[str, Section]:
    parts = analysis.parts.items()
    return {name: part.section() for name, part in parts if not isinstance(part, Skipped)}


def _rows(table: Table) -> list[dict[str, Any]]:
    return [
        {column.key: _plain(value) for column, value in zip(table.columns, row, strict=True)}
        for row in table.rows
    ]


def _plain(value: Cell) -> Any:
    if isinstance(value, Estimate):
        return {
            "value": _plain(value.value),
            "standard_error": _plain(value.standard_error),
        }
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no such numbers
    return value


def _page(analysis: Analysis, title: str, sections: Mapping[str, Section]) -> bytes:
    figures = [figure for section in sections.values() for figure in section.figures]
    return html.render(
        "relufast.analysis",
        "analysis.html",
        analysis=analysis,
        title=title,
        sections=sections,
        layers=_layers(analysis),
        accuracy=_accuracy(analysis),
        version=f"relufast {_core.version()}",
        drawings=html.draw((figure, number) for number, figure in enumerate(figures, start=1)),
        figure_numbers={},  # no text refers to one
        cell=_cell,
    )


def _layers(analysis: Analysis) -> str:
    """The network in words."""
    network = analysis.network
    n_in, *hidden, n_out = network.widths
    kind = "ReLU" if network.negative_slope == 0.0 else f"leaky ReLU ({network.negative_slope:g})"
    n_parameters = sum(array.size for array in (*network.weights, *network.biases))
    widths = ", ".join(f"{width:,}" for width in (hidden if len(set(hidden)) > 1 else hidden[:1]))
    return (
        f"{n_in:,} inputs, {len(hidden)} hidden {kind} layer{'s' if len(hidden) > 1 else ''} of "
        f"{widths} neurons, {n_out:,} output{'s' if n_out > 1 else ''}; "
        f"{n_parameters:,} parameters."
    )


def _accuracy(analysis: Analysis) -> str:
    if analysis.labels is None:
        return ""
    outputs = analysis.network(analysis.points)
    found = outputs[:, 0] > 0.0 if outputs.shape[1] == 1 else outputs.argmax(axis=1)
    return (
        f"{percent(float((found == analysis.labels).mean()))} of them are classified as labelled."
    )


def _cell(column: Column, value: Cell) -> str:
    if isinstance(value, float) and math.isnan(value):
        return ""
    return cell(column, value)
