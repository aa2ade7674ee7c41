"""Tables as text: cells on a page, and CSV files."""

from __future__ import annotations

import csv
import io
from typing import Any

from relufast.report import text
from relufast.report.chapter import Cell, Column, Table
from relufast.report.estimate import Estimate


def cell(column: Column, value: Cell) -> str:
    shown = format(value, column.format)
    return text.minus(shown) if is_number(value) else shown


def is_number(value: Cell) -> bool:
    return not isinstance(value, str)


def csv_file(table: Table) -> bytes:
    """Numbers in full precision, and estimates as two columns."""
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(
        key
        for column, value in zip(table.columns, table.rows[0], strict=True)
        for key in _keys(column, value)
    )
    writer.writerows([v for value in row for v in _values(value)] for row in table.rows)
    return content.getvalue().encode()


def _keys(column: Column, value: Cell) -> list[str]:
    if isinstance(value, Estimate):
        return [column.key, f"{column.key}_standard_error"]
    return [column.key]


def _values(value: Cell) -> list[Any]:
    if isinstance(value, Estimate):
        return [value.value, value.standard_error]
    return [value]
