"""The compiled package, when Python found this folder of sources first.

Started in a clone's root, Python finds `relufast/` there before the installed package, and that
folder has no compiled core. Importing it then means importing the installed package.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import TracebackType

_PACKAGE = "relufast"
_CORE = "relufast._core"


class NotInstalledError(ImportError):
    """There is no compiled relufast to import. The message is one line that says what to do."""


def ensure_compiled() -> None:
    """Put the installed package in the place of this one, if this one has no compiled core.

    To be called while the package is being imported, before anything else of it is.

    Raises
    ------
    NotInstalledError
        If there is no installed package either.
    """
    if importlib.util.find_spec(_CORE) is not None:
        return
    installed = _installed()
    if installed is None or installed.loader is None:
        _hide_its_traceback()
        raise NotInstalledError(_advice())
    # Nothing of the source folder may stay: the import system reads the rest from sys.modules.
    for name in [name for name in sys.modules if name.partition(".")[0] == _PACKAGE]:
        del sys.modules[name]
    package = importlib.util.module_from_spec(installed)
    sys.modules[_PACKAGE] = package
    installed.loader.exec_module(package)


def _installed() -> ModuleSpec | None:
    for entry in sys.path:
        package = PathFinder.find_spec(_PACKAGE, [entry])
        if package is None or package.origin is None:
            continue
        if PathFinder.find_spec(_CORE, package.submodule_search_locations) is not None:
            return package
    return None


def _advice() -> str:
    source = Path(__file__).parent.parent
    where = f"in {source}" if (source / "pyproject.toml").is_file() else "in a clone of it"
    return f'relufast is not installed for {sys.executable}: run "pip install ." {where}'


def _hide_its_traceback() -> None:
    """Let an uncaught NotInstalledError print its line only."""
    previous = sys.excepthook

    def excepthook(
        kind: type[BaseException], value: BaseException, traceback: TracebackType | None
    ) -> None:
        if isinstance(value, NotInstalledError):
            print(value, file=sys.stderr)
        else:
            previous(kind, value, traceback)

    sys.excepthook = excepthook
