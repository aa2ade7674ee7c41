"""Write the breast cancer data that the report trains classifiers on.

The file, relufast/report/data/breast_cancer.npz, is committed, so that the report needs neither
this script nor scikit-learn. Run it in an environment with scikit-learn.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer

FILE = Path(__file__).resolve().parents[1] / "relufast" / "report" / "data" / "breast_cancer.npz"

PROVENANCE = """\
The 569 breast tumours of the Breast Cancer Wisconsin (Diagnostic) data that scikit-learn \
bundles, each with 30 measures of cell nuclei and its diagnosis (0 malignant, 1 benign); from \
W. Wolberg, O. Mangasarian, N. Street and W. Street, UCI Machine Learning Repository, 1995, \
https://doi.org/10.24432/C5DW2B, licence CC BY 4.0.
Written by tools/pack_breast_cancer.py.
"""


def main() -> None:
    bunch = load_breast_cancer()
    np.savez_compressed(
        FILE,
        measures=bunch.data,
        labels=bunch.target.astype(np.uint8),
        provenance=np.array(PROVENANCE),
    )
    print(f"{FILE}: {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
