"""The compiled loops over trials. Nothing else in the package imports Numba at its top."""

from __future__ import annotations

from typing import Any

import numpy as np

from relufast._numba import breakpoint_counter_count, njit, random_normals
from relufast._validate import FloatArray


@njit(cache=False)  # compiled for each function it is given
def run_trials(f: Any, rng: Any, values: Any, reached: Any) -> None:
    for trial in range(values.shape[0]):
        reached[0] = trial
        f(rng, values[trial])


@njit()
def count_breakpoints(
    random: int,
    counter: int,
    scales: FloatArray,
    parameters: FloatArray,
    counts: Any,
    values: FloatArray,
    outcomes: Any,
) -> None:
    """Draws a network and counts its breakpoints by layer, for each row of `values`."""
    for trial in range(values.shape[0]):
        draw_parameters(random, scales, parameters)
        count_into(counter, parameters, counts, values, outcomes, trial)


@njit()
def count_breakpoints_orthogonal(
    random: int,
    counter: int,
    scales: FloatArray,
    widths: Any,
    parameters: FloatArray,
    counts: Any,
    values: FloatArray,
    outcomes: Any,
) -> None:
    """The same with orthogonal weights."""
    for trial in range(values.shape[0]):
        draw_orthogonal_parameters(random, scales, widths, parameters)
        count_into(counter, parameters, counts, values, outcomes, trial)


@njit()
def count_into(
    counter: int,
    parameters: FloatArray,
    counts: Any,
    values: FloatArray,
    outcomes: Any,
    trial: int,
) -> None:
    outcomes[trial] = breakpoint_counter_count(counter, parameters, counts)
    for layer in range(counts.shape[0]):
        values[trial, layer] = counts[layer]


@njit()
def draw_parameters(random: int, scales: FloatArray, parameters: FloatArray) -> None:
    """W_1, b_1, W_2, b_2, ... one after the other."""
    random_normals(random, parameters)
    for i in range(parameters.shape[0]):
        parameters[i] *= scales[i]


@njit()
def draw_orthogonal_parameters(
    random: int, scales: FloatArray, widths: Any, parameters: FloatArray
) -> None:
    random_normals(random, parameters)
    begin = 0
    for layer in range(widths.shape[0] - 1):
        n_in, n_out = widths[layer], widths[layer + 1]
        orthonormalise(parameters, begin, n_out, n_in)
        begin += n_out * n_in + n_out
    for i in range(parameters.shape[0]):
        parameters[i] *= scales[i]


@njit()
def orthonormalise(parameters: FloatArray, begin: int, n_rows: int, n_columns: int) -> None:
    """Orthonormal rows or columns, whichever are fewer, with Haar's law, from normals.

    Gram and Schmidt's process, done twice for each vector, which is as good as exact. A vector
    keeps its direction where it is the first, so that no sign has to be drawn (Mezzadri 2007).
    """
    if n_rows < n_columns:
        n_vectors, length, step, stride = n_rows, n_columns, n_columns, 1
    else:
        n_vectors, length, step, stride = n_columns, n_rows, 1, n_columns
    for i in range(n_vectors):
        vector = begin + i * step
        for _ in range(2):
            for j in range(i):
                other = begin + j * step
                product = 0.0
                for k in range(length):
                    product += parameters[vector + k * stride] * parameters[other + k * stride]
                for k in range(length):
                    parameters[vector + k * stride] -= product * parameters[other + k * stride]
        square = 0.0
        for k in range(length):
            square += parameters[vector + k * stride] ** 2
        scale = 1.0 / np.sqrt(square)
        for k in range(length):
            parameters[vector + k * stride] *= scale
