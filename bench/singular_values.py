"""How fast relufast finds ReLU singular values: see README.md in this folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from time import process_time
from typing import Any

import numpy as np
from _benchmark import Outcome, benchmark
from _tables import table, verdict
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import relufast

SEED = 0
FASTER_GOAL = 10.0
COARSE = 0.1  # the rtol at which maxima are well below Adam's already
SMALLER_GOAL = 0.9
N_RANDOM = 50
CURVE_SECONDS = 1.0
HAS_TORCH = find_spec("torch") is not None

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A layer at points, and ranks to fit."""

    name: str
    A: Matrix
    X: Matrix
    ks: tuple[int, ...]


@dataclass
class Row:
    """One fit, ours and Adam's."""

    name: str
    k: int
    linear: float  # the largest error of the truncated singular value decomposition
    ours: float
    seconds: float
    coarse: float  # at rtol = COARSE
    coarse_seconds: float
    adam: float = 0.0
    adam_seconds: float = 0.0
    adam_steps: int = 0


def measure(quick: bool) -> Outcome:
    if not HAS_TORCH:
        print("PyTorch is not installed: Adam's fits are left out.")
    if quick:
        cases, n_random = [sphere_case(1000, (2,))], 4
    else:
        cases, n_random = [sphere_case(4000, (1, 2, 3)), gaussian_case(), *digits_case()], N_RANDOM
    # Every contender on one thread: what is compared is work, not cores.
    with threadpool_limits(1):
        _limit_torch()
        rows = [run(case, k) for case in cases for k in case.ks]
        random_rows = [run(case, case.ks[0]) for case in random_cases(n_random)]
        curve = curve_seconds(2 if quick else 10)
    fits = [*rows, *random_rows]
    record = {"seed": SEED, "curve_seconds": curve, "fits": [asdict(row) for row in fits]}
    wrong = [
        f"{row.name}, k = {row.k}: worse than the linear fit"
        for row in fits
        if row.ours > row.linear * (1.0 + 1e-12)
    ]
    return Outcome([fit_table(rows), random_table(random_rows), curve_table(curve)], record, wrong)


def sphere_case(count: int, ks: tuple[int, ...]) -> Case:
    random = np.random.default_rng(SEED)
    A, X = random.standard_normal((4, 4)), random.standard_normal((count, 4))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return Case(f"4 x 4, {count:,} points of the sphere", A, X, ks)


def gaussian_case() -> Case:
    random = np.random.default_rng(SEED)
    A, X = random.standard_normal((20, 20)), random.standard_normal((2000, 20))
    return Case("20 x 20, 2,000 Gaussian points", A, X, (3, 10, 17))


def digits_case() -> list[Case]:
    if find_spec("sklearn") is None:
        print("scikit-learn is not installed: its digits are left out.")
        return []
    from sklearn.datasets import load_digits

    A = np.random.default_rng(SEED).standard_normal((100, 64)) / 8.0
    return [Case("100 x 64, digits", A, load_digits().data / 16.0, (8, 32))]


def random_cases(count: int) -> list[Case]:
    cases = []
    for i in range(count):
        random = np.random.default_rng([SEED, i])
        m, n = random.integers(3, 11, 2)
        k = int(random.integers(1, min(m, n)))
        A, X = random.standard_normal((m, n)), random.standard_normal((500, n))
        cases.append(Case(f"{m} x {n}", A, X, (k,)))
    return cases


def run(case: Case, k: int) -> Row:
    left, values, right = np.linalg.svd(case.A)
    linear = largest_error(case, (left[:, :k] * values[:k]) @ right[:k])

    def fit(**options: float) -> float:
        found = relufast.relu_singular_values(case.A, None, case.X, ks=k, n_threads=1, **options)
        return largest_error(case, found.fits[0].W @ found.fits[0].M)

    fit()  # to warm up
    seconds, ours = timed(fit)
    coarse_seconds, coarse = timed(lambda: fit(rtol=COARSE))
    row = Row(case.name, k, linear, ours, seconds, coarse, coarse_seconds)
    if HAS_TORCH:
        from _adam_fit import adam_fit

        row.adam_seconds, adam = timed(lambda: adam_fit(case.A, case.X, k))
        row.adam, row.adam_steps = adam.largest_error, adam.steps
    print(f"{row.name}, k = {k}: {row.seconds:.3g} s, Adam {row.adam_seconds:.3g} s", flush=True)
    return row


