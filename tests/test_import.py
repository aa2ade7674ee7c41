"""What Python finds in a clone's root, where the folder relufast/ has no compiled core."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import relufast

ROOT = Path(__file__).resolve().parent.parent
INSTALLED = Path(relufast.__file__).resolve().parent
ADVICE = 'relufast is not installed for {}: run "pip install ." in {}'

pytestmark = pytest.mark.skipif(
    not (ROOT / "relufast").is_dir(), reason="the tests were taken out of their clone"
)

# The script `pytest` does not put the working folder into sys.path: neither does -P.
PYTESTS = pytest.mark.parametrize("command", [("-m", "pytest"), ("-P", "-m", "pytest")])


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone's root with the sources of the package and two tests."""
    root = tmp_path / "clone"
    shutil.copytree(
        ROOT / "relufast",
        root / "relufast",
        ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd"),
    )
    shutil.copy(ROOT / "pyproject.toml", root)
    (root / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", root / "tests")
    for name in ("test_one.py", "test_two.py"):
        test = f"import relufast\ndef test(): assert {str(INSTALLED)!r} in relufast.__file__\n"
        (root / "tests" / name).write_text(test)
    return root


@pytest.fixture
def without_relufast(tmp_path: Path) -> dict[str, str]:
    """An environment in which `python -S` finds everything installed here but relufast."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for entry in map(Path, sys.path):
        if entry.name not in ("site-packages", "dist-packages"):
            continue
        for package in entry.iterdir():
            link = packages / package.name
            if not package.name.startswith(("relufast", "_relufast")) and not link.exists():
                link.symlink_to(package)
    return {**os.environ, "PYTHONPATH": str(packages)}


def run(
    *command: str, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def python(code: str, cwd: Path) -> str:
    done = run(sys.executable, "-c", code, cwd=cwd)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("module", ["relufast", "relufast._blas", "relufast._core"])
def test_an_import_in_the_root_is_of_the_installed_package(clone: Path, module: str) -> None:
    out = python(f"import {module}; print({module}.__file__)", cwd=clone)
    assert Path(out.strip()).is_relative_to(INSTALLED)


@pytest.mark.parametrize("module", ["scipy.linalg", "importlib.metadata"])
def test_import_leaves_slow_modules_for_later(module: str, tmp_path: Path) -> None:
    assert python(f"import relufast, sys; print({module!r} in sys.modules)", tmp_path) == "False\n"


@pytest.mark.parametrize("name", ["datasets", "interop", "torch"])
def test_public_modules_are_imported_when_they_are_named(tmp_path: Path, name: str) -> None:
    if name == "torch":
        pytest.importorskip("torch")
    code = f"""if True:
        import sys
        import relufast
        print('relufast.{name}' in sys.modules, '{name}' in sys.modules)
        print(relufast.{name}.__name__)
    """
    assert python(code, tmp_path) == f"False False\nrelufast.{name}\n"


def test_nothing_of_the_source_folder_stays(clone: Path) -> None:
    (clone / "relufast" / "only_here.py").touch()
    code = """if True:
        import importlib.util, sys
        import relufast
        from relufast import _blas
        assert sys.modules['relufast'] is relufast
        assert importlib.util.find_spec('relufast.only_here') is None
        files = {m.__file__ for n, m in sys.modules.items() if n.partition('.')[0] == 'relufast'}
        print(*sorted(files), sep='\\n')
    """
    files = python(code, cwd=clone).splitlines()
    assert len(files) >= 4
    assert all(Path(file).is_relative_to(INSTALLED) for file in files)


def test_a_module_run_in_the_root_is_of_the_installed_package(clone: Path) -> None:
    (clone / "relufast" / "cli.py").write_text("print('of the source folder')")
    done = run(sys.executable, "-m", "relufast.cli", "--help", cwd=clone)
    assert done.returncode == 0
    assert "of the source folder" not in done.stdout


def test_the_command_in_the_root_is_of_the_installed_package(clone: Path) -> None:
    command = shutil.which("relufast", path=sysconfig.get_path("scripts"))
    if command is None:
        pytest.skip("relufast was installed without its command")
    assert run(command, "--help", cwd=clone).returncode == 0


@PYTESTS
def test_pytest_in_the_root_tests_the_installed_package(
    clone: Path, command: tuple[str, ...]
) -> None:
    done = run(sys.executable, *command, "-q", cwd=clone)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_two_clones_in_the_path_are_passed_over(clone: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(clone / "relufast", other / "relufast")
    (tmp_path / "empty" / "relufast").mkdir(parents=True)
    code = f"""if True:
        import sys
        sys.path[1:1] = [{str(other)!r}, {str(tmp_path / "empty")!r}]
        import relufast
        print(relufast.__file__)
    """
    assert Path(python(code, cwd=clone).strip()).is_relative_to(INSTALLED)


@pytest.mark.parametrize("module", ["relufast", "relufast._blas"])
def test_not_installed_is_one_line(
    clone: Path, without_relufast: dict[str, str], module: str
) -> None:
    done = run(sys.executable, "-S", "-c", f"import {module}", cwd=clone, env=without_relufast)
    assert done.returncode == 1
    assert done.stderr == ADVICE.format(sys.executable, clone) + "\n"


def test_not_installed_can_be_caught(clone: Path, without_relufast: dict[str, str]) -> None:
    code = """if True:
        try:
            import relufast
        except ImportError as error:
            print(type(error).__name__)
        raise ImportError('another')
    """
    done = run(sys.executable, "-S", "-c", code, cwd=clone, env=without_relufast)
    assert done.stdout == "NotInstalledError\n"
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("ImportError: another\n")


@PYTESTS
def test_pytest_says_in_one_line_that_it_is_not_installed(
    clone: Path, without_relufast: dict[str, str], command: tuple[str, ...]
) -> None:
    done = run(sys.executable, "-S", *command, cwd=clone, env=without_relufast)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stdout == ""
    assert done.stderr.strip() == "ERROR: " + ADVICE.format(sys.executable, clone)


def test_an_installed_package_that_lost_its_core_says_so(
    tmp_path: Path, without_relufast: dict[str, str]
) -> None:
    broken = Path(without_relufast["PYTHONPATH"]) / "relufast"
    shutil.copytree(INSTALLED, broken, ignore=shutil.ignore_patterns("_core*"))
    done = run(sys.executable, "-S", "-c", "import relufast", cwd=tmp_path, env=without_relufast)
    assert done.returncode == 1
    assert done.stderr == ADVICE.format(sys.executable, "a clone of it") + "\n"
