"""Write relufast/_core.pyi from the installed core; with --check only tell whether it differs."""

from __future__ import annotations

import argparse
import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STUB = ROOT / "relufast" / "_core.pyi"


def generated() -> str:
    # In another folder, from which only the installed package can be imported.
    with tempfile.TemporaryDirectory() as folder:
        stubgen = [sys.executable, "-m", "pybind11_stubgen", "relufast._core", "-o", "."]
        subprocess.run([*stubgen, "--exit-code"], cwd=folder, check=True)
        text = (Path(folder) / "relufast" / "_core.pyi").read_text()
    for command in (["check", "--quiet", "--select=I", "--fix"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(STUB), "-"]
        done = subprocess.run(ruff, input=text, stdout=subprocess.PIPE, text=True, check=True)
        text = done.stdout
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    new = generated()
    if not check:
        STUB.write_text(new)
        return
    old = STUB.read_text()
    if old != new:
        names = ("relufast/_core.pyi", "the installed core")
        sys.stdout.writelines(
            difflib.unified_diff(old.splitlines(True), new.splitlines(True), *names)
        )
        sys.exit("relufast/_core.pyi is out of date: run tools/update_stubs.py")


if __name__ == "__main__":
    main()
