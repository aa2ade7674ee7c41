"""The command line."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import InvalidStateError
from pathlib import Path
from typing import Any

import dask
import pytest
from click.testing import CliRunner, Result
from executors import MPI_ENVIRONMENT, dask_client, mpi_command
from interrupting import running
from scripts import output_of

import relufast
from relufast import report
from relufast._command_executors import open_executor
from relufast.cli import main
from relufast.report.chapter import Chapter, Reference, Section
from relufast.report.progress import Progress
from relufast.report.settings import Settings


@pytest.fixture
def settings_seen(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings of each report, which has one short chapter instead of the real ones."""
    seen: list[Settings] = []

    def chapter(settings: Settings, progress: Progress) -> Chapter:
        seen.append(settings)
        for _ in progress.track([1, 2], "short work"):
            pass
        section = Section("A question", ["Text."], findings=["The answer is 42 → 43.", "A detail."])
        paper = Reference("An author", "A paper", "2512.08091")
        return Chapter("short", "A chapter", paper, ["Intro."], [section])

    monkeypatch.setattr(report, "CHAPTERS", {"short": chapter})
    return seen


def test_help_and_version() -> None:
    run = CliRunner().invoke(main, ["--version"])
    assert run.exit_code == 0
    assert run.output == f"relufast, version {relufast.__version__}\n"
    run = CliRunner().invoke(main, ["report", "--help"])
    assert run.exit_code == 0
    for option in (
        "--out",
        "--seed",
        "--quick",
        "--full",
        "--chapter",
        "--store",
        "--executor",
        "--workers",
    ):
        assert option in run.output


def test_help_loads_nothing_slow() -> None:
    code = (
        "import sys\nfrom relufast.cli import main\n"
        "main(['report', '--help'], standalone_mode=False)\n"
        "print({'matplotlib', 'jinja2', 'numba', 'scipy.linalg', 'tqdm'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n")


def test_report(tmp_path: Path, settings_seen: list[Settings]) -> None:
    out = tmp_path / "some" / "folder"
    run = CliRunner().invoke(main, ["report", "--out", str(out), "--seed", "7", "--quick"])
    assert run.exit_code == 0, run.output
    assert "A chapter\n- The answer is 42 → 43.\n" in run.stdout
    assert run.stdout.endswith(f"Report: {out / report.PAGE_NAME}\n")
    assert "short work" in run.stderr
    assert (out / report.PAGE_NAME).is_file()
    (settings,) = settings_seen
    assert settings == report.EFFORTS["quick"].settings(7)
    assert settings.command == "relufast report --seed 7 --quick"


def test_report_goes_beside_the_user_by_default(
    tmp_path: Path, settings_seen: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["report"]).exit_code == 0
    assert (tmp_path / "relufast-report" / report.PAGE_NAME).is_file()
    assert settings_seen[0].command == "relufast report --seed 0"


@pytest.mark.usefixtures("settings_seen")
def test_a_terminal_without_some_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="latin-1"))
    main(["report", "--out", str(tmp_path / "out")], standalone_mode=False)
    sys.stdout.flush()
    assert b"The answer is 42 ? 43." in written.getvalue()


def test_single_chapters(tmp_path: Path, settings_seen: list[Settings]) -> None:
    out = ["--out", str(tmp_path)]
    run = CliRunner().invoke(main, ["report", *out, "--chapter", "short", "--chapter", "long"])
    assert run.exit_code == 2
    assert run.stderr == "Error: --chapter must be one of short, but got long\n"
    assert settings_seen == []
    run = CliRunner().invoke(main, ["report", *out, "--chapter", "short"])
    assert run.exit_code == 0
    assert len(settings_seen) == 1


@pytest.mark.parametrize("seed", ["-1", str(2**64), "1.5", "x"])
def test_seeds_out_of_range(seed: str, settings_seen: list[Settings]) -> None:
    run = CliRunner().invoke(main, ["report", "--seed", seed])
    assert run.exit_code == 2
    assert "Invalid value for '--seed'" in run.stderr
    assert settings_seen == []


