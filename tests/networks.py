"""Small networks and lines on which breakpoints are easily miscounted.

Case i of a seed does not depend on how many cases are drawn: a failing label's number reproduces
it by ``network_case(seed, i)`` or ``segment_case(seed, i)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Parameters = tuple[list[Array], list[Array]]
Family = Callable[[np.random.Generator, int], Parameters]

NEGATIVE_SLOPES = (0.0, 0.0, 0.0, 0.0, 0.01, 0.5, 1.0, -0.5, -1.0)
SMALLEST_SUBNORMAL = 5e-324


class NetworkCase(NamedTuple):
    label: str
    weights: list[Array]
    biases: list[Array]
    negative_slope: float
    interval: tuple[float, float]


class SegmentCase(NamedTuple):
    """Positions are t of start + t (stop - start)."""

    label: str
    weights: list[Array]
    biases: list[Array]
    negative_slope: float
    start: Array
    stop: Array
    interval: tuple[float, float]  # (0, 1) or the whole line


def random_networks(n: int, seed: int) -> Iterator[NetworkCase]:
    """Draw n networks with one input, the families in turn."""
    return (network_case(seed, index) for index in range(n))


def random_segments(n: int, seed: int) -> Iterator[SegmentCase]:
    """Draw n networks with 2 to 5 inputs and a line for each, the families in turn."""
    return (segment_case(seed, index) for index in range(n))


def network_case(seed: int, index: int) -> NetworkCase:
    rng = np.random.default_rng([seed, index])
    family, draw = _in_turn(FAMILIES | ONE_INPUT_FAMILIES, index)
    weights, biases = draw(rng, 1)
    negative_slope = float(rng.choice(NEGATIVE_SLOPES))
    kind = str(rng.choice(_INTERVALS, p=_INTERVAL_SHARES))
    interval = _interval(rng, kind, weights[0], biases[0])
    label = f"{family}/{kind}/slope {negative_slope}/{seed},{index}"
    return NetworkCase(label, weights, biases, negative_slope, interval)


def segment_case(seed: int, index: int) -> SegmentCase:
    rng = np.random.default_rng([seed, index])
    family, draw = _in_turn(FAMILIES, index)
    n_inputs = int(rng.integers(2, 6))
    weights, biases = draw(rng, n_inputs)
    negative_slope = float(rng.choice(NEGATIVE_SLOPES))
    kind = str(rng.choice(list(_LINES)))
    start, stop = _LINES[kind](rng, n_inputs)
    if kind == "parallel":
        _put_line_into_zero_sets(rng, weights[0], biases[0], start, stop)
    whole = rng.random() < 0.4
    interval = (-math.inf, math.inf) if whole else (0.0, 1.0)
    label = f"{family}/{kind}/{'whole/' * whole}slope {negative_slope}/{seed},{index}"
    return SegmentCase(label, weights, biases, negative_slope, start, stop, interval)


def saw_tooth(depth: int) -> Parameters:
    """The depth-fold composition of the tent map 1 - |2x - 1|: 2^depth pieces on (0, 1)."""
    first = np.array([[1.0], [1.0]])
    fold = np.array([[2.0, -4.0], [2.0, -4.0]])
    bias = np.array([0.0, -0.5])
    weights = [first, *[fold.copy() for _ in range(depth - 1)], fold[:1].copy()]
    biases = [*[bias.copy() for _ in range(depth)], np.zeros(1)]
    return weights, biases


def _in_turn(families: dict[str, Family], index: int) -> tuple[str, Family]:
    return list(families.items())[index % len(families)]


# Families of networks


def _widths(rng: np.random.Generator, n_inputs: int, largest: int = 30) -> list[int]:
    """Depth 1 to 5; mostly narrow, because a narrow network meets more coincidences."""
    widest = min(largest, int(rng.choice([1, 2, 3, 5, 8, 15, 30])))
    # A very narrow layer leaves little for the layers after it, so most networks have none.
    narrowest = 1 if rng.random() < 0.25 else (widest + 1) // 2
    depth = int(rng.integers(1, 6))
    n_outputs = int(rng.choice([1, 1, 2, 3]))
    return [n_inputs, *rng.integers(narrowest, widest + 1, size=depth).tolist(), n_outputs]


def _gaussian(rng: np.random.Generator, n_inputs: int, largest: int = 30) -> Parameters:
    widths = _widths(rng, n_inputs, largest)
    shapes = list(zip(widths[1:], widths[:-1], strict=True))
    weights = [rng.normal(size=shape) * math.sqrt(2 / shape[1]) for shape in shapes]
    return weights, [0.5 * rng.normal(size=n) for n in widths[1:]]


def _integer(rng: np.random.Generator, n_inputs: int, largest: int = 30) -> Parameters:
    widths = _widths(rng, n_inputs, largest)
    shapes = list(zip(widths[1:], widths[:-1], strict=True))
    weights = [rng.integers(-2, 3, size=shape).astype(float) for shape in shapes]
    return weights, [rng.integers(-2, 3, size=n).astype(float) for n in widths[1:]]


def _either(rng: np.random.Generator, n_inputs: int, largest: int = 30) -> Parameters:
    return (_gaussian if rng.random() < 0.4 else _integer)(rng, n_inputs, largest)


def _without_bias(rng: np.random.Generator, n_inputs: int) -> Parameters:
    """On a line through the origin every neuron of every layer is zero there."""
    weights, biases = _either(rng, n_inputs)
    return weights, [np.zeros_like(b) for b in biases]


def _sparse(rng: np.random.Generator, n_inputs: int) -> Parameters:
    weights, biases = _integer(rng, n_inputs)
    weights = [rng.choice([-1.0, 0.0, 1.0], p=[0.2, 0.6, 0.2], size=w.shape) for w in weights]
    return weights, [rng.choice([-1.0, 0.0, 1.0], size=b.shape) for b in biases]


def _plateaus(rng: np.random.Generator, n_inputs: int) -> Parameters:
    """Sums of ramps of one sign: preactivations that touch zero, or stay zero on an interval."""
    weights, biases = _integer(rng, n_inputs)
    weights[0][weights[0] == 0] = 1.0
    biases[0] = rng.integers(-3, 4, size=biases[0].shape).astype(float)
    for w, b in zip(weights[1:-1], biases[1:-1], strict=True):
        signs = rng.choice([-1.0, 1.0], size=(len(w), 1))
        w[:] = signs * rng.choice([0.0, 1.0, 2.0], size=w.shape)
        b[:] = rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=b.shape)
    return weights, biases


def _repeated(rng: np.random.Generator, n_inputs: int) -> Parameters:
    """Rows that are multiples of others; three times a Gaussian row is rounded, a near tie."""
    weights, biases = _either(rng, n_inputs)
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        for row in range(1, len(w)):
            if rng.random() < 0.6:
                other = int(rng.integers(row))
                factor = float(rng.choice([1.0, 1.0, -1.0, -1.0, 2.0, -0.5, 3.0, -3.0]))
                w[row], b[row] = factor * w[other], factor * b[other]
    return weights, biases


def _mirrored(rng: np.random.Generator, n_inputs: int) -> Parameters:
    """Neurons in pairs z, -z that the next layer reads as z, or with ReLU as |z|."""
    weights, biases = _either(rng, n_inputs, largest=15)
    for layer in range(len(weights) - 1):
        sign = rng.choice([-1.0, -1.0, 1.0], size=len(weights[layer]))
        weights[layer] = np.vstack([weights[layer], -weights[layer]])
        biases[layer] = np.concatenate([biases[layer], -biases[layer]])
        weights[layer + 1] = np.hstack([weights[layer + 1], sign * weights[layer + 1]])
    return weights, biases


def _dead(rng: np.random.Generator, n_inputs: int) -> Parameters:
    """Neurons that no input, or hardly any, makes active."""
    weights, biases = _either(rng, n_inputs)
    for w, b in zip(weights[1:-1], biases[1:-1], strict=True):
        dead = rng.random(len(w)) < rng.choice([0.3, 0.7, 1.0])
        w[dead] = -np.abs(w[dead])
        b[dead] = -np.abs(b[dead]) * rng.choice([0.0, 1.0])
    return weights, biases


def _zeros(rng: np.random.Generator, n_inputs: int) -> Parameters:
    """Zero rows, columns, matrices and biases; zeros of both signs."""
    weights, biases = _either(rng, n_inputs)
    for w, b in zip(weights, biases, strict=True):
        zero = float(rng.choice([0.0, -0.0]))
        w[rng.random(len(w)) < 0.25] = zero
        w[:, rng.random(w.shape[1]) < 0.25] = zero
        w[rng.random(w.shape) < 0.2] = zero
        b[rng.random(len(b)) < 0.3] = zero
        if rng.random() < 0.05:
            w[:] = zero
    return weights, biases


def _silent(rng: np.random.Generator, n_inputs: int) -> Parameters:
    """Breakpoints of which none reaches the output, or none of a layer's."""
    weights, biases = _either(rng, n_inputs, largest=15)
    layer = int(rng.integers(1, len(weights)))
    if rng.random() < 0.5:
        weights[layer][:] = 0.0
    else:
        weights[layer - 1] = np.vstack([weights[layer - 1]] * 2)
        biases[layer - 1] = np.concatenate([biases[layer - 1]] * 2)
        weights[layer] = np.hstack([weights[layer], -weights[layer]])
    return weights, biases


