"""The file that a network is saved in: an npz archive without pickled objects."""

from __future__ import annotations

import errno
import os
import secrets
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relufast._validate import FloatArray

_FORMAT = "relufast.Network"
_VERSION = 1


class Parameters(NamedTuple):
    weights: Sequence[FloatArray]
    biases: Sequence[FloatArray]
    negative_slope: float
    rounded_line: bool


def write(path: Path, parameters: Parameters) -> None:
    """Write the whole file or nothing."""
    arrays: dict[str, NDArray[Any]] = {
        "format": np.array(_FORMAT),
        "version": np.array(_VERSION, dtype=np.int64),
        "negative_slope": np.array(parameters.negative_slope),
        "rounded_line": np.array(parameters.rounded_line),
    }
    layers = zip(parameters.weights, parameters.biases, strict=True)
    for i, (weights, biases) in enumerate(layers):
        arrays[f"weights_{i}"] = weights
        arrays[f"biases_{i}"] = biases

    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "No such directory", str(path.parent))
    # In the same folder, because a rename is atomic within one file system only.
    temporary = path.with_name(f".relufast-{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            # Given an open file, NumPy adds no suffix to its name.
            np.savez(file, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read(path: Path) -> Parameters:
    """The parameters in the file, with the right dtypes; shapes and values are not checked."""
    with open(path, "rb") as file:
        try:
            return _parameters(_arrays(file))
        except MemoryError:
            raise
        # Foreign bytes make the zip and npy readers raise whatever they come upon.
        except Exception as error:
            raise ValueError(f"{path} is not a saved network: {error}") from error


def _arrays(file: BinaryIO) -> dict[str, NDArray[Any]]:
    if not zipfile.is_zipfile(file):
        raise ValueError("it is no complete npz archive")
    file.seek(0)
    archive = np.load(file, allow_pickle=False)
    return {name: archive[name] for name in archive.files}


def _parameters(arrays: Mapping[str, NDArray[Any]]) -> Parameters:
    file_format = str(_scalar(arrays, "format", "U"))
    if file_format != _FORMAT:
        raise ValueError(f"its format is {file_format!r}, but must be {_FORMAT!r}")
    version = _scalar(arrays, "version", "i")
    if version != _VERSION:
        raise ValueError(f"its version is {version}, but this relufast reads {_VERSION}")
    n_layers = sum(name.startswith("weights_") for name in arrays)
    parameters = Parameters(
        weights=[_float64(arrays, f"weights_{i}") for i in range(n_layers)],
        biases=[_float64(arrays, f"biases_{i}") for i in range(n_layers)],
        negative_slope=float(_scalar(arrays, "negative_slope", "f")),
        rounded_line=bool(_scalar(arrays, "rounded_line", "b")),
    )
    n_expected = 4 + 2 * n_layers
    if len(arrays) != n_expected:
        raise ValueError(f"it has {len(arrays)} arrays, but must have {n_expected}")
    return parameters


def _scalar(arrays: Mapping[str, NDArray[Any]], name: str, kind: str) -> Any:
    array = _array(arrays, name)
    if array.shape != () or array.dtype.kind != kind:
        raise ValueError(f"its {name} has shape {array.shape} and dtype {array.dtype}")
    return array[()]


def _float64(arrays: Mapping[str, NDArray[Any]], name: str) -> FloatArray:
    array = _array(arrays, name)
    if array.dtype != np.float64:
        raise ValueError(f"its {name} has dtype {array.dtype}, but must have float64")
    return array


def _array(arrays: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    # An archive's member that is not in npy format comes as bytes.
    if not isinstance(arrays.get(name), np.ndarray):
        raise ValueError(f"it has no array {name!r}")
    return arrays[name]
