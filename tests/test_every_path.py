"""2,000 networks through every way that there is; `every_path` as a program takes more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import every_path
import numpy as np
import pytest
from every_path import Expected
from networks import network_case

SEED = 20261128
PART = 100  # networks a test


@pytest.mark.parametrize("part", range(20))
def test_all_ways_lead_to_the_same_breakpoints(part: int, tmp_path: Path) -> None:
    taken: Counter[str] = Counter()
    for index in range(part * PART, (part + 1) * PART):
        taken += every_path.check_all_paths(SEED, index, tmp_path)
    # A third or so are wide or have several inputs, and what is wide or counted is open in half.
    for way in ("find", "find in wide layers", "sweep", "sweep in wide layers", "count"):
        assert taken[way] >= 5, taken


@pytest.mark.parametrize("index", range(30))
def test_a_widened_network_is_the_same_function(index: int) -> None:
    case = network_case(SEED, index)
    expected = every_path.solve(case)
    wide, widened = every_path.widened(case, expected, np.random.default_rng(index))
    assert min(wide.weights[0].shape[0], wide.weights[-1].shape[1]) > 64
    solved = every_path.solve(wide)
    assert solved.positions == expected.positions
    assert solved.crossings == widened.crossings


def check_a_hundred(folder: Path) -> None:
    for index in range(100):
        every_path.check_all_paths(SEED, index, folder)


def without_the_last(expected: Expected) -> Expected:
    return replace(expected, crossings=expected.crossings[:-1])


def elsewhere(expected: Expected) -> Expected:
    return replace(expected, positions=[x + Fraction(1, 10**6) for x in expected.positions])


@pytest.mark.parametrize(
    ("change", "message"),
    [(without_the_last, "other breakpoints"), (elsewhere, "position beyond its error")],
)
def test_wrong_answers_are_noticed(
    change: Callable[[Expected], Expected],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    solve = every_path.solve
    monkeypatch.setattr(every_path, "solve", lambda case: change(solve(case)))
    with pytest.raises(every_path.Mismatch, match=message):
        check_a_hundred(tmp_path)
