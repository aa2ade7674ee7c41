"""Packages that relufast does without until one of them is asked for."""

from __future__ import annotations

import importlib
from types import ModuleType


def require(package: str, user: str, distribution: str | None = None) -> ModuleType:
    """Import the package, or say in one line how to get it."""
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        # A package that is there but lacks one of its own parts has more to say than we have.
        if error.name != package:
            raise
        raise ModuleNotFoundError(
            f"{user} needs the package {package}: pip install {distribution or package}",
            name=package,
        ) from None
