"""Workers of executors: how many there are, and when one is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from typing import Any

from relufast.monte_carlo.errors import WorkerLostError


def worker_count(executor: Any) -> int:
    """As many as the executor says it has."""
    for name in ("_max_workers", "num_workers"):
        number = getattr(executor, name, None)
        if isinstance(number, int) and number > 0:
            return number
    client = getattr(executor, "_client", None)  # Dask's
    if client is not None:
        return max(1, sum(int(n) for n in client.nthreads().values()))
    return os.cpu_count() or 1


@contextmanager
def named_loss(work: str) -> Iterator[None]:
    """A dead worker becomes a WorkerLostError, which says where finished work, by its name, is."""
    try:
        yield
    except Exception as error:
        # Dask's own exception, when a task has killed several workers, has no public base.
        if not isinstance(error, BrokenExecutor) and type(error).__name__ != "KilledWorker":
            raise
        raise WorkerLostError(
            f"a worker process died ({error}); {work} that were finished are in the store, if "
            "there is one, and the same call with a new executor goes on from them"
        ) from error
