"""The examples, run as their users run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from executors import MPI_ENVIRONMENT, mpi_command

import relufast

SIMULATE = Path(__file__).parent.parent / "examples" / "simulate.py"


@pytest.mark.parametrize("kind", ["threads", "processes", "dask", "mpi"])
def test_a_simulation_on_every_executor(kind: str, tmp_path: Path) -> None:
    counts = relufast.statistics.BreakpointCounts((1, 100, 100, 1), bias_variance=0.25)
    alone = relufast.monte_carlo(counts, n_trials=4000, seed=1)
    command = mpi_command(3, SIMULATE) if kind == "mpi" else [sys.executable, str(SIMULATE)]
    done = subprocess.run(
        [*command, kind],
        env={**os.environ, **MPI_ENVIRONMENT},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"layer {layer}: {mean!r} ± {error!r} breakpoints"
        for layer, (mean, error) in enumerate(
            zip(alone.mean.tolist(), alone.standard_error.tolist(), strict=True), start=1
        )
    ]
