"""What determines every number of the report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Settings:
    """What to draw random networks from, and how many and how wide ones."""

    seed: int
    effort: float  # 1 by default; the numbers of random networks are proportional to it
    largest_width: int
    command: str  # that a user types to see the same numbers
    larger: str = ""  # another one that measures more, if there is one

    def scaled(self, number: int) -> int:
        """So many random networks, at the default effort. At least 2: one has no spread."""
        return max(2, round(number * self.effort))

    def network_seeds(self, experiment: str, number: int) -> list[int]:
        """Seeds of random networks, independent of those of another experiment.

        More of them begin with the same ones, so that a larger effort goes on from a smaller one.
        """
        return [int(s) for s in self._sequence(experiment).generate_state(number, np.uint64)]

    def network_seed(self, experiment: str) -> int:
        """The first of them."""
        return self.network_seeds(experiment, 1)[0]

    def network_seeds_code(self, experiment: str, number: int) -> str:
        """Lines of Python that give `seeds`, the same as `network_seeds`."""
        return (
            f"label = {experiment!r}\n"
            f"sequence = np.random.SeedSequence({self.seed}, spawn_key=tuple(label.encode()))\n"
            f"seeds = sequence.generate_state({number}, np.uint64).tolist()\n"
        )

    def generator(self, experiment: str) -> np.random.Generator:
        """Of random choices other than networks."""
        return np.random.default_rng(self._sequence(experiment))

    def _sequence(self, experiment: str) -> np.random.SeedSequence:
        return np.random.SeedSequence(self.seed, spawn_key=tuple(experiment.encode()))


@dataclass(frozen=True)
class Effort:
    """How long the report takes, as the command line offers it."""

    option: str
    effort: float
    largest_width: int
    larger: str | None  # the option of the next one

    def settings(self, seed: int) -> Settings:
        larger = "" if self.larger is None else _command(seed, self.larger)
        command = _command(seed, self.option)
        return Settings(seed, self.effort, self.largest_width, command, larger)


def _command(seed: int, option: str) -> str:
    return f"relufast report --seed {seed} {option}".rstrip()


EFFORTS = {
    "quick": Effort("--quick", effort=0.2, largest_width=100, larger=""),
    "default": Effort("", effort=1.0, largest_width=300, larger="--full"),
    "full": Effort("--full", effort=5.0, largest_width=1000, larger=None),
}
