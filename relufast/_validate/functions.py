"""Functions that users hand over, what they return, and their names in a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from relufast._validate.arrays import FloatArray
from relufast._validate.messages import type_of


def callable_or_none(value: object, name: str) -> Callable[..., object] | None:
    if value is not None and not callable(value):
        raise TypeError(f"{name} is {type_of(value)}, but needs a function or None")
    return value


def function(value: object, name: str) -> Callable[..., Any]:
    if not callable(value):
        raise TypeError(f"{name} is {type_of(value)}, but needs a callable")
    return value


def is_jitted(value: object) -> bool:
    """Whether Numba's njit has made it; does not import Numba."""
    return hasattr(value, "py_func") and hasattr(value, "signatures")


def jitted_function(value: object, name: str) -> Any:
    if not is_jitted(value):
        raise TypeError(f"{name} is {type_of(value)}, but needs a function made by njit")
    return value


def function_of_generator(value: object, name: str) -> Callable[..., Any]:
    """A Python function f(rng), in the place of a statistic."""
    if is_jitted(value):
        raise TypeError(
            f"{name} is a Numba function, whose shape is not known: give "
            "statistics.JittedFunction(f, shape)"
        )
    if not callable(value):
        raise TypeError(
            f"{name} is {type_of(value)}, but needs one of relufast.statistics or a callable f(rng)"
        )
    return value


def returned_array(
    value: object, function: str, shape: tuple[int, ...] | None = None
) -> FloatArray:
    """What a user's function returned, as float64: of this shape, or of any with an entry.

    NaN and infinity pass.
    """
    if np.ma.is_masked(value):
        raise TypeError(
            f"{function} returns an array with masked entries, but needs numbers in all of them"
        )
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{function} returns dtype {array.dtype}, but needs real numbers")
    if shape is None and array.size == 0:
        raise ValueError(f"{function} returns an array of shape {array.shape}, but needs a value")
    if shape is not None and array.shape != shape:
        raise ValueError(f"{function} returns shape {array.shape}, but needs shape {shape}")
    return array.astype(np.float64, copy=False)


def name_and_version(name: object, version: object) -> tuple[str, str] | None:
    """Both, or neither."""
    for value, label in ((name, "name"), (version, "version")):
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{label} is {type_of(value)}, but needs a str")
    if isinstance(name, str) and isinstance(version, str):
        return name, version
    if name is not None or version is not None:
        given, missing = ("version", "name") if name is None else ("name", "version")
        raise ValueError(f"{given} is given, but {missing} is missing: a store needs both")
    return None


def store_key(value: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The key of a statistic, if it has one."""
    if value is None:
        raise ValueError(
            "store is given, but the statistic has no name and version: a function's results "
            "can only be kept with statistics.Function(f, name=..., version=...)"
        )
    return value
