"""What a chapter of the report is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relufast.report.estimate import Estimate
from relufast.report.progress import Progress
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

Cell = str | int | float | Estimate


@dataclass(frozen=True)
class Figure:
    """A figure, drawn once for wide screens and paper and once for narrow screens."""

    title: str
    draw: Callable[[Layout], Drawing]
    caption: str  # what to see
    source: str  # the calls and parameters behind it


@dataclass(frozen=True)
class Column:
    key: str  # in the CSV file
    heading: str  # on the page
    format: str = ""  # on the page; an Estimate has its own


@dataclass(frozen=True)
class Table:
    name: str  # of the CSV file, without its suffix
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    folded: bool = False  # on the page, until asked for


@dataclass(frozen=True)
class Section:
    """One question: why it is asked, what was measured, what was found."""

    title: str
    text: Sequence[str]  # paragraphs
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    findings: Sequence[str] = ()  # computed sentences, the most important first
    notes: Sequence[str] = ()  # paragraphs for who wants to know all


@dataclass(frozen=True)
class Reference:
    label: str
    url: str


@dataclass(frozen=True)
class Chapter:
    title: str
    reference: Reference
    intro: Sequence[str]  # paragraphs
    sections: Sequence[Section]

    @property
    def summary(self) -> list[str]:
        """The first finding of each section."""
        return [section.findings[0] for section in self.sections if section.findings]

    @property
    def tables(self) -> list[Table]:
        return [table for section in self.sections for table in section.tables]


ChapterFunction = Callable[[Settings, Progress], Chapter]
