"""The file that a network is saved in: an npz archive without pickled objects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from relufast import _archive
from relufast._archive import Arrays
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
    arrays = {
        **_archive.format_arrays(_FORMAT, _VERSION),
        "negative_slope": np.array(parameters.negative_slope),
        "rounded_line": np.array(parameters.rounded_line),
    }
    layers = zip(parameters.weights, parameters.biases, strict=True)
    for i, (weights, biases) in enumerate(layers):
        arrays[f"weights_{i}"] = weights
        arrays[f"biases_{i}"] = biases
    _archive.write(path, arrays)


def read(path: Path) -> Parameters:
    """The parameters in the file, with the right dtypes; shapes and values are not checked."""
    return _archive.read(path, "a saved network", _parameters)


def _parameters(arrays: Arrays) -> Parameters:
    _archive.require_format(arrays, _FORMAT, _VERSION)
    n_layers = sum(name.startswith("weights_") for name in arrays)
    parameters = Parameters(
        weights=[_float64(arrays, f"weights_{i}") for i in range(n_layers)],
        biases=[_float64(arrays, f"biases_{i}") for i in range(n_layers)],
        negative_slope=float(_archive.scalar(arrays, "negative_slope", "f")),
        rounded_line=bool(_archive.scalar(arrays, "rounded_line", "b")),
    )
    n_expected = 4 + 2 * n_layers
    if len(arrays) != n_expected:
        raise ValueError(f"it has {len(arrays)} arrays, but must have {n_expected}")
    return parameters


def _float64(arrays: Arrays, name: str) -> FloatArray:
    array = _archive.array_of(arrays, name)
    if array.dtype != np.float64:
        raise ValueError(f"its {name} has dtype {array.dtype}, but must have float64")
    return array
