"""Harmonic pruning of a classifier with double layers, as in Figure 5 of arXiv 1812.02566.

Needs PyTorch: `relufast[torch]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from relufast._validate import FloatArray
from relufast.datasets import LabelledPoints

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from relufast.torch import PruningStep

Scaling = Literal["overall", "each"]

_HELD_OUT = 0.2  # of the training points, to choose the cuts by
_BATCH = 64
_LEARNING_RATE = 2e-3
_WEIGHT_DECAY = 0.1
_EPOCHS = 60


@dataclass(frozen=True)
class PrunedClassifier:
    """What pruning did to a classifier, step by step.

    Step 0 is the trained classifier at full ranks. Accuracies in `steps` are those on points held
    out of the training, by which layers were chosen; test points decided nothing.
    """

    layers: tuple[str, ...]
    widths: tuple[int, ...]
    steps: tuple[PruningStep, ...]
    test_accuracies: tuple[float, ...]  # after each step
    n_dense: int  # parameters that the same network has with a matrix in each layer

    @property
    def shares(self) -> tuple[float, ...]:
        """Parameters after each step over those of the dense network."""
        return tuple(step.n_parameters / self.n_dense for step in self.steps)

    def first_below(self, share: float) -> int | None:
        """The first step with less than this share of the dense network's parameters."""
        return next((i for i, own in enumerate(self.shares) if own < share), None)


def prune_classifier(
    training: LabelledPoints,
    test: LabelledPoints,
    *,
    hidden: Sequence[int] = (100, 100, 100),
    scaling: Scaling = "overall",
    smallest_share: float = 0.15,
    retraining_epochs: int = 24,
    seed: int = 0,
    store: Path | None = None,
) -> PrunedClassifier:
    """Train a classifier whose hidden layers are double layers of full rank, and prune it.

    Parameters
    ----------
    training, test : LabelledPoints
        Of the same classes.
    hidden : sequence of int
        Widths of the hidden layers; the output layer is not pruned.
    scaling : {"overall", "each"}
        All coordinates are centred, then divided by their common standard deviation, which suits
        images, or each by its own, which suits measures in different units.
    smallest_share : float
        Where to stop: parameters over those of the dense network.
    retraining_epochs : int
        Of each retraining. Half of the default loses twice as much of the accuracy on the digits.
    seed : int
        It determines the result, on one type of CPU.
    store : Path, optional
        A file for `relufast.torch.harmonic_pruning`; a run that goes on has test accuracies only of
        the steps that it makes itself, NaN before.

    Returns
    -------
    PrunedClassifier
    """
    import torch

    from relufast.torch import harmonic_pruning

    n_held_out = max(1, round(_HELD_OUT * len(training.labels)))
    learned, held_out = training.split(n_held_out, seed=seed)
    centre, scale = _centre_and_scale(learned, scaling)
    learned_x, held_out_x, test_x = (
        torch.from_numpy((p.X - centre) / scale).float() for p in (learned, held_out, test)
    )
    learned_y, held_out_y, test_y = (
        torch.from_numpy(p.labels.copy()) for p in (learned, held_out, test)
    )
    widths = (learned.X.shape[1], *hidden, len(training.classes))
    n_dense = sum((n + 1) * m for n, m in pairwise(widths))

    with _one_thread(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = _classifier(widths)
        _train(model, learned_x, learned_y, _EPOCHS)
        pruning = harmonic_pruning(
            model,
            lambda m: _accuracy(m, held_out_x, held_out_y),
            lambda m: _train(m, learned_x, learned_y, retraining_epochs),
            stop=lambda step: step.n_parameters < smallest_share * n_dense,
            seed=seed,
            store=store,
        )
        test_accuracies = [np.nan] * len(pruning.steps)
        test_accuracies += [_accuracy(model, test_x, test_y) for _ in pruning]
    return PrunedClassifier(pruning.layers, widths, pruning.steps, tuple(test_accuracies), n_dense)


def _centre_and_scale(
    points: LabelledPoints, scaling: Scaling
) -> tuple[FloatArray, FloatArray | float]:
    centre = points.X.mean(axis=0)
    if scaling == "overall":
        return centre, float((points.X - centre).std()) or 1.0
    deviation = points.X.std(axis=0)
    # A coordinate that is the same for all training points stays in its units.
    return centre, np.where(deviation > 0.0, deviation, 1.0)


def _classifier(widths: Sequence[int]) -> nn.Sequential:
    from torch import nn

    from relufast.torch import DoubleLinear

    layers: list[nn.Module] = []
    for n, m in pairwise(widths[:-1]):
        layers += [DoubleLinear(n, m, min(m, n)), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))


def _train(model: nn.Module, inputs: Tensor, labels: Tensor, epochs: int) -> None:
    """AdamW on the cross-entropy, at a learning rate that falls linearly to 0."""
    import torch
    from torch import nn

    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=_WEIGHT_DECAY, fused=True)
    n_batches = max(1, round(len(labels) / _BATCH))
    batches = [
        batch
        for _ in range(epochs)
        for batch in torch.randperm(len(labels)).tensor_split(n_batches)
    ]
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = _LEARNING_RATE * (1.0 - step / len(batches))
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs[batch]), labels[batch])
        torch.autograd.backward(loss)
        optimizer.step()


def _accuracy(model: nn.Module, inputs: Tensor, labels: Tensor) -> float:
    import torch

    with torch.no_grad():
        return float((model(inputs).argmax(dim=1) == labels).double().mean())


@contextmanager
def _one_thread() -> Iterator[None]:
    """Small layers are slower with more, and sums would depend on how many."""
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)
