"""Bad input to `sweep_breakpoints` and to lazy networks: what is refused, and in what words."""

from __future__ import annotations

import re
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from executors import process_pool
from interrupting import seconds_until_stopped

import relufast

NETWORK = relufast.Network.lazy((1, 5, 5, 1), seed=1)
THREE_INPUTS = relufast.Network.lazy((3, 5, 2), seed=1)


@pytest.mark.parametrize(
    ("network", "arguments", "error", "message"),
    [
        ("net", {}, TypeError, "network is of type str, but needs a relufast.Network or relufast"),
        (NETWORK, {"interval": (1.0, 0.0)}, ValueError, r"interval is \(1.0, 0.0\)"),
        (NETWORK, {"certify": "yes"}, TypeError, "certify is of type str"),
        (NETWORK, {"n_threads": 0}, ValueError, "n_threads is 0, but must be at least 1"),
        (NETWORK, {"n_windows": 0}, ValueError, "n_windows is 0, but must be at least 1"),
        (NETWORK, {"n_windows": 1.5}, TypeError, "n_windows is of type float"),
        (NETWORK, {"memory": 0.0}, ValueError, "memory is 0"),
        (NETWORK, {"memory": "4 GB"}, TypeError, "memory is of type str"),
        (NETWORK, {"memory": np.nan}, ValueError, "memory is nan"),
        (NETWORK, {"to": 3}, TypeError, "to is of type int, but needs a path or a callable"),
        (NETWORK, {"to": "no/such/folder/b.npy"}, FileNotFoundError, "No such directory"),
        (NETWORK, {"store": 3}, TypeError, "store is of type int"),
        (NETWORK, {"executor": "dask"}, TypeError, "executor is of type str"),
        (NETWORK, {"progress": 3}, TypeError, "progress is of type int"),
        (THREE_INPUTS, {}, ValueError, "network has 3 inputs"),
        (THREE_INPUTS, {"start": [0, 0, 0]}, ValueError, "stop is missing"),
        (THREE_INPUTS, {"start": [1, 2, 3], "stop": [1, 2, 3]}, ValueError, "are equal"),
    ],
)
def test_bad_argument(
    network: Any, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        relufast.sweep_breakpoints(network, **arguments)


def test_breakpoints_need_a_stored_network() -> None:
    with pytest.raises(TypeError, match=r"is of type LazyNetwork, but needs a relufast\.Network"):
        relufast.breakpoints(NETWORK)  # type: ignore[arg-type]


def test_a_store_that_is_none(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    store.write_text("hello " * 1000)
    with pytest.raises(relufast.StoreError, match=r"cannot use the store .*store\.db: file is not"):
        relufast.sweep_breakpoints(NETWORK, store=store)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"widths": (1, 5)}, ValueError, "widths"),
        ({"weight_init": "orthogonal"}, ValueError, "weight_init is 'orthogonal', which no row"),
        ({"weight_init": "xavier"}, ValueError, "weight_init is 'xavier'"),
        ({"weight_variance": 0.0}, ValueError, "weight_variance is 0"),
        ({"bias_variance": -1.0}, ValueError, "bias_variance is -1"),
        ({"negative_slope": np.inf}, ValueError, "negative_slope is inf"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"seed": 1.0}, TypeError, "seed is of type float"),
    ],
)
def test_bad_law(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        relufast.Network.lazy(**{"widths": (1, 5, 1), "seed": 1, **arguments})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0, 0, 1), ValueError, "layer is 0, but must be at least 1"),
        ((4, 0, 1), ValueError, "layer is 4, but there are only 3 layers"),
        ((1, -1, 1), ValueError, "begin is -1"),
        ((1, 3, 2), ValueError, "begin is 3 and end 2, but rows of layer 1"),
        ((1, 0, 6), ValueError, "begin is 0 and end 6"),
        ((1, 0.0, 1), TypeError, "begin is of type float"),
    ],
)
def test_rows_that_there_are_not(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        NETWORK.weight_rows(*arguments)


def test_not_made_by_hand() -> None:
    with pytest.raises(TypeError, match=re.escape("made by relufast.Network.lazy")):
        relufast.LazyNetwork()


def saved(folder: Path, name: str, array: np.ndarray[Any, Any]) -> Path:
    path = folder / name
    np.save(path, array)
    return path


def test_bad_files(tmp_path: Path) -> None:
    first = saved(tmp_path, "first.npy", np.ones((4, 1)))
    last = saved(tmp_path, "last.npy", np.ones((1, 4)))
    of = relufast.Network.from_npy
    with pytest.raises(TypeError, match=r"weights is of type (Posix|Windows)Path"):
        of(first)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="weights has 1 entries, but needs at least 2"):
        of([first])
    with pytest.raises(TypeError, match=r"weights\[1\] is of type int"):
        of([first, 3])  # type: ignore[list-item]
    with pytest.raises(FileNotFoundError):
        of([first, tmp_path / "none.npy"])
    with pytest.raises(ValueError, match=r"weights\[1\] has shape \(4, 1\), but needs 4 columns"):
        of([first, first])
    for name, array, error, message in [
        ("f32.npy", np.ones((1, 4), dtype=np.float32), TypeError, "holds float32, but needs"),
        ("big.npy", np.ones((1, 4), dtype=">f8"), TypeError, "holds >f8, but needs float64"),
        ("vector.npy", np.ones(4), ValueError, r"has shape \(4,\)"),
        ("empty.npy", np.ones((0, 4)), ValueError, r"has shape \(0, 4\)"),
        ("fortran.npy", np.asfortranarray(np.ones((2, 4))), ValueError, "is in Fortran order"),
        ("nan.npy", np.array([[1.0, 2.0, np.nan, 0.0]]), ValueError, "has NaN or infinity"),
        ("inf.npy", np.array([[1.0, 2.0, np.inf, 0.0]]), ValueError, "has NaN or infinity"),
        ("object.npy", np.array([["a", None, 1, 2]], dtype=object), ValueError, "no npy file of"),
    ]:
        with pytest.raises(error, match=rf"weights\[1\] .*{message}"):
            of([first, saved(tmp_path, name, array)])
    text = tmp_path / "text.npy"
    text.write_text("no numbers")
    with pytest.raises(ValueError, match=r"weights\[1\] is .*text.npy, which is no npy file"):
        of([first, text])
    short = tmp_path / "short.npy"
    short.write_bytes(last.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"weights\[1\] is .*short.npy, which is no npy file"):
        of([first, short])
    np.savez(tmp_path / "archive.npz", last=np.ones((1, 4)))
    with pytest.raises(ValueError, match="is an archive, but needs an npy file"):
        of([first, tmp_path / "archive.npz"])
    with pytest.raises(TypeError, match="biases is of type int"):
        of([first, last], 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="biases has 1 entries, but needs 2, one for each"):
        of([first, last], [[1.0] * 4])
    with pytest.raises(ValueError, match=r"biases\[1\] has shape \(2,\)"):
        of([first, last], [[1.0] * 4, [1.0, 2.0]])
    assert of([first, last]).widths == (1, 4, 1)


