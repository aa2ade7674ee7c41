"""What the paper claims, beside what was measured, with a verdict on each claim."""

# ruff: noqa: RUF001 (minus signs for the page)

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from relufast._validate import FloatArray
from relufast.rank_theory import expected_effective_dimension, revival_depths, revival_height
from relufast.report import verdict
from relufast.report.chapter import Column, Section, Table
from relufast.report.chapters.hidden_ranks.dimensions import (
    DEPTH,
    EFFECTIVE,
    EXACT,
    HE,
    LEAKY,
    NOTIONS,
    ORTHOGONAL,
    WIDTH,
    Dimensions,
    Measurement,
)
from relufast.report.estimate import Estimate
from relufast.report.verdict import Judge

_MARGIN = 0.1  # of the number of inputs
_COMPARED_LAYER = 10


@dataclass(frozen=True)
class _Claim:
    """What is claimed, and the numbers that decide, by notion of dimension."""

    claim: str
    claimed: str
    measured: str
    numbers: Mapping[str, Sequence[Estimate]]
    verdict: Callable[[Judge, Sequence[Estimate]], str]  # of one notion

    @property
    def n_intervals(self) -> int:
        return sum(map(len, self.numbers.values()))

    def judged(self, judge: Judge) -> str:
        return verdict.any_of(self.verdict(judge, found) for found in self.numbers.values())


def section(measured: Measurement) -> Section:
    he = measured[HE]
    claims = [_formula(he), _peaks(he), _spacing(he), _height(he)]
    judge = Judge(he.networks, sum(claim.n_intervals for claim in claims), _MARGIN * WIDTH)
    rows = [
        *((c.claim, c.claimed, c.measured, c.judged(judge)) for c in claims),
        _full_rank(measured[ORTHOGONAL], "orthogonal initialisation keeps full rank"),
        _full_rank(measured[LEAKY], "a leaky ReLU keeps full rank"),
    ]
    return Section(
        title="The published claims",
        text=(
            "Each claim is tested on the networks above: one that says something of a "
            "dimension without saying which is tested on all five notions, and fails only if it "
            "fails for each of them.",
        ),
        tables=(
            Table(
                name="hidden-ranks-claims",
                caption=f"Claims, for {WIDTH} inputs and layers of {WIDTH} neurons.",
                columns=(
                    Column("claim", "claim"),
                    Column("claimed", "claimed number"),
                    Column("measured", "measured"),
                    Column("verdict", "verdict"),
                ),
                rows=rows,
            ),
        ),
        findings=(
            f"Of {len(rows)} published claims "
            + "; ".join(_of_verdict(rows, v) for v in (verdict.HOLDS, verdict.FAILS, verdict.OPEN))
            + ".",
            "From one layer to the next the exact rank of a single network rises in "
            f"{he.share_of_rises().per_cent} of the steps.",
        ),
        notes=(
            f"The verdicts come from {judge.n_intervals} confidence intervals, each the mean and "
            f"{judge.standard_errors:.1f} standard errors to both sides: by Student's law for "
            f"{judge.n_trials} networks and Bonferroni's inequality all hold together but once in "
            f"{1.0 / judge.false_alarms:,.0f} reports. A claimed number counts as met if the whole "
            f"interval is within {judge.margin:.1f} of it, a tenth of the number of inputs, and as "
            "missed if no part is. A rise counts if its whole interval is above 0, and its absence "
            f"if all of it is below {judge.margin:.1f}. Otherwise, and with fewer than "
            f"{verdict.FEWEST_TRIALS} networks, the claim cannot be tested. Differences between "
            "layers are taken within the same networks, with the covariance of the means. A full "
            "rank in each network is a matter of proven bounds.",
        ),
    )


def _of_verdict(rows: Sequence[Sequence[str]], wanted: str) -> str:
    claims = [row[0] for row in rows if row[-1] == wanted]
    verb = {verdict.HOLDS: "held", verdict.FAILS: "did not hold", verdict.OPEN: "stayed open"}
    named = f": {', '.join(claims)}" if claims else ""
    return f"{len(claims)} {verb[wanted]}{named}"


