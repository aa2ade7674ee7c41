"""What can go wrong while pruning, by name."""

from __future__ import annotations

from typing import Any

from relufast.torch.pruning_step import PruningStep


class RetrainDivergedError(RuntimeError):
    """Retraining left NaN or infinity in the model, which is now again as after the last step.

    Attributes
    ----------
    parameter : str
        The first parameter or buffer that has them.
    last : PruningStep
        The last complete step, whose weights the model has again.
    """

    def __init__(self, parameter: str, last: PruningStep) -> None:
        super().__init__(
            f"retrain left NaN or infinity in {parameter} at step {last.step + 1}; "
            f"the model is again as after step {last.step}, of accuracy {last.accuracy:g}"
        )
        self.parameter, self.last = parameter, last

    def __reduce__(self) -> tuple[type[RetrainDivergedError], tuple[Any, ...]]:
        return type(self), (self.parameter, self.last)
