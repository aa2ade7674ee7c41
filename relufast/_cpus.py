"""How many CPUs there are to use."""

from __future__ import annotations

import os

from relufast import _validate


def available_cpus() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_count(n_threads: object) -> int:
    """The number of threads asked for, or one for each CPU where that is None."""
    return available_cpus() if n_threads is None else _validate.thread_number(n_threads)
