"""What Monte Carlo averages: a random array, a trial at a time."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple, SupportsIndex

import numpy as np

from relufast import _validate
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
        """All that decides the trials besides the class, for JSON; None if that is not known.

        A store tells classes apart by their module and qualified name.
        """

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def class_of_user(statistic: Statistic) -> dict[str, str]:
    """What tells a user's statistic in a store from others of the same name and key.

    Nothing for relufast's own: their names are unique, and stay in stores when modules move.
    """
    kind = type(statistic)
    if kind.__module__.split(".")[0] == __name__.split(".")[0]:
        return {}
    return {"class": f"{kind.__module__}.{kind.__qualname__}"}


def checked_rows(statistic: Statistic, sequence: np.random.SeedSequence, n_trials: int) -> Rows:
    """What its `rows` returns, which may be a user's: not broadcast and not cast unseen."""
    rows = statistic.rows(sequence, n_trials)
    return Rows(
        _validate.returned_array(rows.values, "rows", (n_trials, statistic.size)),
        _validate.non_negative_int(rows.n_uncertified, "n_uncertified"),
    )


def stream_of_trial(
    statistic: Statistic, seed: SupportsIndex, block: SupportsIndex, trial: SupportsIndex
) -> tuple[np.random.SeedSequence, int]:
    """The stream of the trial's block, and the trial's number in it."""
    sequence = block_sequence(_validate.seed(seed), _validate.non_negative_int(block, "block"))
    return sequence, _validate.trial_number(trial, "trial", statistic.block_size)


def block_sequence(seed: int, block: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(block,))
