"""The report: what the papers claim, measured, on one page of HTML."""

from __future__ import annotations

from pathlib import Path

import relufast
from relufast.report.chapter import Chapter
from relufast.report.chapters import CHAPTERS
from relufast.report.folder import OutputFolderError, output_folder
from relufast.report.page import PAGE_NAME, render_page, render_tables
from relufast.report.progress import Progress
from relufast.report.settings import EFFORTS, Settings

__all__ = ["EFFORTS", "PAGE_NAME", "Chapter", "OutputFolderError", "Settings", "write_report"]


def write_report(path: Path, settings: Settings) -> list[Chapter]:
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
    list of Chapter
        As on the page.

    Raises
    ------
    OutputFolderError
        If the folder cannot be written to, before anything is measured.
    """
    with output_folder(path) as folder:
        progress = Progress()
        chapters = [chapter(settings, progress) for chapter in CHAPTERS]
        files = render_tables(chapters)
        files[PAGE_NAME] = render_page(
            chapters, settings, progress, version=f"relufast {relufast.__version__}"
        )
        folder.write(files)
    return chapters
