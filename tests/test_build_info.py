"""What a build says of itself."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os

import pytest
from click.testing import CliRunner

import relufast
from relufast.cli import main


def test_versions_are_those_installed() -> None:
    info = relufast.build_info()
    assert info.version == importlib.metadata.version("relufast")
    for name, number in info.packages.items():
        assert importlib.metadata.version(name) == number
    assert {"numpy", "scipy", "numba"} <= set(info.packages)


def test_the_build() -> None:
    info = relufast.build_info()
    assert "-ffp-contract=off" in info.flags  # what the proofs assume
    assert info.instruction_set in info.instruction_sets
    assert info.instruction_sets[-1] == "default"
    assert any(character.isdigit() for character in info.compiler)
    assert info.build_type
    assert 1 <= info.cpus <= (os.cpu_count() or 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        info.version = "2"  # type: ignore[misc]


@pytest.mark.skipif(not os.path.exists("/proc/cpuinfo"), reason="Linux lists a CPU's features")
def test_the_instructions_are_those_of_this_cpu() -> None:
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        features = next((line.split() for line in file if line.startswith("flags")), [])
    info = relufast.build_info()
    has_v4 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= set(features)
    if "x86-64-v4" in info.instruction_sets:
        assert (info.instruction_set == "x86-64-v4") == has_v4


def test_the_command_prints_it() -> None:
    result = CliRunner().invoke(main, ["info"])
    assert result.exit_code == 0
    assert result.output == f"{relufast.build_info()}\n"
    version = CliRunner().invoke(main, ["--version"])
    assert version.output == f"relufast, version {relufast.__version__}\n"
