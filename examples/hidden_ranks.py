"""The rank of each hidden layer's activations, exact and as float64 leaves it.

python examples/hidden_ranks.py [PICTURE.png]
"""

from __future__ import annotations

import sys

import matplotlib.pyplot as plt
import numpy as np

import relufast


def draw() -> None:
    network = relufast.Network.random((64,) * 31 + (1,), weight_variance=0.25, seed=1)
    X = np.random.default_rng(1).standard_normal((64, 64))
    exact = relufast.activation_ranks(network, X).rank
    numerical = relufast.activation_ranks(network, X, method="numerical").rank
    for layer in (1, 10, 20, 30):
        print(f"layer {layer}: exact {exact[layer - 1]}, numerical {numerical[layer - 1]}")
    _, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    layers = np.arange(1, exact.size + 1)
    axes.plot(layers, exact, "o", label="exact")
    axes.plot(layers, numerical, "x", label="numerical")
    axes.set(xlabel="layer", ylabel="rank", ylim=(0, None))
    axes.legend()


if __name__ == "__main__":
    draw()
    if sys.argv[1:]:
        plt.savefig(sys.argv[1])
