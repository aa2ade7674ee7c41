"""SciPy's BLAS for the core: its functions, and its number of threads."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from types import ModuleType

from threadpoolctl import LibController, ThreadpoolController

from relufast import _core
from relufast._held_interrupt import held_interrupt

_loading = Lock()


def ensure_loaded() -> None:
    """Give the core the BLAS and LAPACK of SciPy; from the second call on do nothing.

    Raises
    ------
    ImportError
        If SciPy exports a function with a signature that is not known here.
    """
    with _loading:
        if _core.blas_ready():
            return
        cython_blas, cython_lapack = _cython_interfaces()
        library = _scipy_library()
        _core.load_blas(
            {**cython_blas.__pyx_capi__, **cython_lapack.__pyx_capi__},
            None if library is None else _thread_limiter(library),
        )


def describe() -> str | None:
    """The BLAS that the core is given: name, version, kernels."""
    library = _scipy_library()
    if library is None:
        return None
    known = library.info()
    parts = [known["internal_api"], known["version"] or "of unknown version"]
    kernels = known.get("architecture")
    return " ".join(parts) + (f", {kernels} kernels" if kernels else "")


@contextmanager
def single_threaded() -> Iterator[None]:
    """Keep SciPy's BLAS, and no other library, at one thread.

    Bits of a product depend on the number of threads, so every kernel that promises equal bits
    runs inside this. Threads may enter at once and a thread again and again: the last to leave
    restores the number that the first one found. About 10 microseconds.
    """
    ensure_loaded()
    library = _scipy_library()
    if library is None:
        yield
    elif _limit_of_thread(library) is not None:
        before = library.num_threads
        library.set_num_threads(1)
        try:
            yield
        finally:
            library.set_num_threads(before)
    else:
        _process_limit.enter(library)
        try:
            yield
        finally:
            _process_limit.leave(library)


class _ProcessLimit:
    """The limit of a library that has one number of threads for the whole process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._before = 1

    def enter(self, library: LibController) -> None:
        with self._lock:
            if self._inside == 0:
                self._before = library.num_threads
                _free_control(library)
                library.set_num_threads(1)
            self._inside += 1

    def leave(self, library: LibController) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                _free_control(library)
                library.set_num_threads(self._before)
                _free_control(library)


_process_limit = _ProcessLimit()


def _free_control(library: LibController) -> None:
    # threadpoolctl lets one Python thread at a time change OpenBLAS and ignores the others, but
    # the first to enter need not be the last to leave.
    if hasattr(library, "clear_controlling_thread"):
        library.clear_controlling_thread(force=True)


def _cython_interfaces() -> tuple[ModuleType, ModuleType]:
    """Of SciPy's BLAS and LAPACK; to import them loads the library."""
    # Here because it takes 0.3 s, which `import relufast` need not. Exceptions that signals raise
    # while compiled modules of NumPy and SciPy are loaded may get lost.
    with held_interrupt():
        from scipy.linalg import cython_blas, cython_lapack
    return cython_blas, cython_lapack


@cache
def _scipy_library() -> LibController | None:
    """The BLAS that SciPy calls, if threadpoolctl knows it."""
    _cython_interfaces()
    import numpy as np
    import scipy

    found = ThreadpoolController().select(user_api="blas").lib_controllers
    # Wheels bring their own library, in scipy.libs or scipy/.dylibs; elsewhere NumPy and SciPy
    # share one.
    own = [library for library in found if _is_bundled(library, scipy.__file__)]
    shared = [library for library in found if not _is_bundled(library, np.__file__)]
    return next(iter(own + shared), None)


def _is_bundled(library: LibController, package_file: str) -> bool:
    folder = os.path.dirname(os.path.realpath(package_file))
    return os.path.realpath(str(library.filepath)).startswith(folder)


def _limit_of_thread(library: LibController) -> str | None:
    """The function that sets the number for the calling thread only, if the library has it so."""
    if library.internal_api == "mkl":
        return "MKL_Set_Num_Threads_Local"
    if getattr(library, "threading_layer", None) == "openmp":
        return "omp_set_num_threads"
    return None


def _thread_limiter(library: LibController) -> int | None:
    """The address of that function: the core calls it in each thread that it starts."""
    name = _limit_of_thread(library)
    limiter = None if name is None else getattr(library.dynlib, name, None)
    return None if limiter is None else ctypes.cast(limiter, ctypes.c_void_p).value
