"""`monte_carlo` when things go wrong: processes that die, disks that are full, trials that fail.

Nothing is simulated that can be had: processes are killed, file systems mounted.
"""

from __future__ import annotations

import itertools
import json
import math
import multiprocessing
import os
import pickle
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
import pytest
from executors import bits, dask_client, executors, process_pool
from interrupting import seconds_until_stopped

import relufast
from relufast import _core
from relufast.monte_carlo import result_store
from relufast.monte_carlo import run as run_module
from relufast.monte_carlo.statistic import Rows, block_sequence
from relufast.statistics import BreakpointCounts, Function, JittedFunction, Statistic

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and mounts are POSIX's")

# The same in scripts as here.
SLOW = """
import os, signal, sys, time
from pathlib import Path
import numpy as np
import relufast
from executors import bits

def slow(rng):
    time.sleep(0.001)
    return rng.random(2)

def statistic():
    return relufast.statistics.Function(slow, name="slow", version="1", block_size=4)
"""
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}


def slow(rng: np.random.Generator) -> Any:
    time.sleep(0.001)
    return rng.random(2)


def fast(rng: np.random.Generator) -> Any:
    """What `slow` computes, by the same name, so that nobody has to wait for it twice."""
    return rng.random(2)


def slow_statistic() -> Function:
    return Function(slow, name="slow", version="1", block_size=4)


def fast_statistic(**options: Any) -> Function:
    return Function(fast, **{"name": "slow", "version": "1", "block_size": 4, **options})


def undisturbed(n_trials: int, seed: int = 1) -> tuple[Any, ...]:
    return bits(relufast.monte_carlo(fast_statistic(), n_trials=n_trials, seed=seed))


def stored_blocks(path: Path) -> list[int]:
    """Read by another connection; that the file is sound is checked, too."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [row[0] for row in database.execute("SELECT block FROM blocks ORDER BY block")]


def wait_for_blocks(path: Path, n: int) -> None:
    log = path.with_name(path.name + "-wal")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        # To open it before that would make a file, and stand in the way of who makes the store.
        if log.exists():
            try:
                if len(stored_blocks(path)) >= n:
                    return
            except sqlite3.OperationalError:  # there is no table yet
                pass
        time.sleep(0.005)
    raise AssertionError(f"{path} has not {n} blocks after 30 s")


@contextmanager
def kill_later(path: Path, n_blocks: int, pids: Callable[[], list[int]]) -> Iterator[list[int]]:
    """Kill the first of these processes as soon as the store has so many blocks."""
    killed: list[int] = []

    def work() -> None:
        wait_for_blocks(path, n_blocks)
        killed.append(pids()[0])
        os.kill(killed[0], signal.SIGKILL)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield killed
    finally:
        thread.join()
    assert len(killed) == 1


@pytest.fixture(scope="module", name="executor_of")
def _executor_of() -> Iterator[Callable[[str], Executor | None]]:
    with executors() as made:
        yield made


@pytest.fixture
def _short_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks come to the store soon."""
    monkeypatch.setattr(run_module, "_TASK_SECONDS", 0.02)


EXECUTORS = pytest.mark.parametrize("executor", ["none", "thread 2", "process 2", "dask 2"])


# ---- Processes that die ----


