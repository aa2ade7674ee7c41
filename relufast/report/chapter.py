"""What a chapter of the report is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relufast.report.estimate import Estimate
from relufast.report.progress import Progress
from relufast.report.settings import Settings
from relufast.report.verdict import OPEN

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
class Claim:
    """A published claim, the number that it is held against, and the answer of a stated rule.

    The rule must not depend on the numbers: what makes no difference, which networks are looked at
    and which answer follows from what are fixed before anything is measured.
    """

    claim: str  # as a sentence
    number: Estimate | float | None  # that decides, or stands for those that do
    measured: str  # the number and what it is of
    verdict: str
    limits: str  # of what was looked at, and of what was allowed
    rule: str  # which answer follows from what
    figure: Figure | None = None  # that shows it
    code: str = ""  # that prints the number; without it the chapter's own command does
    obstacle: str = ""  # why it is open, as a sentence; without it because too little was measured

    @property
    def why_open(self) -> str:
        """Empty if it is not."""
        return (self.obstacle or "Too little was measured to tell") if self.verdict == OPEN else ""


@dataclass(frozen=True)
class Section:
    """One question: why it is asked, what was measured, what was found."""

    title: str
    text: Sequence[str]  # paragraphs
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    findings: Sequence[str] = ()  # computed sentences, the most important first
    claims: Sequence[Claim] = ()  # of the chapter's paper, that this section decides
    notes: Sequence[str] = ()  # paragraphs for who wants to know all


@dataclass(frozen=True)
class Reference:
    """A paper on arXiv."""

    authors: str
    title: str
    arxiv: str  # its number

    @property
    def url(self) -> str:
        return f"https://arxiv.org/abs/{self.arxiv}"

    def __str__(self) -> str:
        return f"{self.authors}: {self.title}, arXiv {self.arxiv}"


@dataclass(frozen=True)
class Chapter:
    name: str  # of its package, and on the command line
    title: str
    reference: Reference
    intro: Sequence[str]  # paragraphs
    sections: Sequence[Section]

    @property
    def summary(self) -> list[str]:
        """The first finding of each section."""
        return [section.findings[0] for section in self.sections if section.findings]

    @property
    def claims(self) -> list[Claim]:
        return [claim for section in self.sections for claim in section.claims]

    @property
    def tables(self) -> list[Table]:
        return [table for section in self.sections for table in section.tables]


ChapterFunction = Callable[[Settings, Progress], Chapter]
