"""What the wheel installs."""

from __future__ import annotations

from importlib import metadata

import relufast


def test_version_is_the_distribution_s() -> None:
    assert relufast.__version__ == metadata.version("relufast")


def test_the_wheel_holds_the_package_and_nothing_else() -> None:
    files = metadata.files("relufast") or []
    inside = {file.as_posix() for file in files if file.parts[0] == "relufast"}
    assert {"relufast/py.typed", "relufast/_core.pyi"} <= inside
    others = {file.parts[0] for file in files} - {"relufast"}
    # What else pip lists is the distribution's record and the command, which lies in ../bin.
    assert all(name == ".." or name.endswith(".dist-info") for name in others)
