"""relufast where PyTorch is not installed, and that only relufast.torch imports it."""

from __future__ import annotations

import subprocess
import sys

BLOCKED = """
import importlib.abc, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocked())
"""


def run(code: str, blocked: str) -> subprocess.CompletedProcess[str]:
    script = BLOCKED.format(blocked=blocked) + code
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)


def test_relufast_does_without_torch() -> None:
    done = run("import relufast, relufast.cli; print(relufast.matrix_rank([[1.0]]).rank)", "torch")
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_a_missing_torch_is_one_line() -> None:
    code = """
try:
    import relufast.torch
except ModuleNotFoundError as error:
    print(error, error.name, error.__cause__, error.__suppress_context__)
"""
    done = run(code, "torch")
    assert done.stderr == ""
    assert done.stdout == (
        'relufast.torch needs PyTorch: pip install "relufast[torch]" torch None True\n'
    )


def test_the_report_leaves_pruning_out_and_says_so() -> None:
    code = """
from relufast.report import EFFORTS
from relufast.report.chapters.low_rank_layers import pruning
from relufast.report.digits import load_digits
from relufast.report.progress import Progress

pruning.find_spec = lambda name: None  # and an import fails
section = pruning.section(EFFORTS["default"].settings(0), Progress(), load_digits())
print(len(section.figures), len(section.tables), section.claims[0].verdict)
print(section.text[-1])
"""
    done = run(code, "torch")
    assert done.stderr == ""
    first, text = done.stdout.splitlines()
    assert first == "0 0 cannot be tested"
    assert text.startswith('It needs PyTorch, which is not installed here: pip install "relufast[t')


def test_what_a_present_torch_lacks_is_said_as_it_is() -> None:
    """Whether PyTorch is there or not: a stand-in that lacks a module of its own."""
    code = """
import importlib.util

class Broken(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name == "torch" else None

    def exec_module(self, module):
        import a_module_of_torch

sys.meta_path.insert(0, Broken())
try:
    import relufast.torch
except ModuleNotFoundError as error:
    print(error.name)
"""
    done = run(code, "a_module_of_torch")
    assert (done.stdout, done.stderr) == ("a_module_of_torch\n", "")
