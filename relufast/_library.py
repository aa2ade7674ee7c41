"""Where the core's library and its C header are."""

from __future__ import annotations

import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent


def get_include() -> str:
    """The folder to give a C compiler with -I: ``#include <relufast/capi.h>``."""
    return str(_FOLDER / "include")


def get_library() -> str:
    """The path of the core's shared library, which C programs link and load.

    The same file that Python uses, so that in a Python process `load_blas` serves both.
    """
    name = {"win32": "relufast.dll", "darwin": "lib/librelufast.dylib"}.get(
        sys.platform, "lib/librelufast.so"
    )
    return str(_FOLDER / name)
