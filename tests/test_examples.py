"""The examples, run as their users run them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import matplotlib.image
import pytest
from executors import MPI_AS_ROOT, mpi_command
from scripts import output_of

import relufast

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
SIMULATE = EXAMPLES / "simulate.py"


def mpi_as_printed() -> list[str]:
    """What the README, the guide and the script tell to type, but for the paths."""
    launcher, *_ = mpi_command(3, SIMULATE)
    files = (ROOT / "README.md", ROOT / "docs/cluster.md", SIMULATE)
    lines = [re.findall("^ *(mpiexec.*) mpi$", file.read_text("utf-8"), re.M) for file in files]
    ((line,),) = set(map(tuple, lines))
    paths = {"mpiexec": launcher, "python": sys.executable, "examples/simulate.py": str(SIMULATE)}
    return [paths.get(word, word) for word in line.split()]


@pytest.mark.parametrize("kind", ["threads", "processes", "dask", "mpi"])
def test_a_simulation_on_every_executor(kind: str, tmp_path: Path) -> None:
    counts = relufast.statistics.BreakpointCounts((1, 100, 100, 1), bias_variance=0.25)
    alone = relufast.monte_carlo(counts, n_trials=4000, seed=1)
    command = mpi_as_printed() if kind == "mpi" else [sys.executable, str(SIMULATE)]
    printed = output_of(*command, kind, cwd=tmp_path, **MPI_AS_ROOT)
    assert printed.splitlines() == [
        f"layer {layer}: {mean!r} ± {error!r} breakpoints"
        for layer, (mean, error) in enumerate(
            zip(alone.mean.tolist(), alone.standard_error.tolist(), strict=True), start=1
        )
    ]


# Script, a line that it prints, and how many it prints at least.
DRAWINGS = [
    ("breakpoints_by_layer", r"\d+ breakpoints, certified: True", 4),
    ("hidden_ranks", r"layer 10: exact 28, numerical 28", 4),
    ("fisher_eigenvalues", r"eigenvalue 0: \d\.\d{4}, at infinite width \d\.\d{4}", 14),
    ("low_rank_layer", r"rank 4: 0\.000 <= s, 0\.000 found, 0\.000 without relu", 4),
    ("injective_layers", r"6 rows: 0\.000 ± \S+ are injective", 6),
]


@pytest.mark.parametrize(("name", "line", "n_lines"), DRAWINGS)
def test_a_script_prints_a_table_and_draws_it(
    name: str, line: str, n_lines: int, tmp_path: Path
) -> None:
    picture = tmp_path / "picture.png"
    script = EXAMPLES / f"{name}.py"
    printed = output_of(sys.executable, script, picture, cwd=tmp_path, MPLBACKEND="Agg")
    assert re.search(rf"^{line}$", printed, flags=re.MULTILINE), printed
    assert len(printed.splitlines()) >= n_lines
    assert matplotlib.image.imread(picture).std() > 0.01  # not a blank sheet
