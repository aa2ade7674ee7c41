"""`monte_carlo` on MPI's processes: run where mpi4py and `mpiexec` are."""

from __future__ import annotations

from pathlib import Path

from executors import MPI_ENVIRONMENT, mpi_command
from scripts import output_of

PROGRAM = """
import os
from executors import bits
from mpi4py.futures import MPIPoolExecutor
import relufast

def process(_):
    return os.getpid()

def slope(rng):
    network = relufast.Network.random((1, 8, 8, 1), seed=int(rng.integers(2**63)))
    return abs(relufast.breakpoints(network).pieces().slopes).max()

if __name__ == "__main__":
    counts = relufast.statistics.BreakpointCounts((1, 20, 20, 1), bias_variance=0.25)
    with MPIPoolExecutor() as executor:
        workers = set(executor.map(process, range(50)))
        assert os.getpid() not in workers and executor.num_workers == 2, workers
        for statistic, n_trials in ((counts, 3000), (slope, 200)):
            alone = relufast.monte_carlo(statistic, n_trials=n_trials, seed=1)
            found = relufast.monte_carlo(statistic, n_trials=n_trials, seed=1, executor=executor)
            assert bits(found) == bits(alone), (found, alone)
    print("the same bits")
"""


def test_the_same_bits_on_two_workers_of_mpi(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(PROGRAM, encoding="utf-8")
    environment = {**MPI_ENVIRONMENT, "PYTHONPATH": str(Path(__file__).parent)}
    assert output_of(*mpi_command(3, script), cwd=tmp_path, **environment) == "the same bits\n"
