"""What the paper claims, beside what was measured, with a verdict on each claim."""

# ruff: noqa: RUF001 (minus signs for the page)

from __future__ import annotations

import numpy as np

from relufast._validate import FloatArray
from relufast.rank_theory import expected_effective_dimension, revival_depths, revival_height
from relufast.report.chapter import Cell, Column, Section, Table
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

HOLDS, FAILS = "holds", "does not hold"
# Of the some 150 differences that are looked at by chance one in 10,000 tries exceeds this.
_DECISIVE = 5.0  # standard errors
_COMPARED_LAYER = 10


def section(measured: Measurement) -> Section:
    claims = [
        _formula(measured[HE]),
        _peaks(measured[HE]),
        _spacing(measured[HE]),
        _height(measured[HE]),
        _full_rank(measured[ORTHOGONAL], "orthogonal initialisation keeps full rank"),
        _full_rank(measured[LEAKY], "a leaky ReLU keeps full rank"),
    ]
    holding = [str(claim[0]) for claim in claims if claim[-1] == HOLDS]
    failing = [str(claim[0]) for claim in claims if claim[-1] == FAILS]
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
                rows=claims,
            ),
        ),
        findings=(
            f"Of {len(claims)} published claims {len(holding)} held in our tests"
            + "".join(f": {claim}" for claim in holding[:1])
            + "".join(f"; {claim}" for claim in holding[1:])
            + f". {len(failing)} did not: {'; '.join(failing)}.",
            "In a single network the rank does go up and down: it rises in "
            f"{_percent(measured[HE].share_of_rises())} of the steps from one layer to the next, "
            "as by chance another number of neurons is alive; at which, differs from network to "
            "network.",
        ),
        notes=(
            f"A rise or a difference counts if it exceeds {_DECISIVE:g} standard errors. "
            "Differences between layers are taken within the same networks, with the covariance "
            "of the means.",
        ),
    )


def _percent(share: Estimate) -> str:
    return f"{Estimate(100.0 * share.value, 100.0 * share.standard_error)} %"


def _formula(he: Dimensions) -> tuple[Cell, ...]:
    layer = _COMPARED_LAYER
    claimed = float(expected_effective_dimension(WIDTH, DEPTH)[layer - 1])
    found = {notion: he.by_layer(notion)[layer - 1] for notion in NOTIONS}
    follows = any(abs(e.deviation(claimed)) <= _DECISIVE for e in found.values())
    return (
        "the mean dimension of layer l is m (1 − (1 − 2/π)ˡ)",
        f"{claimed:.2f} in layer {layer}",
        f"{EXACT} {found[EXACT]}, {EFFECTIVE} {found[EFFECTIVE]}",
        HOLDS if follows else FAILS,
    )


def _peaks(he: Dimensions) -> tuple[Cell, ...]:
    rises = {}
    for notion in NOTIONS:
        steps = [he.contrast(notion, _step(layer)) for layer in range(1, DEPTH)]
        rises[notion] = max(step.deviation(0.0) for step in steps)
    largest = max(rises, key=lambda notion: rises[notion])
    return (
        "the dimension rises again and again as layers go by",
        "a rise before each peak",
        f"largest rise of a mean: {rises[largest]:.1f} standard errors ({largest})",
        HOLDS if rises[largest] > _DECISIVE else FAILS,
    )


def _spacing(he: Dimensions) -> tuple[Cell, ...]:
    contrasts = {notion: he.contrast(notion, _peaks_less_troughs()) for notion in NOTIONS}
    largest = max(contrasts, key=lambda notion: contrasts[notion].deviation(0.0))
    spacing = float(np.diff(revival_depths(2))[0])
    return (
        "peaks come at depths (k + 1/2) π / log(1/ρ), ρ = 1 − 2/π",
        f"every {spacing:.2f} layers",
        f"{EXACT} there less that between: {contrasts[EXACT]}; {EFFECTIVE}: "
        f"{contrasts[EFFECTIVE]}".replace("-", "−"),
        HOLDS if contrasts[largest].deviation(0.0) > _DECISIVE else FAILS,
    )


def _height(he: Dimensions) -> tuple[Cell, ...]:
    claimed = revival_height(WIDTH)
    weights = [_interpolation(d) for d in _inner_revivals()]
    found = {notion: [he.contrast(notion, w) for w in weights] for notion in NOTIONS}
    follows = any(
        all(abs(e.deviation(claimed)) <= _DECISIVE for e in heights) for heights in found.values()
    )
    first, last = found[EXACT][0], found[EXACT][-1]
    return (
        "the peaks reach 0.79 m",
        f"{claimed:.1f}",
        f"{EXACT} from {first} at the first to {last} at the last",
        HOLDS if follows else FAILS,
    )


def _full_rank(found: Dimensions, claim: str) -> tuple[Cell, ...]:
    smallest = found.smallest_rank()
    last: Estimate = found.by_layer(EXACT)[-1]
    return (
        claim,
        f"{WIDTH}",
        f"smallest rank in {found.networks:,} networks {smallest}; mean in layer {DEPTH} {last}",
        HOLDS if smallest == WIDTH else FAILS,
    )


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
