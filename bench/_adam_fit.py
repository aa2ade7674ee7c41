"""The paper's way to a ReLU singular value: Adam on the sum of squared errors, in PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

# The paper does not tell its settings; PyTorch's own rate, and until nothing is gained.
RATE = 1e-3
MOST_STEPS = 20_000
PATIENCE, GAIN = 100, 1e-4

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class AdamFit:
    """What a run ended with."""

    largest_error: float
    steps: int


def adam_fit(A: Matrix, X: Matrix, k: int) -> AdamFit:
    """L = W M of rank k, from the truncated singular value decomposition.

    All points in every step. Stops when the mean square has not become smaller by `GAIN` of it
    for `PATIENCE` steps. From random numbers it takes ten times as many steps.
    """
    left, values, right = np.linalg.svd(A)
    roots = np.sqrt(values[:k])
    W = torch.tensor(left[:, :k] * roots, requires_grad=True)
    M = torch.tensor(roots[:, np.newaxis] * right[:k], requires_grad=True)
    points = torch.tensor(X)
    targets = torch.relu(points @ torch.tensor(A).T)
    adam = torch.optim.Adam([W, M], lr=RATE)
    best, waited, steps = float("inf"), 0, 0
    while steps < MOST_STEPS and waited < PATIENCE:
        adam.zero_grad()
        loss = (torch.relu(points @ M.T @ W.T) - targets).square().sum(dim=1).mean()
        loss.backward()
        adam.step()
        steps += 1
        value = loss.item()
        if value < best * (1.0 - GAIN):
            best, waited = value, 0
        else:
            waited += 1
    with torch.no_grad():
        squares = (torch.relu(points @ M.T @ W.T) - targets).square().sum(dim=1)
    return AdamFit(float(squares.max()) ** 0.5, steps)
