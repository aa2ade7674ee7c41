"""Finished windows of a sweep in an SQLite file."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from relufast._core import Knots
from relufast.monte_carlo.errors import StoreError
from relufast.monte_carlo.result_store import ResultStore

_FORMAT = 1

# Window -1 holds the bounds on the layers' spectral norms, which take long to compute.
_NORMS = -1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS windows (
    key TEXT NOT NULL REFERENCES sweeps, number INTEGER NOT NULL, arrays BLOB NOT NULL,
    checksum INTEGER NOT NULL, PRIMARY KEY (key, number)
) WITHOUT ROWID;
"""


class WindowStore(ResultStore):
    """The windows of one sweep. Others, of other networks, lines or versions, lie beside it."""

    def __init__(self, path: Path, description: Mapping[str, Any]) -> None:
        super().__init__(path, "sweeps", _SCHEMA, {"format": _FORMAT, **description})

    def finished(self) -> set[int]:
        """The numbers of the windows that are there."""
        with self._errors():
            rows = self._database.execute(
                "SELECT number FROM windows WHERE key = ? AND number >= 0", (self._key,)
            ).fetchall()
        return {int(number) for (number,) in rows}

    def add(self, window: int, knots: Knots) -> None:
        self._write(window, knots.arrays())

    def window(self, window: int) -> Knots:
        arrays = self._read(window)
        if arrays is None:
            raise StoreError(f"{self._path} has lost window {window} while it was in use")
        return Knots(**arrays)

    def add_norms(self, norms: list[float]) -> None:
        self._write(_NORMS, {"norms": np.array(norms)})

    def norms(self) -> list[float] | None:
        arrays = self._read(_NORMS)
        return None if arrays is None else [float(norm) for norm in arrays["norms"]]

    def _write(self, number: int, arrays: Mapping[str, Any]) -> None:
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        blob = buffer.getvalue()
        with self._errors():
            # What another process has brought meanwhile is the same.
            self._database.execute(
                "INSERT OR IGNORE INTO windows VALUES (?, ?, ?, ?)",
                (self._key, number, blob, zlib.crc32(blob)),
            )

    def _read(self, number: int) -> dict[str, Any] | None:
        with self._errors():
            row = self._database.execute(
                "SELECT arrays, checksum FROM windows WHERE key = ? AND number = ?",
                (self._key, number),
            ).fetchone()
            if row is None:
                return None
            blob, checksum = row
            if zlib.crc32(blob) != checksum:
                raise StoreError(
                    f"{self._path} is damaged: window {number} has changed since it was written"
                )
        with np.load(io.BytesIO(blob), allow_pickle=False) as arrays:
            return dict(arrays)
