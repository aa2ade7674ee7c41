"""Random layers, from the counter-based normals of the core."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from relufast import _blas, _core, _validate
from relufast._validate import FloatArray

# 2 keeps the mean square of a signal from one ReLU layer to the next ("he", "orthogonal"); 1 is the
# choice of Glorot and Bengio.
_DEFAULT_WEIGHT_VARIANCE = {"he": 2.0, "glorot": 1.0, "orthogonal": 2.0}


class ParameterLaw(NamedTuple):
    """What weights and biases are drawn from."""

    weight_init: str
    weight_variance: float
    bias_variance: float


def parameter_law(
    weight_init: object, weight_variance: object, bias_variance: object
) -> ParameterLaw:
    """Checked, as a user gives them; None stands for the variance that the initialisation has."""
    init = _validate.choice(weight_init, "weight_init", tuple(_DEFAULT_WEIGHT_VARIANCE))
    if weight_variance is None:
        weight_variance = _DEFAULT_WEIGHT_VARIANCE[init]
    return ParameterLaw(
        init,
        _validate.positive_float(weight_variance, "weight_variance"),
        _validate.non_negative_float(bias_variance, "bias_variance"),
    )


def row_law(weight_init: object, weight_variance: object, bias_variance: object) -> ParameterLaw:
    """The same of a law under which any row can be drawn by itself."""
    if isinstance(weight_init, str) and weight_init == "orthogonal":
        raise ValueError(
            "weight_init is 'orthogonal', which no row has by itself; a lazy network needs 'he' or "
            "'glorot'"
        )
    return parameter_law(weight_init, weight_variance, bias_variance)


def random_rows(
    law: ParameterLaw, seed: int, layer: int, widths: Sequence[int], begin: int, end: int
) -> FloatArray:
    """Rows begin..end of the weights of a layer, the first of which is 1."""
    fan_in, fan_out = widths[layer - 1], widths[layer]
    scale = weight_scale(law, fan_in, fan_out)
    weights, _ = _core.normal_layer(seed, layer, begin, end, fan_in, scale, 0.0)
    return weights


def random_biases(law: ParameterLaw, seed: int, widths: Sequence[int]) -> list[FloatArray]:
    """Biases of all layers, without their weights."""
    scale = math.sqrt(law.bias_variance)
    return [
        _core.normal_layer(seed, layer, 0, width, 0, 1.0, scale)[1]
        for layer, width in enumerate(widths[1:], start=1)
    ]


def random_layers(
    widths: Sequence[int], law: ParameterLaw, *, seed: int
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Weights (n_l, n_{l-1}) and biases (n_l,) of all layers after the inputs.

    A seed gives the same biases under every `weight_init`.
    """
    layers = [
        _random_layer(law, seed, layer, fan_in, fan_out)
        for layer, (fan_in, fan_out) in enumerate(pairwise(widths), start=1)
    ]
    return [weights for weights, _ in layers], [biases for _, biases in layers]


def _random_layer(
    law: ParameterLaw, seed: int, layer: int, fan_in: int, fan_out: int
) -> tuple[FloatArray, FloatArray]:
    orthogonal = law.weight_init == "orthogonal"
    scale = weight_scale(law, fan_in, fan_out)
    weights, biases = _core.normal_layer(
        seed, layer, 0, fan_out, fan_in, 1.0 if orthogonal else scale, math.sqrt(law.bias_variance)
    )
    if orthogonal:
        weights = scale * _orthogonal(weights)
    return weights, biases


def weight_scale(law: ParameterLaw, fan_in: int, fan_out: int) -> float:
    """What standard normals are multiplied by, or orthonormal rows or columns."""
    if law.weight_init == "orthogonal":
        return math.sqrt(law.weight_variance) * math.sqrt(max(fan_in, fan_out) / fan_in)
    fan = (fan_in + fan_out) / 2 if law.weight_init == "glorot" else fan_in
    return math.sqrt(law.weight_variance / fan)


def _orthogonal(normals: FloatArray) -> FloatArray:
    """A Haar distributed matrix with orthonormal rows or columns, whichever are fewer.

    The QR factor of a normal matrix is Haar once R's diagonal is made positive (Mezzadri, "How to
    Generate Random Matrices from the Classical Compact Groups", Notices AMS 54, 2007).
    """
    # Imported here because it takes 0.3 s, which `import relufast` need not.
    from scipy.linalg import qr

    wide = normals.shape[0] < normals.shape[1]
    with _blas.single_threaded():
        q, r = qr(normals.T if wide else normals, mode="economic")
    q = np.where(np.diagonal(r) < 0.0, -q, q)
    return np.ascontiguousarray(q.T if wide else q)
