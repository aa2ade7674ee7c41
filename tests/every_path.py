"""Every way through the breakpoint kernel on one network, against the rational oracle.

The ways are tile sizes, stretches along which neurons of one sign are left out, numbers of threads,
windows of weights read back from files, and the counter of the C interface. A long run, outside of
what tests have time for, is ``python tests/every_path.py 100000``.

Small networks go through the kernel's loops for small layers. So a third of them is widened, by
neurons that leave its function as it is, and goes through BLAS.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import starmap
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from networks import Array, NetworkCase, SegmentCase, network_case, segment_case
from numpy.typing import NDArray
from rational_oracle import exact_breakpoints

import relufast
from relufast import _knots
from relufast._numba import breakpoint_counter_count, new_breakpoint_counter

# 0 is the kernel's own choice.
TILE_SIZES = (0, 1, 2, 3, 5, 16, 64, 200, 768, 4096)
CHUNK_SIZES = (0, 1, 2, 5, 16, 64, 10**6)
N_THREADS = (1, 2, 7)
WAYS_A_NETWORK = 3  # besides the kernel's own choice
WIDTHS = (70, 180)  # of widened layers: more than 64 x 64 weights are a matter for BLAS

Case = NetworkCase | SegmentCase
Crossing = tuple[int, int, int, bool]  # site, layer, neuron, whether the site reaches the output


class Way(NamedTuple):
    tile_size: int = 0
    chunk_size: int = 0
    n_threads: int = 1


@dataclass(frozen=True)
class Expected:
    positions: list[Fraction]  # by site
    crossings: list[Crossing]
    is_small: bool  # then everything can be decided

    def counts(self, depth: int) -> list[int]:
        by_layer = Counter(layer for _, layer, _, _ in self.crossings)
        return [by_layer[layer] for layer in range(1, depth + 1)]


class Mismatch(AssertionError):
    """A way to another answer."""


def check_all_paths(seed: int, index: int, folder: Path) -> Counter[str]:
    """How often each way was taken, and how often it left something open; or a Mismatch."""
    rng = np.random.default_rng([seed, index, 1])
    case: Case = (segment_case if rng.random() < 0.3 else network_case)(seed, index)
    is_wide = rng.random() < 1.0 / 3.0
    if is_wide and rng.random() < 0.7:
        case = perturbed(case, rng)
    expected = solve(case)
    if is_wide:
        case, expected = widened(case, expected, rng)
    network = relufast.Network(case.weights, case.biases, negative_slope=case.negative_slope)
    taken: Counter[str] = Counter()
    # What floats leave open, integers settle; of wide networks they would take a second each.
    budget = _knots._EXACT_BUDGET if expected.is_small else 0.0
    with mock.patch.object(_knots, "_EXACT_BUDGET", budget):
        x, x_error = check_found(case, network, expected, some_ways(rng), taken)
        if rng.random() < 0.5:
            check_swept(case, expected, x, x_error, rng, folder, taken)
    if isinstance(case, NetworkCase):
        check_counted(case, network, expected, taken)
    return taken


def solve(case: Case) -> Expected:
    ends = {} if isinstance(case, NetworkCase) else {"start": case.start, "stop": case.stop}
    exact = exact_breakpoints(
        case.weights, case.biases, case.interval, negative_slope=case.negative_slope, **ends
    )
    return Expected(exact.positions, exact.crossings, is_small=True)


def perturbed(case: Case, rng: np.random.Generator) -> Case:
    """Without most ties, which floats do not decide."""

    def somewhat_other(parameters: list[Array]) -> list[Array]:
        return [p * rng.uniform(0.5, 1.5, p.shape) for p in parameters]

    return case._replace(
        label=f"perturbed {case.label}",
        weights=somewhat_other(case.weights),
        biases=somewhat_other(case.biases),
    )


def widened(case: Case, expected: Expected, rng: np.random.Generator) -> tuple[Case, Expected]:
    """The same function, from wide layers.

    New neurons are idle: never active, or always, and then nobody listens. In one network of three
    others are there twice, and the next layer takes twice of what it took from the one, and minus
    once from the other, which is exact, but more than floats can decide. The order is random.
    """
    with_copies = rng.random() < 1.0 / 3.0
    weights, biases = [w.copy() for w in case.weights], [b.copy() for b in case.biases]
    crossings = expected.crossings
    for layer in range(len(weights) - 1):
        n = len(biases[layer])
        width = int(rng.integers(*WIDTHS))
        n_copies = int(rng.integers(n + 1)) if with_copies else 0
        origin = np.concatenate([np.arange(n), rng.choice(n, n_copies, replace=False)])
        places = rng.permutation(width)[: len(origin)]
        into = np.zeros((width, weights[layer].shape[1]))
        bias = rng.choice([-1.0, 0.0, 1.0], size=width)
        out = np.zeros((len(weights[layer + 1]), width))
        into[places], bias[places] = weights[layer][origin], biases[layer][origin]
        is_twice = np.isin(np.arange(n), origin[n:])
        shares = np.concatenate([np.where(is_twice, 2.0, 1.0), -np.ones(n_copies)])
        out[:, places] = shares * weights[layer + 1][:, origin]
        weights[layer], biases[layer], weights[layer + 1] = into, bias, out
        crossings = [
            (site, at, place, reaches)
            for site, at, neuron, reaches in crossings
            for place in (places[origin == neuron].tolist() if at == layer + 1 else [neuron])
        ]
    label = f"widened {case.label}"
    wide = case._replace(label=label, weights=weights, biases=biases)
    return wide, Expected(expected.positions, sorted(crossings), is_small=False)


def some_ways(rng: np.random.Generator) -> list[Way]:
    """The kernel's own choice first, and then any."""
    columns = (rng.choice(c, WAYS_A_NETWORK).tolist() for c in (TILE_SIZES, CHUNK_SIZES, N_THREADS))
    return [Way(), *starmap(Way, zip(*columns, strict=True))]


