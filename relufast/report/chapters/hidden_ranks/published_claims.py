"""What the paper claims, beside what was measured."""

# ruff: noqa: RUF001 (minus signs for the page)

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from relufast._validate import FloatArray
from relufast.rank_theory import expected_effective_dimension, revival_depths, revival_height
from relufast.report import verdict
from relufast.report.chapter import Claim, Figure, Section
from relufast.report.chapters.hidden_ranks.dimensions import (
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
from relufast.report.estimate import Estimate
from relufast.report.verdict import Judge

_COMPARED_LAYER = 10
_RISE = verdict.TENTH * WIDTH


@dataclass(frozen=True)
class _Statement:
    """What is claimed, and the numbers that decide, by notion of dimension."""

    claim: str
    measured: str
    number: Estimate  # of those below, the one that is shown
    numbers: Mapping[str, Sequence[Estimate]]
    verdict: Callable[[Judge, Sequence[Estimate]], str]  # of one notion
    rule: str
    claimed: float | None = None  # of all the numbers

    @property
    def n_intervals(self) -> int:
        return sum(map(len, self.numbers.values()))

    def judged(self, judge: Judge, figure: Figure) -> Claim:
        return Claim(
            claim=self.claim,
            number=self.number,
            measured=self.measured,
            verdict=verdict.any_of(self.verdict(judge, found) for found in self.numbers.values()),
            limits=(
                f"He's networks, {DEPTH} layers, {WIDTH} neurons and inputs; five readings of "
                f"“dimension”; margin {judge.margin:g}"
            ),
            rule=f"{self.rule} {self._turning_points(judge)}{judge}",
            figure=figure,
        )

    def _turning_points(self, judge: Judge) -> str:
        """From which margins on the answer would be another."""
        if judge.n_trials < verdict.FEWEST_TRIALS:
            return ""
        if self.claimed is None:
            highest = max(judge.upper_end(e) for own in self.numbers.values() for e in own)
            return f"With any margin from {max(0.0, highest):.2g} on there would be no rise. "
        points = {
            notion: [judge.turning_points(number, self.claimed) for number in numbers]
            for notion, numbers in self.numbers.items()
        }
        # All numbers of a notion have to be met, and one notion is enough.
        least = min(max(p[0] for p in own) for own in points.values())
        enough = min(max(p[1] for p in own) for own in points.values())
        return f"{verdict.turning(least, enough)} "


def section(measured: Measurement, ranks: Figure, notions: Figure) -> Section:
    """The claims, decided by the networks that two figures show."""
    he = measured[HE]
    statements = [_formula(he), _peaks(he), _spacing(he), _height(he)]
    judge = Judge(he.networks, sum(s.n_intervals for s in statements), _RISE)
    claims = [
        *(s.judged(judge, notions) for s in statements),
        _full_rank(measured[ORTHOGONAL], "Orthogonal initialisation keeps full rank", ranks),
        _full_rank(measured[LEAKY], "A leaky ReLU keeps full rank", ranks),
    ]
    return Section(
        title="The published claims",
        text=(
            "Each claim is tested on the networks above: one that says something of a "
            "dimension without saying which is tested on all five notions, and fails only if it "
            "fails for each of them. Differences between layers are taken within the same "
            "networks, with the covariance of the means.",
        ),
        claims=claims,
        findings=(
            f"Of {len(claims)} published claims "
            + "; ".join(filter(None, (_of_verdict(claims, v) for v in verdict.VERDICTS)))
            + ".",
            "From one layer to the next the exact rank of a single network rises in "
            f"{he.share_of_rises().per_cent} of the steps.",
        ),
    )


def _of_verdict(claims: Sequence[Claim], wanted: str) -> str:
    found = [claim.claim for claim in claims if claim.verdict == wanted]
    if not found:
        return ""
    verb = {
        verdict.HOLDS: "held",
        verdict.LIMITED: "held within stated limits",
        verdict.FAILS: "did not hold",
        verdict.OPEN: "stayed open",
    }
    return f"{len(found)} {verb[wanted]} ({'; '.join(found)})"


_OF_A_NUMBER = (
    f"The number is met if the whole interval of a notion is within {_RISE:g} of it, a tenth of "
    "the number of inputs and arbitrary, and missed if no part of any is."
)
_OF_A_RISE = (
    "It is there if the whole interval of a rise is above 0, and absent if all of each is below "
    f"{_RISE:g}, a tenth of the number of inputs and arbitrary."
)


def _formula(he: Dimensions) -> _Statement:
    layer = _COMPARED_LAYER
    claimed = float(expected_effective_dimension(WIDTH, DEPTH)[layer - 1])
    found = {notion: [he.by_layer(notion)[layer - 1]] for notion in NOTIONS}
    notion, nearest = _nearest(found, claimed)
    return _Statement(
        "The mean dimension of layer l is m (1 − (1 − 2/π)ˡ)",
        f"{nearest} in layer {layer} by the nearest notion, the {notion}; claimed {claimed:.2f}",
        nearest,
        found,
        lambda judge, numbers: judge.equal(numbers[0], claimed),
        _OF_A_NUMBER,
        claimed,
    )


def _peaks(he: Dimensions) -> _Statement:
    rises = {n: [he.contrast(n, _step(layer)) for layer in range(1, DEPTH)] for n in NOTIONS}
    notion, largest = _most_significant(rises)
    return _Statement(
        "The dimension rises again and again as layers go by",
        f"{largest} is the most significant rise of a mean from one layer to the next ({notion})",
        largest,
        rises,
        _any_positive,
        _OF_A_RISE,
    )


def _spacing(he: Dimensions) -> _Statement:
    contrasts = {notion: [he.contrast(notion, _peaks_less_troughs())] for notion in NOTIONS}
    notion, largest = _most_significant(contrasts)
    spacing = float(np.diff(revival_depths(2))[0])
    return _Statement(
        "Peaks come at depths (k + 1/2) π / log(1/ρ), ρ = 1 − 2/π",
        f"{largest} more at these depths, every {spacing:.2f} layers, than in between ({notion}, "
        "the most significant)",
        largest,
        contrasts,
        _any_positive,
        _OF_A_RISE,
    )


def _height(he: Dimensions) -> _Statement:
    claimed = revival_height(WIDTH)
    weights = [_interpolation(d) for d in _inner_revivals()]
    found = {notion: [he.contrast(notion, w) for w in weights] for notion in NOTIONS}
    first, last = found[EXACT][0], found[EXACT][-1]
    return _Statement(
        "The peaks reach 0.79 m",
        f"{last} is the {EXACT} at the last peak's depth, {first} at the first's; claimed "
        f"{claimed:.1f} at all",
        last,
        found,
        lambda judge, numbers: verdict.all_of(judge.equal(e, claimed) for e in numbers),
        _OF_A_NUMBER,
        claimed,
    )


def _full_rank(found: Dimensions, claim: str, figure: Figure) -> Claim:
    lowest, highest = found.smallest_rank()
    smallest = f"{lowest}" if lowest == highest else f"{lowest} to {highest}"
    last = found.by_layer(EXACT)[-1]
    return Claim(
        claim=claim,
        number=last,
        measured=(
            f"{last} is the mean rank in layer {DEPTH}, {smallest} the smallest of all; full is "
            f"{WIDTH}"
        ),
        verdict=verdict.every_trial(lowest, highest, WIDTH),
        limits=f"{found.networks:,} networks, {DEPTH} layers, {WIDTH} neurons and inputs",
        rule=(
            "It holds if a proven lower bound gives every network full rank in every layer, and "
            "fails if a proven upper bound denies it to one."
        ),
        figure=figure,
        obstacle="Proven bounds of some ranks leave it open",
    )


def _nearest(found: Mapping[str, Sequence[Estimate]], claimed: float) -> tuple[str, Estimate]:
    """The first number of a notion that comes nearest to what is claimed."""
    notion = min(found, key=lambda name: abs(found[name][0].value - claimed))
    return notion, found[notion][0]


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
