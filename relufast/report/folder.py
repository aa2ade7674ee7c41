"""The folder that the report is written into."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


class OutputFolder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, files: Mapping[str, bytes]) -> None:
        """Put files in place, each at once and none before all are complete."""
        with tempfile.TemporaryDirectory(prefix=".relufast-", dir=self._path) as temporary:
            for name, content in files.items():
                Path(temporary, name).write_bytes(content)
            for name in files:
                os.replace(Path(temporary, name), self._path / name)


@contextmanager
def output_folder(path: Path) -> Iterator[OutputFolder]:
    """The folder, made if need be and known to be writable; taken away again if nothing comes.

    Raises
    ------
    OSError
        If it cannot be made or written to.
    """
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        # Permissions tell less than trying: file systems can be read-only or full.
        with tempfile.TemporaryFile(prefix=".relufast-", dir=path):
            pass
        yield OutputFolder(path)
    except BaseException:
        for folder in made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        raise
