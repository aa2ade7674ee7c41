"""How far a run is."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from relufast.monte_carlo.estimate import Estimate

ProgressReport = Callable[[int, Callable[[], Estimate]], object]


@dataclass(frozen=True)
class Progress:
    """A moment of a run.

    Attributes
    ----------
    n_done : int
        Trials.
    n_trials : int or None
        To be done at the most, if that was given.
    rate : float
        Trials per second.
    estimate : Estimate
        What it would be if the run ended now.
    """

    n_done: int
    n_trials: int | None
    rate: float
    estimate: Estimate

    @property
    def seconds_left(self) -> float:
        """Until `n_trials` are done, at this rate; infinite where that is not known."""
        if self.n_trials is None or self.rate <= 0.0:
            return math.inf
        return (self.n_trials - self.n_done) / self.rate


@contextmanager
def progress_bar(n_trials: int | None) -> Iterator[Callable[[Progress], None]]:
    """A bar on stderr: trials done, rate, time left, and the present estimate."""
    from tqdm import tqdm

    with tqdm(total=n_trials, unit=" trials", unit_scale=True, file=sys.stderr) as bar:

        def show(progress: Progress) -> None:
            bar.update(progress.n_done - bar.n)
            bar.set_postfix_str(progress.estimate._summary())

        yield show
