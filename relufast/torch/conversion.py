"""From models with linear layers to models with double layers, and back."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Literal, SupportsIndex, TypeVar

from torch import nn

from relufast.torch._layers import Layers, linear_layers
from relufast.torch.double_linear import DoubleLinear, checked_rank, require_finite

Rank = SupportsIndex | Literal["full"]
_Model = TypeVar("_Model", bound=nn.Module)


def to_double(model: _Model, ranks: Rank | Sequence[Rank | None]) -> _Model:
    """A copy of a model with double layers in the place of linear ones.

    Parameters
    ----------
    model : torch.nn.Sequential
        Of Linear, DoubleLinear, ReLU, LeakyReLU, Flatten, Identity and Dropout layers, nested
        or not. Not changed.
    ranks : int, "full" or sequence of int, "full" or None
        From 0 to min(m, n) for a layer with an m x n matrix; "full" is min(m, n), and the rank it
        has for a double layer. One for all Linear and DoubleLinear layers, or one for each in
        order; a layer with None stays as it is.

    Returns
    -------
    torch.nn.Sequential
        Shares nothing with `model`. Names, dtypes, devices, training modes and `requires_grad`
        carry over; hooks do, but for those of replaced layers; one layer in two places stays one.

    Raises
    ------
    TypeError
        For a layer of another type, which is named, and other wrong types.
    ValueError
        For a rank out of its range, another number of ranks than layers, a weight with NaN or
        infinity, or one that is no parameter but computed from others.

    Notes
    -----
    A layer's matrix becomes its best approximation of that rank (Eckart and Young), with
    W = U sqrt(S) and M = sqrt(S) V^T, computed in float64 on the CPU. At full rank outputs change
    by rounding alone.

    References
    ----------
    arXiv 1812.02566.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from relufast.torch import from_double, to_double
    >>> model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
    >>> double = to_double(model, [20, None])
    >>> double
    Sequential(
      (0): DoubleLinear(in_features=64, out_features=100, rank=20, bias=True)
      (1): ReLU()
      (2): Linear(in_features=100, out_features=10, bias=True)
    )
    >>> x = torch.ones(1, 64)
    >>> torch.allclose(double(x), from_double(double)(x), atol=1e-5)
    True
    """
    layers = linear_layers(model)
    checked = _checked_ranks(ranks, layers)
    return _with_replaced(
        model,
        {
            id(layer): _double(layer, rank, name)
            for (name, layer), rank in zip(layers.items(), checked, strict=True)
            if rank is not None
        },
    )


def from_double(model: _Model) -> _Model:
    """A copy of a model with linear layers in the place of double ones.

    Parameters
    ----------
    model : torch.nn.Sequential
        As for `to_double`. Not changed.

    Returns
    -------
    torch.nn.Sequential
        Shares nothing with `model`, and carries over what `to_double` does. A weight is W M,
        computed in float64 and rounded once; outputs change by rounding alone.

    Raises
    ------
    TypeError, ValueError
        As `to_double` does, for models.
    """
    return _with_replaced(
        model,
        {
            id(layer): layer.to_linear()
            for layer in linear_layers(model).values()
            if isinstance(layer, DoubleLinear)
        },
    )


def _with_replaced(model: _Model, replacements: Mapping[int, nn.Module]) -> _Model:
    """A deep copy that takes a layer with a replacement as copied already, wherever it occurs."""
    memo: dict[int, Any] = dict(replacements)
    return copy.deepcopy(model, memo)


def _double(layer: nn.Linear | DoubleLinear, rank: int, name: str) -> DoubleLinear:
    if isinstance(layer, DoubleLinear):
        return copy.deepcopy(layer).truncate_(rank)
    require_finite(layer.weight, f"{name}.weight")
    return DoubleLinear.from_linear(layer, rank)


def _checked_ranks(ranks: object, layers: Layers) -> list[int | None]:
    if isinstance(ranks, (SupportsIndex, str)):
        each: list[object] = [ranks] * len(layers)
    elif isinstance(ranks, Sequence):
        each = list(ranks)
    else:
        raise TypeError(
            f"ranks is of type {type(ranks).__name__}, but needs an integer, 'full' or a sequence"
        )
    if len(each) != len(layers):
        raise ValueError(
            f"ranks has {len(each)} entries, but needs one for each of {len(layers)} layers: "
            f"{', '.join(layers)}"
        )
    return [
        None if rank is None else _checked_rank(rank, f"rank of layer {name!r}", layer)
        for rank, (name, layer) in zip(each, layers.items(), strict=True)
    ]


def _checked_rank(rank: object, name: str, layer: nn.Linear | DoubleLinear) -> int:
    largest = min(layer.out_features, layer.in_features)
    if isinstance(layer, DoubleLinear):
        largest = layer.rank
    if isinstance(rank, str):
        if rank != "full":
            raise ValueError(f"{name} is {rank!r}, but must be an integer, 'full' or None")
        return largest
    number = checked_rank(rank, name, layer.out_features, layer.in_features)
    if number > largest:
        raise ValueError(f"{name} is {number}, but that double layer has rank {largest}")
    return number
