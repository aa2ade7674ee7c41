"""State dicts, which hold parameters and nothing of what is done with them."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch

from relufast.interop._chain import Chain
from relufast.interop._torch_numbers import float_array
from relufast.network import Network


def load(path: Path, max_bytes: int) -> Mapping[str, Any]:
    """What a file holds, if that is tensors and plain containers; nothing in it runs."""
    with open(path, "rb") as file:
        try:
            size = max(path.stat().st_size, _unpacked_size(file))
            state = _tensors(file) if size <= max_bytes else None
        except MemoryError:
            raise
        except pickle.UnpicklingError as error:
            raise ValueError(
                f"{path} holds more than tensors, or no tensors, and is not run to find out; save "
                "module.state_dict(), or give from_torch the module"
            ) from error
        # Foreign bytes make the readers of zip and of PyTorch raise whatever they come upon.
        except Exception as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(f"{path} is not a PyTorch file of tensors: {reason}") from error
    if size > max_bytes:
        raise ValueError(f"{path} takes {size} bytes, but max_bytes is {max_bytes}")
    if not isinstance(state, Mapping):
        raise ValueError(f"{path} holds a {type(state).__name__}, but must hold a state dict")
    return state


def _unpacked_size(file: BinaryIO) -> int:
    """Of a zip archive, which can unpack to more than it shows; 0 for PyTorch's older format."""
    if not zipfile.is_zipfile(file):
        return 0
    with zipfile.ZipFile(file) as archive:
        return sum(member.file_size for member in archive.infolist())


def _tensors(file: BinaryIO) -> Any:
    file.seek(0)
    return torch.load(file, map_location="cpu", weights_only=True)


def network(
    state: Mapping[str, Any], source: str, negative_slope: float, max_bytes: int
) -> Network:
    """Dense layers in the order of the entries, a ReLU between any two."""
    layers: dict[str, dict[str, torch.Tensor]] = {}
    total = 0
    for key, tensor in state.items():
        layer, kind = _layer_and_kind(key, tensor, source)
        layers.setdefault(layer, {})[kind] = tensor
        # Before any copy: strides can make a huge tensor of few bytes.
        total += 8 * tensor.numel()
    if total > max_bytes:
        raise ValueError(f"{source} takes {total} bytes in float64, but max_bytes is {max_bytes}")
    chain = Chain()
    for number, (layer, parameters) in enumerate(layers.items()):
        name = f"{source}: layer {layer!r}"
        if "weight" not in parameters:
            raise ValueError(f"{name} has a bias, but no weight")
        if number > 0:
            chain = chain.relu(negative_slope, name)
        arrays = {kind: float_array(t, f"{name}: {kind}") for kind, t in parameters.items()}
        chain = chain.dense(arrays["weight"], arrays.get("bias"), name)
    return chain.network(source)


def _layer_and_kind(key: object, tensor: object, source: str) -> tuple[str, str]:
    """What a key says, if it and its tensor are of a dense layer."""
    layer, _, kind = key.rpartition(".") if isinstance(key, str) else ("", "", "")
    dimensions = {"weight": 2, "bias": 1}.get(kind)
    if not isinstance(tensor, torch.Tensor):
        raise ValueError(
            f"{source}: the entry {key!r} is of type {type(tensor).__name__}, but a state dict of "
            "dense layers has tensors only; give from_torch the state dict inside, if there is one"
        )
    if tensor.ndim != dimensions:
        raise ValueError(
            f"{source}: the entry {key!r} has shape {tuple(tensor.shape)}, but a state dict of "
            "dense layers has NAME.weight, of 2 dimensions, and NAME.bias, of 1; for other layers "
            "give from_torch the module"
        )
    return layer, kind
