"""Train the classifier of handwritten digits that the report measures, and write its file.

The file, relufast/report/data/digits.npz, is committed, so that the report needs neither this
script nor scikit-learn, and shows the same network everywhere. Run it in an environment with
relufast and scikit-learn; another BLAS rounds otherwise and gives a slightly different network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

import relufast
from relufast.report.training import accuracy, training

FILE = Path(__file__).resolve().parents[1] / "relufast" / "report" / "data" / "digits.npz"

WIDTHS = (64, 64, 64, 64, 10)
N_TEST = 599  # a third
SEED = 0
EPOCHS = 60
LEARNING_RATE = 2e-3

PROVENANCE = """\
Images: the 1,797 handwritten digits of 8 x 8 pixels, grey levels 0 to 16, that scikit-learn \
bundles; from E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine \
Learning Repository, 1998, https://doi.org/10.24432/C50P49, licence CC BY 4.0. A third of them, \
drawn once, is the test set.
Networks: 64-64-64-64-10, ReLU, inputs grey level / 16, all parameters float32 numbers. The \
initial one has He weights and zero biases; the trained one comes from it by {epochs} epochs of \
Adam on the cross-entropy of the {n_train:,} other images, batches of 32, learning rate \
{learning_rate:g} falling linearly to 0, no regularisation.
Accuracy on the {n_test} test images: {accuracy:.4f} (initial: {initial_accuracy:.4f}).
Written by tools/train_digits.py.
"""

Array = NDArray[np.float64]


def float32_network(weights: Sequence[Array], biases: Sequence[Array]) -> relufast.Network:
    return relufast.Network(
        [w.astype(np.float32) for w in weights], [b.astype(np.float32) for b in biases]
    )


def arrays_of(network: relufast.Network, name: str) -> dict[str, NDArray[np.float32]]:
    arrays = {}
    for i, (w, b) in enumerate(zip(network.weights, network.biases, strict=True)):
        arrays[f"{name}_weights_{i}"] = w.astype(np.float32)
        arrays[f"{name}_biases_{i}"] = b.astype(np.float32)
    return arrays


def main() -> None:
    bunch = load_digits()
    grey_levels, labels = bunch.data.astype(np.uint8), bunch.target
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(labels))
    test, rest = order[:N_TEST], order[N_TEST:]

    drawn = relufast.Network.random(WIDTHS, bias_variance=0.0, seed=SEED)
    initial = float32_network(drawn.weights, drawn.biases)
    *_, last = training(
        initial,
        grey_levels[rest] / 16.0,
        labels[rest],
        epochs=EPOCHS,
        learning_rate=LEARNING_RATE,
        rng=rng,
    )
    trained = float32_network(last.network.weights, last.network.biases)

    test_accuracy = accuracy(trained, grey_levels[test] / 16.0, labels[test])
    provenance = PROVENANCE.format(
        epochs=EPOCHS,
        learning_rate=LEARNING_RATE,
        n_train=len(rest),
        n_test=len(test),
        accuracy=test_accuracy,
        initial_accuracy=accuracy(initial, grey_levels[test] / 16.0, labels[test]),
    )
    FILE.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        FILE,
        **arrays_of(initial, "initial"),
        **arrays_of(trained, "trained"),
        test_images=grey_levels[test],
        test_labels=labels[test].astype(np.uint8),
        training_images=grey_levels[rest],
        training_labels=labels[rest].astype(np.uint8),
        provenance=np.array(provenance),
    )
    print(f"{FILE}: {FILE.stat().st_size:,} bytes, test accuracy {test_accuracy:.4f}")


if __name__ == "__main__":
    main()
