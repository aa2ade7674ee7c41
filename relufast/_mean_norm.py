"""The mean length of a standard normal vector."""

from __future__ import annotations

import math

# Of Gamma(x + 1/2) / (Gamma(x) sqrt(x)) in powers of 1/x.
_SERIES = (1.0, -1 / 8, 1 / 128, 5 / 1024, -21 / 32768, -399 / 262144, 869 / 4194304)
_SERIES_FROM = 150.0  # where its first term left out is below 1e-18


def mean_norm(n: int) -> float:
    """E |g| for g ~ N(0, I_n), n at least 1: sqrt(2) Gamma((n + 1)/2) / Gamma(n/2), to 1e-15."""
    x = n / 2
    if x < _SERIES_FROM:
        return math.sqrt(2.0) * math.gamma(x + 0.5) / math.gamma(x)
    return math.sqrt(n) * sum(term * x**-power for power, term in enumerate(_SERIES))
