"""Arrays of results, which must not change."""

from __future__ import annotations

from typing import Any, TypeVar

from numpy.typing import NDArray

_Array = TypeVar("_Array", bound=NDArray[Any])


def read_only(array: _Array) -> _Array:
    """The array itself, which nobody else may hold."""
    array.setflags(write=False)
    return array
