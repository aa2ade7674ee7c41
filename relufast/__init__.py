"""Exact numerics for random and trained ReLU networks."""

from relufast._locate import ensure_compiled

ensure_compiled()

from relufast._core import version as _version
from relufast.network import Network

__all__ = ["Network", "__version__"]

__version__ = _version()
