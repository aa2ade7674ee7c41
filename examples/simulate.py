"""Breakpoints of many random networks, on one machine or on many.

    python examples/simulate.py threads
    python examples/simulate.py processes
    python examples/simulate.py dask [tcp://SCHEDULER:8786]
    mpiexec -n 3 --oversubscribe python -m mpi4py.futures examples/simulate.py mpi

Each prints the same numbers, to the last bit. Dask needs `pip install "dask[distributed]"`, and
starts workers on this machine unless it is given a scheduler's address. MPI needs `pip install
mpi4py` and an MPI, such as Debian's openmpi-bin; of its processes one hands out the work, and
Open MPI's `--oversubscribe` allows for more of them than cores.
"""

from __future__ import annotations

import sys
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

import relufast


def make_executor(kind: str, *address: str) -> Executor:
    """Any `concurrent.futures.Executor` will do."""
    if kind == "threads":
        return ThreadPoolExecutor()
    if kind == "processes":
        return ProcessPoolExecutor()
    if kind == "dask":
        from dask.distributed import Client

        executor: Executor = Client(*address).get_executor(pure=False)
        return executor
    if kind == "mpi":
        from mpi4py.futures import MPIPoolExecutor

        return MPIPoolExecutor()
    raise SystemExit(__doc__)


def main() -> None:
    counts = relufast.statistics.BreakpointCounts((1, 100, 100, 1), bias_variance=0.25)
    with make_executor(*sys.argv[1:] or [""]) as executor:
        estimate = relufast.monte_carlo(counts, n_trials=4000, seed=1, executor=executor)
    for layer, (mean, error) in enumerate(
        zip(estimate.mean.tolist(), estimate.standard_error.tolist(), strict=True), start=1
    ):
        print(f"layer {layer}: {mean!r} ± {error!r} breakpoints")


# Worker processes import this file.
if __name__ == "__main__":
    main()
