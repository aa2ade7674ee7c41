"""The chapters of the report: each is one module here, and one line in `CHAPTERS`."""

from __future__ import annotations

from collections.abc import Mapping

from relufast.report.chapter import ChapterFunction
from relufast.report.chapters import (
    fisher_information,
    hidden_ranks,
    injectivity,
    low_rank_layers,
    one_dimensional,
)

# Named as their packages, in the order of the page.
CHAPTERS: Mapping[str, ChapterFunction] = {
    "one_dimensional": one_dimensional.chapter,
    "hidden_ranks": hidden_ranks.chapter,
    "fisher_information": fisher_information.chapter,
    "low_rank_layers": low_rank_layers.chapter,
    "injectivity": injectivity.chapter,
}
