"""Single numbers."""

from __future__ import annotations

import operator
from collections.abc import Container
from typing import SupportsIndex

import numpy as np

from relufast._validate.arrays import EXACT_INTEGERS, float_array
from relufast._validate.messages import type_of


def finite_float(value: object, name: str) -> float:
    """A Python float from a real number: int, float, NumPy scalar or array without dimensions."""
    array = float_array(value, name)
    if array.ndim != 0:
        raise ValueError(f"{name} has shape {array.shape}, but needs a single number")
    return float(array)


def positive_float(value: object, name: str) -> float:
    number = finite_float(value, name)
    if number <= 0.0:
        raise ValueError(f"{name} is {number}, but must be positive")
    return number


def non_negative_float(value: object, name: str) -> float:
    number = finite_float(value, name)
    if number < 0.0:
        raise ValueError(f"{name} is {number}, but must not be negative")
    return number


def tolerance_or_none(value: object, name: str) -> float | None:
    return None if value is None else non_negative_float(value, name)


def fraction(value: object, name: str) -> float:
    """Between 0 and 1, neither of them."""
    number = finite_float(value, name)
    if not 0.0 < number < 1.0:
        raise ValueError(f"{name} is {number}, but must lie between 0 and 1")
    return number


def integer(value: object, name: str) -> int:
    """A Python int from whatever Python indexes with, except bool."""
    if type(value) is int:
        return value
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, SupportsIndex):
        raise TypeError(f"{name} is {type_of(value)}, but needs an integer")
    try:
        return operator.index(value)
    except TypeError:
        # An array has __index__ whatever its shape and dtype.
        raise TypeError(f"{name} is {type_of(value)}, but needs an integer") from None


def positive_int(value: object, name: str) -> int:
    number = integer(value, name)
    if number < 1:
        raise ValueError(f"{name} is {number}, but must be at least 1")
    return number


def non_negative_int(value: object, name: str) -> int:
    number = integer(value, name)
    if number < 0:
        raise ValueError(f"{name} is {number}, but must not be negative")
    return number


def integer_of_float(value: object, name: str) -> int:
    """A positive integer that float64 holds."""
    return _up_to(value, name, EXACT_INTEGERS, "must be at most 2**53")


def count_up_to(value: object, name: str, largest: int, of_what: str) -> int:
    return _up_to(value, name, largest, f"there are only {largest} {of_what}")


def size(value: object, name: str) -> int:
    """A number of neurons, points or the like, which 32 bits hold."""
    return _up_to(value, name, 2**31 - 1, "must be below 2**31")


def thread_number(value: object, name: str = "n_threads") -> int:
    # Each takes memory of its own even where there is nothing for it to do.
    return _up_to(value, name, 4096, "must be at most 4096")


def depth_up_to(value: object, name: str, largest: int, method: str) -> int:
    return _up_to(value, name, largest, f"must be at most {largest} for {method!r}")


def prime_count(value: object, name: str) -> int:
    return _up_to(value, name, 2**16, "there are 65536 primes to take")


def dimension_of_all_groups(value: object, name: str) -> int:
    """A number of inputs with which no group of `function_form` is empty."""
    number = positive_int(value, name)
    if number < 2:
        raise ValueError(f"{name} is {number}, but must be at least 2 for all groups to exist")
    return number


def group_degree(value: object, name: str) -> int:
    return _one_of(value, name, (0, 1, 2), "must be 0, 1 or 2")


def kernel_degree(value: object, name: str = "degree") -> int:
    return _one_of(value, name, (0, 1), "must be 0 or 1")


def matrix_axis(value: object, name: str = "axis") -> int:
    return _one_of(value, name, (0, 1), "must be 0, for rows, or 1, for columns")


def trial_number(value: object, name: str, block_size: int) -> int:
    number = non_negative_int(value, name)
    if number >= block_size:
        raise ValueError(f"{name} is {number}, but a block has {block_size}")
    return number


def seed(value: object, name: str = "seed") -> int:
    return _one_of(value, name, range(2**64), "must be at least 0 and below 2**64")


def _up_to(value: object, name: str, largest: int, needed: str) -> int:
    number = positive_int(value, name)
    if number > largest:
        raise ValueError(f"{name} is {number}, but {needed}")
    return number


def _one_of(value: object, name: str, known: Container[int], needed: str) -> int:
    number = integer(value, name)
    if number not in known:
        raise ValueError(f"{name} is {number}, but {needed}")
    return number