def check_found(
    case: Case,
    network: relufast.Network,
    expected: Expected,
    ways: list[Way],
    taken: Counter[str],
) -> tuple[Array, Array]:
    """Positions and their errors by the kernel's own choice, or empty if something was open."""
    line = None if isinstance(case, NetworkCase) else (case.start, case.stop)
    first: tuple[Array, Array] = np.empty(0), np.empty(0)
    for way in ways:
        knots = _knots.find_knots(network, case.interval, line, certify=True, **way._asdict())
        if knots.open_after.any():
            knots = _knots.resolve_exactly(knots, network, case.interval, line)
        label = f"{case.label}, {way}"
        if not is_closed(knots.n_undecided == 0, expected, "find", label, taken):
            continue
        x, x_error, layers, neurons, reaches_output, sites = knots.by_crossing()
        columns = (sites, layers, neurons, reaches_output)
        require(listed(*columns) == expected.crossings, f"other breakpoints: {label}")
        if len(first[0]) == 0:
            for position, error, site in zip(x.tolist(), x_error.tolist(), sites, strict=True):
                near = is_near(position, error, expected.positions[site])
                require(near, f"position beyond its error: {label}")
            first = x, x_error
        else:
            require_near(first, (x, x_error), label)
    return first


def check_swept(
    case: Case,
    expected: Expected,
    x: Array,
    x_error: Array,
    rng: np.random.Generator,
    folder: Path,
    taken: Counter[str],
) -> None:
    """By windows, the weights read from files whenever they are needed."""
    files = [folder / f"{layer}.npy" for layer in range(len(case.weights))]
    for file, weights in zip(files, case.weights, strict=True):
        np.save(file, np.ascontiguousarray(weights))
    network = relufast.Network.from_npy(files, case.biases, negative_slope=case.negative_slope)
    line: dict[str, Any] = {"interval": case.interval}
    if isinstance(case, SegmentCase):
        whole = math.isinf(case.interval[0])
        line = {"start": case.start, "stop": case.stop, "whole_line": whole}
    windows: list[relufast.BreakpointWindow] = []
    n_windows = int(rng.integers(1, 7))
    swept = relufast.sweep_breakpoints(
        network,
        **line,
        n_windows=n_windows,
        n_threads=int(rng.choice(N_THREADS)),
        to=windows.append,
    )
    label = f"{case.label}, {n_windows} windows"
    if not is_closed(swept.certified, expected, "sweep", label, taken):
        return

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(window, name) for window in windows])

    found = listed(*(joined(name) for name in ("sites", "layers", "neurons")))
    require(found == [crossing[:3] for crossing in expected.crossings], f"swept others: {label}")
    if len(x) == len(found):
        require_near((x, x_error), (joined("positions"), joined("position_error")), label)


def check_counted(
    case: NetworkCase, network: relufast.Network, expected: Expected, taken: Counter[str]
) -> None:
    """By the C interface, which knows no integers."""
    counter = new_breakpoint_counter(network.widths, case.negative_slope, case.interval)
    parameters = [
        numbers.ravel() for pair in zip(case.weights, case.biases, strict=True) for numbers in pair
    ]
    counts = np.empty(network.depth, dtype=np.int64)
    outcome = breakpoint_counter_count(counter.address, np.concatenate(parameters), counts)
    require(outcome >= 0, f"failed: {case.label}")
    taken["count (open)" if outcome else "count"] += 1
    if outcome == 0:
        equal = counts.tolist() == expected.counts(network.depth)
        require(equal, f"counted {counts.tolist()}: {case.label}")


def is_closed(
    certified: bool, expected: Expected, path: str, label: str, taken: Counter[str]
) -> bool:
    require(certified or not expected.is_small, f"left open: {label}")
    path = path if expected.is_small else f"{path} in wide layers"
    taken[path if certified else f"{path} (open)"] += 1
    return certified


def listed(*columns: NDArray[Any]) -> list[tuple[Any, ...]]:
    return list(zip(*(column.tolist() for column in columns), strict=True))


def is_near(position: float, error: float, exact: Fraction) -> bool:
    if math.isinf(position):  # where no float64 comes near
        return abs(exact) > Fraction(sys.float_info.max)
    return math.isinf(error) or abs(Fraction(position) - exact) <= Fraction(error)


def require_near(first: tuple[Array, Array], second: tuple[Array, Array], label: str) -> None:
    with np.errstate(invalid="ignore"):
        apart, bound = abs(first[0] - second[0]), first[1] + second[1]
    # NaN: beyond float64 in both.
    require(bool(((apart <= bound) | np.isnan(apart)).all()), f"positions apart: {label}")


def require(condition: bool, message: str) -> None:
    if not condition:
        raise Mismatch(message)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("n_networks", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first network")
    options = parser.parse_args()
    relufast.load_blas()
    taken: Counter[str] = Counter()
    findings = 0
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for n, index in enumerate(range(options.first, options.first + options.n_networks), 1):
            try:
                taken += check_all_paths(options.seed, index, Path(folder))
            except Mismatch as mismatch:
                findings += 1
                print(f"FOUND: network {index}: {mismatch}", flush=True)
            if n % 1000 == 0 or n == options.n_networks:
                seconds = time.monotonic() - begin
                paths = ", ".join(f"{number:,} {path}" for path, number in sorted(taken.items()))
                print(f"{n:,} networks, {findings} findings, {seconds:.0f} s: {paths}", flush=True)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
