"""What Monte Carlo averages: a random array, a trial at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from relufast._validate import FloatArray


class Rows(NamedTuple):
    """The values of some trials."""

    values: FloatArray  # (trials, size)
    n_uncertified: int = 0


class Statistic(ABC):
    """Draws trials block by block.

    A block is so many trials whose random numbers come from one stream. It is what runs without
    a pause, so that it should take some hundredths of a second, and 0.2 s at the most.

    Attributes
    ----------
    shape : tuple of int
        Of one trial's value; () for a number.
    block_size : int
        Trials in a block. It must follow from the parameters alone, because it decides bits.
    """

    shape: tuple[int, ...]
    block_size: int

    @abstractmethod
    def rows(self, sequence: np.random.SeedSequence, n_trials: int) -> Rows:
        """The first trials of the block that has this stream.

        Parameters
        ----------
        sequence : SeedSequence
            The block's own. More trials begin with the same ones.
        n_trials : int
            From 1 to `block_size`.
        """

    @abstractmethod
    def key(self) -> Mapping[str, Any] | None:
        """All that decides the trials, for JSON; None if that is not known."""

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


def block_sequence(seed: int, block: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(block,))