def _huge(rng: np.random.Generator, n_inputs: int) -> Parameters:
    weights, biases = _either(rng, n_inputs, largest=8)
    return [1e150 * w for w in weights], [1e150 * b for b in biases]


def _tiny(rng: np.random.Generator, n_inputs: int) -> Parameters:
    weights, biases = _either(rng, n_inputs, largest=8)
    return [1e-150 * w for w in weights], [1e-150 * b for b in biases]


def _mixed_scales(rng: np.random.Generator, n_inputs: int) -> Parameters:
    """Layers, neurons or single weights of very different size."""
    weights, biases = _either(rng, n_inputs, largest=8)
    grain = str(rng.choice(["layer", "neuron", "weight"]))
    reach = int(rng.choice([3, 20, 150]))
    for w, b in zip(weights, biases, strict=True):
        shape = {"layer": (1, 1), "neuron": (len(w), 1), "weight": w.shape}[grain]
        scale = 10.0 ** rng.integers(-reach, reach + 1, size=shape)
        w *= scale
        b *= scale[:, 0]
    return weights, biases


def _subnormal(rng: np.random.Generator, n_inputs: int) -> Parameters:
    """Some layers subnormal, exact multiples of the smallest number."""
    weights, biases = _integer(rng, n_inputs, largest=8)
    for w, b in zip(weights, biases, strict=True):
        if rng.random() < 0.6:
            w *= SMALLEST_SUBNORMAL
        if rng.random() < 0.6:
            b *= SMALLEST_SUBNORMAL
    return weights, biases


