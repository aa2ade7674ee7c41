"""How many floating-point operations the matrix products of a call take."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from scipy.linalg import cython_blas, cython_lapack

from relufast import _blas, _core

_Function = Callable[..., None]

_capsule_name = ctypes.pythonapi.PyCapsule_GetName
_capsule_name.restype, _capsule_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


@dataclass
class Flops:
    """Additions and multiplications count one each."""

    # By routine of BLAS, and of the core's own products of gathered weights.
    of: dict[str, float] = field(default_factory=dict)

    @property
    def double(self) -> float:
        return sum(n for name, n in self.of.items() if name.startswith("d"))

    @property
    def single(self) -> float:
        return sum(n for name, n in self.of.items() if name.startswith("s"))


def _gemm(_ta: Any, _tb: Any, m: Any, n: Any, k: Any, *_: Any) -> float:
    return 2.0 * m[0] * n[0] * k[0]


def _syrk(_uplo: Any, _trans: Any, n: Any, k: Any, *_: Any) -> float:
    return 1.0 * n[0] * n[0] * k[0]


def _potrf(_uplo: Any, n: Any, *_: Any) -> float:
    return n[0] ** 3 / 3.0


_ROUTINES = {"gemm": (_gemm, 13), "syrk": (_syrk, 10), "potrf": (_potrf, 5)}


@contextmanager
def counted_flops() -> Iterator[Flops]:
    """Counts what the core computes meanwhile; not for timing, as BLAS is called through Python."""
    _blas.ensure_loaded()
    capsules = {**cython_blas.__pyx_capi__, **cython_lapack.__pyx_capi__}
    flops = Flops()
    lock = threading.Lock()  # several threads of the core call
    kept = []
    counting = dict(capsules)
    for routine, (cost, n_arguments) in _ROUTINES.items():
        for name in (f"d{routine}", f"s{routine}"):
            signature = _capsule_name(capsules[name])
            integer = ctypes.c_int if b"int *" in signature else ctypes.c_longlong
            kind = ctypes.CFUNCTYPE(None, *[ctypes.POINTER(integer)] * n_arguments)
            original = kind(_capsule_pointer(capsules[name], signature))

            def count(
                *arguments: Any,
                name: str = name,
                cost: Callable[..., float] = cost,
                original: _Function = original,
            ) -> None:
                with lock:
                    flops.of[name] = flops.of.get(name, 0.0) + cost(*arguments)
                original(*arguments)

            callback = kind(count)
            address = ctypes.cast(callback, ctypes.c_void_p)
            # A capsule keeps a pointer to its name.
            kept += [callback, signature]
            counting[name] = _new_capsule(address, signature, None)
    library = _blas._scipy_library()
    limiter = None if library is None else _blas._thread_limiter(library)
    _core.load_blas(counting, limiter)
    before = _core.gathered_multiplications()
    try:
        yield flops
    finally:
        after = _core.gathered_multiplications()
        for name, n_before, n_after in zip(("dgathered", "sgathered"), before, after, strict=True):
            flops.of[name] = 2.0 * (n_after - n_before)
        _core.load_blas(capsules, limiter)
        del kept
