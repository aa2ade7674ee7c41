"""Breakpoints of networks beyond memory: the line in windows, each swept layer by layer."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any, NamedTuple, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast import _validate
from relufast._certificate import trust
from relufast._core import Knots
from relufast._cpus import thread_count
from relufast._knots import is_small, join_windows, resolve_exactly
from relufast._position_file import RECORD, position_file
from relufast._progress_count import ProgressOption, count_reports
from relufast._read_only import read_only
from relufast._validate import FloatArray
from relufast._window_sweep import Line, WindowSweep, bytes_for_values, in_order, windows_for
from relufast.lazy_network import LazyNetwork
from relufast.network import Network

IntArray = NDArray[np.int32]

_DEFAULT_MEMORY = 4e9


class BreakpointWindow(NamedTuple):
    """The breakpoints of one window of the line, as `sweep_breakpoints` hands them out."""

    number: int  #: from 0, from left to right
    positions: FloatArray  #: (b,), as of `Breakpoints`
    position_error: FloatArray  #: (b,)
    layers: IntArray  #: (b,)
    neurons: IntArray  #: (b,)
    sites: NDArray[np.int64]  #: (b,), numbered along all of the line


@dataclass(frozen=True, eq=False, repr=False)
class BreakpointSweep:
    """How many breakpoints a network has along a line, as `sweep_breakpoints` returns it.

    Attributes
    ----------
    count_by_layer : ndarray of int64, shape (depth,)
        The number of breakpoints of each hidden layer.
    n_regions : int
        Activation regions: one more than there are distinct true positions.
    certified : bool
        The counts, layers, neurons, order and error bounds are proven.
    n_ambiguous : int or None
        Decisions that stayed open. None where nothing was certified.
    n_windows : int
        Stretches of the line that were swept one by one.
    interval : tuple of two floats
        The open interval of x.
    network : Network or LazyNetwork
    line : None or tuple of two ndarrays
        `start` and `stop`, if the line was given by them.
    """

    count_by_layer: NDArray[np.int64]
    n_regions: int
    certified: bool
    n_ambiguous: int | None
    n_windows: int
    interval: tuple[float, float]
    network: Network | LazyNetwork
    line: Line

    @property
    def count(self) -> int:
        """The number of breakpoints."""
        return int(self.count_by_layer.sum())

    def __repr__(self) -> str:
        lo, hi = self.interval
        return (
            f"BreakpointSweep({self.count:,} in ({lo:g}, {hi:g}), {self.n_regions:,} regions, "
            f"{trust(self.certified, self.n_ambiguous)})"
        )


def sweep_breakpoints(
    network: Network | LazyNetwork,
    interval: ArrayLike = (-math.inf, math.inf),
    *,
    start: ArrayLike | None = None,
    stop: ArrayLike | None = None,
    whole_line: bool = False,
    certify: bool = True,
    to: str | os.PathLike[str] | Callable[[BreakpointWindow], object] | None = None,
    memory: float | None = None,
    n_windows: SupportsIndex | None = None,
    store: str | os.PathLike[str] | None = None,
    executor: Executor | None = None,
    progress: ProgressOption = None,
    n_threads: SupportsIndex | None = None,
) -> BreakpointSweep:
    """Count the breakpoints of a network that need not fit in memory, exactly.

    The line is cut at breakpoints of the first layer into windows. A window's breakpoints are found
    layer by layer, so that one layer's weights at a time are in memory.

    Parameters
    ----------
    network : Network or LazyNetwork
        A `Network.lazy` or `Network.from_npy` has no more than one layer in memory.
    interval, start, stop, whole_line, certify
        As for `breakpoints`.
    to : path or callable, optional
        Where positions go as they come, from left to right. A path is an npy file of records
        (position, position_error, site, layer, neuron), which is there when it is whole; a callable
        is called with each `BreakpointWindow`.
    memory : float, optional
        About so many bytes, at 4e9 if not given: the number of windows follows from it. One layer,
        and what a tile of each thread takes of it, are the least.
    n_windows : int, optional
        At most so many windows, in place of what follows from `memory`. Counts do not depend on it.
    store : path, optional
        An SQLite file, made if need be. Finished windows are kept there, and the same call goes on
        from them. Calls that differ in anything that decides the result are kept apart.
    executor : concurrent.futures.Executor, optional
        Where to work on windows, as for `monte_carlo`. Each worker has `memory` and `n_threads` of
        its own. A `LazyNetwork` travels as a seed, or as paths, which all workers must see.
    progress : bool or callable, optional
        True for a bar on stderr, or what to call with a `WorkProgress` of windows.
    n_threads : int, optional
        At most this many threads; by default as many as this process may use, or one in a worker of
        an executor.

    Returns
    -------
    BreakpointSweep
        What `breakpoints` finds, counted; the same for every executor and number of threads.

    Raises
    ------
    TypeError, ValueError
        For a wrong argument.
    StoreError
        If the store cannot be read or written; what it held is still there.
    WorkerLostError
        If a worker process dies and its executor gives up.
    KeyboardInterrupt
        Within seconds of Ctrl-C.

    Notes
    -----
    *How exact.* As `breakpoints`, by the same computation. Which breakpoints reach the output is
    not asked, because that goes back through all layers; nor does `certified` speak of it. What
    only exact integers decide is decided for small networks.

    *Borders.* Neighbouring windows share a breakpoint of the first layer whose position is no
    float64 number; the right one counts it. So none is lost or counted twice, and no neuron of a
    later layer needs to be known exactly there. Where all of the first layer's positions are
    float64 numbers, there is one window.

    *How much.* The work of `breakpoints`, and for every window each layer once more, at about 5 ns
    a weight and thread; see docs/cost.md.

    Examples
    --------
    >>> import relufast
    >>> lazy = relufast.Network.lazy((1, 100, 100, 100, 1), seed=1)
    >>> relufast.sweep_breakpoints(lazy, n_windows=4)
    BreakpointSweep(287 in (-inf, inf), 288 regions, certified)
    """
    checked = _checked_network(network)
    (lo, hi), line = _validate.line_of_inputs(checked.widths[0], interval, start, stop, whole_line)
    certify = _validate.flag(certify, "certify")
    hand_out, path = _destination(to)
    budget = _DEFAULT_MEMORY if memory is None else _validate.positive_float(memory, "memory")
    if executor is not None:
        _validate.instance(executor, "executor", Executor, "an Executor")
    threads = 1 if executor is not None and n_threads is None else thread_count(n_threads)
    value_bytes = bytes_for_values(checked, budget, threads)
    wanted = (
        windows_for(checked, value_bytes)
        if n_windows is None
        # More than there are breakpoints to cut at would be empty.
        else min(_validate.positive_int(n_windows, "n_windows"), checked.widths[1] + 1)
    )
    sweep = WindowSweep(checked, (lo, hi), line, certify, wanted, value_bytes, threads)
    total = _Total(checked.depth)
    with ExitStack() as stack:
        windows = None
        if store is not None:
            windows = sweep.open_store(_validate.file_path(store, "store"))
            stack.callback(windows.close)
        write = None if path is None else stack.enter_context(position_file(path))
        number = sweep.number_of_windows()
        report = stack.enter_context(count_reports(progress, number, "windows"))
        found = _resolved(sweep, in_order(sweep, number, windows, executor, report))
        # Closed here, so that no worker goes on if the caller's function raises.
        for knots in stack.enter_context(closing(found)):
            window = total.add(knots)
            if write is not None:
                write(_records(window))
            if hand_out is not None:
                hand_out(window)
    return BreakpointSweep(
        count_by_layer=read_only(total.count_by_layer),
        n_regions=total.n_sites + 1,
        certified=certify and total.n_undecided == 0,
        n_ambiguous=total.n_undecided if certify else None,
        n_windows=number,
        interval=(lo, hi),
        network=checked,
        line=None if line is None else (read_only(line[0]), read_only(line[1])),
    )


def _checked_network(network: object) -> Network | LazyNetwork:
    if isinstance(network, LazyNetwork):
        return network
    needed = "a relufast.Network or relufast.LazyNetwork"
    return _validate.instance(network, "network", Network, needed)


def _destination(
    to: object,
) -> tuple[Callable[[BreakpointWindow], object] | None, Any]:
    if to is None:
        return None, None
    if callable(to):
        return to, None
    if not isinstance(to, str | os.PathLike):
        raise TypeError(f"to is of type {type(to).__name__}, but needs a path or a callable")
    return None, _validate.file_path(to, "to")


def _resolved(sweep: WindowSweep, windows: Iterator[Knots]) -> Generator[Knots, None, None]:
    """What stayed open, in exact integers where the network is small."""
    if not sweep.certify or not is_small(sweep.network.widths):
        yield from windows
        return
    found = list(windows)
    if not any(knots.open_after.any() for knots in found):
        yield from found
        return
    network = sweep.network.stored() if isinstance(sweep.network, LazyNetwork) else sweep.network
    yield resolve_exactly(join_windows(found), network, sweep.interval, sweep.line)


class _Total:
    """What has been handed out so far."""

    def __init__(self, depth: int) -> None:
        self.count_by_layer = np.zeros(depth, dtype=np.int64)
        self.n_sites = 0
        self.n_undecided = 0
        self._n_windows = 0

    def add(self, knots: Knots) -> BreakpointWindow:
        """Of a knot that two windows share it is the right one that counts the crossings."""
        first_crossing = knots.first_crossing
        n_knots = len(first_crossing) - 2
        counts = np.diff(first_crossing)[:n_knots]
        layers, neurons = (
            values[: first_crossing[n_knots]] for values in (knots.layers, knots.neurons)
        )
        sites = self.n_sites + np.cumsum(counts > 0, dtype=np.int64) - 1
        window = BreakpointWindow(
            number=self._n_windows,
            positions=read_only(np.repeat(knots.x[:n_knots], counts)),
            position_error=read_only(np.repeat(knots.x_error[:n_knots], counts)),
            layers=read_only(layers),
            neurons=read_only(neurons),
            sites=read_only(np.repeat(sites, counts)),
        )
        self.count_by_layer += np.bincount(layers, minlength=len(self.count_by_layer) + 1)[1:]
        self.n_sites += int(np.count_nonzero(counts))
        self.n_undecided += knots.n_undecided
        self._n_windows += 1
        return window


def _records(window: BreakpointWindow) -> NDArray[Any]:
    records = np.empty(len(window.positions), dtype=RECORD)
    records["position"] = window.positions
    records["position_error"] = window.position_error
    records["site"] = window.sites
    records["layer"] = window.layers
    records["neuron"] = window.neurons
    return records
