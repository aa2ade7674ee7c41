"""Does a published claim hold? Four answers, by rules that are fixed before anything is measured.

A claim holds if what was measured agrees with it as it stands. If it needs an allowance of ours, a
margin, a least width, a choice among readings, it holds within these stated limits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relufast.report.estimate import Estimate

HOLDS, LIMITED = "holds", "holds within stated limits"
FAILS, OPEN = "does not hold", "cannot be tested"
VERDICTS = (HOLDS, LIMITED, FAILS, OPEN)
FEWEST_TRIALS = 12
FALSE_ALARMS = 1e-4  # the chance that one of a claim's intervals misses its mean
# What papers claim of large or infinite widths is not met to the last digit at a finite one, and
# none says how far off it may be. The tenth is ours and arbitrary: `Judge.turning_points` tells
# from which margin on an answer would be another.
TENTH = 0.1


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
    false_alarms: float = FALSE_ALARMS

    @property
    def standard_errors(self) -> float:
        """Half the length of an interval."""
        # Imported here because it takes 0.1 s, which a look at the digits need not.
        from scipy.special import stdtrit

        one_side = 0.5 * self.false_alarms / self.n_intervals
        return -float(stdtrit(self.n_trials - 1, one_side))

    def equal(self, estimate: Estimate, claimed: float) -> str:
        """Is the mean as claimed, but for the margin? If all of the interval says so."""
        if self.n_trials < FEWEST_TRIALS:
            return OPEN
        least, enough = self.turning_points(estimate, claimed)
        if enough <= self.margin:
            return LIMITED
        return FAILS if least > self.margin else OPEN

    def turning_points(self, estimate: Estimate, claimed: float) -> tuple[float, float]:
        """Below the first margin a claimed number is missed, from the second on it is met."""
        difference = abs(estimate.value - claimed)
        half_length = self.standard_errors * estimate.standard_error
        return max(0.0, difference - half_length), difference + half_length

    def __str__(self) -> str:
        """How sure, as a sentence."""
        intervals = "interval is" if self.n_intervals == 1 else f"{self.n_intervals} intervals are"
        return (
            f"The {intervals} {self.standard_errors:.1f} standard errors long to both sides: by "
            f"Student's law for {self.n_trials:,} trials and Bonferroni's inequality one misses "
            f"its mean once in {1.0 / self.false_alarms:,.0f} reports."
        )

    def positive(self, estimate: Estimate) -> str:
        """Is the mean above zero? That it is not would need a mean below the margin."""
        if self.n_trials < FEWEST_TRIALS:
            return OPEN
        half_length = self.standard_errors * estimate.standard_error
        if estimate.value - half_length > 0.0:
            return HOLDS
        return FAILS if self.upper_end(estimate) < self.margin else OPEN

    def upper_end(self, estimate: Estimate) -> float:
        """Of its interval: from which margin on a claimed rise is absent, if it is not there."""
        return estimate.value + self.standard_errors * estimate.standard_error


@dataclass(frozen=True)
class Decision:
    """An answer, and the rule that it follows from."""

    verdict: str
    rule: str


def near(
    estimate: Estimate, claimed: float, *, n_trials: int, scale: float | None = None
) -> Decision:
    """Of one claimed number, with a margin of a tenth of it, or of a scale if the number is 0."""
    judge = Judge(n_trials, 1, TENTH * (abs(claimed) if scale is None else scale))
    rule = (
        f"It is met if its whole interval is within {judge.margin:,.4g} of {claimed:,.4g}, "
        "and missed if no part is."
    )
    if n_trials >= FEWEST_TRIALS:
        least, enough = judge.turning_points(estimate, claimed)
        rule += f" {turning(least, enough)}"
    return Decision(judge.equal(estimate, claimed), f"{rule} {judge}")


def turning(least: float, enough: float) -> str:
    """How the answer depends on a margin, of `Judge.turning_points`, as a sentence."""
    fails = f"With any margin below {_short(least)} this claim would fail, with"
    return f"{fails if least else 'With'} any margin from {_short(enough)} on it would hold."


def _short(number: float) -> str:
    """Two digits, without an exponent where that is not too long."""
    return f"{float(f'{number:.2g}'):,g}"


def all_positive(numbers: Sequence[Estimate], what: str, *, n_trials: int) -> Decision:
    """Of numbers that are claimed to be above zero, all of them; `what` names them."""
    judge = Judge(n_trials, len(numbers), margin=0.0)
    return Decision(
        all_of(map(judge.positive, numbers)),
        f"It holds if the intervals of {what} lie above zero, and fails if one lies below. {judge}",
    )


def more_than_half(counts: Sequence[int], n_trials: Sequence[int]) -> str:
    """Of shares that are claimed to be above 1/2, by Clopper and Pearson's exact intervals."""
    from scipy.special import bdtr, bdtrc

    level = 0.5 * FALSE_ALARMS / len(counts)
    answers = []
    for count, n in zip(counts, n_trials, strict=True):
        if bdtrc(count - 1, n, 0.5) < level:
            answers.append(HOLDS)
        else:
            answers.append(FAILS if bdtr(count, n, 0.5) < level else OPEN)
    return all_of(answers)


def any_of(verdicts: Iterable[str]) -> str:
    """Of a claim that holds if one of its readings does."""
    return _first_of((HOLDS, LIMITED, OPEN, FAILS), list(verdicts))


def all_of(verdicts: Iterable[str]) -> str:
    """Of a claim that holds if all of its parts do."""
    return _first_of((FAILS, OPEN, LIMITED, HOLDS), list(verdicts))


def limited(verdict: str) -> str:
    """Of a claim whose test needs an allowance that the intervals do not know of."""
    return LIMITED if verdict == HOLDS else verdict


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
