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


CASES = [
    *(_overflow_far_out(seed) for seed in range(6)),
    *(_cluster_in_layer_two(c) for c in (3.4, 8.4)),
    *(_cluster_in_layer_one(d) for d in (3.2, 5.2)),
    *(_partial_sums_overflow(sign) for sign in (1, -1)),
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
