"""Timing contenders side by side, on a machine that others may be using too."""

from __future__ import annotations

import gc
import random
import statistics
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Called off the clock; what it returns is called on it.
Prepare = Callable[[], Callable[[], object]]


def as_prepare(call: Callable[[], object]) -> Prepare:
    """Of what needs nothing to be prepared."""
    return lambda: call


@dataclass(frozen=True)
class Spread:
    """The median of some numbers, and how far they lie apart."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Timing:
    """Seconds per call, by round: on the wall, and of all CPUs together."""

    seconds: list[float]
    cpu_seconds: list[float]

    @property
    def spread(self) -> Spread:
        return Spread.of(self.seconds)

    @property
    def cpu_spread(self) -> Spread:
        return Spread.of(self.cpu_seconds)

    def times_faster_than(self, other: Timing) -> Spread:
        """Ratios of the rounds, whose two calls shared the machine's mood."""
        return Spread.of([b / a for a, b in zip(self.seconds, other.seconds, strict=True)])

    def scaled(self, factor: float) -> Timing:
        return Timing([factor * s for s in self.seconds], [factor * s for s in self.cpu_seconds])


def interleave(
    contenders: Mapping[str, Prepare], *, rounds: int, calls: int = 1
) -> dict[str, Timing]:
    """Time all contenders in every round, each `calls` times, after one call to warm up.

    Whatever else the machine does hits all of them alike. Each round has an order of its own, so
    that none always finds the caches as the same other one leaves them.
    """
    names = list(contenders)
    order = random.Random(0)
    for prepare in contenders.values():
        prepare()()
    timings = {name: Timing([], []) for name in names}
    with _no_collector():
        for _ in range(rounds):
            order.shuffle(names)
            for name in names:
                prepared = [contenders[name]() for _ in range(calls)]
                began, cpu_began = perf_counter(), process_time()
                for call in prepared:
                    call()
                cpu_ended, ended = process_time(), perf_counter()
                timings[name].seconds.append((ended - began) / calls)
                timings[name].cpu_seconds.append((cpu_ended - cpu_began) / calls)
    return timings


@contextmanager
def _no_collector() -> Iterator[None]:
    """As timeit does: a collection takes longer than a short call and strikes at random."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
