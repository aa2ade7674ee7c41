"""Pairs of images, to measure a network between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relufast._validate import FloatArray

Pairs = NDArray[np.intp]  # (m, 2), indices of images


def of_the_same_class(rng: np.random.Generator, labels: NDArray[np.int64]) -> Pairs:
    """Disjoint pairs, so that they are independent draws of images."""
    classes = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    return np.concatenate([_in_pairs(rng.permutation(members)) for members in classes])


def of_different_classes(rng: np.random.Generator, labels: NDArray[np.int64]) -> Pairs:
    """Disjoint pairs."""
    pairs = _in_pairs(rng.permutation(len(labels)))
    differ: NDArray[np.bool_] = labels[pairs[:, 0]] != labels[pairs[:, 1]]
    return pairs[differ, :]


def _in_pairs(indices: NDArray[np.intp]) -> Pairs:
    return indices[: len(indices) // 2 * 2].reshape(-1, 2)


def angles(images: FloatArray, pairs: Pairs) -> FloatArray:
    """Between the two images of each pair, in radians."""
    directions = images / np.linalg.norm(images, axis=1, keepdims=True)
    first, second = directions[pairs[:, 0]], directions[pairs[:, 1]]
    difference = np.linalg.norm(first - second, axis=1)
    # Unlike arccos, accurate for small angles.
    half: FloatArray = np.arctan2(difference, np.linalg.norm(first + second, axis=1))
    return 2.0 * half
