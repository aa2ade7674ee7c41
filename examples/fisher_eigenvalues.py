"""Leading eigenvalues of a wide two-layer network's Fisher information, beside infinite width.

python examples/fisher_eigenvalues.py [PICTURE.png]
"""

from __future__ import annotations

import sys

import matplotlib.pyplot as plt
import numpy as np

import relufast

DIMENSION = 4
WIDTH = 3000


def draw() -> None:
    W = np.random.default_rng(1).standard_normal((WIDTH, DIMENSION)) / np.sqrt(WIDTH)
    spectrum = relufast.fisher_spectrum(DIMENSION, 2)
    expected = np.repeat(spectrum.eigenvalues, spectrum.multiplicities)
    measured = relufast.FisherInformation(W).eigh(expected.size).eigenvalues
    for i, (value, limit) in enumerate(zip(measured, expected, strict=True)):
        print(f"eigenvalue {i}: {value:.4f}, at infinite width {limit:.4f}")
    _, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    axes.step(range(expected.size), expected, where="mid", label="infinite width")
    axes.plot(measured, "o", label=f"width {WIDTH}")
    axes.set(xlabel="number of the eigenvalue", ylabel="eigenvalue", yscale="log")
    axes.legend()


if __name__ == "__main__":
    draw()
    if sys.argv[1:]:
        plt.savefig(sys.argv[1])
