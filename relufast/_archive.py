"""Arrays in an npz file: written whole or not at all, read without unpickling anything."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from relufast._whole_file import whole_file

Arrays = Mapping[str, NDArray[Any]]
_T = TypeVar("_T")


def write(path: Path, arrays: Arrays) -> None:
    """Write the whole file or nothing."""
    with whole_file(path) as file:
        # Given an open file, NumPy adds no suffix to its name.
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read(
    path: Path, what: str, parse: Callable[[Arrays], _T], *, max_bytes: int | None = None
) -> _T:
    """What `parse` makes of the arrays, each of which is read when it asks for it.

    Whatever goes wrong says that the file is not `what`. No array takes more memory than its bytes
    in the archive claim, and none claims more than `max_bytes`.
    """
    with open(path, "rb") as file:
        try:
            _check_members(file, max_bytes)
            with np.load(file, allow_pickle=False) as arrays:
                return parse(arrays)
        except MemoryError:
            raise
        # Foreign bytes make the zip and npy readers raise whatever they come upon.
        except Exception as error:
            raise ValueError(f"{path} is not {what}: {error}") from error


def _check_members(file: BinaryIO, max_bytes: int | None) -> None:
    if not zipfile.is_zipfile(file):
        raise ValueError("it is no complete npz archive")
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if max_bytes is not None and member.file_size > max_bytes:
                raise ValueError(
                    f"its member {member.filename} has {member.file_size:,} bytes, more than "
                    f"max_bytes, {max_bytes:,}"
                )
            with archive.open(member) as stream:
                _require_its_bytes(stream, member)
    file.seek(0)


def _require_its_bytes(stream: IO[bytes], member: zipfile.ZipInfo) -> None:
    """A short file must not declare a shape that fills the memory."""
    try:
        version = np.lib.format.read_magic(stream)
    except ValueError:
        return  # not in npy format: comes as bytes, and is refused where an array is needed
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read_header is None:
        raise ValueError(f"its member {member.filename} is in version {version} of the npy format")
    shape, _, dtype = read_header(stream)
    n_bytes = math.prod(shape) * dtype.itemsize
    if not dtype.hasobject and n_bytes > member.file_size:
        raise ValueError(
            f"its member {member.filename} declares {n_bytes:,} bytes and has {member.file_size:,}"
        )


def require_format(arrays: Arrays, name: str, version: int) -> None:
    """That the archive says of itself what it is."""
    file_format = str(scalar(arrays, "format", "U"))
    if file_format != name:
        raise ValueError(f"its format is {file_format!r}, but must be {name!r}")
    file_version = scalar(arrays, "version", "i")
    if file_version != version:
        raise ValueError(f"its version is {file_version}, but this relufast reads {version}")


def format_arrays(name: str, version: int) -> dict[str, NDArray[Any]]:
    """What `require_format` looks for."""
    return {"format": np.array(name), "version": np.array(version, dtype=np.int64)}


def scalar(arrays: Arrays, name: str, kind: str) -> Any:
    """A NumPy scalar whose dtype is of that kind."""
    array = array_of_kind(arrays, name, kind)
    if array.shape != ():
        raise ValueError(f"its {name} has shape {array.shape} and dtype {array.dtype}")
    return array[()]


def array_of_kind(arrays: Arrays, name: str, kind: str) -> NDArray[Any]:
    array = array_of(arrays, name)
    if array.dtype.kind != kind:
        raise ValueError(f"its {name} has shape {array.shape} and dtype {array.dtype}")
    return array


def array_of(arrays: Arrays, name: str) -> NDArray[Any]:
    # An archive's member that is not in npy format comes as bytes.
    array = arrays.get(name)
    if not isinstance(array, np.ndarray):
        raise ValueError(f"it has no array {name!r}")
    return array
