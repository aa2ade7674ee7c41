"""How fast relufast finds the exact ranks of hidden activations: see README.md in this folder."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field

import numpy as np
from _benchmark import Outcome, benchmark
from _measure import Prepare, Timing, interleave
from _tables import goal_cells, milliseconds, table, two_decimals
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import relufast

SEED = 0


@dataclass(frozen=True)
class Case:
    """As many points as neurons a layer, and the goal if it has one."""

    name: str
    width: int
    depth: int
    goal: float | None = None
    bias_variance: float = 0.0
    weight_variance: float = 2.0
    negative_slope: float = 0.0
    rounds: int = 7
    calls: int = 1

    def network(self) -> relufast.Network:
        return relufast.Network.random(
            (self.width, *[self.width] * self.depth, 1),
            weight_variance=self.weight_variance,
            bias_variance=self.bias_variance,
            negative_slope=self.negative_slope,
            seed=SEED + 1,
        )

    def points(self) -> NDArray[np.float64]:
        return np.random.default_rng(SEED).standard_normal((self.width, self.width))


@dataclass
class Result:
    """What one case gave."""

    case: Case
    last_rank: int = 0
    last_numerical_rank: int = 0
    n_certified: int = 0
    n_equal: int = 0
    n_primes: int = 0
    timings: dict[str, Timing] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


FULL = [
    Case("He", 100, 20, goal=3.0, calls=10),
    Case("He", 512, 10, goal=2.0),
    Case("He, biases", 100, 20, bias_variance=1.0, calls=10),
    Case("He, biases", 512, 10, bias_variance=1.0),
    Case("small weights", 100, 20, bias_variance=1.0, weight_variance=0.25, calls=10),
    Case("leaky, 0.1", 100, 20, negative_slope=0.1, calls=10),
    Case("linear", 100, 20, negative_slope=1.0, calls=10),
    Case("He", 64, 50, calls=10),
]
QUICK = [
    Case("He", 100, 20, rounds=5, calls=5),
    Case("He", 200, 5, rounds=5),
    Case("small weights", 64, 20, bias_variance=1.0, weight_variance=0.25, rounds=3),
    Case("leaky, 0.1", 64, 20, negative_slope=0.1, rounds=3),
    Case("linear", 64, 20, negative_slope=1.0, rounds=3),
]


def measure(quick: bool) -> Outcome:
    results = []
    with threadpool_limits(1):
        for case in QUICK if quick else FULL:
            print(f"{case.name}, {case.width} x {case.depth} ...", flush=True)
            results.append(run(case))
    return Outcome(
        tables=[rank_table(results)],
        record={"seed": SEED, "results": [asdict(result) for result in results]},
        wrong=[answer for result in results for answer in result.wrong],
    )


def run(case: Case) -> Result:
    """Check the answers, then take the time."""
    network, X = case.network(), case.points()
    found = relufast.activation_ranks(network, X)
    numerical = svd_ranks(network, X)
    result = Result(
        case,
        last_rank=int(found.lower[-1]),
        last_numerical_rank=int(numerical[-1]),
        n_certified=int(found.certified.sum()),
        n_equal=int((found.rank == numerical).sum()),
        n_primes=len(found.primes),
    )
    name = f"{case.name}, {case.width} x {case.depth}"
    # Rounding loses rank at these sizes, and never wins any.
    if (numerical > found.upper).any():
        result.wrong.append(f"{name}: numerical ranks above the upper bounds")
    assert found.uncertified_signs is not None
    if found.uncertified_signs.any():
        result.wrong.append(f"{name}: {found.uncertified_signs.sum()} uncertified signs")
    contenders: dict[str, Prepare] = {
        "relufast": lambda: first_call(case.network(), X),
        "again": lambda: lambda: relufast.activation_ranks(network, X),
        "SVD": lambda: lambda: svd_ranks(network, X),
    }
    result.timings = interleave(contenders, rounds=case.rounds, calls=case.calls)
    return result


def first_call(network: relufast.Network, X: NDArray[np.float64]) -> Prepare:
    return lambda: relufast.activation_ranks(network, X)


def svd_ranks(network: relufast.Network, X: NDArray[np.float64]) -> NDArray[np.int64]:
    """A float forward pass and numpy.linalg.matrix_rank of every layer."""
    return np.array([np.linalg.matrix_rank(h) for h in network.activations(X)])


def rank_table(results: list[Result]) -> str:
    head = ["network", "points = width x depth", "certified layers", "primes"]
    head += ["last rank", "numerical", "layers equal", "relufast, ms", "called again, ms"]
    head += ["forward and SVD, ms", "called again", "times faster", "goal", ""]
    rows = []
    for result in results:
        case, timings = result.case, result.timings
        ratio = timings["relufast"].times_faster_than(timings["SVD"])
        again = timings["again"].times_faster_than(timings["SVD"])
        rows.append(
            [
                case.name,
                f"{case.width} x {case.depth}",
                f"{result.n_certified} of {case.depth}",
                str(result.n_primes),
                str(result.last_rank),
                str(result.last_numerical_rank),
                str(result.n_equal),
                *(milliseconds(timings[name]) for name in ("relufast", "again", "SVD")),
                two_decimals(again),
                *goal_cells(ratio, case.goal),
            ]
        )
    return table(head, rows)


if __name__ == "__main__":
    sys.exit(
        benchmark(
            measure,
            doc=__doc__,
            name="activation_ranks",
            title="Ranks of activations",
            quick="small sizes only, < 15 s",
        )
    )
