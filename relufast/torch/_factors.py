"""Singular value decompositions of a matrix, and of a product W M from its factors alone."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Balanced(NamedTuple):
    """W = U sqrt(S) and M = sqrt(S) V^T of the decomposition W M = U S V^T, in float64."""

    W: Tensor  # (m, k)
    M: Tensor  # (k, n)
    singular_values: Tensor  # (k,), descending

    def truncated(self, rank: int) -> Balanced:
        """The largest singular values alone."""
        return Balanced(self.W[:, :rank], self.M[:rank], self.singular_values[:rank])

    @property
    def numerical_rank(self) -> int:
        """How many singular values rounding in float64 cannot have made of zeros."""
        if len(self.singular_values) == 0:
            return 0
        size = max(len(self.W), self.M.shape[1])
        threshold = size * torch.finfo(torch.float64).eps * self.singular_values[0]
        return int((self.singular_values > threshold).sum())


def balanced_matrix(weight: Tensor) -> Balanced:
    """Of a matrix, shape (m, n), with k = min(m, n)."""
    return _balanced(*torch.linalg.svd(_exact(weight), full_matrices=False))


def balanced_product(W: Tensor, M: Tensor) -> Balanced:
    """Of W M without the product: in O((m + n) k^2), which is less than its own for small k."""
    left, left_triangle = torch.linalg.qr(_exact(W))
    right, right_triangle = torch.linalg.qr(_exact(M).T)
    U, S, Vt = torch.linalg.svd(left_triangle @ right_triangle.T, full_matrices=False)
    return _balanced(left @ U, S, Vt @ right.T)


def product(W: Tensor, M: Tensor) -> Tensor:
    """W M, rounded once to their dtype, on their device."""
    return (_exact(W) @ _exact(M)).to(W.device, W.dtype)


def _balanced(U: Tensor, S: Tensor, Vt: Tensor) -> Balanced:
    roots = S.sqrt()
    return Balanced(U * roots, roots[:, None] * Vt, S)


def _exact(factor: Tensor) -> Tensor:
    """In float64 on the CPU: half precision and some devices have no decompositions."""
    return factor.detach().to("cpu", torch.float64)
