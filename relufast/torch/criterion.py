"""When a pruned model is retrained."""

from __future__ import annotations

from dataclasses import dataclass

from relufast import _validate
from relufast.torch.pruning_step import PruningStep


@dataclass(frozen=True)
class RetrainWhen:
    """The paper's criterion: retrain when any of three things holds.

    Attributes
    ----------
    drop : float
        Accuracy fell by more than this since the last retraining. At least 0.
    every : int
        The step's number is a multiple of it. At least 1.
    rank_below : int
        A layer's rank is below it. At least 0, for never.

    Raises
    ------
    TypeError, ValueError
        For a wrong type, or a number out of its range.

    Notes
    -----
    The defaults are the paper's, for accuracies as fractions of 1. An output layer with 10 classes
    falls below rank 10 at its first cut: leave it linear, or lower `rank_below`.

    References
    ----------
    arXiv 1812.02566.
    """

    drop: float = 0.005
    every: int = 10
    rank_below: int = 10

    def __post_init__(self) -> None:
        _validate.non_negative_float(self.drop, "drop")
        _validate.positive_int(self.every, "every")
        _validate.non_negative_int(self.rank_below, "rank_below")

    def __call__(self, step: PruningStep) -> bool:
        return (
            step.reference_accuracy - step.accuracy > self.drop
            or step.step % self.every == 0
            or min(step.ranks) < self.rank_below
        )
