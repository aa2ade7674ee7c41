"""The report: what the papers claim, measured, on one page of HTML."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Executor
from pathlib import Path

from relufast import _core
from relufast.report.chapter import Chapter
from relufast.report.chapters import CHAPTERS
from relufast.report.folder import OutputFolderError, output_folder
from relufast.report.page import PAGE_NAME, render_page, render_tables
from relufast.report.progress import Progress
from relufast.report.settings import EFFORTS, Settings

__all__ = [
    "CHAPTERS",
    "EFFORTS",
    "PAGE_NAME",
    "Chapter",
    "OutputFolderError",
    "Settings",
    "write_report",
]


def write_report(
    path: Path,
    settings: Settings,
    *,
    chapters: Collection[str] = (),
    store: Path | None = None,
    executor: Executor | None = None,
) -> list[Chapter]:
    """Measure everything and write the page and its tables into a folder.

    Parameters
    ----------
    path : Path
        The folder, made if need be. Files of the report's own names in it are replaced, and only
        when everything is measured; other files are left alone.
    settings : Settings
        They determine every number.
    chapters : collection of str, optional
        Names of those to measure, in `CHAPTERS`; all of them by default. The numbers of a chapter
        do not depend on which others there are.
    store : Path, optional
        A file for the averages over random networks, so that a report that was stopped goes on
        from there. It may hold those of other reports, too.
    executor : concurrent.futures.Executor, optional
        Where averages over random networks are made, as of `monte_carlo`: the numbers are the same.
        All else, and by default everything, runs on the threads of this process.

    Returns
    -------
    list of Chapter
        As on the page.

    Raises
    ------
    OutputFolderError
        If the folder cannot be written to, before anything is measured.
    ValueError
        If there is no chapter of a name.
    """
    unknown = sorted(set(chapters) - set(CHAPTERS))
    if unknown:
        raise ValueError(
            f"chapters must be among {', '.join(CHAPTERS)}, but got {', '.join(unknown)}"
        )
    with output_folder(path) as folder:
        progress = Progress(store, executor)
        measured = [
            chapter(settings, progress)
            for name, chapter in CHAPTERS.items()
            if name in (chapters or CHAPTERS)
        ]
        files = render_tables(measured)
        files[PAGE_NAME] = render_page(
            measured, settings, progress, version=f"relufast {_core.version()}"
        )
        folder.write(files)
    return measured