def largest_error(case: Case, L: Matrix) -> float:
    differences = np.maximum(case.X @ case.A.T, 0.0) - np.maximum(case.X @ L.T, 0.0)
    return float(np.linalg.norm(differences, axis=1).max())


def curve_seconds(count: int) -> list[float]:
    """Of all ranks of a 4 x 4 layer over the sphere, proven, at default settings."""
    matrices = np.random.default_rng(SEED).standard_normal((count, 4, 4))
    return [timed(lambda A=A: relufast.relu_singular_values(A, n_threads=1))[0] for A in matrices]


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds: what one thread takes where nothing else runs."""
    began = process_time()
    value = call()
    return process_time() - began, value


def fit_table(rows: list[Row]) -> str:
    """All of a fit beside all of Adam's, and what they reached."""
    head = ["case", "k", "largest error: linear", "Adam", "relufast", f"at rtol = {COARSE:g}"]
    head += ["CPU s: Adam", "steps", "relufast", "times faster", f"at rtol = {COARSE:g}"]
    head += ["times faster", "goal", ""]
    cells = []
    for row in rows:
        adam = [f"{row.adam:.4f}", f"{row.adam_seconds:.3g}", f"{row.adam_steps:,}"]
        ratios = [row.adam_seconds / row.seconds, row.adam_seconds / row.coarse_seconds]
        faster = [f"{ratio:.1f}" for ratio in ratios]
        holds = ratios[1] >= FASTER_GOAL and row.coarse <= row.adam
        goal = [f"at least {FASTER_GOAL:g}", verdict(holds)]
        if not HAS_TORCH:
            adam, faster, goal = ["", "not installed", ""], ["", ""], ["", ""]
        line = [row.name, str(row.k), f"{row.linear:.4f}", adam[0], f"{row.ours:.4f}"]
        line += [f"{row.coarse:.4f}", *adam[1:], f"{row.seconds:.3g}", faster[0]]
        line += [f"{row.coarse_seconds:.3g}", faster[1], *goal]
        cells.append(line)
    return table(head, cells)


def random_table(rows: list[Row]) -> str:
    head = ["random cases", "smaller maximum than Adam's", "median of ours / Adam's", "goal", ""]
    if not HAS_TORCH:
        return table(head, [[str(len(rows)), "PyTorch is not installed", "", "", ""]])
    share = float(np.mean([row.ours < row.adam for row in rows]))
    median = float(np.median([row.ours / row.adam for row in rows]))
    line = [str(len(rows)), f"{share:.0%}", f"{median:.3f}", f"at least {SMALLER_GOAL:.0%}"]
    return table(head, [[*line, verdict(share >= SMALLER_GOAL)]])


def curve_table(seconds: list[float]) -> str:
    head = ["4 x 4 over the sphere, all ranks", "CPU s, median", "longest", "goal", ""]
    median = float(np.median(seconds))
    line = [f"{len(seconds)} matrices", f"{median:.2f}", f"{max(seconds):.2f}"]
    return table(head, [[*line, f"under {CURVE_SECONDS:g}", verdict(median < CURVE_SECONDS)]])


def _limit_torch() -> None:
    if HAS_TORCH:
        import torch

        torch.set_num_threads(1)


if __name__ == "__main__":
    sys.exit(
        benchmark(
            measure,
            doc=__doc__,
            name="singular_values",
            title="ReLU singular values",
            quick="small sizes only, < 10 s",
        )
    )
