"""The windows of a sweep: how many, what is in each, and in which order they come."""

from __future__ import annotations

import math
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from relufast import _blas, _core
from relufast._core import Knots
from relufast._pending_tasks import PendingTasks
from relufast._validate import FloatArray
from relufast.lazy_network import LazyNetwork, fingerprint
from relufast.monte_carlo.workers import named_loss, worker_count
from relufast.network import Network

if TYPE_CHECKING:
    from relufast._sweep_store import WindowStore

Line = tuple[FloatArray, FloatArray] | None

# What tiles' values may take however little memory there is: below it layers come more often.
_LEAST_VALUES = 1e8


def bytes_for_values(network: Network | LazyNetwork, memory: float, n_threads: int) -> float:
    """What is left of the memory for tiles' values."""
    widths = [float(n) for n in network.widths]
    largest = max(a * b for a, b in pairwise(widths[1:]))
    # A layer, once more by rows if it is the last, and what each thread gathers of it; norms take a
    # matrix or three of its size, before anything else is there.
    layers = (2.0 + n_threads) * 8.0 * largest
    return max(memory - layers, _LEAST_VALUES)


def windows_for(network: Network | LazyNetwork, value_bytes: float) -> int:
    """So many that the values of two layers at all knots of a window fit, as far as is foreseen."""
    widths = network.widths[1:-1]
    values = 2.0 * sum(widths) * max(widths) * 8.0
    return max(1, min(math.ceil(values / value_bytes), widths[0]))


class WindowSweep(NamedTuple):
    """All that decides what is in a window, and how it is found."""

    network: Any  # a Network or a LazyNetwork; None on the way to a worker
    interval: tuple[float, float]
    line: Line
    certify: bool
    n_windows: int
    value_bytes: float
    n_threads: int
    norms: tuple[float, ...] | None = None

    def core(self) -> _core.Network:
        network: Network | LazyNetwork = self.network
        return network._core_network(self.n_threads)

    def open_store(self, path: Path) -> WindowStore:
        # Imported here because SQLite takes a while to load, and few sweeps have a store.
        from relufast._sweep_store import WindowStore

        return WindowStore(path, self._description())

    def _description(self) -> dict[str, Any]:
        network = self.network
        parameters = (
            network._fingerprint()
            if isinstance(network, LazyNetwork)
            else fingerprint(iter(network.weights), network.biases, network.negative_slope)
        )
        return {
            "relufast": _core.version(),
            "widths": network.widths,
            "parameters": parameters,
            "interval": [float(end).hex() for end in self.interval],
            "line": None if self.line is None else [end.tobytes().hex() for end in self.line],
            "certify": self.certify,
            "n_windows": self.n_windows,
        }

    def ends(self) -> tuple[FloatArray | None, FloatArray | None]:
        return self.line or (None, None)

    def number_of_windows(self) -> int:
        with self.lock():
            return _core.count_windows(self.core(), *self.interval, *self.ends(), self.n_windows)

    def with_norms(self, store: WindowStore | None) -> WindowSweep:
        """Bounds on the layers' norms, found once for all windows and workers."""
        if not self.certify:
            return self
        norms = None if store is None else store.norms()
        if norms is None:
            with self.lock(), _blas.single_threaded():
                core = self.core()
                core.bound_spectral_norms(self.n_threads)
                norms = core.spectral_norms()
            if store is not None:
                store.add_norms(norms)
        return self._replace(norms=tuple(norms))

    def window(self, number: int) -> Knots:
        with self.lock():  # BLAS is only needed for norms, and these are there
            core = self.core()
            if self.norms is not None:
                core.set_spectral_norms(list(self.norms))
            return _core.sweep_window(
                core,
                *self.interval,
                *self.ends(),
                number,
                self.n_windows,
                self.certify,
                self.n_threads,
                0,
                0,
                self.value_bytes,
            )

    def lock(self) -> AbstractContextManager[object]:
        """Of a network that can have one layer at a time: threads take turns."""
        return self.network._lock if isinstance(self.network, LazyNetwork) else nullcontext()


# A worker's network comes anew with every window, and what was made of it is worth keeping.
_worker_network: tuple[bytes, Network | LazyNetwork] | None = None
_worker_lock = threading.Lock()


def _window_in_worker(pickled: bytes, sweep: WindowSweep, number: int) -> tuple[int, Knots]:
    global _worker_network
    with _worker_lock:
        kept = _worker_network
        if kept is None or kept[0] != pickled:
            kept = _worker_network = (pickled, pickle.loads(pickled))
    return number, sweep._replace(network=kept[1]).window(number)


def _windows(
    sweep: WindowSweep, numbers: list[int], executor: Executor | None
) -> Iterator[tuple[int, Knots]]:
    """As they are finished."""
    if executor is None:
        for number in numbers:
            yield number, sweep.window(number)
        return
    pickled = pickle.dumps(sweep.network)
    light = sweep._replace(network=None)
    waiting = iter(numbers)
    with named_loss("windows"), PendingTasks[tuple[int, Knots]](executor) as pending:
        while True:
            # Windows that nobody works on yet need not travel.
            for number in islice(waiting, 2 * worker_count(executor) - len(pending)):
                pending.submit(_window_in_worker, pickled, light, number)
            if not pending:
                return
            yield pending.next_result()


def in_order(
    sweep: WindowSweep,
    number: int,
    store: WindowStore | None,
    executor: Executor | None,
    report: Callable[[int], object] | None,
) -> Iterator[Knots]:
    """All windows from left to right."""
    stored = set() if store is None else store.finished()
    early: dict[int, Knots] = {}  # that came before their turn, where there is no store
    missing = [w for w in range(number) if w not in stored]
    if missing:
        sweep = sweep.with_norms(store)
    n_done = number - len(missing)
    turn = 0

    def ready() -> Iterator[Knots]:
        nonlocal turn
        while turn in stored or turn in early:
            knots = early.pop(turn) if store is None else store.window(turn)
            turn += 1
            yield knots

    if report is not None:
        report(n_done)
    yield from ready()
    for window, knots in _windows(sweep, missing, executor):
        if store is None:
            early[window] = knots
        else:
            store.add(window, knots)
            stored.add(window)
        n_done += 1
        if report is not None:
            report(n_done)
        yield from ready()
