"""A small classifier of handwritten digits, as initialised and as trained, and its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relufast._validate import FloatArray
from relufast.network import Network


@dataclass(frozen=True)
class Digits:
    initial: Network
    trained: Network
    images: FloatArray  # (m, 64), the test images: grey level / 16, 8 x 8 pixels row by row
    labels: NDArray[np.int64]  # (m,), 0 to 9
    training_images: FloatArray  # (n, 64), those that the trained network learned from
    training_labels: NDArray[np.int64]  # (n,)
    provenance: str


def load_digits() -> Digits:
    """The networks and images that tools/train_digits.py wrote."""
    with (
        files("relufast.report").joinpath("data/digits.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as arrays,
    ):
        return Digits(
            initial=_network(arrays, "initial"),
            trained=_network(arrays, "trained"),
            images=arrays["test_images"] / 16.0,
            labels=arrays["test_labels"].astype(np.int64),
            training_images=arrays["training_images"] / 16.0,
            training_labels=arrays["training_labels"].astype(np.int64),
            provenance=str(arrays["provenance"]),
        )


def _network(arrays: Mapping[str, NDArray[Any]], name: str) -> Network:
    n_layers = sum(key.startswith(f"{name}_weights_") for key in arrays)
    return Network(
        [arrays[f"{name}_weights_{i}"] for i in range(n_layers)],
        [arrays[f"{name}_biases_{i}"] for i in range(n_layers)],
    )
