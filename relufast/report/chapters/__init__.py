"""The chapters of the report: each is one module here, and one line in `CHAPTERS`."""

from __future__ import annotations

from relufast.report.chapter import ChapterFunction
from relufast.report.chapters import (
    fisher_information,
    hidden_ranks,
    injectivity,
    low_rank_layers,
    one_dimensional,
)

CHAPTERS: tuple[ChapterFunction, ...] = (
    one_dimensional.chapter,
    hidden_ranks.chapter,
    fisher_information.chapter,
    low_rank_layers.chapter,
    injectivity.chapter,
)