def _nudged(rng: np.random.Generator, n_inputs: int) -> Parameters:
    """Integers with some entries a few units in the last place off: ties that are none."""
    weights, biases = _integer(rng, n_inputs)
    for parameters in (*weights, *biases):
        ulps = rng.choice([-2, -1, 0, 0, 0, 0, 1, 2], size=parameters.shape)
        parameters *= 1.0 + ulps * np.finfo(np.float64).eps
    return weights, biases


def _near_ties(rng: np.random.Generator, _: int) -> Parameters:
    """Every neuron zero at one point up to rounding, so that many positions share a float64."""
    weights, biases = _gaussian(rng, 1, largest=8)
    h = np.array([rng.normal()])
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        b[:] = -(w @ h)
        # A layer that is all but zero would leave the next one nothing to be near.
        b[rng.random(len(b)) < 0.3] += 1.0
        h = np.maximum(w @ h + b, 0.0)
    return weights, biases


def _centred(rng: np.random.Generator, _: int) -> Parameters:
    """Most neurons exactly zero at one rational point, often no float64, such as 1/3."""
    weights, biases = _integer(rng, 1)
    numerator, denominator = rng.integers(-5, 6), rng.integers(1, 8)
    biases = [rng.choice([0.0, 0.0, 0.0, 1.0, -1.0], size=b.shape) for b in biases]
    centred = rng.random(len(biases[0])) < 0.8
    biases[0][centred] = -numerator * weights[0][centred, 0]
    weights[0][centred] *= denominator
    return weights, biases


def _folds(rng: np.random.Generator, _: int) -> Parameters:
    """Tent maps, exact or with the folds a few units in the last place off."""
    weights, biases = saw_tooth(int(rng.integers(1, 6)))
    if rng.random() < 0.5:
        for w in weights:
            w *= 1.0 + rng.integers(-2, 3, size=w.shape) * np.finfo(np.float64).eps
    return weights, biases


FAMILIES: dict[str, Family] = {
    "gaussian": _gaussian,
    "integer": _integer,
    "without bias": _without_bias,
    "sparse": _sparse,
    "plateaus": _plateaus,
    "repeated": _repeated,
    "mirrored": _mirrored,
    "dead": _dead,
    "zeros": _zeros,
    "silent": _silent,
    "huge": _huge,
    "tiny": _tiny,
    "mixed scales": _mixed_scales,
    "subnormal": _subnormal,
    "nudged": _nudged,
}
ONE_INPUT_FAMILIES: dict[str, Family] = {
    "near ties": _near_ties,
    "centred": _centred,
    "folds": _folds,
}


