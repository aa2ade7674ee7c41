"""Networks on which certificates were once wrong: found by an audit of the error analysis."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from networks import NetworkCase
from numpy.typing import ArrayLike

ULP = 2.0**-32  # of numbers in [2^20, 2^21)
FAR = STEEP = 2.0**20


def _case(
    label: str,
    weights: Sequence[ArrayLike],
    biases: Sequence[ArrayLike],
    negative_slope: float = 0.0,
    interval: tuple[float, float] = (-math.inf, math.inf),
) -> NetworkCase:
    return NetworkCase(
        label,
        [np.array(w, float) for w in weights],
        [np.array(b, float) for b in biases],
        negative_slope,
        interval,
    )


def _overflow_far_out(seed: int) -> NetworkCase:
    """Columns near the far end are NaN, and say nothing of the neurons elsewhere."""
    rng = np.random.default_rng(seed)
    weights = [
        rng.normal(size=(6, 1)),
        rng.normal(size=(6, 6)) * 1e5,
        rng.normal(size=(6, 6)),
        rng.normal(size=(1, 6)),
    ]
    biases = [
        rng.normal(size=6),
        rng.normal(size=6) * 1e5,
        rng.normal(size=6) * 1e5,
        np.zeros(1),
    ]
    return _case(f"overflow far out {seed}", weights, biases, interval=(-10.0, 1e305))


def _cluster_in_layer_two(c: float) -> NetworkCase:
    """Two roots share a float64; the steep one's kink lies on the wrong side of the other's."""
    first, light = 2.0**-20, 2.0**-10
    return _case(
        f"cluster in layer two {c}",
        [
            [[1.0]],
            [[STEEP], [light], [STEEP]],
            [[1, 0, 0], [0, 0, 1], [1, 1, 1]],
            [[1, 1, 1]],
        ],
        [
            [-(FAR - first)],
            [-STEEP * (first + 0.45 * ULP), -light * (first + 0.46 * ULP), 0.0],
            [-STEEP * c * ULP, -STEEP * (first + (c + 0.2) * ULP), 1.0],
            [0.0],
        ],
        interval=(FAR - 2.0**-21, FAR + 2.0**-20),
    )


def _cluster_in_layer_one(d: float) -> NetworkCase:
    """The same in the first layer, under a column that is evaluated in double-double."""

    def intercept(slope: float) -> float:
        return -(slope * FAR + float(np.spacing(slope * FAR)))

    steep, light = 3 * STEEP, 7 * 2.0**-10
    first = 2.0**-20 + ULP
    return _case(
        f"cluster in layer one {d}",
        [
            [[steep], [light], [1.0]],
            [[1, 0, STEEP], [0, 0, STEEP], [1, 1, 1]],
            [[1, 1, 1]],
        ],
        [
            [intercept(steep), intercept(light), -(FAR - 2.0**-20)],
            [-STEEP * (first - d * ULP), -STEEP * (first - (d + 0.4) * ULP), 1.0],
            [0.0],
        ],
        interval=(FAR - 2.0**-21, FAR + 2.0**-20),
    )


def _partial_sums_overflow(sign: int) -> NetworkCase:
    """A matrix product meets infinity on the way to a finite sum, or to none."""
    m = 20
    slopes, offsets = np.ones((2 * m, 1)), np.full(2 * m, -1.0)
    slopes[m:], offsets[m:] = 0.0, 2.0
    sums = sign * np.r_[np.full(m, 1e307), np.full(m, -1e307)][np.newaxis]
    return _case(
        f"partial sums overflow {sign}",
        [[[1.0]], slopes, sums, [[1e-300]]],
        [[3.0], offsets, [0.0], [0.0]],
        interval=(-0.125, 0.125),
    )


def _dip_below_zero(turn: float) -> NetworkCase:
    """A V of layer three is below zero only between two float64 numbers, about layer two's knot."""
    first = 2.0**-20
    at = STEEP * (first + turn * ULP)
    return _case(
        f"dip below zero {turn}",
        [[[1.0]], [[STEEP], [STEEP]], [[-1.0, 2.0]], [[1.0]]],
        [[-(FAR - first)], [0.0, -at], [at - 0.2 * STEEP * ULP], [0.0]],
        interval=(FAR - 2.0**-21, FAR + 2.0**-20),
    )


def _cancellation_beyond_double_double(seed: int) -> NetworkCase:
    """What double-double loses in layer two is all that its error leaves of layer three's sign."""
    rng = np.random.default_rng(seed)
    turning = 1.0 + rng.random(8)
    large, slope, sent = (s * (1.0 + rng.random()) for s in (2.0**60, 1.0, 1.0))
    shift = rng.random()
    idle = [0.0] * len(turning)
    return _case(
        f"cancellation beyond double-double {seed}",
        [
            [[slope], [sent], [slope], *[[1.0] for _ in turning]],
            [[large, 1.0, -large, *idle], [0.0, 1.0, 0.0, *idle]],
            [[1.0, -1.0]],
            [[1.0]],
        ],
        [[shift, rng.random(), shift, *-turning], [0.0, 0.0], [2.0**-60], [0.0]],
        interval=(1.0, 2.0),
    )


CASES = [
    *(_overflow_far_out(seed) for seed in range(6)),
    *(_cluster_in_layer_two(c) for c in (3.4, 8.4)),
    *(_cluster_in_layer_one(d) for d in (3.2, 5.2)),
    *(_partial_sums_overflow(sign) for sign in (1, -1)),
    *(_dip_below_zero(turn) for turn in (3.45, 8.55)),
    *(_cancellation_beyond_double_double(seed) for seed in range(4)),
    _case(
        "two kinks cancel at an exact knot",
        [[[1.0]], [[1.0], [-1.0]], [[1.0, -1.0]]],
        [[0.0], [0.0, 0.0], [0.0]],
        -1.0,
    ),
    _case(
        "a neuron touches zero at an exact knot",
        [[[1.0]], [[1.0], [-1.0]], [[1.0, -2.0]]],
        [[0.0], [0.0, 0.0], [0.0]],
        -0.5,
    ),
    _case(
        "equal roots, one of subnormal parameters",
        [[[3.0], [15e-324]], [[1.0, 1.0]]],
        [[-1.0, -5e-324], [0.0]],
    ),
    _case(
        "slopes underflow, and the line is long",
        [[[2.0**-440]] * 2, [[2.0**-620 * (1 + 2.0**-20), -(2.0**-620)]], [[1.0]]],
        [[2.0**-430] * 2, [-(2.0**-190)], [0.0]],
        interval=(1.0, 2.0**900),
    ),
]
