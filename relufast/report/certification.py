"""How many counts behind a figure are certified."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from relufast.monte_carlo import Estimate


class Certified(Protocol):
    """A result that says whether it is proven."""

    @property
    def certified(self) -> bool: ...
    @property
    def n_ambiguous(self) -> int | None: ...


Result = TypeVar("Result", bound=Certified)


class Certification:
    """A tally of results, certified and other ones."""

    def __init__(self, found: Iterable[Certified] = ()) -> None:
        self.total = 0
        self.certified = 0
        self.ambiguous = 0
        for each in found:
            self.add(each)

    def add(self, found: Result) -> Result:
        """Count the result, and give it back."""
        self.total += 1
        self.certified += found.certified
        self.ambiguous += found.n_ambiguous or 0
        return found

    def merge(self, other: Certification) -> None:
        """Count all that another one has."""
        self.total += other.total
        self.certified += other.certified
        self.ambiguous += other.ambiguous

    def add_trials(self, found: Estimate) -> None:
        """Count every trial of a Monte Carlo run."""
        self.total += found.n_trials
        self.certified += found.n_trials - found.n_uncertified
        self.ambiguous += found.n_uncertified  # at least one decision each

    def __str__(self) -> str:
        if self.total == 1:
            return (
                "exact and certified"
                if self.certified
                else f"not certified, {self.ambiguous:,} decisions stayed open"
            )
        if self.certified == self.total:
            return f"all {self.total:,} counts are exact and certified"
        return (
            f"{self.certified:,} of {self.total:,} counts are exact and certified; in the others "
            f"{self.ambiguous:,} decisions stayed open"
        )


def certified_ranks(found: Sequence[Estimate]) -> str:
    """How many networks have certified ranks in all layers, as a sentence."""
    total = sum(f.n_trials for f in found)
    certified = total - sum(f.n_uncertified for f in found)
    if certified == total:
        return f"The ranks of all {total:,} networks are certified in all layers."
    return (
        f"The ranks of {certified:,} of {total:,} networks are certified in all layers; in the "
        "others the larger of the proven lower bounds is taken."
    )
