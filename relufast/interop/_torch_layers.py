"""Layers of torch.nn, in evaluation mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.nn.utils.parametrize import type_before_parametrizations

from relufast.interop._chain import Chain
from relufast.interop._errors import UnsupportedLayerError
from relufast.interop._torch_numbers import float_array


def convert_layer(layer: nn.Module, chain: Chain, name: str, *, drop: bool) -> Chain:
    # By the exact type: a subclass can do anything else. A parametrization gives a layer one of
    # its own, and computes the weight that the layer is asked for.
    kind = type_before_parametrizations(layer)
    if kind in _SAME:
        return chain
    if kind in _OUTPUT_ACTIVATIONS:
        return chain.output_activation(name, drop=drop)
    if kind not in _CONVERTERS:
        known = sorted(known.__name__ for known in (*_CONVERTERS, *_SAME))
        raise UnsupportedLayerError(f"{name} is not supported; what is: {', '.join(known)}")
    return _CONVERTERS[kind](layer, chain, name)


def one_slope(weight: Any, name: str) -> float:
    """Of a PReLU, which learns them."""
    slopes = float_array(weight, f"{name}: weight").reshape(-1)
    if not len(slopes) or (slopes != slopes[0]).any():
        raise UnsupportedLayerError(
            f"{name} has several negative slopes: a relufast.Network has one for all its layers"
        )
    return float(slopes[0])


def _linear(layer: nn.Linear, chain: Chain, name: str) -> Chain:
    biases = None if layer.bias is None else float_array(layer.bias, f"{name}: bias")
    return chain.dense(float_array(layer.weight, f"{name}: weight"), biases, name)


def _batch_norm(layer: nn.BatchNorm1d, chain: Chain, name: str) -> Chain:
    if layer.running_mean is None or layer.running_var is None:
        raise UnsupportedLayerError(
            f"{name} has no running statistics, so that points of one batch depend on each other"
        )
    return chain.normalise(
        float_array(layer.running_mean, f"{name}: running_mean"),
        float_array(layer.running_var, f"{name}: running_var"),
        layer.eps,
        None if layer.weight is None else float_array(layer.weight, f"{name}: weight"),
        None if layer.bias is None else float_array(layer.bias, f"{name}: bias"),
        name,
    )


def _flatten(layer: nn.Flatten, chain: Chain, name: str) -> Chain:
    if (layer.start_dim, layer.end_dim) != (1, -1):
        raise UnsupportedLayerError(
            f"{name} flattens dimensions {layer.start_dim} to {layer.end_dim}, but needs 1 to -1, "
            "all but the batch"
        )
    return chain


_CONVERTERS: dict[type[nn.Module], Callable[[Any, Chain, str], Chain]] = {
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.Flatten: _flatten,
    nn.ReLU: lambda layer, chain, name: chain.relu(0.0, name),
    nn.LeakyReLU: lambda layer, chain, name: chain.relu(layer.negative_slope, name),
    nn.PReLU: lambda layer, chain, name: chain.relu(one_slope(layer.weight, name), name),
}
# What does nothing in evaluation mode.
_SAME: frozenset[type[nn.Module]] = frozenset(
    {
        nn.Identity,
        nn.Dropout,
        nn.Dropout1d,
        nn.Dropout2d,
        nn.Dropout3d,
        nn.AlphaDropout,
        nn.FeatureAlphaDropout,
    }
)
_OUTPUT_ACTIVATIONS: frozenset[type[nn.Module]] = frozenset({nn.Softmax, nn.LogSoftmax, nn.Sigmoid})
