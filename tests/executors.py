"""Pools of workers, for tests of what runs on them, and what of an estimate has to be the same."""

from __future__ import annotations

import importlib.util
import multiprocessing
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import relufast


def bits(estimate: relufast.Estimate) -> tuple[Any, ...]:
    """All of an estimate's numbers, to be compared."""
    arrays = (
        estimate.mean,
        estimate.standard_error,
        estimate.variance,
        estimate.covariance,
        estimate.minimum,
        estimate.maximum,
    )
    numbers = (estimate.n_trials, estimate.n_uncertified, estimate.seed)
    return (*(None if a is None else (a.shape, a.tobytes()) for a in arrays), *numbers)


def mpi_command(n: int, script: Path) -> list[str]:
    """Of a script on n processes of MPI, or a skipped test where there is none."""
    launcher = shutil.which("mpiexec")
    if launcher is None or importlib.util.find_spec("mpi4py") is None:
        pytest.skip("needs mpi4py and mpiexec")
    return [launcher, "-n", str(n), sys.executable, "-m", "mpi4py.futures", str(script)]


# Open MPI starts nothing as root unless told to, nor more processes than it sees cores.
MPI_AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
MPI_ENVIRONMENT = {
    **MPI_AS_ROOT,
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}


def process_pool(n: int) -> ProcessPoolExecutor:
    """Of processes that are started anew, as on every system they can be."""
    return ProcessPoolExecutor(n, mp_context=multiprocessing.get_context("spawn"))


@contextmanager
def dask_client(n: int, *, processes: bool = True) -> Iterator[Any]:
    """Of a cluster on this machine."""
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=n, threads_per_worker=1, processes=processes, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def executors() -> Iterator[Callable[[str], Executor | None]]:
    """By kind and number of workers, such as "thread 2", each of them started once."""
    with ExitStack() as stack:

        @cache
        def made(name: str) -> Executor | None:
            kind, _, number = name.partition(" ")
            if kind == "none":
                return None
            n = int(number)
            if kind == "thread":
                return stack.enter_context(ThreadPoolExecutor(n))
            if kind == "process":
                return stack.enter_context(process_pool(n))
            assert kind == "dask"
            executor: Executor = stack.enter_context(dask_client(n)).get_executor(pure=False)
            return executor

        yield made
