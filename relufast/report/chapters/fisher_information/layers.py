"""Random layers, and the groups of their approximate eigenvectors."""

from __future__ import annotations

from typing import Literal

import numpy as np

from relufast._validate import FloatArray

Group = Literal["norm", "linear", "product", "square"]

GROUPS: tuple[Group, ...] = ("norm", "linear", "product", "square")


def random_layer(rng: np.random.Generator, width: int, dimension: int) -> FloatArray:
    """Weights from N(0, 1/m), shape (width, dimension)."""
    weights: FloatArray = rng.standard_normal((width, dimension)) / np.sqrt(width)
    return weights
