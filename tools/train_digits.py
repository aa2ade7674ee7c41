"""Train the classifier of handwritten digits that the report measures, and write its file.

The file, relufast/report/data/digits.npz, is committed, so that the report needs neither this
script nor scikit-learn, and shows the same network everywhere. Run it in an environment with
relufast and scikit-learn; another BLAS rounds otherwise and gives a slightly different network.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

import relufast

FILE = Path(__file__).resolve().parents[1] / "relufast" / "report" / "data" / "digits.npz"

WIDTHS = (64, 64, 64, 64, 10)
N_TEST = 599  # a third
SEED = 0
EPOCHS = 60
BATCH = 32
LEARNING_RATE = 2e-3  # falls linearly to 0
DECAY_OF_MEAN, DECAY_OF_SQUARE, EPSILON = 0.9, 0.999, 1e-8  # Adam's usual constants

PROVENANCE = """\
Images: the 1,797 handwritten digits of 8 x 8 pixels, grey levels 0 to 16, that scikit-learn \
bundles; from E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine \
Learning Repository, 1998, https://doi.org/10.24432/C50P49, licence CC BY 4.0. A third of them, \
drawn once, is the test set.
Networks: 64-64-64-64-10, ReLU, inputs grey level / 16, all parameters float32 numbers. The \
initial one has He weights and zero biases; the trained one comes from it by {epochs} epochs of \
Adam on the cross-entropy of the {n_train:,} other images, batches of {batch}, learning rate \
{learning_rate:g} falling linearly to 0, no regularisation.
Accuracy on the {n_test} test images: {accuracy:.4f} (initial: {initial_accuracy:.4f}).
Written by tools/train_digits.py.
"""

Array = NDArray[np.float64]


def forward(weights: list[Array], biases: list[Array], inputs: Array) -> list[Array]:
    """The inputs, each hidden layer's activations and the scores."""
    layers = [inputs]
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        layers.append(np.maximum(layers[-1] @ w.T + b, 0.0))
    return [*layers, layers[-1] @ weights[-1].T + biases[-1]]


def gradients(
    weights: list[Array], biases: list[Array], inputs: Array, labels: NDArray[np.int64]
) -> list[Array]:
    """Of the mean cross-entropy, first by the weights, then by the biases."""
    *layers, scores = forward(weights, biases, inputs)
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    back = exponentials / exponentials.sum(axis=1, keepdims=True)
    back[np.arange(len(labels)), labels] -= 1.0
    back /= len(labels)
    by_weights, by_biases = [], []
    for w, h in zip(reversed(weights), reversed(layers), strict=True):
        by_weights.append(back.T @ h)
        by_biases.append(back.sum(axis=0))
        back = (back @ w) * (h > 0.0)
    return [*reversed(by_weights), *reversed(by_biases)]


def train(
    initial: relufast.Network,
    images: Array,
    labels: NDArray[np.int64],
    rng: np.random.Generator,
) -> relufast.Network:
    weights, biases = [w.copy() for w in initial.weights], [b.copy() for b in initial.biases]
    parameters = [*weights, *biases]
    means = [np.zeros_like(p) for p in parameters]
    squares = [np.zeros_like(p) for p in parameters]
    batches = [
        batch
        for _ in range(EPOCHS)
        for batch in np.array_split(rng.permutation(len(labels)), round(len(labels) / BATCH))
    ]
    for step, batch in enumerate(batches, start=1):
        rate = LEARNING_RATE * (1.0 - step / len(batches))
        for p, mean, square, gradient in zip(
            parameters,
            means,
            squares,
            gradients(weights, biases, images[batch], labels[batch]),
            strict=True,
        ):
            mean += (1.0 - DECAY_OF_MEAN) * (gradient - mean)
            square += (1.0 - DECAY_OF_SQUARE) * (gradient**2 - square)
            direction = mean / (1.0 - DECAY_OF_MEAN**step)
            scale = np.sqrt(square / (1.0 - DECAY_OF_SQUARE**step)) + EPSILON
            p -= rate * direction / scale
    return float32_network(weights, biases)


def float32_network(weights: list[Array], biases: list[Array]) -> relufast.Network:
    return relufast.Network(
        [w.astype(np.float32) for w in weights], [b.astype(np.float32) for b in biases]
    )


def accuracy(network: relufast.Network, images: Array, labels: NDArray[np.int64]) -> float:
    return float(np.mean(network(images).argmax(axis=1) == labels))


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
    initial = float32_network(list(drawn.weights), list(drawn.biases))
    trained = train(initial, grey_levels[rest] / 16.0, labels[rest], rng)

    test_accuracy = accuracy(trained, grey_levels[test] / 16.0, labels[test])
    provenance = PROVENANCE.format(
        epochs=EPOCHS,
        batch=BATCH,
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
        provenance=np.array(provenance),
    )
    print(f"{FILE}: {FILE.stat().st_size:,} bytes, test accuracy {test_accuracy:.4f}")


if __name__ == "__main__":
    main()
