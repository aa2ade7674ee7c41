"""The primes of 23 bits that matrices are eliminated modulo, the largest first."""

from __future__ import annotations

from functools import cache

from relufast import _core


def prime(number: int) -> int:
    """Number 0, 1, ... of a fixed list, of which no more is made than is needed."""
    return _list_of(max(16, 1 << number.bit_length()))[number]


def first_primes(count: int) -> tuple[int, ...]:
    return tuple(prime(number) for number in range(count))


@cache
def _list_of(count: int) -> tuple[int, ...]:
    return tuple(_core.primes(count))
