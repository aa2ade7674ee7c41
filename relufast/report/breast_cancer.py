"""Measures of breast tumours and their diagnoses: data of a low dimension with two classes."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from relufast._validate import FloatArray


@dataclass(frozen=True)
class BreastCancer:
    measures: FloatArray  # (569, 30), in the units of the data
    labels: NDArray[np.int64]  # (569,), 0 malignant, 1 benign
    provenance: str


def load_breast_cancer() -> BreastCancer:
    """The data that tools/pack_breast_cancer.py wrote."""
    with (
        files("relufast.report").joinpath("data/breast_cancer.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as arrays,
    ):
        return BreastCancer(
            measures=arrays["measures"],
            labels=arrays["labels"].astype(np.int64),
            provenance=str(arrays["provenance"]),
        )
