"""The folder that an analysis is written into."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from relufast.analysis.page import CSV_PREFIX, FORMAT, JSON_NAME, PAGE_NAME, render
from relufast.report.folder import OutputFolder, OutputFolderError, output_folder

if TYPE_CHECKING:
    from relufast.analysis.analysis import Analysis


class AnalysisFolder:
    """A folder known to be writable, without files of others that would be replaced.

    Attributes
    ----------
    replaced : str or None
        The title of an earlier analysis that lies there.
    """

    def __init__(self, path: Path, folder: OutputFolder, replaced: str | None) -> None:
        self._path = path
        self._folder = folder
        self.replaced = replaced

    def write(self, analysis: Analysis, title: str) -> None:
        """Put all files in place, and take away tables that only an earlier analysis had."""
        files = render(analysis, title)
        self._folder.write(files)
        for old in self._path.glob(f"{CSV_PREFIX}*.csv"):
            if old.name not in files:
                old.unlink()


@contextmanager
def analysis_folder(path: Path) -> Iterator[AnalysisFolder]:
    """The folder, made if need be; what was made goes if it stays empty.

    Raises
    ------
    OutputFolderError
        If it cannot be made or written to, or has files of an analysis's names that are not one's.
    """
    replaced = _earlier_analysis(path)
    with output_folder(path) as folder:
        yield AnalysisFolder(path, folder, replaced)


def _earlier_analysis(path: Path) -> str | None:
    """Its title; None if there is none."""
    try:
        names = [path / PAGE_NAME, path / JSON_NAME, *path.glob(f"{CSV_PREFIX}*.csv")]
        present = [name for name in names if name.exists()]
        if not present:
            return None
        found = json.loads((path / JSON_NAME).read_bytes())
        if found["format"] == FORMAT:
            return str(found["title"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    else:
        present = [path / JSON_NAME]
    raise OutputFolderError(
        f"{path} has {present[0].name}, but no {JSON_NAME} of an earlier analysis that could be "
        "replaced: give another folder"
    )
