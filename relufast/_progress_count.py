"""Progress of work that is counted: what `progress=` takes there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from relufast import _validate


@dataclass(frozen=True)
class WorkProgress:
    """How much of some work is done.

    Attributes
    ----------
    n_done, n_total : int
        Of the same unit, which the function that works names. `n_total` may be more than is
        needed in the end.
    """

    n_done: int
    n_total: int


ProgressOption = bool | Callable[[WorkProgress], object] | None


@contextmanager
def count_reports(
    progress: ProgressOption, n_total: int, unit: str
) -> Iterator[Callable[[int], object] | None]:
    """What to call with the count of what is done, for a bar on stderr or the user; or None."""
    if progress is None or progress is False:
        yield None
    elif progress is True:
        from tqdm import tqdm

        with tqdm(total=n_total, unit=f" {unit}", unit_scale=True, file=sys.stderr) as bar:
            yield lambda n_done: bar.update(n_done - bar.n)
    else:
        report = _validate.callable_or_none(progress, "progress")
        assert report is not None
        yield lambda n_done: report(WorkProgress(n_done, n_total))
