"""The command `relufast` from its first moment on, in which Ctrl-C ends it without a word, too.

Not a part of the package, since to import any of that is to import NumPy.
"""

from __future__ import annotations

import os
import signal
from types import FrameType


def main() -> None:
    """Import the command line, and run it."""
    # Where SIGINT is ignored, as in a background job of a script, it stays so.
    stoppable = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if stoppable:
        signal.signal(signal.SIGINT, _stop)
    from relufast.cli import main as command

    if stoppable:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command()


def _stop(number: int, _frame: FrameType | None) -> None:
    # Not an exception: what imports may catch it.
    os._exit(128 + number)
