"""Ctrl-C, sent to a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def running(
    *arguments: object, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Python on some arguments, in a group of its own that does not outlive the block."""
    with subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def seconds_until_stopped(
    script: str,
    *arguments: object,
    wait_until_ready: Callable[[], object] | None = None,
    env: Mapping[str, str] | None = None,
) -> float:
    """How long a script goes on after SIGINT, which ends it as it ends any Python program.

    It is sent half a second after the script printed "ready", or a given function returned.
    """
    with running("-c", script, *arguments, env=env) as process:
        assert process.stdout is not None
        if wait_until_ready is None:
            assert process.stdout.readline() == "ready\n"
        else:
            wait_until_ready()
        time.sleep(0.5)
        assert process.poll() is None
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
        waited = time.monotonic() - begin
    assert process.returncode == -signal.SIGINT, (process.returncode, stderr)
    assert "KeyboardInterrupt" in stderr
    return waited
