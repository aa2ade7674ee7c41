"""What one step of harmonic pruning did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PruningStep:
    """One step of harmonic pruning: one singular value of one layer cut.

    Attributes
    ----------
    step : int
        1, 2, ...; 0 is the model before any cut.
    layer : str or None
        The name of the layer that was cut; None at step 0.
    ranks : tuple of int
        Of all double layers, in the model's order, after the step.
    accuracy : float
        After the step, and after retraining if there was any.
    accuracy_before_retraining : float
        After the cut.
    reference_accuracy : float
        After the last retraining before this step, or at step 0.
    candidate_accuracies : tuple of float
        For each double layer, the accuracy without its smallest singular value; NaN for one that
        may not be cut any more.
    n_parameters : int
        Of the whole model, after the step.
    retrained : bool
        Whether the model was retrained after the cut.
    """

    step: int
    layer: str | None
    ranks: tuple[int, ...]
    accuracy: float
    accuracy_before_retraining: float
    reference_accuracy: float
    candidate_accuracies: tuple[float, ...]
    n_parameters: int
    retrained: bool
