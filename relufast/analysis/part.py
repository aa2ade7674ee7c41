"""What the parts of an analysis have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast._validate import FloatArray
from relufast.network import Network
from relufast.report import estimate
from relufast.report.chapter import Section
from relufast.report.estimate import Estimate


@dataclass(frozen=True)
class Skipped:
    """A part that was not done.

    Attributes
    ----------
    title : str
        Of the part.
    reason : str
        Why, as a sentence.
    """

    title: str
    reason: str


class SkipPart(Exception):
    """Raised by a part that cannot be done for this network; its message says why."""


class Part(Protocol):
    """A part that was done: it can say what it found."""

    def section(self) -> Section: ...


class Options(NamedTuple):
    n_lines: int
    tolerance: float
    work: float
    seed: int
    n_threads: int | None

    def affordable(self, most: int, cost: float, what: str) -> int:
        """How many of some items, each of so many multiplications, and at the most so many."""
        number = min(most, int(self.work // cost))
        if number < 1:
            raise SkipPart(
                f"{what} takes some {cost:.1e} multiplications, but work allows {self.work:.1e} "
                "for each part."
            )
        return number


@dataclass(frozen=True, eq=False)
class Subject:
    """The network, and the points that it is looked at."""

    network: Network
    points: FloatArray
    labels: NDArray[np.int64] | None
    options: Options

    @property
    def layers(self) -> range:
        """Numbers of the hidden layers."""
        return range(1, self.network.depth + 1)

    @cached_property
    def entering(self) -> list[FloatArray]:
        """What enters each layer: the points, then the activations of every hidden layer."""
        return [self.points, *self.network.activations(self.points)]

    def require_finite_activations(self) -> None:
        if not all(np.isfinite(h).all() for h in self.entering):
            raise SkipPart("Activations at the points are beyond the range of float64.")

    def generator(self, label: str) -> np.random.Generator:
        """Of a part's own random choices."""
        sequence = np.random.SeedSequence(self.options.seed, spawn_key=tuple(label.encode()))
        return np.random.default_rng(sequence)

    def first(self, number: int) -> str:
        """So many points, in words: they are in random order where there were more."""
        n_points = len(self.points)
        if number >= n_points:
            return f"{n_points:,} points" if n_points > 1 else "the one point"
        return f"the first {number:,} of {n_points:,} points"


def mean(values: ArrayLike) -> Estimate | float:
    """With its standard error, where there are two values or more."""
    array = np.asarray(values, dtype=np.float64)
    return estimate.mean(array) if len(array) > 1 else float(array[0])


def percent(share: float) -> str:
    """All, or none, only where that is so."""
    if 0.0 < share < 0.0005:
        return "less than 0.1 %"
    if 0.9995 < share < 1.0:
        return "more than 99.9 %"
    return f"{100.0 * share:.3g} %"


def significant(value: float) -> str:
    """Three digits."""
    if value == 0.0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{float(f'{value:.3g}'):,g}"
