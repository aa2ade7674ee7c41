"""The command line."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

import relufast
from relufast import report
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
        return Chapter(
            "A chapter", Reference("A paper", "https://arxiv.org"), ["Intro."], [section]
        )

    monkeypatch.setattr(report, "CHAPTERS", [chapter])
    return seen


def test_help_and_version() -> None:
    run = CliRunner().invoke(main, ["--version"])
    assert run.exit_code == 0
    assert run.output == f"relufast, version {relufast.__version__}\n"
    run = CliRunner().invoke(main, ["report", "--help"])
    assert run.exit_code == 0
    for option in ("--out", "--seed", "--quick", "--full"):
        assert option in run.output


def test_help_loads_nothing_slow() -> None:
    code = (
        "import sys\nfrom relufast.cli import main\n"
        "main(['report', '--help'], standalone_mode=False)\n"
        "print({'matplotlib', 'jinja2', 'scipy.linalg', 'tqdm'} & set(sys.modules))"
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
    assert run.stderr.startswith(f"Error: cannot write the report into {tmp_path / name}: ")
    assert run.stderr.count("\n") == 1
    assert settings_seen == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(tmp_path: Path, settings_seen: list[Settings]) -> None:
    tmp_path.chmod(0o555)
    run = CliRunner().invoke(main, ["report", "--out", str(tmp_path)])
    tmp_path.chmod(0o755)
    assert run.exit_code == 2
    assert "Permission denied" in run.stderr


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c(tmp_path: Path) -> None:
    out = tmp_path / "out"
    # A shell starts background jobs with SIGINT ignored, and children inherit that.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from relufast.cli import main; main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "report", "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
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
