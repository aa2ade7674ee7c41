"""The report: what the papers claim, measured, on one page of HTML."""

from __future__ import annotations

from pathlib import Path

from relufast.report.chapter import Chapter
from relufast.report.chapters import CHAPTERS
from relufast.report.folder import output_folder
from relufast.report.page import PAGE_NAME, render_page, render_tables
from relufast.report.progress import Progress
from relufast.report.settings import EFFORTS, Settings

__all__ = ["EFFORTS", "Chapter", "Settings", "write_report"]


def write_report(path: Path, settings: Settings) -> tuple[Path, list[Chapter]]:
    """Measure everything and write the page and its tables into a folder.

    Parameters
    ----------
    path : Path
        The folder, made if need be. Files of the report's own names in it are replaced, and only
        when everything is measured; other files are left alone.
    settings : Settings
        They determine every number.

    Returns
    -------
    page : Path
    chapters : list of Chapter

    Raises
    ------
    OSError
        If the folder cannot be written to, before anything is measured.
    """
    with output_folder(path) as folder:
        progress = Progress()
        chapters = [chapter(settings, progress) for chapter in CHAPTERS]
        files = render_tables(chapters)
        files[PAGE_NAME] = render_page(chapters, settings, progress)
        folder.write(files)
    return path / PAGE_NAME, chapters
