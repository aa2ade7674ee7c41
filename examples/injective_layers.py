"""What fraction of random layers on three inputs is injective, by their number of rows.

python examples/injective_layers.py [PICTURE.png]
"""

from __future__ import annotations

import sys

import matplotlib.pyplot as plt

import relufast

ROWS = (6, 9, 12, 15, 18, 21)


def draw() -> None:
    layers = relufast.statistics.InjectiveLayers(3, ROWS)
    estimate = relufast.monte_carlo(layers, n_trials=500, seed=1)
    for rows, mean, error in zip(ROWS, estimate.mean, estimate.standard_error, strict=True):
        print(f"{rows} rows: {mean:.3f} ± {error:.3f} are injective")
    _, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    axes.errorbar(ROWS, estimate.mean, estimate.standard_error, fmt="o", capsize=3)
    axes.set(xlabel="rows", ylabel="share of injective layers", ylim=(0, 1.02), xticks=ROWS)


if __name__ == "__main__":
    draw()
    if sys.argv[1:]:
        plt.savefig(sys.argv[1])
