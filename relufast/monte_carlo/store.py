"""Finished blocks of a run in an SQLite file."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from relufast.monte_carlo.errors import StoreError
from relufast.monte_carlo.moments import Moments
from relufast.monte_carlo.result_store import ResultStore

_FORMAT = 2

_SCHEMA = """
CREATE TABLE IF NOT EXISTS blocks (
    key TEXT NOT NULL REFERENCES runs, block INTEGER NOT NULL, n INTEGER NOT NULL,
    n_uncertified INTEGER NOT NULL, moments BLOB NOT NULL, checksum INTEGER NOT NULL,
    PRIMARY KEY (key, block, n)
) WITHOUT ROWID;
"""


class BlockStore(ResultStore):
    """The blocks of one run. Others, of other parameters, seeds or versions, lie beside it.

    Two processes may work on one run: they compute the same blocks, and the first to bring one
    is the one that counts.
    """

    def __init__(self, path: Path, description: Mapping[str, Any], shape: tuple[int, ...]) -> None:
        super().__init__(path, "runs", _SCHEMA, {"format": _FORMAT, **description})
        self._shape = shape  # of the sums of squares or products

    def blocks(self) -> Iterator[tuple[int, Moments]]:
        """All that are there, in order."""
        with self._errors():
            rows = self._database.execute(
                "SELECT block, n, n_uncertified, moments, checksum FROM blocks WHERE key = ? "
                "ORDER BY block, n",
                (self._key,),
            )
            for block, n, n_uncertified, content, checksum in rows:
                yield block, self._unpacked(block, n, n_uncertified, content, checksum)

    def add(self, blocks: Iterable[tuple[int, Moments]]) -> None:
        """All of them, or none if that fails."""
        rows = [self._row(block, moments) for block, moments in blocks]
        with self._errors():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._database.executemany(
                    "INSERT OR IGNORE INTO blocks VALUES (?, ?, ?, ?, ?, ?)", rows
                )
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def _row(self, block: int, moments: Moments) -> tuple[Any, ...]:
        # A block of one trial has no spread; of many quantities its zeros are most of the file.
        spread = moments.spread.ravel() if moments.spread.any() else np.empty(0)
        content = np.concatenate([moments.mean, moments.minimum, moments.maximum, spread])
        data = content.astype("<f8").tobytes()
        checksum = _checksum(block, moments.n, moments.n_uncertified, data)
        return self._key, block, moments.n, moments.n_uncertified, data, checksum

    def _unpacked(
        self, block: int, n: int, n_uncertified: int, data: bytes, checksum: int
    ) -> Moments:
        k = self._shape[0]
        sizes = [8 * 3 * k, 8 * (3 * k + math.prod(self._shape))]
        if len(data) not in sizes or checksum != _checksum(block, n, n_uncertified, data):
            raise StoreError(f"{self._path} is damaged: block {block} is not what was written")
        content = np.frombuffer(data, dtype="<f8").astype(np.float64)
        mean, minimum, maximum, spread = np.split(content, [k, 2 * k, 3 * k])
        if not spread.size:
            spread = np.zeros(self._shape)
        return Moments(n, n_uncertified, mean, spread.reshape(self._shape), minimum, maximum)


def _checksum(block: int, n: int, n_uncertified: int, data: bytes) -> int:
    return zlib.crc32(data + json.dumps([block, n, n_uncertified]).encode())
