"""Where a command makes its averages: the options, and the executors that they name."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, InvalidStateError, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

import click

from relufast import _optional
from relufast._cpus import available_cpus

_Command = TypeVar("_Command", bound=Callable[..., Any])


def executor_options(command: _Command) -> _Command:
    """Give a command `--executor` and `--workers`, which `open_executor` takes."""
    where = click.option(
        "--executor",
        default="threads",
        show_default=True,
        callback=_checked,
        metavar="NAME",
        help="Where networks are averaged: threads, processes, dask (on this machine), mpi, "
        "or the address of a Dask scheduler such as tcp://host:8786. The numbers are the same.",
    )
    how_many = click.option(
        "--workers",
        type=click.IntRange(1),
        help="Of threads, processes and dask; one for each CPU if not given.",
    )
    return where(how_many(command))


def open_executor(name: str, workers: int | None) -> AbstractContextManager[Executor]:
    """The executor that the two options ask for.

    Raises
    ------
    click.UsageError
        When it is entered: if it cannot be had, or has its own number of workers.
    """
    if name in _LOCAL:
        return _LOCAL[name](workers or available_cpus())
    if workers is not None:
        raise click.UsageError(f"--executor {name} has its own workers: leave out --workers")
    return _mpi() if name == "mpi" else _remote_dask(name)


def _processes(n: int) -> Executor:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # A terminal sends Ctrl-C to every process, and this one stops the others.
    return ProcessPoolExecutor(
        n,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a line of Tornado's log tells something.

    A result that comes just when its future is cancelled, at Ctrl-C, makes Dask fail with a
    traceback there, and changes nothing.
    """
    return record.exc_info is None or not isinstance(record.exc_info[1], InvalidStateError)


@contextmanager
def _executor_of(client: Any) -> Iterator[Executor]:
    logging.getLogger("tornado.application").addFilter(_is_news)
    with client:
        yield client.get_executor(pure=False)


@contextmanager
def _local_dask(n: int) -> Iterator[Executor]:
    distributed = _required("distributed", "dask", "'dask[distributed]'")
    # Its workers cannot be told later to ignore Ctrl-C: they inherit that when they are started.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        cluster = distributed.LocalCluster(
            n_workers=n, threads_per_worker=1, dashboard_address=None
        )
    finally:
        signal.signal(signal.SIGINT, handler)
    with cluster, _executor_of(cluster.get_client()) as executor:
        yield executor


@contextmanager
def _remote_dask(address: str) -> Iterator[Executor]:
    distributed = _required("distributed", address, "'dask[distributed]'")
    try:
        client = distributed.Client(address)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"--executor {address}: {error}") from error
    with _executor_of(client) as executor:
        yield executor


@contextmanager
def _mpi() -> Iterator[Executor]:
    _required("mpi4py", "mpi")
    from mpi4py.futures import MPIPoolExecutor

    with MPIPoolExecutor() as executor:
        yield executor


def _required(package: str, name: str, distribution: str | None = None) -> Any:
    """The package, or how to get it."""
    try:
        return _optional.require(package, f"--executor {name}", distribution)
    except ModuleNotFoundError as error:
        raise click.UsageError(str(error)) from error


_LOCAL: dict[str, Callable[[int], AbstractContextManager[Executor]]] = {
    "threads": ThreadPoolExecutor,
    "processes": _processes,
    "dask": _local_dask,
}


def _checked(_context: object, _parameter: object, name: str) -> str:
    if name in (*_LOCAL, "mpi") or "://" in name:
        return name
    raise click.BadParameter(
        f"{name!r} is neither threads, processes, dask or mpi nor an address like tcp://host:8786"
    )
