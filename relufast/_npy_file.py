"""An array in an npy file, mapped into memory: only what is looked at is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def mapped(path: Path, name: str) -> np.memmap[Any, Any]:
    """The array; never unpickles. Errors call the file by that name."""
    with open(path, "rb") as file:
        # NumPy would open it, and leave it open where it is damaged.
        if file.read(2) == b"PK":
            raise ValueError(f"{name} is an archive, but needs an npy file of one array")
    try:
        with np.errstate(over="ignore"):  # of a size that is too large, which is an error
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, MemoryError):
        raise
    # NumPy's readers of headers raise whatever foreign bytes make them come upon.
    except Exception as error:
        raise ValueError(f"{name} is no npy file of numbers: {error}") from error
    assert isinstance(array, np.memmap)
    return array
