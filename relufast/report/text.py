"""Numbers in sentences."""

# ruff: noqa: RUF001 (minus and times signs for the page)

from __future__ import annotations


def interval(ends: tuple[float, float]) -> str:
    lo, hi = ends
    return f"({lo:g}, {hi:g})".replace("-", "−")


def change(ratio: float) -> str:
    """In per cent, with its sign."""
    return f"{100.0 * (ratio - 1.0):+.0f} %".replace("-", "−")
