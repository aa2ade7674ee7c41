"""Breakpoints in an npy file that grows as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from relufast._whole_file import whole_file

RECORD = np.dtype(
    [
        ("position", "<f8"),
        ("position_error", "<f8"),
        ("site", "<i8"),
        ("layer", "<i4"),
        ("neuron", "<i4"),
    ]
)


@contextmanager
def position_file(path: Path) -> Iterator[Callable[[NDArray[Any]], None]]:
    """What to call with records; they are there once the block has ended well."""
    with whole_file(path) as file:
        count = 0
        _write_header(file, count)
        header = file.tell()

        def add(records: NDArray[Any]) -> None:
            nonlocal count
            file.write(records.tobytes())
            count += len(records)

        yield add
        file.seek(0)
        _write_header(file, count)
        assert file.tell() == header


def _write_header(file: BinaryIO, count: int) -> None:
    # NumPy leaves room in it for a first axis that grows.
    np.lib.format.write_array_header_1_0(
        file,
        {
            "descr": np.lib.format.dtype_to_descr(RECORD),
            "fortran_order": False,
            "shape": (count,),
        },
    )
