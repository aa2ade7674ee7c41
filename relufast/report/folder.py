"""The folder that the report is written into."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_LEAST_ROOM = 1_000_000  # bytes; a page takes that, or a few times as much


class OutputFolderError(OSError):
    """The folder cannot be made or written to."""


class OutputFolder:
    """A folder that files can be put into."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, files: Mapping[str, bytes]) -> None:
        """Put files in place, each at once and none before all are complete.

        Raises
        ------
        OutputFolderError
            If that fails; each file is then the old or the new one.
        """
        try:
            with tempfile.TemporaryDirectory(prefix=".relufast-", dir=self._path) as temporary:
                for name, content in files.items():
                    Path(temporary, name).write_bytes(content)
                for name in files:
                    os.replace(Path(temporary, name), self._path / name)
        except OSError as error:
            raise _error(self._path, error) from error


@contextmanager
def output_folder(path: Path) -> Iterator[OutputFolder]:
    """The folder, made if need be with some room in it; what was made goes if it stays empty.

    Raises
    ------
    OutputFolderError
        If it cannot be made or written to.
    """
    made: list[Path] = []
    try:
        try:
            made += [folder for folder in (path, *path.parents) if not folder.exists()]
            path.mkdir(parents=True, exist_ok=True)
            # Permissions tell less than trying: a file system can be read-only or full.
            with tempfile.TemporaryFile(prefix=".relufast-", dir=path) as file:
                file.write(bytes(_LEAST_ROOM))
        except OSError as error:
            raise _error(path, error) from error
        yield OutputFolder(path)
    except BaseException:
        for folder in made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        raise


def _error(path: Path, error: OSError) -> OutputFolderError:
    return OutputFolderError(f"cannot write into {path}: {error.strerror or error}")