@pytest.mark.usefixtures("_short_tasks")
def test_a_pool_that_lost_a_worker(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    run = partial(relufast.monte_carlo, slow_statistic(), n_trials=1200, seed=1, store=store)
    message = "a worker process died .* the same call with a new executor goes on from them"
    with (
        process_pool(2) as pool,
        kill_later(store, 10, lambda: list(pool._processes)),
        pytest.raises(relufast.WorkerLostError, match=message),
    ):
        run(executor=pool)
    assert 10 <= len(stored_blocks(store)) < 300
    with process_pool(2) as pool:
        assert bits(run(executor=pool)) == undisturbed(1200)
    assert stored_blocks(store) == list(range(300))


@pytest.mark.usefixtures("_short_tasks")
def test_dask_replaces_a_worker_that_was_killed(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    with dask_client(2) as client:

        def pids() -> list[int]:
            return list(client.run(os.getpid).values())

        before = pids()
        with kill_later(store, 20, lambda: before) as killed:
            estimate = relufast.monte_carlo(
                slow_statistic(),
                n_trials=1600,
                seed=1,
                store=store,
                executor=client.get_executor(pure=False),
            )
        assert bits(estimate) == undisturbed(1600)
        assert stored_blocks(store) == list(range(400))
        assert killed[0] in before
        client.wait_for_workers(2, timeout=30)
        assert killed[0] not in pids()


def kills_its_worker(rng: np.random.Generator) -> float:
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return rng.random()


def test_a_trial_that_kills_every_worker() -> None:
    """Dask tries again and again, by default three times, before it gives up."""
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        dask_client(1) as client,
        pytest.raises(relufast.WorkerLostError, match="a worker process died"),
    ):
        relufast.monte_carlo(
            kills_its_worker, n_trials=100, seed=1, executor=client.get_executor(pure=False)
        )


def script(code: str, *arguments: object, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SLOW + code, *map(str, arguments)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.mark.parametrize("executor", ["None", "ThreadPoolExecutor(2)"])
def test_main_process_killed_again_and_again(executor: str, tmp_path: Path) -> None:
    """Ten times each, at any moment; the script forks to save the time of starting Python."""
    store = tmp_path / "store.db"
    code = f"""
import sqlite3
from concurrent.futures import ThreadPoolExecutor

n_trials, path = 1500, sys.argv[1]
rng = np.random.default_rng(2)
for _ in range(10):
    child = os.fork()
    if child == 0:
        relufast.monte_carlo(
            statistic(), n_trials=n_trials, seed=1, store=path, executor={executor}
        )
        os._exit(1)  # was not killed
    time.sleep(rng.uniform(0.0, 0.2))
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    # Opens, and is sound.
    relufast.monte_carlo(statistic(), n_trials=1, seed=2, store=path)
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    print(*database.execute("SELECT count(*) FROM blocks"))
    database.close()
"""
    done = script(code, store)
    assert (done.returncode, done.stderr) == (0, "")
    counts = [int(line.strip("(),")) for line in done.stdout.splitlines()]
    assert len(counts) == 10
    assert counts == sorted(counts)
    assert 1 < counts[-1] < 376  # 375 blocks, and one of the other seed
    again = relufast.monte_carlo(fast_statistic(), n_trials=1500, seed=1, store=store)
    assert bits(again) == undisturbed(1500)
    assert len(stored_blocks(store)) == 376


@pytest.mark.parametrize(
    "executor", ["nullcontext()", "ThreadPoolExecutor(2)", "ProcessPoolExecutor(2)"]
)
def test_interrupt_stops_within_two_seconds(executor: str, tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    code = f"""
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import nullcontext

with {executor} as executor:
    relufast.monte_carlo(
        statistic(), n_trials=40_000, seed=1, store=sys.argv[1], executor=executor
    )
"""
    waited = seconds_until_stopped(
        SLOW + code, store, wait_until_ready=lambda: wait_for_blocks(store, 30), env=ENVIRONMENT
    )
    assert waited < 2.0
    blocks = stored_blocks(store)
    assert 30 <= len(blocks) < 10_000
    n_trials = 4 * len(blocks) + 8
    again = relufast.monte_carlo(fast_statistic(), n_trials=n_trials, seed=1, store=store)
    assert bits(again) == undisturbed(n_trials)


# ---- Several at once ----


def test_two_processes_on_one_store(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    relufast.monte_carlo(fast_statistic(), n_trials=4, seed=1, store=store)
    code = """
run = relufast.monte_carlo(statistic(), n_trials=802, seed=1, store=sys.argv[1])
print(bits(run))
"""
    command = [sys.executable, "-c", SLOW + code, str(store)]
    both = [
        subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in both]
    assert outputs == [f"{undisturbed(802)}\n"] * 2
    # Block 0 was whole; the last is of two trials.
    assert stored_blocks(store) == list(range(201))


def test_many_processes_make_one_store(tmp_path: Path) -> None:
    """All start on a file that is not there yet."""
    code = """
function = relufast.statistics.Function(
    np.random.Generator.random, name="f", version="1", block_size=4
)
for attempt in range(25):
    path = f"{sys.argv[1]}/{attempt}.db"
    start = time.monotonic() + 0.02
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                while time.monotonic() < start:
                    pass
                relufast.monte_carlo(function, n_trials=40, seed=1, store=path)
                code = 0
            except BaseException as error:
                print(error, file=sys.stderr, flush=True)
            os._exit(code)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
"""
    done = script(code, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for attempt in range(25):
        assert stored_blocks(tmp_path / f"{attempt}.db") == list(range(10))


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_waits_while_another_process_writes(lock: str, mode: str, tmp_path: Path) -> None:
    """In mode DELETE it is one that is about to make the store."""
    store = tmp_path / "store.db"
    run = partial(relufast.monte_carlo, fast_statistic(), n_trials=40, seed=1)
    other = sqlite3.connect(store, isolation_level=None, check_same_thread=False)
    with closing(other):
        other.execute(f"PRAGMA journal_mode = {mode}")
        other.execute("CREATE TABLE other (x)")
        other.execute(f"BEGIN {lock}")
        timer = threading.Timer(0.2, other.execute, ["COMMIT"])
        timer.start()
        begin = time.monotonic()
        try:
            assert bits(run(store=store)) == bits(run())
            assert time.monotonic() - begin > 0.19
        finally:
            timer.join()


def test_threads_share_a_store(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    relufast.monte_carlo(fast_statistic(), n_trials=1, seed=99, store=store)

    def run(seed: int) -> str:
        return bits(relufast.monte_carlo(fast_statistic(), n_trials=100, seed=seed, store=store))

    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(run, [1, 2, 1, 3]))
    assert results == [undisturbed(100, seed) for seed in (1, 2, 1, 3)]
    assert stored_blocks(store) == sorted([0, *list(range(25)) * 3])


# ---- Disks ----


@contextmanager
def mounted(*options: str, at: Path) -> Iterator[None]:
    """A file system of its own, where the tests run as root on Linux."""
    if sys.platform != "linux" or shutil.which("mount") is None:
        pytest.skip("mounting is Linux's here")
    at.mkdir(exist_ok=True)
    if subprocess.run(["mount", *options, str(at)], capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed")
    try:
        yield
    finally:
        subprocess.run(["umount", str(at)], check=True)


def wide(rng: np.random.Generator) -> Any:
    return rng.random(40)


def wide_statistic() -> Function:
    return Function(wide, name="wide", version="1", block_size=4)


def test_a_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    run = partial(relufast.monte_carlo, wide_statistic(), seed=1, covariance=True)
    with mounted("-t", "tmpfs", "-o", "size=400k", "tmpfs", at=disk):
        store = disk / "store.db"
        with pytest.raises(relufast.StoreError, match=r"store\.db: .*full|disk I/O error"):
            run(n_trials=400, store=store)
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        blocks = stored_blocks(store)
        assert blocks == list(range(len(blocks)))
        assert 5 < len(blocks) < 100
        assert bits(run(n_trials=400, store=store)) == bits(run(n_trials=400))
        assert stored_blocks(store) == list(range(100))


def test_a_file_that_must_not_grow(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    code = """
import resource

resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
def wide(rng):
    return rng.random(40)
statistic = relufast.statistics.Function(wide, name="wide", version="1", block_size=4)
try:
    relufast.monte_carlo(statistic, n_trials=400, seed=1, covariance=True, store=sys.argv[1])
except relufast.StoreError as error:
    print("StoreError", error)
"""
    done = script(code, store)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"StoreError cannot use the store {store}: ")
    blocks = stored_blocks(store)
    assert blocks == list(range(len(blocks)))
    assert 5 < len(blocks) < 100
    run = partial(relufast.monte_carlo, wide_statistic(), n_trials=400, seed=1, covariance=True)
    assert bits(run(store=store)) == bits(run())


def test_a_full_disk_below_numbas_cache(tmp_path: Path) -> None:
    """Compiled code that cannot be kept is compiled again the next time."""
    disk = tmp_path / "disk"
    code = """
counts = relufast.statistics.BreakpointCounts((1, 5, 5, 1))
print(bits(relufast.monte_carlo(counts, n_trials=50, seed=1)))
"""
    counts = BreakpointCounts((1, 5, 5, 1))
    with mounted("-t", "tmpfs", "-o", "size=16k", "tmpfs", at=disk):
        done = subprocess.run(
            [sys.executable, "-c", SLOW + code],
            env={**ENVIRONMENT, "NUMBA_CACHE_DIR": str(disk / "cache")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{bits(relufast.monte_carlo(counts, n_trials=50, seed=1))}\n"


def without_log(path: Path, **options: Any) -> sqlite3.Connection:
    """As where there is neither shared memory nor POSIX locks: a file beside it is the lock."""
    return sqlite3.connect(f"{path.as_uri()}?vfs=unix-dotfile", uri=True, **options)


def test_a_file_system_without_a_write_ahead_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so, and is as good a store: killed processes' locks are another matter."""
    store = tmp_path / "store.db"
    connections = SimpleNamespace(**{**vars(sqlite3), "connect": without_log})
    monkeypatch.setattr(result_store, "sqlite3", connections)
    run = partial(relufast.monte_carlo, seed=1, store=store)
    message = r"store\.db lies where SQLite has no write-ahead log \(journal mode delete\): each"
    with pytest.warns(UserWarning, match=message) as caught:
        assert bits(run(fast_statistic(), n_trials=22)) == undisturbed(22)
    assert caught[0].filename == __file__
    assert stored_blocks(store) == list(range(6))
    calls = itertools.count()

    def counted(rng: np.random.Generator) -> Any:
        next(calls)
        return fast(rng)

    again = Function(counted, name="slow", version="1", block_size=4)
    with pytest.warns(UserWarning, match=message):
        assert bits(run(again, n_trials=40)) == undisturbed(40)
    # One call shows the shape; five blocks of four were there, the sixth was not whole.
    assert next(calls) == 1 + 40 - 20
    assert stored_blocks(store) == sorted([*range(10), 5])
    assert os.listdir(tmp_path) == ["store.db"]

    # Another process that is writing: waited for, and then named.
    monkeypatch.setattr(result_store, "_SECONDS_TO_WAIT", 0.1)
    with closing(without_log(store, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(relufast.StoreError, match=r"cannot use the store .*database is locked"):
            run(fast_statistic(), n_trials=80)
        other.execute("ROLLBACK")
    with pytest.warns(UserWarning, match=message):
        assert bits(run(fast_statistic(), n_trials=80)) == undisturbed(80)


def test_a_sweep_says_so_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connections = SimpleNamespace(**{**vars(sqlite3), "connect": without_log})
    monkeypatch.setattr(result_store, "sqlite3", connections)
    network = relufast.Network.random((1, 5, 1), seed=1)
    with pytest.warns(UserWarning, match="has no write-ahead log") as caught:
        found = relufast.sweep_breakpoints(network, store=tmp_path / "store.db")
    assert caught[0].filename == __file__
    assert found.count == relufast.breakpoints(network).count


def test_a_disk_that_cannot_be_written(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    store = disk / "store.db"
    expected = bits(relufast.monte_carlo(fast_statistic(), n_trials=40, seed=1, store=store))
    with mounted("--bind", str(disk), at=disk):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(disk)], check=True)
        for name in ("store.db", "new.db"):
            with pytest.raises(relufast.StoreError, match=f"cannot use the store {disk}/{name}: "):
                relufast.monte_carlo(fast_statistic(), n_trials=80, seed=1, store=disk / name)
    again = relufast.monte_carlo(fast_statistic(), n_trials=40, seed=1, store=store)
    assert bits(again) == expected


@pytest.mark.parametrize("path", ["", "missing/store.db"])
def test_a_path_where_no_file_can_be(path: str, tmp_path: Path) -> None:
    with pytest.raises(relufast.StoreError, match="unable to open database file"):
        relufast.monte_carlo(fast_statistic(), n_trials=4, seed=1, store=tmp_path / path)


@pytest.mark.parametrize(
    "content", [b"time,value\n0,1\n" * 100, np.random.default_rng(0).bytes(8192)]
)
def test_a_file_that_is_no_store_stays_as_it_is(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "precious.csv"
    path.write_bytes(content)
    with pytest.raises(relufast.StoreError, match=r"cannot use the store .*not a database"):
        relufast.monte_carlo(fast_statistic(), n_trials=4, seed=1, store=path)
    assert path.read_bytes() == content


def test_a_database_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE blocks (street TEXT)")
    with pytest.raises(relufast.StoreError, match=r"cannot use the store .*no such column"):
        relufast.monte_carlo(fast_statistic(), n_trials=4, seed=1, store=path)


def flipped(data: bytes, position: int, bit: int = 0) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 1 << bit
    return bytes(changed)


@pytest.mark.parametrize("position", [0, 8, 31, -1])
def test_a_flipped_bit_in_a_block(position: int, tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    run = partial(relufast.monte_carlo, fast_statistic(), n_trials=40, seed=1, store=store)
    expected = bits(run())
    with closing(sqlite3.connect(store, isolation_level=None)) as database:
        ((data,),) = database.execute("SELECT moments FROM blocks WHERE block = 3")
        update = "UPDATE blocks SET moments = ? WHERE block = 3"
        database.execute(update, (flipped(data, position),))
        with pytest.raises(relufast.StoreError, match=r"store\.db is damaged: block 3 is not what"):
            run()
        database.execute(update, (data[:-8],))
        with pytest.raises(relufast.StoreError, match=r"store\.db is damaged: block 3 is not what"):
            run()
        database.execute(update, (data,))
    assert bits(run()) == expected


@pytest.mark.parametrize("change", ["n_uncertified = 1", "n = 3", "block = 77"])
def test_a_changed_number_beside_a_block(change: str, tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    run = partial(relufast.monte_carlo, fast_statistic(), n_trials=40, seed=1, store=store)
    run()
    with closing(sqlite3.connect(store, isolation_level=None)) as database:
        database.execute(f"UPDATE blocks SET {change} WHERE block = 3")
    with pytest.raises(relufast.StoreError, match="is damaged"):
        run()


def test_bits_flipped_anywhere_in_the_file(tmp_path: Path) -> None:
    """The right result, or a StoreError: never a wrong one, nor another error."""
    store = tmp_path / "store.db"
    run = partial(relufast.monte_carlo, fast_statistic(), n_trials=40, seed=1)
    expected = bits(run(store=store))
    content = store.read_bytes()
    rng = np.random.default_rng(1)
    n_errors = 0
    for i in range(400):
        path = tmp_path / f"{i}.db"
        path.write_bytes(flipped(content, int(rng.integers(len(content))), int(rng.integers(8))))
        try:
            assert bits(run(store=path)) == expected
        except relufast.StoreError:
            n_errors += 1
    assert 20 < n_errors < 400


# ---- Keys ----


def test_runs_that_differ_are_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "store.db"
    counts = partial(BreakpointCounts, bias_variance=0.5)

    def blocks_of_eight(**options: Any) -> Statistic:
        statistic = counts((1, 5, 1), **options)
        statistic.block_size = 8
        return statistic

    calls: list[tuple[Callable[[], Statistic], dict[str, Any]]] = [
        (fast_statistic, {"seed": 1}),
        (fast_statistic, {"seed": 2}),
        (fast_statistic, {"seed": 1, "covariance": True}),
        (partial(fast_statistic, version="2"), {"seed": 1}),
        (partial(fast_statistic, name="other"), {"seed": 1}),
        (partial(fast_statistic, block_size=5), {"seed": 1}),
        (blocks_of_eight, {"seed": 1}),
        (partial(blocks_of_eight, interval=(-1, 1)), {"seed": 1}),
        (partial(blocks_of_eight, weight_init="orthogonal"), {"seed": 1}),
        (partial(blocks_of_eight, weight_variance=1.0), {"seed": 1}),
        (partial(blocks_of_eight, negative_slope=0.1), {"seed": 1}),
        (partial(counts, (1, 6, 1)), {"seed": 1}),
    ]
    for _ in range(2):
        for statistic, options in calls:
            run = partial(relufast.monte_carlo, statistic(), n_trials=20, **options)
            assert bits(run(store=store)) == bits(run())

    def n_runs() -> int:
        with closing(sqlite3.connect(store)) as database:
            ((n,),) = database.execute("SELECT count(*) FROM runs")
            return int(n)

    assert n_runs() == len(calls)
    n_blocks = len(stored_blocks(store))
    monkeypatch.setattr(_core, "version", lambda: "99.0")
    relufast.monte_carlo(fast_statistic(), n_trials=20, seed=1, store=store)
    assert n_runs() == len(calls) + 1
    assert len(stored_blocks(store)) == n_blocks + 5
    with closing(sqlite3.connect(store)) as database:
        descriptions = [
            json.loads(row[0]) for row in database.execute("SELECT description FROM runs")
        ]
    assert sum(description["relufast"] == "99.0" for description in descriptions) == 1


def test_classes_of_the_same_name_are_kept_apart(tmp_path: Path) -> None:
    """And relufast's own have the keys that they always had: stores go on from there."""
    store = tmp_path / "store.db"

    def made(value: float, module: str, qualname: str) -> Statistic:
        class Constant(OwnStatistic):
            def rows(self, sequence: np.random.SeedSequence, n_trials: int) -> Rows:
                return Rows(np.full((n_trials, 1), value))

        Constant.__module__, Constant.__qualname__ = module, qualname
        return Constant("constant", "1", 4)

    identities = [("one", "Constant"), ("two", "Constant"), ("two", "Outer.Constant")]
    identities.append(("relufast_addons.statistics", "Constant"))
    for _ in range(2):
        for value, identity in enumerate(identities):
            run = relufast.monte_carlo(made(value, *identity), n_trials=8, seed=1, store=store)
            assert run.mean == value
    relufast.monte_carlo(BreakpointCounts((1, 3, 1)), n_trials=1, seed=1, store=store)
    relufast.monte_carlo(fast_statistic(), n_trials=1, seed=1, store=store)
    with closing(sqlite3.connect(store)) as database:
        rows = database.execute("SELECT description FROM runs").fetchall()
    descriptions = [json.loads(row[0]) for row in rows]
    assert sorted(d["class"] for d in descriptions if "class" in d) == [
        "one.Constant",
        "relufast_addons.statistics.Constant",
        "two.Constant",
        "two.Outer.Constant",
    ]
    own = [d for d in descriptions if "class" not in d]
    assert sorted(d["parameters"]["statistic"] for d in own) == ["BreakpointCounts", "Function"]
    for d in own:
        assert set(d) == {"format", "relufast", "seed", "covariance", "parameters"}


@pytest.mark.parametrize("statistic", [fast, Function(fast), Function(fast, block_size=2)])
def test_a_store_needs_a_name_and_a_version(statistic: Any, tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    with pytest.raises(ValueError, match=r"store is given, but the statistic has no name and ver"):
        relufast.monte_carlo(statistic, n_trials=4, seed=1, store=store)
    assert not store.exists()


# ---- Trials that fail ----


def seldom_raises(rng: np.random.Generator) -> float:
    x = rng.random()
    if x > 0.99:
        raise ValueError(f"{x} is too large")
    return x


def seldom_nan(rng: np.random.Generator) -> float:
    x = rng.random()
    return math.nan if x > 0.99 else x


def seldom_infinite(rng: np.random.Generator) -> Any:
    x = rng.random()
    return [0.0, -math.inf if x > 0.99 else x]


@numba.njit
def jitted_raises(rng: Any, out: Any) -> None:
    x = rng.random()
    if x > 0.99:
        raise ValueError("too large")
    out[0] = x


@numba.njit
def jitted_nan(rng: Any, out: Any) -> None:
    out[0] = rng.random()
    if out[0] > 0.99:
        out[0] = np.nan


def first_above(threshold: float, seed: int, block_size: int) -> tuple[int, int]:
    """Block and trial."""
    block = 0
    while True:
        values = np.random.default_rng(block_sequence(seed, block)).random(block_size)
        if (values > threshold).any():
            return block, int(np.argmax(values > threshold))
        block += 1


def seldom_huge(rng: np.random.Generator) -> float:
    x = rng.random()
    return 1e300 if x > 0.99 else x


class OwnStatistic(Statistic):
    """A user's own, which says nothing about the trial that fails."""

    shape = ()

    def __init__(self, name: str, version: str, block_size: int) -> None:
        self.block_size = block_size

    def rows(self, sequence: np.random.SeedSequence, n_trials: int) -> Rows:
        x = np.random.default_rng(sequence).random((n_trials, 1))
        if (x > 0.99).any():
            raise LookupError("no such row")
        return Rows(x)

    def key(self) -> dict[str, Any]:
        return {"statistic": "OwnStatistic"}


FAILING: dict[str, tuple[Callable[..., Statistic], str]] = {
    "raises": (partial(Function, seldom_raises), r"ValueError: 0\.99\d* is too large"),
    "nan": (partial(Function, seldom_nan), "a value is nan"),
    "inf": (partial(Function, seldom_infinite), "a value is -inf"),
    "jitted raises": (partial(JittedFunction, jitted_raises, 1), "ValueError: too large"),
    "jitted nan": (partial(JittedFunction, jitted_nan, 1), "a value is nan"),
    "huge": (partial(Function, seldom_huge), r"1e\+300 is too large: squares and sums leave the"),
    "own statistic raises": (OwnStatistic, "LookupError: no such row"),
}


@EXECUTORS
@pytest.mark.parametrize("name", FAILING)
def test_a_trial_that_fails_is_named(
    name: str, executor: str, executor_of: Any, tmp_path: Path
) -> None:
    make, reason = FAILING[name]
    statistic = make(name=name, version="1", block_size=4)
    block, trial = first_above(0.99, seed=3, block_size=4)
    assert block > 3
    assert trial > 0
    store = tmp_path / "store.db"
    message = (
        rf"^{reason}.* in trial {trial} of block {block}; run it alone with "
        rf"replay\(statistic, seed=3, block={block}, trial={trial}\)$"
    )
    run = partial(
        relufast.monte_carlo, statistic, seed=3, store=store, executor=executor_of(executor)
    )
    for _ in range(2):  # the second time it is all that is left to do
        with pytest.raises(relufast.TrialError, match=message) as caught:
            run(n_trials=2000)
        error = caught.value
        assert (error.seed, error.block, error.trial) == (3, block, trial)
        assert stored_blocks(store)[:block] == list(range(block))
        assert block not in stored_blocks(store)

    if "raises" in name:
        kind, _, words = reason.partition(": ")
        with pytest.raises(Exception, match=words) as original:
            relufast.replay(statistic, error.seed, error.block, error.trial)
        assert type(original.value).__name__ == kind
    else:
        assert not (np.abs(relufast.replay(statistic, 3, block, trial)) < 1e300).all()
    assert np.isfinite(relufast.replay(statistic, 3, block, trial - 1)).all()

    # What was good before is still there, and good.
    before = partial(relufast.monte_carlo, statistic, n_trials=4 * block, seed=3)
    assert bits(before(store=store)) == bits(before())


def test_a_trial_that_fails_after_the_end_does_not_matter(executor_of: Any) -> None:
    statistic = Function(seldom_raises, block_size=4)
    block, _ = first_above(0.99, seed=3, block_size=4)
    run = partial(relufast.monte_carlo, statistic, seed=3, executor=executor_of("thread 2"))
    assert run(n_trials=4 * block).n_trials == 4 * block
    assert block < 25  # so that a precision of 100 trials meets it
    with pytest.raises(relufast.TrialError):
        run(until=relufast.Precision(absolute=100.0))


def test_trial_error_survives_its_way_between_processes() -> None:
    error = relufast.TrialError("ValueError: no", 1, 2, 3)
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error)
    assert (copy.reason, copy.seed, copy.block, copy.trial) == ("ValueError: no", 1, 2, 3)


def test_trial_error_has_its_cause_where_there_is_no_other_process() -> None:
    with pytest.raises(relufast.TrialError) as caught:
        relufast.monte_carlo(seldom_raises, n_trials=2000, seed=1)
    assert isinstance(caught.value.__cause__, ValueError)
    assert isinstance(caught.value, relufast.MonteCarloError)


def test_sums_that_leave_the_range_of_float64_in_the_end() -> None:
    """Each block's own sums are finite."""
    values = iter([0.0, 0.0, 3e153, 3e153, -3e153])
    with pytest.raises(relufast.MonteCarloError, match="values up to block 3 are too large"):
        relufast.monte_carlo(
            Function(lambda rng: 4.0 * next(values), block_size=1), n_trials=4, seed=1
        )


def test_masked_entries_are_refused() -> None:
    with pytest.raises(TypeError, match="f returns an array with masked entries"):
        relufast.monte_carlo(lambda rng: np.ma.masked_invalid([1.0, np.nan]), n_trials=4, seed=1)


def test_a_shape_that_changes() -> None:
    shapes = iter([2, 2, 2, 3, 2])
    message = r"f returns shape \(3,\), but needs shape \(2,\)"
    with pytest.raises(relufast.TrialError, match=message):
        relufast.monte_carlo(lambda rng: rng.random(next(shapes)), n_trials=4, seed=1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((4, 1)), r"ValueError: rows returns shape \(4, 1\), but needs shape \(4, 2\)"),
        (np.zeros((1, 2)), r"ValueError: rows returns shape \(1, 2\), but needs shape \(4, 2\)"),
        (np.zeros((4, 2), complex), "TypeError: rows returns dtype complex128, but needs real num"),
        (np.ma.masked_equal([[1, 0]] * 4, 0), "TypeError: rows returns an array with masked entr"),
    ],
)
def test_rows_of_a_wrong_shape_or_type(values: Any, message: str) -> None:
    class Wrong(OwnStatistic):
        shape = (2,)

        def rows(self, sequence: np.random.SeedSequence, n_trials: int) -> Rows:
            return Rows(values)

    with pytest.raises(relufast.TrialError, match=message):
        relufast.monte_carlo(Wrong("wrong", "1", 4), n_trials=4, seed=1)


@pytest.mark.parametrize(
    ("n_uncertified", "message"),
    [(-1, "ValueError: n_uncertified is -1"), (0.5, "TypeError: n_uncertified is of type float")],
)
def test_a_wrong_number_of_uncertified_trials(n_uncertified: Any, message: str) -> None:
    class Wrong(OwnStatistic):
        def rows(self, sequence: np.random.SeedSequence, n_trials: int) -> Rows:
            return Rows(np.zeros((n_trials, 1)), n_uncertified)

    with pytest.raises(relufast.TrialError, match=message):
        relufast.monte_carlo(Wrong("wrong", "1", 4), n_trials=4, seed=1)


def test_numbers_of_numpys_types_can_be_stored(tmp_path: Path) -> None:
    class Unsure(OwnStatistic):
        def rows(self, sequence: np.random.SeedSequence, n_trials: int) -> Rows:
            return Rows(np.arange(n_trials, dtype=np.float32)[:, np.newaxis], np.int64(1))

    run = partial(relufast.monte_carlo, Unsure("unsure", "1", 4), n_trials=8, seed=1)
    assert run(store=tmp_path / "store.db").n_uncertified == 2
    assert bits(run(store=tmp_path / "store.db")) == bits(run())


def test_a_lambda_and_a_pool_of_processes(executor_of: Any) -> None:
    statistic = Function(lambda rng: rng.random())
    with pytest.raises(TypeError, match=r"cannot be sent to worker processes .*lambda"):
        relufast.monte_carlo(statistic, n_trials=1000, seed=1, executor=executor_of("process 2"))
    # The pool is as good as before.
    run = partial(relufast.monte_carlo, fast, n_trials=1000, seed=1)
    assert bits(run(executor=executor_of("process 2"))) == bits(run())


def test_a_store_is_closed_after_an_error(tmp_path: Path) -> None:
    """So that the log beside it is gone."""
    store = tmp_path / "store.db"
    statistic = Function(seldom_raises, name="f", version="1", block_size=4)
    with pytest.raises(relufast.TrialError):
        relufast.monte_carlo(statistic, n_trials=2000, seed=3, store=store)
    assert os.listdir(tmp_path) == ["store.db"]


def test_progress_that_raises_loses_nothing(tmp_path: Path) -> None:
    store = tmp_path / "store.db"

    def stop(progress: relufast.Progress) -> None:
        raise LookupError(f"stop at {progress.n_done}")

    with pytest.raises(LookupError, match="stop at 40"):
        relufast.monte_carlo(fast_statistic(), n_trials=40, seed=1, store=store, progress=stop)
    assert stored_blocks(store) == list(range(10))
