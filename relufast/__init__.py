"""Exact numerics for random and trained ReLU networks."""

from relufast._locate import ensure_compiled

ensure_compiled()

from relufast._core import version as _version
from relufast.breakpoints import Breakpoints, Pieces, breakpoints
from relufast.network import Network

__all__ = ["Breakpoints", "Network", "Pieces", "__version__", "breakpoints"]

__version__ = _version()