# Intervals

_INTERVALS = ("whole", "right half", "left half", "finite", "integer", "at roots", "narrow")
_INTERVAL_SHARES = (0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)


def _interval(
    rng: np.random.Generator, kind: str, weights: Array, biases: Array
) -> tuple[float, float]:
    """An interval of a kind, for a network of that first layer."""
    roots = _roots(weights, biases)
    if kind == "whole":
        return -math.inf, math.inf
    if kind == "right half":
        return _beside(rng, rng.choice(roots)), math.inf
    if kind == "left half":
        return -math.inf, _beside(rng, rng.choice(roots))
    if kind == "finite":
        centre, radius = rng.normal(), rng.exponential(2.0)
        return float(centre - radius), float(centre + radius)
    if kind == "integer":
        # Where the breakpoints of integer networks often are.
        left, right = sorted(rng.choice(np.arange(-8, 9), size=2, replace=False).tolist())
        return left / 2, right / 2
    if kind == "at roots":
        left, right = sorted(_beside(rng, root) for root in rng.choice(roots, size=2))
        if left < right:
            return left, right
    # A few floats wide.
    root = rng.choice(roots)
    return float(np.nextafter(root, -math.inf)), float(np.nextafter(root, math.inf))


def _roots(weights: Array, biases: Array) -> Array:
    """Roots of a first layer as rounded, and zero."""
    with np.errstate(all="ignore"):
        roots = -biases / weights[:, 0]
    return np.append(roots[np.isfinite(roots)], 0.0)


def _beside(rng: np.random.Generator, root: float) -> float:
    """The rounded root, which is the exact one for many networks, or a neighbouring float."""
    towards = float(rng.choice([-math.inf, root, root, math.inf]))
    return float(np.nextafter(root, towards))


# Lines in several dimensions


def _gaussian_line(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    return rng.normal(size=n), rng.normal(size=n)


def _integer_line(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    start = rng.integers(-2, 3, size=n).astype(float)
    step = rng.integers(-2, 3, size=n).astype(float)
    step[rng.integers(n)] = rng.choice([-2.0, -1.0, 1.0, 2.0])
    return start, start + step


def _symmetric_line(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Through the origin at t = 1/2."""
    start = rng.normal(size=n)
    return start, -start


def _parallel_line(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Parallel to one or more axes' hyperplanes: some coordinates do not change."""
    start, stop = _integer_line(rng, n) if rng.random() < 0.5 else _gaussian_line(rng, n)
    moving = int(rng.choice(np.flatnonzero(start != stop)))
    still = rng.random(n) < 0.6
    still[moving] = False
    still[(moving + 1) % n] = True
    stop[still] = start[still]
    return start, stop


def _decimal_line(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Points whose difference is not a float64 vector."""
    start, step = rng.integers(-20, 21, size=n) / 10, rng.integers(1, 21, size=n) / 10
    return start, start + step * rng.choice([-1.0, 1.0], size=n)


def _short_line(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Between neighbouring floats."""
    start = rng.normal(size=n)
    return start, np.nextafter(start, rng.choice([-math.inf, math.inf], size=n))


def _long_line(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """From a point that stop - start would round away."""
    scale = 10.0 ** int(rng.choice([10, 17, 30, 150]))
    return rng.normal(size=n), scale * rng.normal(size=n)


def _put_line_into_zero_sets(
    rng: np.random.Generator, weights: Array, biases: Array, start: Array, stop: Array
) -> None:
    """Make some first-layer neurons depend on a coordinate that does not change; some be zero."""
    still = int(np.flatnonzero(start == stop)[0])
    for neuron in np.flatnonzero(rng.random(len(weights)) < 0.4):
        weights[neuron] = 0.0
        weights[neuron, still] = rng.choice([-2.0, -1.0, 1.0, 2.0])
        biases[neuron] = -weights[neuron, still] * start[still] + rng.choice([-1.0, 0.0, 0.0, 1.0])


_LINES: dict[str, Callable[[np.random.Generator, int], tuple[Array, Array]]] = {
    "gaussian": _gaussian_line,
    "integer": _integer_line,
    "symmetric": _symmetric_line,
    "parallel": _parallel_line,
    "decimal": _decimal_line,
    "short": _short_line,
    "long": _long_line,
}
