"""Exact numerics for random and trained ReLU networks."""

from relufast._locate import ensure_compiled

ensure_compiled()

from relufast._core import version as _version
from relufast.breakpoints import Breakpoints, Pieces, breakpoints
from relufast.gaussian_process import GaussianProcess, expected_breakpoints, expected_zeros
from relufast.minimal_pieces import MinimalPieces, minimal_pieces
from relufast.network import Network
from relufast.region_sparsity import RegionSparsity, region_sparsity

__all__ = [
    "Breakpoints",
    "GaussianProcess",
    "MinimalPieces",
    "Network",
    "Pieces",
    "RegionSparsity",
    "__version__",
    "breakpoints",
    "expected_breakpoints",
    "expected_zeros",
    "minimal_pieces",
    "region_sparsity",
]

__version__ = _version()
