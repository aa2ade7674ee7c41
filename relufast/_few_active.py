"""Searches for inputs with few active neurons: float64 points, whose counts are to be proven."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from relufast import _core, _forward_pass
from relufast._validate import FloatArray
from relufast.breakpoints import breakpoints
from relufast.network import Network

_WORDS = 32  # of random bits for a start
# Moves that gain nothing go no further out than this: neurons that are almost parallel have pieces
# at any distance, and a walk among those would leave the range of float64.
_RADIUS = 1e6


def search_matrix(
    A: FloatArray,
    bias: FloatArray | None,
    *,
    n_restarts: int,
    n_steps: int,
    seed: int,
    n_threads: int,
    report: Callable[[int], object] | None,
) -> FloatArray:
    """The best point of the starts, the first of those with as few active rows."""
    norms = _norms(A)
    used = norms > 0.0
    rows = A[used] / norms[used, np.newaxis]
    offsets = np.zeros(0)
    scale = 1.0
    if bias is not None:
        # Hyperplanes are some `scale` away from the origin, to be brought to 1.
        distances = bias[used] / norms[used]
        scale = float(np.median(np.abs(distances))) if used.any() else 0.0
        scale = scale if 0.0 < scale < np.inf else 1.0
        offsets = distances / scale
    if not used.any():
        return np.ones(A.shape[1])
    words = np.random.SeedSequence(seed).generate_state(n_restarts * _WORDS, np.uint64)
    counts, points = _core.search_few_active(
        rows, offsets, words.reshape(n_restarts, _WORDS), n_steps, n_threads, report
    )
    best: FloatArray = points[int(np.argmin(counts))] * scale
    return best


def search_layer(
    network: Network,
    layer: int,
    *,
    n_restarts: int,
    n_lines: int,
    seed: int,
    report: Callable[[int], object] | None,
) -> FloatArray:
    """The best input for a hidden layer: along random lines to the piece with the fewest."""
    n_inputs = network.widths[0]
    part = Network(
        network.weights[: layer + 1],
        network.biases[: layer + 1],
        negative_slope=network.negative_slope,
    )
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(layer,)))
    best, fewest = np.zeros(n_inputs), network.widths[layer] + 1
    for restart in range(n_restarts):
        x, count = rng.standard_normal(n_inputs), network.widths[layer] + 1
        for line in range(n_lines):
            distance = float(np.abs(x).max())
            direction = rng.standard_normal(n_inputs) * max(1.0, distance)
            places = _pieces(part, layer, x, direction)
            candidates = x + places[:, np.newaxis] * direction
            candidates = candidates[np.isfinite(candidates).all(axis=1)]
            counts = _counts(part, layer, candidates)
            k = int(np.argmin(counts))
            # On a level as well, so that plateaus are crossed.
            is_near = np.abs(candidates[k]).max() <= max(_RADIUS, distance)
            if counts[k] < count or (counts[k] == count and is_near):
                x, count = candidates[k], int(counts[k])
            if report is not None:
                report(restart * n_lines + line + 1)
        if count < fewest:
            best, fewest = x, count
    return best


def _pieces(network: Network, layer: int, x: FloatArray, direction: FloatArray) -> FloatArray:
    """A place inside each piece of the line on which the layer's activity does not change."""
    found = breakpoints(
        network,
        start=x,
        stop=x + direction,
        whole_line=True,
        certify=False,
        n_threads=1,
    )
    knots = np.unique(found.positions[found.layers == layer])
    knots = knots[np.isfinite(knots)]
    if len(knots) == 0:
        return np.zeros(1)
    middles = (knots[1:] + knots[:-1]) / 2.0
    return np.concatenate([[knots[0] - 1.0], middles, [knots[-1] + 1.0]])


def _counts(network: Network, layer: int, X: FloatArray) -> NDArray[np.int64]:
    *_, z = _forward_pass.preactivations(network, X)
    counts: NDArray[np.int64] = np.count_nonzero(z > 0.0, axis=1)
    return counts


def _norms(A: FloatArray) -> FloatArray:
    """Of rows, not beyond float64: those of tiny entries are what they are."""
    largest = np.abs(A).max(axis=1, initial=0.0)
    scaled = A / np.where(largest > 0.0, largest, 1.0)[:, np.newaxis]
    norms: FloatArray = np.minimum(largest * np.sqrt((scaled * scaled).sum(axis=1)), 1e308)
    return norms
