"""A linear layer whose matrix is kept as a product of two, and how to initialise it."""

from __future__ import annotations

import math
from typing import SupportsIndex

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from relufast import _validate
from relufast.torch._factors import Balanced, balanced_matrix, balanced_product, product


class DoubleLinear(nn.Module):
    """The map x -> W M x + b, W of shape (m, k) and M of shape (k, n): with relu a double layer.

    Used like `torch.nn.Linear`, which it replaces.

    Parameters
    ----------
    in_features, out_features : int
        n and m, at least 1.
    rank : int
        k, from 0 to min(m, n). A layer of rank 0 is the constant b.
    bias : bool, optional
        Whether there is b.
    device, dtype : optional
        Of the parameters, as for `torch.nn.Linear`; a real floating-point dtype.

    Attributes
    ----------
    W, M : torch.nn.Parameter
        The factors.
    bias : torch.nn.Parameter or None
        b, of shape (m,).

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For a number out of its range.

    Notes
    -----
    A product with one vector takes 2 k (m + n) operations where `torch.nn.Linear` takes 2 m n.
    New layers have the double-p-product initialisation with p = 1, see `double_product_init_`.

    References
    ----------
    Double layers: arXiv 1812.02566.

    Examples
    --------
    >>> import torch
    >>> from relufast.torch import DoubleLinear
    >>> layer = DoubleLinear(64, 100, rank=8)
    >>> layer
    DoubleLinear(in_features=64, out_features=100, rank=8, bias=True)
    >>> layer(torch.ones(5, 64)).shape
    torch.Size([5, 100])
    >>> sum(p.numel() for p in layer.parameters()), 64 * 100 + 100
    (1412, 6500)
    """

    W: nn.Parameter
    M: nn.Parameter
    bias: nn.Parameter | None

    def __init__(
        self,
        in_features: SupportsIndex,
        out_features: SupportsIndex,
        rank: SupportsIndex,
        bias: bool = True,
        *,
        device: torch.device | str | int | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        n = _validate.positive_int(in_features, "in_features")
        m = _validate.positive_int(out_features, "out_features")
        k = checked_rank(rank, "rank", m, n)
        has_bias = _validate.flag(bias, "bias")
        if dtype is not None and not dtype.is_floating_point:
            raise TypeError(f"dtype is {dtype}, but needs a real floating-point one")
        super().__init__()
        self.in_features, self.out_features = n, m
        self.W = nn.Parameter(torch.empty((m, k), device=device, dtype=dtype))
        self.M = nn.Parameter(torch.empty((k, n), device=device, dtype=dtype))
        if has_bias:
            self.bias = nn.Parameter(torch.empty(m, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    @classmethod
    def from_linear(cls, layer: nn.Linear, rank: SupportsIndex) -> DoubleLinear:
        """The best approximation of a layer's matrix among those of a rank, with the same bias.

        Parameters
        ----------
        layer : torch.nn.Linear
            Not changed; its dtype, device, training mode and `requires_grad` carry over.
        rank : int
            From 0 to min(m, n), for which it is the same map but for rounding.

        Returns
        -------
        DoubleLinear
            W = U sqrt(S) and M = sqrt(S) V^T of the truncated singular value decomposition
            U S V^T, computed in float64 on the CPU.

        Raises
        ------
        TypeError, ValueError
            For another layer, a rank that is no integer or out of its range, and a weight with NaN
            or infinity.
        """
        _validate.instance(layer, "layer", nn.Linear, "a Linear")
        k = checked_rank(rank, "rank", layer.out_features, layer.in_features)
        require_finite(layer.weight, "layer.weight")
        factors = balanced_matrix(layer.weight).truncated(k)
        double = cls(layer.in_features, layer.out_features, k, device="meta")
        double.W = parameter_like(factors.W, layer.weight)
        double.M = parameter_like(factors.M, layer.weight)
        double.bias = None if layer.bias is None else parameter_like(layer.bias, layer.bias)
        return double.train(layer.training)

    def to_linear(self) -> nn.Linear:
        """The layer with one matrix, W M, that makes the same map.

        Returns
        -------
        torch.nn.Linear
            Shares nothing with this one. The product is computed in float64 and rounded once.
        """
        # On the meta device nothing is drawn, so that PyTorch's generator is left alone.
        layer = nn.Linear(self.in_features, self.out_features, device="meta")
        layer.weight = parameter_like(product(self.W, self.M), self.W)
        bias = None if self.bias is None else parameter_like(self.bias, self.bias)
        layer.register_parameter("bias", bias)
        return layer.train(self.training)

    @property
    def rank(self) -> int:
        """k: that of W M is at most so much."""
        return self.W.shape[1]

    @property
    def weight(self) -> Tensor:
        """W M, of shape (m, n), computed anew; gradients flow through it."""
        return self.W @ self.M

    def singular_values(self) -> Tensor:
        """Those of W M, shape (k,), descending, float64 on the CPU, from the factors.

        In O((m + n) k^2). An error is below some hundred eps |W| |M|, eps = 2**-52.
        """
        return self._balanced().singular_values

    def truncate_(self, rank: SupportsIndex) -> DoubleLinear:
        """Keep the largest singular values of W M, as W = U sqrt(S) and M = sqrt(S) V^T.

        Parameters
        ----------
        rank : int
            From 0 to this layer's rank, for which the map stays the same but for rounding.

        Returns
        -------
        DoubleLinear
            This one. W and M are new parameters, unknown to optimizers made before.

        Raises
        ------
        TypeError, ValueError
            For a rank that is no integer or out of its range, and factors with NaN or infinity.
        """
        k = _validate.non_negative_int(rank, "rank")
        if k > self.rank:
            raise ValueError(f"rank is {k}, but the layer has rank {self.rank}")
        require_finite(self.W, "W")
        require_finite(self.M, "M")
        self.set_factors_(self._balanced().truncated(k))
        return self

    def reset_parameters(self) -> None:
        """Initialise anew, as a new layer is."""
        double_product_init_(self, 1)

    def forward(self, input: Tensor) -> Tensor:
        return linear(linear(input, self.M), self.W, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"rank={self.rank}, bias={self.bias is not None}"
        )

    def _balanced(self) -> Balanced:
        return balanced_product(self.W, self.M)

    def set_factors_(self, factors: Balanced) -> None:
        self.W = parameter_like(factors.W, self.W)
        self.M = parameter_like(factors.M, self.M)


def double_product_init_(
    module: nn.Module, p: SupportsIndex = 1, *, generator: torch.Generator | None = None
) -> nn.Module:
    """Initialise double layers by the double-p-product rule, in place.

    Biases are 0. Each entry of W and M is a product of p independent normal factors of mean 0 and
    variance (2 / sqrt(k (m + n)))^(1/p), so that the entries of W M have variance 4 / (m + n) for
    every k and p. The larger p, the heavier the tails, and the faster the singular values fall.

    Parameters
    ----------
    module : torch.nn.Module
        A `DoubleLinear`, or a module that holds some; its other layers are left alone.
    p : int, optional
        At least 1.
    generator : torch.Generator, optional
        To draw from; PyTorch's global one if not given.

    Returns
    -------
    torch.nn.Module
        The same one.

    Raises
    ------
    TypeError
        For another type.
    ValueError
        For p below 1, or a module without a `DoubleLinear`.

    References
    ----------
    arXiv 1812.02566.

    Examples
    --------
    >>> import torch
    >>> from relufast.torch import DoubleLinear, double_product_init_
    >>> model = torch.nn.Sequential(DoubleLinear(64, 100, 64), torch.nn.ReLU())
    >>> layer = double_product_init_(model, 3, generator=torch.Generator().manual_seed(1))[0]
    >>> round(layer.weight.var().item() * (64 + 100), 1)
    4.0
    """
    _validate.instance(module, "module", nn.Module, "a torch.nn.Module")
    n_factors = _validate.positive_int(p, "p")
    layers = [layer for layer in module.modules() if isinstance(layer, DoubleLinear)]
    if not layers:
        raise ValueError("module has no DoubleLinear to initialise")
    with torch.no_grad():
        for layer in layers:
            _init_factors_(layer, n_factors, generator)
            if layer.bias is not None:
                layer.bias.zero_()
    return module


def _init_factors_(layer: DoubleLinear, p: int, generator: torch.Generator | None) -> None:
    # Without memory there is nothing to draw, and PyTorch would import hundreds of modules for it.
    if layer.rank == 0 or layer.W.is_meta:
        return
    variance = 2.0 / math.sqrt(layer.rank * (layer.out_features + layer.in_features))
    deviation = variance ** (0.5 / p)
    for factor in (layer.W, layer.M):
        factor.normal_(0.0, deviation, generator=generator)
        for _ in range(p - 1):
            factor.mul_(torch.empty_like(factor).normal_(0.0, deviation, generator=generator))


def checked_rank(value: object, name: str, m: int, n: int) -> int:
    """From 0 to min(m, n)."""
    rank = _validate.non_negative_int(value, name)
    if rank > min(m, n):
        raise ValueError(
            f"{name} is {rank}, but a matrix of shape ({m}, {n}) has rank at most {min(m, n)}"
        )
    return rank


def require_finite(tensor: Tensor, name: str) -> None:
    if not bool(torch.isfinite(tensor).all()):
        raise ValueError(f"{name} has NaN or infinity, but must be finite")


def parameter_like(values: Tensor, model: Tensor) -> nn.Parameter:
    """A parameter of its own memory, with the dtype, device and `requires_grad` of another."""
    data = values.detach().to(model.device, model.dtype, copy=True).contiguous()
    return nn.Parameter(data, requires_grad=model.requires_grad)
