"""Options that are no numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from relufast._validate.messages import type_of

_Kind = TypeVar("_Kind")


def flag(value: object, name: str) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {type_of(value)}, but needs True or False")
    return bool(value)


def choice(value: object, name: str, choices: Sequence[str]) -> str:
    known = ", ".join(repr(known) for known in choices)
    if not isinstance(value, str):
        raise TypeError(f"{name} is {type_of(value)}, but needs one of {known}")
    if value not in choices:
        raise ValueError(f"{name} is {value!r}, but must be one of {known}")
    return value


def text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is {type_of(value)}, but needs a str")
    return value


def character(value: object, name: str) -> str:
    checked = text(value, name)
    if len(checked) != 1:
        raise ValueError(f"{name} is {checked!r}, but needs one character")
    return checked


def file_path(value: object, name: str = "path") -> Path:
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name} is {type_of(value)}, but needs a str or a path object")
    return Path(value)


def instance(value: object, name: str, kind: type[_Kind], needed: str) -> _Kind:
    """An object of a class of relufast's own, or of a library's."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} is {type_of(value)}, but needs {needed}")
    return value


def absent(value: object, name: str, reason: str) -> None:
    """That an option is not given where it would mean nothing."""
    if value is not None:
        raise ValueError(f"{name} is {value!r}, but {reason}")


def at_least_one(needed: str, **values: object) -> None:
    """That not all of these options are missing."""
    if all(value is None for value in values.values()):
        raise ValueError(f"{' and '.join(values)} are missing: {needed}")