def test_files_that_are_gone(tmp_path: Path) -> None:
    first = saved(tmp_path, "first.npy", np.ones((4, 1)))
    last = saved(tmp_path, "last.npy", np.ones((1, 4)))
    network = relufast.Network.from_npy([first, last])
    last.unlink()
    with pytest.raises(RuntimeError, match=r"cannot read rows 0 to 1 of the weights in .*last"):
        relufast.sweep_breakpoints(network)


class _Deadly(relufast.Network):
    """Ends the process that unpickles it."""

    def __reduce__(self) -> Any:
        import os

        return os._exit, (1,)


def test_a_lost_worker_is_reported() -> None:
    network = _Deadly([[[1.0], [2.0]], [[1.0, 1.0]]])
    pool: ProcessPoolExecutor
    with process_pool(1) as pool, pytest.raises(relufast.WorkerLostError, match="worker process"):
        relufast.sweep_breakpoints(network, executor=pool)


def test_ctrl_c_ends_a_sweep_soon() -> None:
    script = """
import relufast

relufast.load_blas()
network = relufast.Network.lazy((1, 2500, 2500, 2500, 2500, 1), seed=1)
print("ready", flush=True)
while True:
    relufast.sweep_breakpoints(network, n_windows=2)
"""
    assert seconds_until_stopped(script) < 5.0


def header(text: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(24)


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 and no archive",
        header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,3"),
        header(b"(" * 9000),
        header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000000000000, 3)}"),
        header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4)}"),
        header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 3)}"),
    ],
    ids=["zip", "cut", "deep", "beyond 64 bits", "beyond memory", "negative"],
)
def test_damaged_files(tmp_path: Path, content: bytes) -> None:
    first, last = tmp_path / "first.npy", tmp_path / "last.npy"
    np.save(first, np.ones((3, 1)))
    last.write_bytes(content)
    with pytest.raises(
        ValueError, match=r"weights\[1\] is .*last.npy, which is (no npy file|an archive)"
    ):
        relufast.Network.from_npy([first, last])


def test_a_folder_in_the_way_is_told_before_the_work(tmp_path: Path) -> None:
    progress: list[relufast.WorkProgress] = []
    with pytest.raises(IsADirectoryError, match=r"Is a directory: .*"):
        relufast.sweep_breakpoints(NETWORK, to=tmp_path, progress=progress.append)
    assert progress == []
    with pytest.raises(IsADirectoryError, match=f"Is a directory: '{tmp_path}'$"):
        relufast.Network.random((1, 3, 1), seed=1).save(tmp_path)
    assert list(tmp_path.iterdir()) == []


class OneAfterTheOther(Executor):
    """Does the first task at once, and no other one."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if not self.futures:
            future.set_result(function(*args, **kwargs))
        self.futures.append(future)
        return future


def test_what_nobody_waits_for_is_cancelled() -> None:
    """While the caller still holds the exception, and with it the frames that it came through."""
    executor = OneAfterTheOther()
    wide = relufast.Network.random((1, 200, 200, 1), seed=1)

    def full(_: relufast.BreakpointWindow) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full") as held:
        relufast.sweep_breakpoints(wide, n_windows=4, certify=False, executor=executor, to=full)
    assert held.value is not None
    assert len(executor.futures) > 1
    assert all(future.cancelled() for future in executor.futures[1:])