@pytest.mark.parametrize("name", ["file", "file/folder"])
def test_an_unwritable_folder_is_one_line_before_the_work(
    name: str, tmp_path: Path, settings_seen: list[Settings]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    run = CliRunner().invoke(main, ["report", "--out", str(tmp_path / name)])
    assert run.exit_code == 2
    assert run.stdout == ""
    assert run.stderr.startswith(f"Error: cannot write into {tmp_path / name}: ")
    assert run.stderr.count("\n") == 1
    assert settings_seen == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(tmp_path: Path, settings_seen: list[Settings]) -> None:
    tmp_path.chmod(0o555)
    run = CliRunner().invoke(main, ["report", "--out", str(tmp_path)])
    tmp_path.chmod(0o755)
    assert run.exit_code == 2
    assert "Permission denied" in run.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_no_room_is_told_before_the_work(tmp_path: Path, settings_seen: list[Settings]) -> None:
    """A limit on files' sizes stands for a full disk, where empty ones can still be made."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        run = CliRunner().invoke(main, ["report", "--out", str(tmp_path / "out")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert run.exit_code == 2
    assert run.stderr.startswith(f"Error: cannot write into {tmp_path / 'out'}: ")
    assert settings_seen == []
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c(tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = "from relufast.cli import main; main()"
    with running("-c", code, "report", "--out", out) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=20)
        took = time.monotonic() - sent
    assert "width 4" in first
    assert process.returncode == 130
    assert stdout == ""
    assert stderr.splitlines()[-1] == "Stopped; nothing was written."
    assert "Traceback" not in stderr
    assert took < 5.0
    assert not out.exists()


SIMULATE = ["simulate", "breakpoints", "--widths", "1,20,20,1", "--bias-variance", "0.25"]


def simulate(*options: str) -> Result:
    return CliRunner().invoke(main, [*SIMULATE, *options])


def test_simulate_prints_what_monte_carlo_returns() -> None:
    run = simulate("--trials", "300", "--seed", "4", "--interval", "-1", "1", "--json")
    assert run.exit_code == 0, run.output
    statistic = relufast.statistics.BreakpointCounts(
        (1, 20, 20, 1), bias_variance=0.25, interval=(-1.0, 1.0)
    )
    assert json.loads(run.stdout) == (
        relufast.monte_carlo(statistic, n_trials=300, seed=4).to_dict()
    )


def of_300_networks(*options: str) -> dict[str, Any]:
    run = simulate("--trials", "300", "--seed", "4", "--json", *options)
    assert run.exit_code == 0, run.output
    estimate: dict[str, Any] = json.loads(run.stdout)
    return estimate


@pytest.mark.parametrize("name", ["threads", "processes", "dask"])
def test_simulate_on_this_machine(name: str) -> None:
    alone = of_300_networks("--workers", "1")
    assert of_300_networks("--executor", name, "--workers", "2") == alone


def test_simulate_on_a_dask_cluster() -> None:
    with dask_client(1) as client:
        address = client.scheduler_info()["address"]
        assert of_300_networks("--executor", address) == of_300_networks()


def test_simulate_on_mpi(tmp_path: Path) -> None:
    command = mpi_command(3, Path("-m"))
    options = ["--trials", "300", "--seed", "4", "--json", "--executor", "mpi"]
    printed = output_of(
        *command, "relufast.cli", *SIMULATE, *options, cwd=tmp_path, **MPI_ENVIRONMENT
    )
    assert json.loads(printed) == of_300_networks()


def process_number(_rng: object) -> int:
    return os.getpid()


def test_the_report_takes_the_executor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers: list[float] = []

    def chapter(settings: Settings, progress: Progress) -> Chapter:
        statistic = relufast.statistics.Function(process_number)
        numbers.append(float(progress.monte_carlo(statistic, settings, "one", n_trials=1).mean))
        return Chapter("short", "A chapter", Reference("A", "B", "2512.08091"), [], [])

    monkeypatch.setattr(report, "CHAPTERS", {"short": chapter})
    for options in ([], ["--executor", "processes", "--workers", "1"]):
        run = CliRunner().invoke(main, ["report", "--out", str(tmp_path), *options])
        assert run.exit_code == 0, run.output
    assert numbers[0] == os.getpid()
    assert numbers[1] != os.getpid()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--executor", "theads"], "'theads' is neither threads, processes, dask or mpi nor an"),
        (["--executor", "mpi", "--workers", "2"], "--executor mpi has its own workers"),
        (["--executor", "tcp://127.0.0.1:1"], "--executor tcp://127.0.0.1:1: Timed out"),
        (["--executor", "post://office"], "--executor post://office: unknown address scheme"),
    ],
)
@pytest.mark.parametrize("command", [["report"], [*SIMULATE, "--trials", "10"]])
def test_executors_that_cannot_be_had(
    command: list[str], options: list[str], message: str, settings_seen: list[Settings]
) -> None:
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        run = CliRunner().invoke(main, [*command, *options])
    assert run.exit_code == 2
    assert run.stdout == ""
    assert message in run.stderr
    assert settings_seen == []


def test_a_result_too_late_for_dask_is_not_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    log = logging.getLogger("tornado.application")
    with open_executor("dask", 1) as executor:
        handler = logging.Handler()
        monkeypatch.setattr(handler, "emit", lambda record: logged.append(record.getMessage()))
        log.addHandler(handler)
        try:
            future = executor.submit(abs, -1)
            assert future.result() == 1
            for error in (InvalidStateError("CANCELLED"), ValueError("something else")):
                log.error("%s", error, exc_info=error)
        finally:
            log.removeHandler(handler)
    assert logged == ["something else"]


@pytest.mark.parametrize(
    ("name", "package", "advice"),
    [("dask", "distributed", "pip install 'dask[distributed]'"), ("mpi", "mpi4py", "mpi4py")],
)
def test_executors_that_are_not_installed(
    name: str, package: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    run = simulate("--trials", "10", "--executor", name)
    assert run.exit_code == 2
    assert f"Error: --executor {name} needs the package {package}: pip install" in run.stderr
    assert run.stderr.endswith(f"{advice}\n")


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
@pytest.mark.parametrize("name", ["threads", "processes", "dask"])
def test_ctrl_c_on_every_executor(name: str) -> None:
    """Of a terminal, which sends it to all processes."""
    command = [*SIMULATE, "--trials", "1000000000", "--executor", name, "--workers", "2"]
    with running("-m", "relufast.cli", *command) as process:
        assert process.stderr is not None
        seen = ""
        while "±" not in seen:
            character = process.stderr.read(1)
            assert character, seen
            seen += character
        os.killpg(process.pid, signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert stdout == ""
    assert stderr.splitlines()[-1] == "Stopped."
    assert "Traceback" not in stderr


# What runs `relufast`, as its script does; the import of the package sleeps where the test says so.
ENTRY = """
import importlib.metadata, signal, sys, time

class Slow:
    def find_spec(self, name, path, target=None):
        if name == "relufast" and "--help" not in sys.argv:
            print("ready", flush=True)
            time.sleep(60)

sys.meta_path.insert(0, Slow())
(entry,) = importlib.metadata.entry_points(group="console_scripts", name="relufast")
signal.signal(signal.SIGINT, getattr(signal, sys.argv.pop(1)))
try:
    entry.load()()
finally:
    print(signal.getsignal(signal.SIGINT))
"""


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_while_the_package_is_imported() -> None:
    with running("-c", ENTRY, "default_int_handler", "report") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout, stderr) == (130, "", "")


@pytest.mark.parametrize("handler", ["default_int_handler", "SIG_IGN"])
def test_the_command_leaves_signals_as_they_were(handler: str, tmp_path: Path) -> None:
    printed = output_of(sys.executable, "-c", ENTRY, handler, "--help", cwd=tmp_path)
    assert printed.startswith("Usage: ")
    assert printed.splitlines()[-1] == str(getattr(signal, handler))


def test_simulate_prints_a_table(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.sqlite")
    runs = [
        simulate("--trials", "2000", "--workers", workers, "--store", store)
        for workers in ("2", "1")
    ]
    assert [run.exit_code for run in runs] == [0, 0]
    assert runs[0].stdout == runs[1].stdout
    first, _, layer_one, layer_two = runs[0].stdout.splitlines()
    assert first == "2,000 networks, seed 0"
    assert layer_one.split() == ["1", "20.000000", "0.000000", "0.0000", "20", "20"]
    assert float(layer_two.split()[1]) == pytest.approx(20.0, abs=1.0)
    assert "trials" in runs[0].stderr


def test_simulate_until_it_is_precise() -> None:
    run = simulate("--until-absolute", "0.5", "--trials", "100000", "--json")
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["n_trials"] < 100_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Give --trials"),
        (["--trials", "0"], "--trials"),
        (["--trials", "10", "--widths", "1,a,1"], "'1,a,1' is not a list of integers"),
        (["--trials", "10", "--widths", "2,5,1"], "widths[0] is 2"),
        (["--trials", "10", "--widths", "1,5"], "widths has 2 entries"),
        (["--trials", "10", "--bias-variance", "-1"], "bias_variance is -1.0"),
        (["--trials", "10", "--interval", "1", "0"], "interval is (1.0, 0.0)"),
        (["--until-relative", "-0.1"], "relative is -0.1, but must be positive"),
        (["--until-relative", "0.1", "--level", "1"], "level is 1.0"),
        (["--trials", "10", "--workers", "0"], "--workers"),
        (["--trials", "10", "--weight-init", "xavier"], "--weight-init"),
    ],
)
def test_simulate_refuses(options: list[str], message: str) -> None:
    run = simulate(*options)
    assert run.exit_code == 2
    assert run.stdout == ""
    assert message in run.stderr
    assert "Traceback" not in run.stderr


def test_simulate_with_a_store_that_is_none(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.write_text("some text, and no database of any kind")
    run = simulate("--trials", "10", "--store", str(store))
    assert run.exit_code == 2
    assert f"Error: cannot use the store {store}" in run.stderr
    assert store.read_text() == "some text, and no database of any kind"
