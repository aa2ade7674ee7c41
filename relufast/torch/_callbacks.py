"""Calls of the user's functions, each in the right mode and with random numbers of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from relufast import _validate

_EVALUATE, _RETRAIN = 0, 1  # parts of a seed


class Callbacks:
    """`evaluate` and `retrain` of one model.

    What they draw from PyTorch's global generators depends on the seed and the step alone, so that
    a run can go on anywhere, and all evaluations of a step draw the same. The generators are given
    back as they were found.
    """

    def __init__(
        self,
        model: nn.Module,
        evaluate: Callable[[nn.Module], object],
        retrain: Callable[[nn.Module], object],
        seed: int,
    ) -> None:
        self._model = model
        self._evaluate, self._retrain = evaluate, retrain
        self._seed = seed

    def accuracy(self, step: int, of_what: str) -> float:
        """Of the model as it is."""
        with self._drawing(step, _EVALUATE), torch.no_grad():
            self._model.eval()
            value = self._evaluate(self._model)
        if isinstance(value, Tensor) and value.ndim == 0:
            value = value.item()
        return _validate.finite_float(value, f"what evaluate returned for {of_what}")

    def retrain(self, step: int) -> None:
        with self._drawing(step, _RETRAIN), torch.enable_grad():
            self._model.train()
            self._retrain(self._model)

    @contextmanager
    def _drawing(self, step: int, function: int) -> Iterator[None]:
        sequence = np.random.SeedSequence(self._seed, spawn_key=(step, function))
        seed = int(sequence.generate_state(1, np.uint64)[0])
        devices = {p.device.index for p in self._model.parameters() if p.device.type == "cuda"}
        with torch.random.fork_rng(devices=sorted(devices)):
            # Not torch.manual_seed, which without a GPU keeps a stack trace of every call.
            torch.default_generator.manual_seed(seed)
            for device in devices:
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(seed)
            yield


@contextmanager
def kept_modes(model: nn.Module) -> Iterator[None]:
    """Each module is afterwards in training or evaluation mode as it was."""
    modes = {module: module.training for module in model.modules()}
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