def _formula(he: Dimensions) -> _Claim:
    layer = _COMPARED_LAYER
    claimed = float(expected_effective_dimension(WIDTH, DEPTH)[layer - 1])
    found = {notion: [he.by_layer(notion)[layer - 1]] for notion in NOTIONS}
    return _Claim(
        "the mean dimension of layer l is m (1 − (1 − 2/π)ˡ)",
        f"{claimed:.2f} in layer {layer}",
        f"{EXACT} {found[EXACT][0]}, {EFFECTIVE} {found[EFFECTIVE][0]}",
        found,
        lambda judge, numbers: judge.equal(numbers[0], claimed),
    )


def _peaks(he: Dimensions) -> _Claim:
    rises = {n: [he.contrast(n, _step(layer)) for layer in range(1, DEPTH)] for n in NOTIONS}
    notion, largest = _most_significant(rises)
    return _Claim(
        "the dimension rises again and again as layers go by",
        "a rise before each peak",
        f"most significant rise of a mean: {largest} ({notion})",
        rises,
        _any_positive,
    )


def _spacing(he: Dimensions) -> _Claim:
    contrasts = {notion: [he.contrast(notion, _peaks_less_troughs())] for notion in NOTIONS}
    notion, largest = _most_significant(contrasts)
    spacing = float(np.diff(revival_depths(2))[0])
    return _Claim(
        "peaks come at depths (k + 1/2) π / log(1/ρ), ρ = 1 − 2/π",
        f"every {spacing:.2f} layers",
        f"there less in between, most significant: {largest} ({notion})",
        contrasts,
        _any_positive,
    )


def _height(he: Dimensions) -> _Claim:
    claimed = revival_height(WIDTH)
    weights = [_interpolation(d) for d in _inner_revivals()]
    found = {notion: [he.contrast(notion, w) for w in weights] for notion in NOTIONS}
    first, last = found[EXACT][0], found[EXACT][-1]
    return _Claim(
        "the peaks reach 0.79 m",
        f"{claimed:.1f}",
        f"{EXACT} {first} at the first, {last} at the last",
        found,
        lambda judge, numbers: verdict.all_of(judge.equal(e, claimed) for e in numbers),
    )


def _full_rank(found: Dimensions, claim: str) -> tuple[str, str, str, str]:
    lowest, highest = found.smallest_rank()
    smallest = f"{lowest}" if lowest == highest else f"{lowest} to {highest}"
    last = found.by_layer(EXACT)[-1]
    return (
        claim,
        f"{WIDTH}",
        f"smallest rank in {found.networks:,} networks {smallest}; mean in layer {DEPTH} {last}",
        verdict.every_trial(lowest, highest, WIDTH),
    )


def _any_positive(judge: Judge, numbers: Sequence[Estimate]) -> str:
    return verdict.any_of(map(judge.positive, numbers))


def _most_significant(found: Mapping[str, Sequence[Estimate]]) -> tuple[str, Estimate]:
    """The number that lies the most standard errors above 0, and its notion."""
    pairs = [(notion, number) for notion, numbers in found.items() for number in numbers]
    return max(pairs, key=lambda pair: pair[1].deviation(0.0))


def _step(layer: int) -> FloatArray:
    """Weights of the rise from a layer to the next."""
    weights = np.zeros(DEPTH)
    weights[layer - 1 : layer + 1] = (-1.0, 1.0)
    return weights


def _interpolation(depth: float) -> FloatArray:
    """Weights of the value at a real depth, between two layers."""
    layer = int(depth)
    weights = np.zeros(DEPTH)
    weights[layer - 1 : layer + 1] = (layer + 1 - depth, depth - layer)
    return weights


def _inner_revivals() -> FloatArray:
    """The published depths whose troughs on both sides lie within the network."""
    depths = revival_depths(DEPTH)
    half = 0.5 * (depths[1] - depths[0])
    inner: FloatArray = depths[(depths - half >= 1.0) & (depths + half < DEPTH)]
    return inner


def _peaks_less_troughs() -> FloatArray:
    depths = _inner_revivals()
    half = 0.5 * (depths[1] - depths[0])
    weights = np.zeros(DEPTH)
    for depth in depths:
        weights += _interpolation(depth)
        weights -= 0.5 * (_interpolation(depth - half) + _interpolation(depth + half))
    return weights / len(depths)
