"""Numbers in sentences."""

# ruff: noqa: RUF001 (minus signs for the page)

from __future__ import annotations

from collections.abc import Iterable


def minus(number: str) -> str:
    """With minus signs for hyphens."""
    return number.replace("-", "−")


def interval(ends: tuple[float, float]) -> str:
    lo, hi = ends
    return minus(f"({lo:g}, {hi:g})")


def change(ratio: float) -> str:
    """In per cent, with its sign."""
    return minus(f"{100.0 * (ratio - 1.0):+.0f} %")


def within_two_errors(deviations: Iterable[float], law: str) -> str:
    """How many of some deviations from a law, in standard errors, are small, and the largest."""
    sizes = [abs(deviation) for deviation in deviations]
    return (
        f"{sum(size <= 2.0 for size in sizes)} lie within 2 standard errors of {law}; the furthest "
        f"lies {max(sizes):.1f} off"
    )
