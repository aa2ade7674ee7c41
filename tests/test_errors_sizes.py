"""Numbers that are too large for what they count, or for float64."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

import relufast
from relufast import statistics

W = np.random.default_rng(1).standard_normal((6, 2))
NETWORK = relufast.Network.random((1, 5, 5, 1), seed=1)
Call = Callable[[int], object]

SIZES: dict[str, Call] = {
    "widths[1]": lambda n: relufast.Network.lazy((1, n, 1), seed=1),
    "widths[2]": lambda n: statistics.BreakpointCounts((1, 3, n)),
    "depth": lambda n: relufast.GaussianProcess(n),
    "n_columns": lambda n: relufast.IncrementalRank(n),
    "n_restarts": lambda n: relufast.min_active_rows(W, n_restarts=n),
    "n_points": lambda n: relufast.relu_singular_values(W, n_points=n),
}
THREADED: dict[str, Call] = {
    "breakpoints": lambda n: relufast.breakpoints(NETWORK, n_threads=n),
    "sweep": lambda n: relufast.sweep_breakpoints(NETWORK, n_threads=n),
    "kernel": lambda n: relufast.arc_cosine_kernel(W, n_threads=n),
    "eigh": lambda n: relufast.FisherInformation(W).eigh(2, n_threads=n),
    "width": lambda n: relufast.gaussian_mean_width(W, n_samples=2, seed=1, n_threads=n),
    "search": lambda n: relufast.min_active_rows(W, n_threads=n),
}


@pytest.mark.parametrize("n", [2**31, 2**63, 10**30])
@pytest.mark.parametrize("name", SIZES)
def test_sizes_beyond_32_bits(name: str, n: int) -> None:
    with pytest.raises(
        ValueError, match=rf"^{name.replace('[', '.')} is {n}, but must be below 2"
    ) as e:
        SIZES[name](n)
    assert "2**31" in str(e.value)


@pytest.mark.parametrize("n", [4097, 2**31, 10**30])
@pytest.mark.parametrize("name", THREADED)
def test_more_threads_than_any_machine_has(name: str, n: int) -> None:
    with pytest.raises(ValueError, match=f"n_threads is {n}, but must be at most 4096"):
        THREADED[name](n)


@pytest.mark.parametrize("n", [8, 2**63, 10**30])
def test_more_windows_than_can_be(n: int) -> None:
    found = relufast.sweep_breakpoints(NETWORK, n_windows=n)
    assert found.n_windows <= 6  # cut at five breakpoints
    assert found.count == relufast.breakpoints(NETWORK).count


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such limit")
def test_a_system_that_has_no_more_threads() -> None:
    """Each takes some megabytes of addresses: some threads start, and then none does any more."""
    code = """if True:
        import resource
        import numpy as np
        import relufast
        network = relufast.Network.random((1, 400, 400, 400, 1), seed=1)
        relufast.sweep_breakpoints(network, n_threads=1)
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        expected = relufast.breakpoints(network, n_threads=1).positions
        for room in (3 * 10**8, 5 * 10**8):
            resource.setrlimit(resource.RLIMIT_AS, (used + room, -1))
            found = relufast.breakpoints(network, n_threads=1000).positions
            print(found.tobytes() == expected.tobytes())
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "True\nTrue\n"


def test_fisher_information_beyond_float64() -> None:
    large = np.full((6, 2), 1e150)
    empirical, on_sphere = (
        relufast.FisherInformation.empirical,
        relufast.FisherInformation.on_sphere,
    )
    for X in (np.full((3, 2), 1e150), np.full((3, 2), 1e10)):
        with pytest.raises(ValueError, match="X and W are so large that J exceeds float64"):
            empirical(large, X)
    with pytest.raises(ValueError, match=r"X\[0\] has norm 1.41e\+308, but needs one whose square"):
        empirical(W, np.full((3, 2), 1e308))
    with pytest.raises(ValueError, match="radius and W are so large that J exceeds float64"):
        on_sphere(W, radius=1e154 * 10.0)
    assert np.isfinite(empirical(large, np.full((3, 2), 1e2)).trace)


def test_slopes_whose_variances_are_beyond_float64() -> None:
    for calls in (
        relufast.GaussianProcess,
        lambda depth, **o: relufast.expected_breakpoints((1, 3, 3, 1), **o),
    ):
        with pytest.raises(
            ValueError, match=r"negative_slope is 1e\+308 and weight_variance up to 2"
        ):
            calls(3, negative_slope=1e308)


def test_tolerances_that_mean_nothing() -> None:
    with pytest.raises(ValueError, match=r"rtol is 1e\+308, but must lie between 0 and 1"):
        relufast.relu_operator_norm(W, rtol=1e308)
    with pytest.raises(ValueError, match=r"tol is 1e\+308, but must lie between 0 and 1"):
        relufast.FisherInformation(W).eigh(2, tol=1e308)
    least = relufast.relu_singular_values(W, ks=1, n_points=10, rtol=5e-324)
    assert least.upper == pytest.approx(
        relufast.relu_singular_values(W, ks=1, n_points=10).upper, rel=4e-3
    )
