"""What a sweep's time and memory are made of, fitted to measured CPU seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

GIB = 2.0**30


@dataclass(frozen=True)
class Size:
    """A network of equal layers, and into how many windows its line is cut."""

    width: int
    depth: int
    n_windows: int


def work(size: Size) -> dict[str, float]:
    """How often each kind of work is done; see docs/cost.md."""
    n, depth = float(size.width), size.depth
    return {
        # Products at all knots that are older than the layer below: (l - 2) n of them at layer l.
        # Of the last layer only the neurons that may turn are looked at.
        "multiplications in products": n**3 * (depth - 1) * (depth - 2) / 2.0,
        # Of the layers between the second and a wide last one.
        "multiplications for bounds on norms": n**3 * max(depth - 3, 0),
        "values looked at": n**2 * depth**2 / 2.0,
        "weights drawn": n**2 * depth * (2.0 + size.n_windows),
    }


@dataclass(frozen=True)
class CostModel:
    """CPU seconds for one of each kind of work."""

    seconds: dict[str, float]
    worst_ratio: float  # measured over fitted, or the reverse, of all that was fitted

    def cpu_seconds(self, size: Size) -> float:
        return sum(self.seconds[kind] * number for kind, number in work(size).items())


def fit(measured: dict[Size, float]) -> CostModel:
    """Rates, none of them negative, that come nearest in relative terms."""
    kinds = list(work(next(iter(measured))))
    rows = np.array([[work(size)[kind] for kind in kinds] for size in measured])
    seconds = np.array(list(measured.values()))
    scale = rows.max(axis=0)
    rates, _ = nnls(rows / scale / seconds[:, np.newaxis], np.ones(len(seconds)))
    ratios = rows @ (rates / scale) / seconds
    return CostModel(
        dict(zip(kinds, (rates / scale).tolist(), strict=True)),
        float(np.maximum(ratios, 1.0 / ratios).max()),
    )


def least_gib(size: Size, n_threads: int) -> float:
    """A layer, once more by rows, and what each thread gathers of it."""
    return (2.0 + n_threads) * 8.0 * size.width**2 / GIB
