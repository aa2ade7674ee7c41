from __future__ import annotations

import ctypes
import itertools
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scipy.linalg import cython_blas, cython_lapack
from scripts import output_of
from threadpoolctl import ThreadpoolController, threadpool_limits

from relufast import _blas, _core

D = "__pyx_t_5scipy_6linalg_11cython_blas_d *"
DGEMM = f"void (char *, char *, int *, int *, int *, {D}, {D}, int *, {D}, int *, {D}, {D}, int *)"


def load(**replaced: object) -> None:
    exported = {**cython_blas.__pyx_capi__, **cython_lapack.__pyx_capi__}
    _core.load_blas({**exported, **replaced}, None)


# A capsule keeps the pointer of its name only.
_names: list[bytes] = []


def capsule(signature: str) -> object:
    new = ctypes.pythonapi.PyCapsule_New
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    _names.append(signature.encode())
    return new(1, _names[-1], None)


def test_scipy_has_a_signature_that_is_known() -> None:
    _blas.ensure_loaded()
    assert _core.blas_ready()


@pytest.mark.parametrize(
    "signature",
    [
        DGEMM.replace("int *", "short *"),
        DGEMM.replace("int *", "int64_t *", 1),
        DGEMM.replace(D, "float *"),
        DGEMM.replace("char *, ", "", 1),
        DGEMM.replace(")", ", int)"),
        DGEMM.replace("void", "int"),
        "",
    ],
)
def test_another_signature_is_refused(signature: str) -> None:
    with pytest.raises(ImportError, match="SciPy's dgemm has an unknown signature: "):
        load(dgemm=capsule(signature))


def test_integers_of_two_widths_are_refused() -> None:
    ilp64 = capsule(DGEMM.replace("int *", "int64_t *"))
    with pytest.raises(ImportError, match="mix integers of 32 and 64 bits"):
        load(dgemm=ilp64)


def test_what_is_no_capsule_is_refused() -> None:
    with pytest.raises(TypeError, match="SciPy's sgemm is not a capsule"):
        load(sgemm=None)
    with pytest.raises(ImportError, match="SciPy does not export dgemm"):
        _core.load_blas({}, None)


def number_of_threads() -> dict[str, int]:
    blas = ThreadpoolController().select(user_api="blas").info()
    return {library["filepath"]: library["num_threads"] for library in blas}


@pytest.fixture
def _two_threads() -> Any:
    with threadpool_limits(2, user_api="blas"):
        if max(number_of_threads().values(), default=1) < 2:
            pytest.skip("this BLAS has one thread only")
        yield


@pytest.mark.usefixtures("_two_threads")
class TestSingleThreaded:
    def test_limits_scipy_s_library_and_restores_it(self) -> None:
        library = _blas._scipy_library()
        assert library is not None
        before = number_of_threads()
        with _blas.single_threaded():
            assert number_of_threads() == {**before, library.filepath: 1}
        assert number_of_threads() == before

    def test_restores_after_an_error(self) -> None:
        before = number_of_threads()
        with pytest.raises(ZeroDivisionError), _blas.single_threaded():
            _ = 1 / 0
        assert number_of_threads() == before

    def test_nests(self) -> None:
        before = number_of_threads()
        with _blas.single_threaded():
            inside = number_of_threads()
            with _blas.single_threaded():
                assert number_of_threads() == inside
            assert number_of_threads() == inside
        assert number_of_threads() == before

    def test_lasts_until_the_last_thread_leaves(self) -> None:
        before = number_of_threads()
        first_may_leave = threading.Event()
        second_is_in = threading.Event()
        seen: list[dict[str, int]] = []

        def first() -> None:
            with _blas.single_threaded():
                started.set()
                first_may_leave.wait()

        def second() -> None:
            started.wait()
            with _blas.single_threaded():
                second_is_in.set()
                one.join()
                seen.append(number_of_threads())

        started = threading.Event()
        one, two = threading.Thread(target=first), threading.Thread(target=second)
        one.start()
        two.start()
        second_is_in.wait()
        first_may_leave.set()
        two.join()
        library = _blas._scipy_library()
        assert library is not None
        assert seen == [{**before, library.filepath: 1}]
        assert number_of_threads() == before

    def test_many_threads_at_once(self) -> None:
        before = number_of_threads()
        in_threads(8, enter_and_leave)
        assert number_of_threads() == before


def enter_and_leave() -> None:
    for _ in range(200):
        with _blas.single_threaded():
            pass


def in_threads(number: int, work: Callable[[], None]) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(number)]
        for step, thread in itertools.product(("start", "join"), threads):
            getattr(thread, step)()
    finally:
        sys.setswitchinterval(interval)


def test_a_blas_that_threadpoolctl_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_blas, "_scipy_library", lambda: None)
    before = number_of_threads()
    with _blas.single_threaded():
        assert number_of_threads() == before


class FakeLibrary:
    """A BLAS that has one number of threads for each calling thread."""

    internal_api = "openblas"
    threading_layer = "openmp"

    def __init__(self) -> None:
        self.set: list[int] = []
        self.num_threads = 4
        self.dynlib = SimpleNamespace()

    def set_num_threads(self, number: int) -> None:
        self.set.append(number)
        self.num_threads = number


def test_a_blas_that_counts_per_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakeLibrary()
    monkeypatch.setattr(_blas, "_scipy_library", lambda: library)
    with _blas.single_threaded(), _blas.single_threaded():
        assert library.num_threads == 1
    assert library.set == [1, 1, 1, 4]


def test_the_core_s_threads_are_limited_where_a_blas_counts_per_thread() -> None:
    library = FakeLibrary()
    assert _blas._thread_limiter(library) is None
    setter = ctypes.PYFUNCTYPE(None, ctypes.c_int)(library.set_num_threads)
    library.dynlib.omp_set_num_threads = setter
    address = _blas._thread_limiter(library)
    assert address == ctypes.cast(setter, ctypes.c_void_p).value


INTERRUPTED_IMPORT = """
import contextlib, signal, sys
import relufast

class Loses:
    def find_spec(self, name, path, target=None):
        if name == "scipy.linalg":
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Loses())
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    relufast.load_blas()
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_ctrl_c_is_not_lost_while_scipy_is_imported(tmp_path: Path) -> None:
    assert output_of(sys.executable, "-c", INTERRUPTED_IMPORT, cwd=tmp_path) == "interrupted\n"
