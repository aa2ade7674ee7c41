"""Breakpoints in an npy file that grows as they come."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

RECORD = np.dtype(
    [
        ("position", "<f8"),
        ("position_error", "<f8"),
        ("site", "<i8"),
        ("layer", "<i4"),
        ("neuron", "<i4"),
    ]
)


class PositionFile:
    """Written beside its path, and put there once it is whole."""

    def __init__(self, path: Path) -> None:
        if not path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "No such directory", str(path.parent))
        self._path = path
        self._temporary = path.with_name(f".relufast-{secrets.token_hex(8)}.tmp")
        self._file = open(self._temporary, "xb")  # noqa: SIM115
        self._count = 0
        self._write_header()
        self._header = self._file.tell()

    def _write_header(self) -> None:
        # NumPy leaves room in it for a first axis that grows.
        np.lib.format.write_array_header_1_0(
            self._file,
            {
                "descr": np.lib.format.dtype_to_descr(RECORD),
                "fortran_order": False,
                "shape": (self._count,),
            },
        )

    def add(self, records: NDArray[Any]) -> None:
        self._file.write(records.tobytes())
        self._count += len(records)

    def __enter__(self) -> PositionFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._file.seek(0)
                self._write_header()
                assert self._file.tell() == self._header
                self._file.flush()
                os.fsync(self._file.fileno())
            self._file.close()
            if kind is None:
                os.replace(self._temporary, self._path)
        finally:
            self._file.close()
            self._temporary.unlink(missing_ok=True)
