"""Does a published claim hold? Three answers, for many claims at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relufast.report.estimate import Estimate

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be tested"
FEWEST_TRIALS = 12


@dataclass(frozen=True)
class Judge:
    """Answers from confidence intervals that hold together.

    Each interval is Student's for the mean of `n_trials` independent trials, at the level that
    Bonferroni's inequality asks of each of `n_intervals`. A mean of fewer than `FEWEST_TRIALS`
    is not tested: Student's law is that of normal trials, and a mean of few others is not near.

    Parameters
    ----------
    n_trials : int
        Behind every estimate.
    n_intervals : int
        All that are looked at, to whichever claim they belong.
    margin : float
        What makes no difference: a claimed number is met within it, a claimed rise is as large.
    false_alarms : float
        The chance that any of all intervals misses its mean.
    """

    n_trials: int
    n_intervals: int
    margin: float
    false_alarms: float = 1e-4

    @property
    def standard_errors(self) -> float:
        """Half the length of an interval."""
        # Imported here because it takes 0.1 s, which a look at the digits need not.
        from scipy.special import stdtrit

        one_side = 0.5 * self.false_alarms / self.n_intervals
        return -float(stdtrit(self.n_trials - 1, one_side))

    def equal(self, estimate: Estimate, claimed: float) -> str:
        """Is the mean as claimed? It holds, or fails, if all of the interval says so."""
        if self.n_trials < FEWEST_TRIALS:
            return OPEN
        difference = abs(estimate.value - claimed)
        half_length = self.standard_errors * estimate.standard_error
        if difference + half_length <= self.margin:
            return HOLDS
        return FAILS if difference - half_length > self.margin else OPEN

    def positive(self, estimate: Estimate) -> str:
        """Is the mean above zero? That it is not would need a mean below the margin."""
        if self.n_trials < FEWEST_TRIALS:
            return OPEN
        half_length = self.standard_errors * estimate.standard_error
        if estimate.value - half_length > 0.0:
            return HOLDS
        return FAILS if estimate.value + half_length < self.margin else OPEN


def any_of(verdicts: Iterable[str]) -> str:
    """Of a claim that holds if one of its readings does."""
    return _first_of((HOLDS, OPEN, FAILS), list(verdicts))


def all_of(verdicts: Iterable[str]) -> str:
    """Of a claim that holds if all of its parts do."""
    return _first_of((FAILS, OPEN, HOLDS), list(verdicts))


def _first_of(order: Sequence[str], verdicts: Sequence[str]) -> str:
    return next(verdict for verdict in order if verdict in verdicts)


def every_trial(lowest: float, highest: float, claimed: float) -> str:
    """Of a number that each trial is claimed to have, whose smallest lies between proven bounds.

    Parameters
    ----------
    lowest, highest : float
        The smallest of the trials' lower bounds, and of their upper bounds.
    claimed : float
        The largest possible value.
    """
    if highest < claimed:
        return FAILS
    return HOLDS if lowest >= claimed else OPEN
