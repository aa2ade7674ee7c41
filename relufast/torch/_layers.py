"""The layers of a sequential model, and which kinds of them are taken."""

from __future__ import annotations

from torch import nn

from relufast import _validate
from relufast.torch.double_linear import DoubleLinear

Layers = dict[str, nn.Linear | DoubleLinear]

# By their very types: a subclass may do anything in its forward pass.
_LINEAR = (nn.Linear, DoubleLinear)
_OTHERS = (nn.ReLU, nn.LeakyReLU, nn.Flatten, nn.Identity, nn.Dropout)


def linear_layers(model: object) -> Layers:
    """The Linear and DoubleLinear layers by their names, in order, each once.

    The model is one of them, or a Sequential, nested or not, of them and of what `_OTHERS` lists.
    """
    layers: Layers = {}
    checked = _validate.instance(model, "model", nn.Module, "a torch.nn.Module")
    for name, module in checked.named_modules():
        if isinstance(module, _LINEAR) and type(module) in _LINEAR:
            _require_own_parameters(name, module)
            layers[name] = module
        elif not (_is_sequential(module) or type(module) in _OTHERS):
            raise TypeError(
                f"{_named(name)} is of type {type(module).__name__}, but a model may have only "
                f"layers of type {_names_of_types()}, in Sequential"
            )
    if not layers:
        raise ValueError("model has no Linear or DoubleLinear layer")
    return layers


def double_layers(model: object) -> dict[str, DoubleLinear]:
    """The DoubleLinear layers by their names; there is at least one."""
    layers = {
        name: layer
        for name, layer in linear_layers(model).items()
        if isinstance(layer, DoubleLinear)
    }
    if not layers:
        raise ValueError("model has no DoubleLinear layer: make some with to_double")
    return layers


def _is_sequential(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def _require_own_parameters(name: str, layer: nn.Linear | DoubleLinear) -> None:
    """torch.nn.utils.prune and its like make a weight anew from others before each use."""
    for kind in ("weight",) if isinstance(layer, nn.Linear) else ("W", "M"):
        if kind not in layer._parameters:
            raise ValueError(
                f"{_named(name)} computes its {kind} from other parameters: make it permanent "
                "first, as torch.nn.utils.prune.remove does"
            )


def _named(name: str) -> str:
    return f"layer {name!r} of model" if name else "model"


def _names_of_types() -> str:
    *names, last = (kind.__name__ for kind in (*_LINEAR, *_OTHERS))
    return f"{', '.join(names)} or {last}"
