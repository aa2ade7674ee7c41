"""PyTorch's tensors as float64."""

from __future__ import annotations

import torch

from relufast._validate import FloatArray


def float_array(tensor: torch.Tensor, name: str) -> FloatArray:
    """The same numbers, of which float64 holds all that a floating-point tensor can."""
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
        kind = "without data" if tensor.is_meta else "sparse or quantized"
        raise TypeError(f"{name} is a tensor {kind}, but needs plain numbers")
    if not tensor.is_floating_point():
        raise TypeError(f"{name} has dtype {tensor.dtype}, but needs real floating-point numbers")
    array: FloatArray = tensor.detach().to("cpu", torch.float64).numpy()
    return array
