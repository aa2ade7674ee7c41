"""Ctrl-C, kept out of what cannot be broken off."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held_interrupt() -> Iterator[None]:
    """SIGINT that comes during the block is answered at its end, as it would have been at once."""
    answer = signal.getsignal(signal.SIGINT)
    # Only the main thread is ever interrupted, and may say by what.
    if not callable(answer) or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[FrameType | None] = []
    signal.signal(signal.SIGINT, lambda _number, frame: came.append(frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, answer)
        if came:
            answer(signal.SIGINT, came[-1])
