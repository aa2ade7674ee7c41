"""What the report says while it works."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


class Progress:
    """A bar for each step on a terminal; anywhere, a line for each step that is done."""

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
