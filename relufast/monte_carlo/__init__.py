"""Monte Carlo over many networks, reproducible to the bit on one machine or a cluster."""

from relufast.monte_carlo.errors import (
    MonteCarloError,
    StoreError,
    TrialError,
    WorkerLostError,
)
from relufast.monte_carlo.estimate import Estimate, Precision
from relufast.monte_carlo.progress import Progress
from relufast.monte_carlo.run import monte_carlo, replay

__all__ = [
    "Estimate",
    "MonteCarloError",
    "Precision",
    "Progress",
    "StoreError",
    "TrialError",
    "WorkerLostError",
    "monte_carlo",
    "replay",
]
