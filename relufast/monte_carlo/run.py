"""The coordinating loop: hands out blocks, merges them in order, stops when it is enough."""

from __future__ import annotations

import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

from relufast import _core, _validate
from relufast._pending_tasks import PendingTasks
from relufast._validate import FloatArray
from relufast.monte_carlo.errors import MonteCarloError, TrialError
from relufast.monte_carlo.estimate import Estimate, Precision
from relufast.monte_carlo.functions import Function, TrialFailedError
from relufast.monte_carlo.moments import Moments
from relufast.monte_carlo.progress import Progress, ProgressReport, progress_bar
from relufast.monte_carlo.statistic import (
    Statistic,
    checked_rows,
    class_of_user,
    stream_of_trial,
)
from relufast.monte_carlo.task import Finished, Task, run_task
from relufast.monte_carlo.workers import named_loss, worker_count

if TYPE_CHECKING:
    from relufast.monte_carlo.store import BlockStore

# A task should be worth its way to a worker and back, and not hold up the end of a run.
_TASK_SECONDS = 0.5
_LARGEST_TASK = 4096  # blocks
_LARGEST_GROWTH = 8  # of a task over one that was timed: short times tell little
_LARGEST_LEAD = 100_000  # blocks that are done before their turn


def monte_carlo(
    statistic: Statistic | Callable[..., Any],
    *,
    n_trials: SupportsIndex | None = None,
    until: Precision | None = None,
    seed: SupportsIndex,
    executor: Executor | None = None,
    store: str | os.PathLike[str] | None = None,
    covariance: bool = False,
    progress: bool | Callable[[Progress], object] | None = None,
) -> Estimate:
    """Average a random array over many trials: reproducible to the bit, resumable, in parallel.

    Parameters
    ----------
    statistic : Statistic or callable
        One of `relufast.statistics`, or a Python function ``f(rng) -> array``. A function compiled
        by Numba goes into `statistics.JittedFunction` first.
    n_trials : int, optional
        So many trials; with `until` at the most so many.
    until : Precision, optional
        Stop at the first block, in order, at which the estimate has this precision.
    seed : int
        At least 0 and below 2**64.
    executor : concurrent.futures.Executor, optional
        Where to work: a ThreadPoolExecutor (for compiled statistics, which run without the GIL), a
        ProcessPoolExecutor, ``dask.distributed.Client(...).get_executor(pure=False)`` or
        ``mpi4py.futures.MPIPoolExecutor()``. In this thread if not given. Not shut down.
    store : path, optional
        An SQLite file, made if need be. Finished blocks are kept there, and the same call goes on
        from them, or returns at once. Calls that differ in anything that decides the result, the
        version of relufast included, are kept apart.
    covariance : bool
        Estimate covariances of all components, too.
    progress : bool or callable, optional
        True for a bar on stderr, or what to call with a `Progress` now and then.

    Returns
    -------
    Estimate
        The same to the bit, on one type of CPU, for every executor and number of workers, with a
        store and without.

    Raises
    ------
    TypeError, ValueError
        For a wrong argument; for a store without a statistic's name and version; for neither
        `n_trials` nor `until`.
    TrialError
        If a trial raises, or gives NaN or infinity. It says which, and `replay` runs it again.
    WorkerLostError
        If a worker process dies and its executor gives up. Dask starts another one instead.
    StoreError
        If the store cannot be read or written; what it held is still there.
    KeyboardInterrupt
        Within half a second of Ctrl-C, or when the tasks that are running end.

    Notes
    -----
    The stream of a block comes from ``SeedSequence(seed, spawn_key=(block,))``; sums are merged in
    the order of blocks by the formula of Chan, Golub and LeVeque. At most a few tasks of half a
    second wait at a time. Less than a microsecond a trial goes into all this for a statistic with
    blocks of 1000 trials.

    Examples
    --------
    >>> import relufast
    >>> relufast.monte_carlo(lambda rng: rng.random(2) ** 2, n_trials=2000, seed=1)
    Estimate(0.3438 ± 0.0068, 0.3396 ± 0.0067, 2,000 trials)
    """
    checked = _as_statistic(statistic)
    number = None if n_trials is None else _validate.positive_int(n_trials, "n_trials")
    _validate.at_least_one("a run needs one of them to end", n_trials=n_trials, until=until)
    if until is not None:
        _validate.instance(until, "until", Precision, "a relufast.Precision")
    if executor is not None:
        _validate.instance(executor, "executor", Executor, "an Executor")
    run = _Run(
        checked,
        number,
        until,
        _validate.seed(seed),
        _validate.flag(covariance, "covariance"),
    )
    blocks = None if store is None else run.open_store(_validate.file_path(store, "store"))
    try:
        with _report(progress, number) as report:
            run.report = report
            if blocks is not None:
                run.take_stored(blocks)
            if executor is None:
                _work_here(run)
            else:
                with named_loss("blocks"):
                    _work_in(run, executor)
    finally:
        if blocks is not None:
            blocks.close()
    return run.estimate()


