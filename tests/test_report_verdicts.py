"""The verdicts on published claims, on made-up estimates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from relufast._validate import FloatArray
from relufast.monte_carlo import monte_carlo
from relufast.rank_theory import expected_effective_dimension, revival_depths, revival_height
from relufast.report import verdict
from relufast.report.chapter import Figure
from relufast.report.chapters.hidden_ranks import published_claims
from relufast.report.chapters.hidden_ranks.dimensions import (
    _ROWS,
    DEPTH,
    EXACT,
    HE,
    LEAKY,
    NOTIONS,
    ORTHOGONAL,
    WIDTH,
    Dimensions,
    Measurement,
)
from relufast.report.estimate import Estimate, means
from relufast.report.verdict import FAILS, HOLDS, LIMITED, OPEN, Judge

# ---- Intervals ----


@pytest.mark.parametrize("n_trials", [12, 20, 60, 1000])
@pytest.mark.parametrize("n_intervals", [1, 150])
def test_intervals_are_students_and_hold_together(n_trials: int, n_intervals: int) -> None:
    judge = Judge(n_trials, n_intervals, margin=1.0)
    outside = 2.0 * stats.t.sf(judge.standard_errors, n_trials - 1)
    assert outside * n_intervals == pytest.approx(1e-4, rel=1e-9)
    assert judge.standard_errors > stats.norm.isf(0.5e-4 / n_intervals)


def test_few_trials_need_a_larger_distance() -> None:
    few, many = (Judge(n, 150, margin=0.1) for n in (12, 1000))
    estimate = Estimate(1.0, 1.0 / 7.0)  # seven standard errors above 0
    assert few.positive(estimate) == OPEN
    assert many.positive(estimate) == HOLDS


@pytest.mark.parametrize(
    ("value", "standard_error", "expected"),
    [
        (10.4, 0.1, LIMITED),
        (9.6, 0.1, LIMITED),
        (10.4, 0.2, OPEN),  # the interval ends beyond the margin
        (11.1, 0.1, OPEN),
        (12.0, 0.1, FAILS),
        (8.0, 0.1, FAILS),
        (12.0, 1.0, OPEN),
        (10.0, 0.0, LIMITED),
        (11.5, 0.0, FAILS),
    ],
)
def test_a_number_is_met_missed_or_open(value: float, standard_error: float, expected: str) -> None:
    judge = Judge(1000, 10, margin=1.0)
    assert 4.0 < judge.standard_errors < 5.0
    assert judge.equal(Estimate(value, standard_error), 10.0) == expected


@pytest.mark.parametrize(
    ("value", "standard_error", "expected"),
    [
        (0.5, 0.1, HOLDS),
        (0.01, 0.001, HOLDS),  # small, and yet a rise
        (0.5, 0.15, OPEN),  # neither above 0 nor below the margin
        (0.3, 0.1, FAILS),
        (-3.0, 0.1, FAILS),
        (-3.0, 5.0, OPEN),
        (0.0, 0.0, FAILS),
    ],
)
def test_a_rise_is_there_absent_or_open(value: float, standard_error: float, expected: str) -> None:
    judge = Judge(1000, 10, margin=1.0)
    assert judge.positive(Estimate(value, standard_error)) == expected


def test_few_trials_test_nothing() -> None:
    judge = Judge(verdict.FEWEST_TRIALS - 1, 1, margin=1.0)
    certain = Estimate(100.0, 1e-9)
    assert judge.equal(certain, 100.0) == judge.equal(certain, 0.0) == OPEN
    assert judge.positive(certain) == OPEN


def test_claims_of_several_parts() -> None:
    assert verdict.any_of([FAILS, OPEN, HOLDS]) == HOLDS
    assert verdict.any_of([FAILS, OPEN, FAILS]) == OPEN
    assert verdict.any_of([FAILS, FAILS]) == FAILS
    assert verdict.all_of([HOLDS, OPEN, FAILS]) == FAILS
    assert verdict.all_of([HOLDS, OPEN]) == OPEN
    assert verdict.all_of([HOLDS, HOLDS]) == HOLDS
    assert verdict.all_of([HOLDS, LIMITED]) == verdict.any_of([FAILS, LIMITED, OPEN]) == LIMITED
    assert [verdict.limited(v) for v in verdict.VERDICTS] == [LIMITED, LIMITED, FAILS, OPEN]


def test_the_upper_end_is_from_where_on_a_rise_is_absent() -> None:
    estimate = Estimate(0.2, 0.1)
    end = Judge(1000, 10, 0.0).upper_end(estimate)
    assert Judge(1000, 10, 1.01 * end).positive(estimate) == FAILS
    assert Judge(1000, 10, 0.99 * end).positive(estimate) == OPEN


def test_one_number_near_a_claimed_one() -> None:
    met = verdict.near(Estimate(10.4, 0.1), 10.0, n_trials=1000)
    assert met.verdict == LIMITED
    assert met.rule.startswith("It is met if its whole interval is within 1 of 10, and missed if")
    assert "would fail" not in verdict.near(Estimate(10.1, 0.1), 10.0, n_trials=1000).rule
    assert verdict.near(Estimate(12.0, 0.1), 10.0, n_trials=1000).verdict == FAILS
    assert verdict.near(Estimate(0.02, 0.01), 0.0, n_trials=1000, scale=1.0).verdict == LIMITED
    few = verdict.near(Estimate(10.4, 0.0), 10.0, n_trials=verdict.FEWEST_TRIALS - 1)
    assert few.verdict == OPEN
    assert "margin" not in few.rule


def test_numbers_that_are_all_above_zero() -> None:
    up, flat, down = Estimate(1.0, 0.1), Estimate(0.1, 0.1), Estimate(-1.0, 0.1)
    for numbers, expected in (((up, up), HOLDS), ((up, flat), OPEN), ((up, flat, down), FAILS)):
        found = verdict.all_positive(numbers, "all", n_trials=1000)
        assert found.verdict == expected
        assert "intervals of all lie above zero" in found.rule


@pytest.mark.parametrize(
    ("counts", "n_trials", "expected"),
    [
        ([15], [15], HOLDS),  # 2^-15 < 0.5e-4
        ([14], [14], OPEN),
        ([0], [15], FAILS),
        ([1000, 700], [1000, 1000], HOLDS),
        ([1000, 550], [1000, 1000], OPEN),
        ([1000, 300], [1000, 1000], FAILS),
    ],
)
def test_shares_above_a_half(counts: list[int], n_trials: list[int], expected: str) -> None:
    assert verdict.more_than_half(counts, n_trials) == expected
    for count, n in zip(counts, n_trials, strict=True):
        level = 0.5 * verdict.FALSE_ALARMS / len(counts)
        low = stats.beta.ppf(level, count, n - count + 1) if count else 0.0
        if expected == HOLDS:
            assert low > 0.5


@pytest.mark.parametrize("margin", [0.01, 0.4, 0.8, 1.2, 3.0])
def test_turning_points_tell_the_answer_at_any_margin(margin: float) -> None:
    judge, estimate = Judge(1000, 10, margin), Estimate(10.8, 0.07)
    least, enough = judge.turning_points(estimate, 10.0)
    assert 0.4 < least < 0.8 < enough < 1.2
    expected = FAILS if margin < least else LIMITED if margin >= enough else OPEN
    assert judge.equal(estimate, 10.0) == expected


def test_of_every_trial_a_bound_decides() -> None:
    assert verdict.every_trial(64, 64, 64) == HOLDS
    assert verdict.every_trial(60, 63, 64) == FAILS
    # A lower bound that is small proves nothing: the rank may be full all the same.
    assert verdict.every_trial(60, 64, 64) == OPEN


def test_false_alarms_are_as_seldom_as_promised() -> None:
    """At a level where they can be counted: 20 means of 12 normal trials, 4,000 reports."""
    n_trials, n_means, reports, level = 12, 20, 4000, 0.05
    judge = Judge(n_trials, n_means, margin=0.0, false_alarms=level)
    rng = np.random.default_rng(1)
    alarms, alarms_of_normal_quantiles = 0, 0
    normal = float(stats.norm.isf(0.5 * level / n_means))
    for _ in range(reports):
        trials = rng.standard_normal((n_trials, n_means))
        found = means(trials)
        alarms += FAILS in (judge.equal(e, 0.0) for e in found)
        alarms_of_normal_quantiles += any(abs(e.deviation(0.0)) > normal for e in found)
    usual = level * reports
    spread = math.sqrt(usual * (1.0 - level))
    # Independent means: 1 - (1 - level / n)^n, which is nearly the level.
    assert 0.97 * usual - 5.0 * spread < alarms < usual + 5.0 * spread
    assert alarms_of_normal_quantiles > usual + 5.0 * spread


# ---- The claims of chapter two ----

LAYERS = np.arange(1, DEPTH + 1)
FORMULA, PEAKS, SPACING, HEIGHT, ORTHOGONAL_FULL, LEAKY_FULL = range(6)


def networks(
    family: str,
    dimensions: FloatArray | float,
    *,
    spread: float = 0.5,
    n: int = 60,
    upper: float | None = None,
) -> Dimensions:
    """Made-up ones, all of whose notions of dimension are these by layer, but for chance."""

    def trial(rng: np.random.Generator) -> FloatArray:
        rows = np.empty((len(_ROWS), DEPTH))
        rows[: len(NOTIONS)] = dimensions + spread * rng.standard_normal((len(NOTIONS), DEPTH))
        exact = rows[NOTIONS.index(EXACT)]
        rows[len(NOTIONS)] = np.diff(exact, prepend=exact[0]) > 0.0
        rows[-1] = exact if upper is None else upper
        return rows

    return Dimensions(family, monte_carlo(trial, n_trials=n, seed=1, covariance=True))


FULL = networks(LEAKY, float(WIDTH), spread=0.0)


def verdicts(he: Dimensions, orthogonal: Dimensions = FULL, leaky: Dimensions = FULL) -> list[str]:
    figure = Figure("", lambda layout: pytest.fail(f"drawn for {layout}"), "", "")
    measured = Measurement({HE: he, ORTHOGONAL: orthogonal, LEAKY: leaky})
    section = published_claims.section(measured, figure, figure)
    found = [claim.verdict for claim in section.claims]
    verbs = ("held", "held within stated limits", "did not hold", "stayed open")
    for kind, verb in zip(verdict.VERDICTS, verbs, strict=True):
        n = found.count(kind)
        assert (f"{n} {verb} (" in section.findings[0]) == (n > 0)
    return found


def test_networks_that_follow_the_formula() -> None:
    found = verdicts(networks(HE, expected_effective_dimension(WIDTH, DEPTH)))
    assert (found[FORMULA], found[PEAKS]) == (LIMITED, HOLDS)
    assert found[SPACING] == found[HEIGHT] == FAILS


def test_networks_whose_dimension_falls() -> None:
    found = verdicts(networks(HE, np.linspace(40.0, 20.0, DEPTH)))
    assert found[:ORTHOGONAL_FULL] == [FAILS] * 4


def test_networks_that_oscillate_as_published() -> None:
    depths = revival_depths(DEPTH)
    phase = 2.0 * np.pi * (LAYERS - depths[0]) / (depths[1] - depths[0])
    # Sampled at whole layers and interpolated, a wave of three layers loses half of its height.
    found = verdicts(networks(HE, revival_height(WIDTH) + 3.0 * np.cos(phase)))
    assert found[PEAKS] == found[SPACING] == HOLDS
    assert found[HEIGHT] == LIMITED
    assert found[FORMULA] == FAILS


def test_networks_that_oscillate_in_between() -> None:
    depths = revival_depths(DEPTH)
    phase = 2.0 * np.pi * (LAYERS - depths[0]) / (depths[1] - depths[0])
    found = verdicts(networks(HE, 20.0 - 3.0 * np.cos(phase)))
    assert (found[PEAKS], found[SPACING], found[HEIGHT]) == (HOLDS, FAILS, FAILS)


def test_one_notion_that_follows_is_enough() -> None:
    falling = np.linspace(40.0, 20.0, DEPTH)
    rows = np.tile(falling, (len(NOTIONS), 1))
    assert verdicts(networks(HE, rows))[FORMULA] == FAILS
    rows[-1] = expected_effective_dimension(WIDTH, DEPTH)
    assert verdicts(networks(HE, rows))[FORMULA] == LIMITED


def test_networks_too_different_or_too_few_to_tell() -> None:
    falling = np.linspace(40.0, 20.0, DEPTH)
    assert verdicts(networks(HE, falling, spread=60.0))[:ORTHOGONAL_FULL] == [OPEN] * 4
    assert verdicts(networks(HE, falling, n=11))[:ORTHOGONAL_FULL] == [OPEN] * 4
    assert verdicts(networks(HE, falling, n=12))[:ORTHOGONAL_FULL] == [FAILS] * 4


def test_a_full_rank_is_decided_by_both_bounds() -> None:
    he = networks(HE, 30.0)
    deficient = networks(ORTHOGONAL, 60.0, spread=0.0)
    unknown = networks(ORTHOGONAL, 60.0, spread=0.0, upper=float(WIDTH))
    assert verdicts(he, deficient)[ORTHOGONAL_FULL] == FAILS
    assert verdicts(he, unknown)[ORTHOGONAL_FULL] == OPEN
    assert verdicts(he, leaky=unknown)[LEAKY_FULL] == OPEN
    assert verdicts(he)[ORTHOGONAL_FULL:] == [HOLDS, HOLDS]
