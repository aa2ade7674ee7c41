"""The one way into Numba: a decorator, and the core's C functions as functions of both worlds.

A C function is called through its address in compiled code, by a name that the linker resolves in
every process, so that compiled code can be cached; and through ctypes in Python, so that every loop
also runs uncompiled.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

import llvmlite.binding
import numba
import numpy as np
from numba import types
from numba.extending import overload

from relufast._library import get_library

_F = TypeVar("_F", bound=Callable[..., Any])

_library = ctypes.CDLL(get_library())


def njit(*, cache: bool = True) -> Callable[[_F], _F]:
    """Compile without the GIL, and keep the result on disk where there is a place for it."""

    def decorate(function: _F) -> _F:
        try:
            compiled: Any = numba.njit(nogil=True, cache=cache and _has_home())(function)
        except RuntimeError:  # no folder that a cache could be written to
            compiled = numba.njit(nogil=True)(function)
        if cache and hasattr(compiled, "_cache"):
            save = compiled._cache.save_overload

            def save_if_there_is_room(*arguments: Any) -> None:
                with contextlib.suppress(OSError):
                    save(*arguments)

            compiled._cache.save_overload = save_if_there_is_room
        return cast(_F, compiled)

    return decorate


def _has_home() -> bool:
    """Whether Numba's cache has one, or needs none.

    Without, as for a user whom the system does not know, it would take "~" for a folder's name.
    """
    return "NUMBA_CACHE_DIR" in os.environ or os.path.isabs(os.path.expanduser("~"))


def _external(name: str, signature: Any) -> Any:
    """A C function for compiled code."""
    address = ctypes.cast(getattr(_library, name), ctypes.c_void_p).value
    llvmlite.binding.add_symbol(name, address)
    return types.ExternalFunction(name, signature)


_random_normals = _external(
    "relufast_random_normals", types.void(types.uintp, types.uintp, types.int64)
)
_counter_count = _external(
    "relufast_breakpoint_counter_count", types.int32(types.uintp, types.uintp, types.uintp)
)


def random_normals(random: int, out: Any) -> None:
    """Fill a contiguous float64 vector with the next standard normals of a relufast_random."""
    _library.relufast_random_normals(
        ctypes.c_void_p(random), ctypes.c_void_p(out.ctypes.data), ctypes.c_int64(out.size)
    )


@overload(random_normals)
def _(random: Any, out: Any) -> Any:
    def compiled(random: Any, out: Any) -> None:
        _random_normals(random, out.ctypes.data, out.size)

    return compiled


def breakpoint_counter_count(counter: int, parameters: Any, counts: Any) -> int:
    """Counts by layer of the network that has these parameters: what the C function returns."""
    outcome: int = _library.relufast_breakpoint_counter_count(
        ctypes.c_void_p(counter),
        ctypes.c_void_p(parameters.ctypes.data),
        ctypes.c_void_p(counts.ctypes.data),
    )
    return outcome


@overload(breakpoint_counter_count)
def _(counter: Any, parameters: Any, counts: Any) -> Any:
    def compiled(counter: Any, parameters: Any, counts: Any) -> Any:
        return _counter_count(counter, parameters.ctypes.data, counts.ctypes.data)

    return compiled


class Handle:
    """An object of the core, freed with this one."""

    def __init__(self, name: str, *arguments: Any) -> None:
        make = getattr(_library, f"{name}_new")
        make.restype = ctypes.c_void_p
        self._free = getattr(_library, f"{name}_free")
        self._free.argtypes = [ctypes.c_void_p]
        address = make(*arguments)
        if address is None:
            raise RuntimeError(last_error())
        self.address: int = address

    def __del__(self) -> None:
        if hasattr(self, "address"):
            self._free(self.address)


def last_error() -> str:
    """Why the last call of this thread failed."""
    _library.relufast_last_error.restype = ctypes.c_char_p
    return str(_library.relufast_last_error(), "utf-8")


def new_random(sequence: np.random.SeedSequence) -> Handle:
    words = sequence.generate_state(32, np.uint64)
    return Handle("relufast_random", ctypes.c_void_p(words.ctypes.data))


def new_breakpoint_counter(widths: Any, slope: float, interval: tuple[float, float]) -> Handle:
    sizes = np.array(widths, dtype=np.int64)
    return Handle(
        "relufast_breakpoint_counter",
        ctypes.c_void_p(sizes.ctypes.data),
        ctypes.c_int64(len(sizes)),
        ctypes.c_double(slope),
        *map(ctypes.c_double, interval),
    )
