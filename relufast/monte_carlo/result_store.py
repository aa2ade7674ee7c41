"""SQLite files that finished work is kept in, so that what was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from relufast.monte_carlo.errors import StoreError

_SECONDS_TO_WAIT = 60.0  # for another process that is writing


class ResultStore:
    """What one piece of work has finished. Others lie beside it, each under its own key.

    Parameters
    ----------
    path : Path
        Made if need be.
    work : str
        The table of descriptions.
    schema : str
        Of the other tables.
    description : mapping
        Of all that decides the results; the key is made of it.
    """

    def __init__(self, path: Path, work: str, schema: str, description: Mapping[str, Any]) -> None:
        self._path = path
        text = json.dumps(description, sort_keys=True)
        self._key = hashlib.sha256(text.encode()).hexdigest()
        with self._errors():
            self._database = sqlite3.connect(path, timeout=_SECONDS_TO_WAIT, isolation_level=None)
        try:
            with self._errors():
                self._log_ahead()
                self._database.executescript(
                    f"CREATE TABLE IF NOT EXISTS {work} "
                    f"(key TEXT PRIMARY KEY, description TEXT NOT NULL);\n{schema}"
                )
                self._database.execute(
                    f"INSERT OR IGNORE INTO {work} VALUES (?, ?)", (self._key, text)
                )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._database.close()

    def _log_ahead(self) -> None:
        mode = self._with_log()
        if mode != "wal":
            warnings.warn(
                f"{self._path} lies where SQLite has no write-ahead log (journal mode {mode}): "
                "each result takes longer to store",
                stacklevel=6,  # who has called the public function, which opens its kind of store
            )
        self._database.execute("PRAGMA synchronous = NORMAL")

    def _with_log(self) -> str:
        """Ask for a write-ahead log; the journal mode that there is then."""
        deadline = time.monotonic() + _SECONDS_TO_WAIT
        while True:
            try:
                (mode,) = self._database.execute("PRAGMA journal_mode = WAL").fetchone()
                return str(mode)
            except sqlite3.OperationalError as error:
                # This statement alone does not wait for another process by itself.
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        # A damaged file can hold text that is none, and values of another type.
        except (sqlite3.Error, UnicodeDecodeError, TypeError) as error:
            raise StoreError(f"cannot use the store {self._path}: {error}") from error
