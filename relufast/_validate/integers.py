"""Several integers at once."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relufast._validate.arrays import EXACT_INTEGERS, largest_in_size, unmasked_array
from relufast._validate.messages import type_of
from relufast._validate.numbers import integer, non_negative_int, positive_int


def step_numbers(value: object, name: str) -> NDArray[np.int64]:
    """0, 1, ..., up to an integer, or a vector of integers as it is; none negative."""
    array = unmasked_array(value, name)
    if array.ndim == 0:
        return np.arange(non_negative_int(value, name) + 1, dtype=np.int64)
    _require_integers(array, name)
    _require_vector(array, name)
    if array.min() < 0:
        raise ValueError(f"{name} has the entry {array.min()}, but must not be negative")
    if largest_in_size(array) > EXACT_INTEGERS:
        raise ValueError(
            f"{name} has the entry {largest_in_size(array)}, but must be at most 2**53"
        )
    return array.astype(np.int64)


def ranks_up_to(value: object, name: str, largest: int) -> tuple[int, ...]:
    """Different numbers from 0 to `largest`, rising: from None all, from an integer that one."""
    if value is None:
        return tuple(range(largest + 1))
    array = unmasked_array(value, name)
    if array.ndim == 0:
        numbers = np.array([integer(value, name)], object)
    else:
        _require_vector(array, name)
        _require_integers(array, name)
        numbers = array
    for number in numbers:
        if not 0 <= number <= largest:
            raise ValueError(f"{name} has {number}, but ranks here are 0 to {largest}")
    ranks = sorted({int(number) for number in numbers})
    if len(ranks) < len(numbers):
        raise ValueError(f"{name} has a number twice, but needs different ones")
    return tuple(ranks)


def rising_integers(value: object, name: str) -> tuple[int, ...]:
    """One or more positive integers, each larger than the one before."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    if not isinstance(value, (list, tuple, range)):
        raise TypeError(f"{name} is {type_of(value)}, but needs a list or tuple of integers")
    numbers = tuple(positive_int(number, f"{name}[{i}]") for i, number in enumerate(value))
    if not numbers or any(b <= a for a, b in pairwise(numbers)):
        raise ValueError(f"{name} is {numbers}, but needs at least one integer, and rising ones")
    return numbers


def _require_vector(array: NDArray[Any], name: str) -> None:
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"{name} has shape {array.shape}, but needs an integer or shape (n,), n at least 1"
        )


def _require_integers(array: NDArray[Any], name: str) -> None:
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {array.dtype}, but needs integers")
