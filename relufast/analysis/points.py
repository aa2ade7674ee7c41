"""The points that a network is looked at, given or random."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relufast import _validate
from relufast._validate import FloatArray
from relufast.network import Network


class Points(NamedTuple):
    X: FloatArray  # (m, n_0)
    labels: NDArray[np.int64] | None
    origin: str  # a sentence for who reads the page
    is_random: bool


def chosen_points(
    network: Network, X: object, labels: object, *, max_points: int, seed: int
) -> Points:
    """Some of the given points, in random order if there are more, or Gaussian ones."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(b"points")))
    n_inputs = network.widths[0]
    if X is None:
        if labels is not None:
            raise ValueError("labels are given, but X, the points that they belong to, is missing")
        return Points(
            rng.standard_normal((max_points, n_inputs)),
            None,
            f"No data was given: the points are {max_points:,} random ones, independent standard "
            f"Gaussian in each of {n_inputs:,} inputs, of seed {seed}. What is found at them may "
            "be far from what the network does with data of its own.",
            is_random=True,
        )
    given = _validate.point_set(_flattened(X, n_inputs), "X")
    if given.shape[1] != n_inputs:
        raise ValueError(
            f"X has shape {given.shape}, but needs shape (m, {n_inputs}): a row for each point, "
            "an entry for each input of the network"
        )
    classes = None
    if labels is not None:
        classes = _validate.labels(labels, "labels", len(given), max(2, network.widths[-1]))
    n_given = len(given)
    if n_given <= max_points:
        every = "The one given point." if n_given == 1 else f"All {n_given:,} given points."
        return Points(np.array(given, dtype=np.float64), classes, every, is_random=False)
    rows = rng.choice(n_given, max_points, replace=False)
    # Sorted first: a file that is mapped into memory is read in its own order.
    order = np.argsort(rows)
    taken = np.empty((max_points, n_inputs))
    taken[order] = given[rows[order]]
    return Points(
        taken,
        None if classes is None else classes[rows],
        f"{max_points:,} of {n_given:,} given points, drawn without replacement, of seed {seed}.",
        is_random=False,
    )


def _flattened(X: object, n_inputs: int) -> object:
    """Points of several dimensions, as images are, in C order; anything else is left to checks."""
    try:
        array = X if isinstance(X, np.ndarray) else np.asarray(X)
    except ValueError:  # ragged
        return X
    if array.ndim == 1 and n_inputs == 1:
        return array[:, np.newaxis]
    if array.ndim == 1 and len(array) == n_inputs:
        return array[np.newaxis]
    if array.ndim > 2 and array[0:1].size == n_inputs:
        return array.reshape(len(array), n_inputs)
    return X
