"""What the report says while it works."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from relufast._cpus import available_cpus
from relufast.monte_carlo import Estimate, monte_carlo
from relufast.monte_carlo.statistic import Statistic
from relufast.report.settings import Settings

Item = TypeVar("Item")
Result = TypeVar("Result")


class Progress:
    """A bar for each step on a terminal; anywhere, a line for each step that is done."""

    def __init__(self, store: Path | None = None, executor: Executor | None = None) -> None:
        self._store = store  # of averages, so that a stopped report can go on
        self._executor = executor  # for averages, all CPUs if None

    def track(self, items: Sequence[Item], label: str) -> Iterator[Item]:
        """The items, one by one."""
        start = time.monotonic()
        yield from tqdm(
            items,
            desc=label,
            file=sys.stderr,
            disable=None,  # unless the stream is a terminal
            leave=False,
            dynamic_ncols=True,
        )
        print(f"{label}: {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)

    def map(
        self, function: Callable[[Item], Result], items: Sequence[Item], label: str
    ) -> list[Result]:
        """Of each item, in order, on all CPUs: for functions that mostly leave Python's lock."""
        with ThreadPoolExecutor(available_cpus()) as executor:
            futures = [executor.submit(function, item) for item in items]
            try:
                return [future.result() for future in self.track(futures, label)]
            except BaseException:
                executor.shutdown(cancel_futures=True)
                raise

    def monte_carlo(
        self, statistic: Statistic, settings: Settings, label: str, *, n_trials: int
    ) -> Estimate:
        """An estimate with covariances. The label stands for its seed, too."""
        start = time.monotonic()
        workers: AbstractContextManager[Executor] = (
            ThreadPoolExecutor(available_cpus())
            if self._executor is None
            else nullcontext(self._executor)
        )
        with (
            workers as executor,
            tqdm(
                total=n_trials,
                desc=label,
                file=sys.stderr,
                disable=None,
                leave=False,
                dynamic_ncols=True,
            ) as bar,
        ):
            estimate = monte_carlo(
                statistic,
                n_trials=n_trials,
                seed=settings.network_seed(label),
                executor=executor,
                store=self._store,
                covariance=True,
                progress=lambda step: bar.update(step.n_done - bar.n),
            )
        print(f"{label}: {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)
        return estimate
