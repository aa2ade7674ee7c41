"""What can go wrong in a run, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class MonteCarloError(RuntimeError):
    """A run stopped. What was finished is in its store, if it has one."""


class TrialError(MonteCarloError):
    """A trial failed, or gave NaN or infinity.

    Attributes
    ----------
    seed, block, trial : int
        ``replay(statistic, seed, block, trial)`` runs it again.
    """

    def __init__(self, reason: str, seed: int, block: int, trial: int) -> None:
        super().__init__(
            f"{reason} in trial {trial} of block {block}; run it alone with "
            f"replay(statistic, seed={seed}, block={block}, trial={trial})"
        )
        self.reason, self.seed, self.block, self.trial = reason, seed, block, trial

    def __reduce__(self) -> tuple[Callable[..., TrialError], tuple[Any, ...]]:
        return type(self), (self.reason, self.seed, self.block, self.trial)


class WorkerLostError(MonteCarloError):
    """A worker process died, and its executor with it."""


class StoreError(MonteCarloError):
    """A store cannot be read or written. What it held before is still there."""
