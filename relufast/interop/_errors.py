"""What a conversion can refuse."""

from __future__ import annotations


class UnsupportedLayerError(ValueError):
    """A layer or operation of the source has no counterpart in a `relufast.Network`."""
