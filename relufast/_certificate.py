"""How far a result is proven, in words."""

from __future__ import annotations


def trust(certified: bool, n_ambiguous: int | None) -> str:
    """For a result's repr; `n_ambiguous` is None where nothing was certified."""
    if n_ambiguous is None:
        return "not certified"
    return "certified" if certified else f"{n_ambiguous:,} decisions ambiguous"
