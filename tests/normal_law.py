"""Whether a sample is standard normal, to five sigma."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

FIVE_SIGMA = 2 * stats.norm.sf(5)


def assert_normal_moment(sample: NDArray[np.float64], order: int) -> None:
    """Within five standard deviations of the moment of so many numbers."""

    def moment(k: int) -> int:
        return math.prod(range(k - 1, 0, -2)) if k % 2 == 0 else 0

    band = 5 * math.sqrt((moment(2 * order) - moment(order) ** 2) / sample.size)
    assert np.mean(sample**order) == pytest.approx(moment(order), abs=band)
