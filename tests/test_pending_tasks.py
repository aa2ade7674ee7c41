"""Ctrl-C at every place at which it may reach one who waits for an executor's tasks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from scripts import output_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")

# Each run is interrupted one line further in the modules for tasks and threads, until one comes to
# its end. A lock that stays locked hangs the end of the executor's block.
INTERRUPTED_EVERYWHERE = """
import concurrent.futures, contextlib, queue, signal, sys, threading
from concurrent.futures import ThreadPoolExecutor
import relufast
from relufast import _held_interrupt, _pending_tasks

MODULES = (concurrent.futures._base, concurrent.futures.thread, contextlib, queue, threading,
           _held_interrupt, _pending_tasks)
FILES = {module.__file__ for module in MODULES}

def sweep(executor):
    network = relufast.Network.random((1, 4, 3, 1), seed=1)
    relufast.sweep_breakpoints(network, n_windows=3, executor=executor)

def monte_carlo(executor):
    statistic = relufast.statistics.Function(lambda rng: rng.random(), block_size=2)
    relufast.monte_carlo(statistic, n_trials=8, seed=1, executor=executor)

class Recording(ThreadPoolExecutor):
    def submit(self, *arguments, **options):
        futures.append(super().submit(*arguments, **options))
        return futures[-1]

def is_interrupted(work, place):
    n_lines = 0
    def trace(frame, event, _):
        nonlocal n_lines
        if frame.f_code.co_filename not in FILES:
            return None
        if event == "line":
            n_lines += 1
            if n_lines == place:
                signal.raise_signal(signal.SIGINT)
        return trace

    futures.clear()
    try:
        with Recording(2) as executor:
            sys.settrace(trace)
            try:
                work(executor)
            finally:
                sys.settrace(None)
    except KeyboardInterrupt:
        return True
    finally:
        assert all(future.done() for future in futures)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert n_lines < place
    return False

futures = []
place = 1
while is_interrupted(globals()[sys.argv[1]], place):
    place += 1
print(place)
"""


@pytest.mark.parametrize("work", ["monte_carlo", "sweep"])
def test_interrupted_anywhere(work: str, tmp_path: Path) -> None:
    n_places = int(output_of(sys.executable, "-c", INTERRUPTED_EVERYWHERE, work, cwd=tmp_path))
    assert n_places > 50
