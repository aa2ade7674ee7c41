"""What the wheel installs, and what a build without its needs says."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

import relufast

ROOT = Path(__file__).parents[1]


def test_version_is_the_distribution_s() -> None:
    assert relufast.__version__ == metadata.version("relufast")


def test_the_wheel_holds_the_package_and_nothing_else() -> None:
    files = metadata.files("relufast") or []
    inside = {file.as_posix() for file in files if file.parts[0] == "relufast"}
    assert {"relufast/py.typed", "relufast/_core.pyi"} <= inside
    outside = [file.as_posix() for file in files if file.parts[0] != "relufast"]
    assert "_relufast_command.py" in outside
    # What else pip lists is compiled from that, the distribution's record, and the command, which
    # lies in ../bin.
    others = r"_relufast_command\.py|__pycache__/_relufast_command\..*|\.\./.*|.*\.dist-info/.*"
    assert [name for name in outside if not re.fullmatch(others, name)] == []


@pytest.mark.skipif(shutil.which("cmake") is None, reason="needs CMake")
def test_a_build_without_python_s_headers_says_what_to_install(tmp_path: Path) -> None:
    done = subprocess.run(
        ["cmake", "-S", ROOT, "-B", tmp_path, "-DSKBUILD=ON", f"-DPython_INCLUDE_DIR={tmp_path}"],
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "python3-dev" in done.stderr
