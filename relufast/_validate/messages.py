"""Words of messages."""

from __future__ import annotations


def type_of(value: object) -> str:
    """As in ``n is of type str``."""
    return f"of type {type(value).__name__}"
