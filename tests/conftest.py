from __future__ import annotations

import sys

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # Last in the path, the clone's root is met only where nothing is installed, and there the
    # folder of sources says in one line what to do.
    sys.path.append(str(config.rootpath))
    try:
        import relufast  # noqa: F401
    except ImportError as error:
        raise pytest.UsageError(str(error)) from None
