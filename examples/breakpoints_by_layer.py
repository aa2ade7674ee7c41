"""How many breakpoints each layer of a random network has, beside what theory expects.

python examples/breakpoints_by_layer.py [PICTURE.png]
"""

from __future__ import annotations

import sys

import matplotlib.pyplot as plt
import numpy as np

import relufast

WIDTHS = (1, 100, 100, 100, 1)
INTERVAL = (-1.0, 1.0)


def draw() -> None:
    network = relufast.Network.random(WIDTHS, bias_variance=0.25, seed=1)
    found = relufast.breakpoints(network, INTERVAL)
    expected = relufast.expected_breakpoints(WIDTHS, bias_variance=0.25, interval=INTERVAL)
    layers = np.arange(1, len(WIDTHS) - 1)
    print(f"{found.count} breakpoints, certified: {found.certified}")
    for layer, count, theory in zip(layers, found.count_by_layer, expected, strict=True):
        print(f"layer {layer}: {count} found, {theory:.1f} expected")
    _, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for layer in layers:
        x = found.positions[found.layers == layer]
        axes.plot(x, np.full(x.size, layer), "|", markersize=16)
    axes.set(xlabel="x", ylabel="layer", yticks=layers, ylim=(0.5, layers[-1] + 0.5))


if __name__ == "__main__":
    draw()
    if sys.argv[1:]:
        plt.savefig(sys.argv[1])
