"""Ctrl-C, sent to a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import time


def seconds_until_stopped(script: str) -> float:
    """How long a script that prints "ready" and then works goes on after SIGINT."""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.5)
        assert process.poll() is None
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
        waited = time.monotonic() - begin
    assert "KeyboardInterrupt" in stderr
    return waited
