"""ONNX files and what they hold: parsed and checked, never run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

_FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16)
_INTEGERS = (TensorProto.INT32, TensorProto.INT64)
_OLDEST_OPERATORS = 7  # Before, operands broadcast by other rules.


def read(path: Path, max_bytes: int) -> onnx.ModelProto:
    """The model in the file, without its external data."""
    with open(path, "rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ValueError(f"{path} takes more than {max_bytes} bytes, which is max_bytes")
    try:
        model = onnx.load_model_from_string(content)
    except MemoryError:
        raise
    # Which error protobuf raises depends on its version and implementation.
    except Exception as error:
        raise ValueError(f"{path} is not an ONNX file: {error}") from error
    return checked(model, str(path))


def checked(model: onnx.ModelProto, source: str) -> onnx.ModelProto:
    """The same model, if it is valid and of operators whose meaning is known here."""
    try:
        onnx.checker.check_model(_without_external_data(model))
    # The latter for texts that are no UTF-8, and for models beyond what protobuf writes.
    except (onnx.checker.ValidationError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{source} is not a valid ONNX model: {reason}") from error
    version = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    if version < _OLDEST_OPERATORS:
        raise ValueError(
            f"{source} has operator set {version}, but needs {_OLDEST_OPERATORS} or later: "
            "onnx.version_converter makes it so"
        )
    return model


class TensorReader:
    """The arrays of tensors in a model, as long as they are few enough.

    Parameters
    ----------
    folder : Path or None
        Where external data lies; None for a model in memory.
    max_bytes : int
        The most that all tensors may take in float64.
    """

    def __init__(self, folder: Path | None, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._read = 0

    def array(self, tensor: onnx.TensorProto, name: str) -> NDArray[Any]:
        """float64 for real numbers, int64 for integers."""
        if tensor.data_type not in (*_FLOATS, *_INTEGERS):
            kind = TensorProto.DataType.Name(tensor.data_type)
            raise ValueError(f"{name} has type {kind}, but needs real numbers")
        if any(length < 0 for length in tensor.dims):
            raise ValueError(f"{name} has shape {tuple(tensor.dims)}")
        self._read += 8 * math.prod(tensor.dims)
        if self._read > self._max_bytes:
            raise ValueError(
                f"{name}: constants up to here take {self._read} bytes in float64, but max_bytes "
                f"is {self._max_bytes}"
            )
        if _is_external(tensor):
            tensor = self._with_data(tensor, name)
        try:
            array: NDArray[Any] = numpy_helper.to_array(tensor)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{name} does not have the data of its shape: {error}") from error
        with np.errstate(invalid="ignore"):  # A signalling NaN, which is refused where it is used.
            return array.astype(np.float64 if tensor.data_type in _FLOATS else np.int64)

    def _with_data(self, tensor: onnx.TensorProto, name: str) -> onnx.TensorProto:
        if self._folder is None:
            raise ValueError(f"{name} has external data: give from_onnx the path of the file")
        where = {entry.key: entry.value for entry in tensor.external_data}
        path = inside(self._folder, where.get("location", ""), name)
        itemsize = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        length = itemsize * math.prod(tensor.dims)
        offset = _non_negative(where.get("offset", "0"), f"{name}: offset of external data")
        given = _non_negative(where.get("length", str(length)), f"{name}: length of external data")
        if given != length:
            raise ValueError(f"{name} has {given} bytes of external data, but needs {length}")
        with open(path, "rb") as file:
            file.seek(offset)
            content = file.read(length)
        if len(content) < length:
            raise ValueError(f"{name}: {path.name} ends before byte {offset + length}")
        loaded = TensorProto(data_type=tensor.data_type, dims=tensor.dims, raw_data=content)
        return loaded


def inside(folder: Path, location: str, name: str) -> Path:
    """The regular file at a location relative to the folder, if it lies in the folder."""
    # A backslash or a drive separates on Windows, whatever it does here.
    parts = PureWindowsPath(location)
    if not location or parts.drive or parts.root or ".." in parts.parts or "\0" in location:
        raise ValueError(
            f"{name} has external data at {location!r}, but only a path inside the folder of the "
            "model's file is followed"
        )
    path = (folder / location).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(
            f"{name} has external data at {location!r}, a link that leads out of the folder of the "
            "model's file"
        )
    if not path.is_file():
        raise ValueError(f"{name} has external data at {location!r}, which is no file")
    return path


def _non_negative(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError(f"{name} is {text!r}, but needs a number that is not negative")
    return int(text)


def _without_external_data(model: onnx.ModelProto) -> onnx.ModelProto:
    """A model for the checker, which would look for the data's files in whatever folder it is."""
    if not any(_is_external(tensor) for tensor in _tensors(model)):
        return model
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for tensor in _tensors(copy):
        if _is_external(tensor):
            tensor.ClearField("data_location")
            tensor.ClearField("external_data")
            tensor.dims[:] = [0]
    return copy


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    yield from model.graph.initializer
    for node in model.graph.node:
        yield from (attribute.t for attribute in node.attribute if attribute.HasField("t"))


def _is_external(tensor: onnx.TensorProto) -> bool:
    return bool(tensor.data_location == TensorProto.EXTERNAL)
