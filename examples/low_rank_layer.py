"""How near a ReLU layer of rank k comes to a given one, over the unit ball.

python examples/low_rank_layer.py [PICTURE.png]
"""

from __future__ import annotations

import sys

import matplotlib.pyplot as plt
import numpy as np

import relufast


def draw() -> None:
    A = np.random.default_rng(1).standard_normal((6, 4))
    values = relufast.relu_singular_values(A)
    for k, lower, upper, linear in zip(
        values.ks, values.lower, values.upper, values.linear, strict=True
    ):
        print(f"rank {k}: {lower:.3f} <= s, {upper:.3f} found, {linear:.3f} without relu")
    _, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    axes.plot(values.ks, values.linear, "-", label="without relu")
    axes.plot(values.ks, values.upper, "o", label="found")
    axes.plot(values.ks, values.lower, "--", label="proven lower bound")
    axes.set(xlabel="rank", ylabel="largest error", xticks=values.ks)
    axes.legend()


if __name__ == "__main__":
    draw()
    if sys.argv[1:]:
        plt.savefig(sys.argv[1])