def replay(
    statistic: Statistic | Callable[..., Any],
    seed: SupportsIndex,
    block: SupportsIndex,
    trial: SupportsIndex,
) -> FloatArray:
    """Run one trial of a run again, with the same random numbers.

    Parameters
    ----------
    statistic, seed
        As for `monte_carlo`.
    block, trial : int
        As a `TrialError` tells them; trials count from 0 in each block.

    Returns
    -------
    ndarray of float64
        The trial's value, NaN and infinity included.

    Raises
    ------
    Exception
        What the trial raises.

    Notes
    -----
    The trials of the block before it are run as well: they share its stream.
    """
    checked = _as_statistic(statistic)
    sequence, number = stream_of_trial(checked, seed, block, trial)
    try:
        rows = checked_rows(checked, sequence, number + 1)
    except TrialFailedError as failure:
        raise (failure.__cause__ or failure) from None
    value: FloatArray = rows.values[number].reshape(checked.shape)
    return value


class _Run:
    """What is done and what is next."""

    def __init__(
        self,
        statistic: Statistic,
        n_trials: int | None,
        until: Precision | None,
        seed: int,
        covariance: bool,
    ) -> None:
        self.statistic = statistic
        self.seed = seed
        self.covariance = covariance
        self.report: ProgressReport = lambda *_: None
        self.n_blocks = None if n_trials is None else -(-n_trials // statistic.block_size)
        self._n_trials = n_trials
        self._until = until
        self._store: BlockStore | None = None
        self._waiting: dict[int, Moments] = {}  # that came before their turn
        self._merged: Moments | None = None
        self._next_merged = 0
        self._next_task = 0
        self._is_precise = False

    @property
    def n_waiting(self) -> int:
        return len(self._waiting)

    @property
    def is_done(self) -> bool:
        return self._is_precise or self._next_merged == self.n_blocks

    def size_of(self, block: int) -> int:
        size = self.statistic.block_size
        if self._n_trials is None or block + 1 != self.n_blocks:
            return size
        return self._n_trials - block * size

    def next_task(self, n_blocks: int, n_takers: int) -> Task | None:
        """The first blocks that nobody has, at most so many; small ones when few are left."""
        while self._next_task < self._next_merged or self._next_task in self._waiting:
            self._next_task += 1
        first = stop = self._next_task
        limit = first + n_blocks
        if self.n_blocks is not None:
            # So that no taker waits long for the last of the others.
            share = max(1, (self.n_blocks - first) // (2 * n_takers))
            limit = min(first + min(n_blocks, share), self.n_blocks)
        while stop < limit and stop not in self._waiting:
            stop += 1
        self._next_task = stop
        return Task(first, stop, self.size_of(stop - 1)) if stop > first else None

    def take(self, finished: Finished) -> None:
        """Keep what a task brought."""
        if self._store is not None and finished.blocks:
            self._store.add(finished.blocks)
        self._waiting.update(finished.blocks)
        self._merge()

    def open_store(self, path: Path) -> BlockStore:
        key = _validate.store_key(self.statistic.key())
        # Imported here because SQLite takes a while to load, and few runs have a store.
        from relufast.monte_carlo.store import BlockStore

        k = self.statistic.size
        self._store = BlockStore(
            path,
            {
                "relufast": _core.version(),
                "seed": self.seed,
                "covariance": self.covariance,
                "parameters": dict(key),
                **class_of_user(self.statistic),
            },
            (k, k) if self.covariance else (k,),
        )
        return self._store

    def take_stored(self, store: BlockStore) -> None:
        for block, moments in store.blocks():
            if moments.n == self.size_of(block):
                self._waiting[block] = moments
        self._merge()

    def _merge(self) -> None:
        while not self.is_done and self._next_merged in self._waiting:
            moments = self._waiting.pop(self._next_merged)
            if self._merged is None:
                self._merged = moments  # finite, as those of each block are
            else:
                self._merged = self._merged.merged(moments)
                if not self._merged.is_finite:
                    raise MonteCarloError(
                        f"the values up to block {self._next_merged} are too large: squares and "
                        "sums leave the range of float64"
                    )
            self._next_merged += 1
            if self._until is not None:
                self._is_precise = self._until.holds(self.estimate())
        if self._merged is not None:
            self.report(self._merged.n, self.estimate)

    def estimate(self) -> Estimate:
        assert self._merged is not None
        return Estimate._of(self._merged, self.statistic.shape, self.seed)


def _work_here(run: _Run) -> None:
    while not run.is_done:
        task = run.next_task(1, 1)
        assert task is not None
        finished = run_task(run.statistic, run.seed, task, run.covariance)
        run.take(finished)
        if finished.failure is not None and not run.is_done:
            raise finished.failure


def _work_in(run: _Run, executor: Executor) -> None:
    # Importing it here would take longer than all of `import relufast` may.
    process = sys.modules.get("concurrent.futures.process")
    if process is not None and isinstance(executor, process.ProcessPoolExecutor):
        _require_pickle(run.statistic)
    n_workers = worker_count(executor)
    n_in_flight = 2 * n_workers
    n_blocks = 1
    failure: TrialError | None = None
    with PendingTasks[Finished](executor) as pending:
        while not run.is_done and (failure is None or pending):
            # Blocks that wait for an earlier one take memory: do not run too far ahead of it.
            while (
                failure is None
                and len(pending) < n_in_flight
                and (run.n_waiting < _LARGEST_LEAD or not pending)
            ):
                task = run.next_task(n_blocks, n_workers)
                if task is None:
                    break
                pending.submit(run_task, run.statistic, run.seed, task, run.covariance)
            finished = pending.next_result()
            run.take(finished)
            if finished.failure is not None:
                failure = _first(failure, finished.failure)
            elif finished.blocks:
                # Tasks change in size only; what blocks hold does not depend on it.
                in_time = _TASK_SECONDS * len(finished.blocks) / max(finished.seconds, 1e-6)
                growth = _LARGEST_GROWTH * len(finished.blocks)
                n_blocks = max(1, min(growth, _LARGEST_TASK, int(in_time)))
        if failure is not None and not run.is_done:
            raise failure


def _require_pickle(statistic: Statistic) -> None:
    try:
        pickle.dumps(statistic)
    except Exception as error:
        raise TypeError(
            f"statistic cannot be sent to worker processes ({error}): define its function at the "
            "top of a module that they can import"
        ) from error


def _first(one: TrialError | None, other: TrialError) -> TrialError:
    return other if one is None or other.block < one.block else one


def _as_statistic(statistic: object) -> Statistic:
    if isinstance(statistic, Statistic):
        return statistic
    return Function(_validate.function_of_generator(statistic, "statistic"))


@contextmanager
def _report(
    progress: bool | Callable[[Progress], object] | None, n_trials: int | None
) -> Iterator[ProgressReport]:
    """What to tell of each step: a function of the trials that are done and of how to estimate."""
    if progress is None or progress is False:
        yield lambda *_: None
        return
    if progress is True:
        with progress_bar(n_trials) as show:
            yield _now_and_then(show, n_trials)
        return
    yield _now_and_then(_validate.function(progress, "progress"), n_trials)


def _now_and_then(show: Callable[[Progress], object], n_trials: int | None) -> ProgressReport:
    began = time.monotonic()
    first: list[int] = []
    shown = began

    def report(n_done: int, estimate: Callable[[], Estimate]) -> None:
        nonlocal shown
        now = time.monotonic()
        if not first:
            first.append(n_done)  # what a store gave at once says nothing about the rate
        if now - shown < 0.2 and n_done != n_trials:
            return
        shown = now
        rate = (n_done - first[0]) / (now - began) if now > began else 0.0
        show(Progress(n_done, n_trials, rate, estimate()))

    return report


__all__ = ["MonteCarloError", "monte_carlo", "replay"]
