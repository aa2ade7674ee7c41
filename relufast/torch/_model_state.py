"""A model's parameters and buffers at one moment, to go back to."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class _Tensors(NamedTuple):
    """What a module has of its own."""

    module: nn.Module
    parameters: dict[str, nn.Parameter | None]
    buffers: dict[str, Tensor | None]


class ModelState:
    """Which tensors a model has; their values, too, once `copy_values` was called.

    Parameters that are replaced need no copy to come back, so that cutting a layer copies nothing
    else.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._tensors = [
            _Tensors(module, dict(module._parameters), dict(module._buffers))
            for module in model.modules()
        ]
        self._values: list[tuple[Tensor, Tensor]] = []
        self._forms: dict[str, str] = {}

    def copy_values(self) -> None:
        """Before the tensors, those that the model has now among them, are written to."""
        self._forms = _forms(self._model)
        for _, parameters, buffers in self._tensors:
            for tensor in (*parameters.values(), *buffers.values()):
                if tensor is not None:
                    self._values.append((tensor, tensor.detach().clone()))

    def restore(self) -> None:
        """Give the model its tensors back, with the values copied if there are any."""
        for module, parameters, buffers in self._tensors:
            module._parameters.update(parameters)
            module._buffers.update(buffers)
        with torch.no_grad():
            for tensor, value in self._values:
                tensor.copy_(value)

    def require_same_form(self) -> None:
        """That since `copy_values` no module or tensor was replaced by one of another kind."""
        if [tensors.module for tensors in self._tensors] != list(self._model.modules()):
            raise ValueError("retrain replaced layers of the model, but must only change values")
        forms = _forms(self._model)
        for name in self._forms.keys() | forms.keys():
            before, after = self._forms.get(name, "missing"), forms.get(name, "missing")
            if before != after:
                raise ValueError(
                    f"retrain left {name} {after}, which was {before}, but must only change values"
                )


def first_not_finite(model: nn.Module) -> str | None:
    """The name of the first parameter or buffer with NaN or infinity."""
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            return name
    return None


def _forms(model: nn.Module) -> dict[str, str]:
    return {
        name: f"{tensor.dtype} of shape {tuple(tensor.shape)} on {tensor.device}"
        for name, tensor in model.state_dict().items()
    }
