from __future__ import annotations

import signal
import sys

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts background jobs with SIGINT ignored, and children inherit that: tests that send
    # it would fail.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Last in the path, the clone's root is met only where nothing is installed, and there the
    # folder of sources says in one line what to do.
    sys.path.append(str(config.rootpath))
    try:
        import relufast  # noqa: F401
    except ImportError as error:
        raise pytest.UsageError(str(error)) from None
