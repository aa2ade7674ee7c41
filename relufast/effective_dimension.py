"""Effective dimensions: how many directions a matrix fills, as a real number."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from relufast import _validate
from relufast._scaling import scaled
from relufast._validate import FloatArray


def effective_rank(A: ArrayLike, *, centered: bool = False) -> float:
    """The exponential of the entropy of the singular values.

    With p_i = s_i / (s_1 + s_2 + ...) it is exp(-sum_i p_i log p_i): between 1 and the rank, and
    equal to the rank if all nonzero singular values are equal.

    Parameters
    ----------
    A : array_like of float, shape (m, n)
        Finite: m samples of n variables.
    centered : bool, optional
        Subtract the mean row, over the m rows, first.

    Returns
    -------
    float
        0.0 where no entry is nonzero: for a matrix of zeros or without entries, and with
        ``centered=True`` for one whose rows are all equal.

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For another shape, NaN or infinity.

    Notes
    -----
    All singular values are computed: O(m n min(m, n)). The relative error is below 1e-12 up to
    1000 x 1000, whatever the rank; nothing overflows, and only what is below 2**-1000 of the
    largest entry can underflow. The last bits depend on BLAS and its number of threads.

    References
    ----------
    Roy and Vetterli, The effective rank: a measure of effective dimensionality, EUSIPCO 2007,
    section 2.

    Examples
    --------
    >>> import relufast
    >>> relufast.effective_rank([[3, 0], [0, 3]])
    2.0
    >>> relufast.effective_rank([[3, 0], [0, 1]])
    1.75476535060
    """
    matrix = _prepared(A, centered)
    if matrix is None:
        return 0.0
    # Imported here because they take 0.3 s, which `import relufast` need not.
    from scipy.linalg import svdvals
    from scipy.special import entr

    values = svdvals(matrix, overwrite_a=True, check_finite=False)
    entropy = float(entr(values / values.sum()).sum())
    return _at_most_rank(math.exp(entropy), matrix)


def stable_rank(A: ArrayLike, *, centered: bool = False) -> float:
    """The squared Frobenius norm in units of the squared spectral norm.

    It is sum_i s_i^2 / s_1^2: between 1 and the rank, and it hardly moves when A is perturbed.

    Parameters
    ----------
    A, centered
        As for `effective_rank`.

    Returns
    -------
    float
        0.0 as for `effective_rank`.

    Raises
    ------
    TypeError, ValueError
        As `effective_rank` does.

    Notes
    -----
    From the Gram matrix of the shorter side, k = min(m, n), and its largest eigenvalue: one
    symmetric product, m n k, and a reduction to tridiagonal form, (4/3) k^3. Squaring costs no
    accuracy, because only the largest eigenvalue is used: the relative error is below 1e-13 up to
    1000 x 1000.

    References
    ----------
    Rudelson and Vershynin, Sampling from large matrices, J. ACM 54(4), 2007, section 1: there
    "numerical rank".

    Examples
    --------
    >>> import relufast
    >>> relufast.stable_rank([[2, 0], [0, 1]])
    1.25
    """
    matrix = _prepared(A, centered)
    if matrix is None:
        return 0.0
    # Imported here because it takes 0.3 s, which `import relufast` need not.
    from scipy.linalg import eigvalsh

    gram = _gram(matrix)
    last = len(gram) - 1
    largest = eigvalsh(gram, lower=False, subset_by_index=(last, last), check_finite=False)
    return _at_most_rank(float(np.trace(gram) / largest[0]), matrix)


def participation_ratio(A: ArrayLike, *, centered: bool = False) -> float:
    """(sum_i s_i^2)^2 / sum_i s_i^4: how many directions share the squared norm.

    Between 1 and the rank. With ``centered=True`` it is that of the eigenvalues of the sample
    covariance, the usual "dimension" of a population of neurons.

    Parameters
    ----------
    A, centered
        As for `effective_rank`.

    Returns
    -------
    float
        0.0 as for `effective_rank`.

    Raises
    ------
    TypeError, ValueError
        As `effective_rank` does.

    Notes
    -----
    trace(G)^2 / ||G||_F^2 with the Gram matrix G of the shorter side: no decomposition, only one
    symmetric product, m n min(m, n). The relative error is below 1e-13 up to 1000 x 1000.

    References
    ----------
    Gao et al., A theory of multineuronal dimensionality, dynamics and measurement, bioRxiv 214262,
    2017.

    Examples
    --------
    >>> import relufast
    >>> relufast.participation_ratio([[2, 0], [0, 1]])  # 5^2 / 17
    1.4705882352941178
    """
    matrix = _prepared(A, centered)
    if matrix is None:
        return 0.0
    gram = _gram(matrix)  # of which one triangle is stored
    diagonal = np.diagonal(gram)
    fourth_powers = 2.0 * np.sum(np.square(gram)) - np.sum(np.square(diagonal))
    return _at_most_rank(float(np.sum(diagonal) ** 2 / fourth_powers), matrix)


def _prepared(A: ArrayLike, centered: bool) -> FloatArray | None:
    """A copy scaled to a largest entry in [0.5, 1), of C order; None if nothing is nonzero."""
    array = _validate.matrix(A, "A")
    if _validate.flag(centered, "centered") and array.size > 0:
        array = _centered(array)
    return _scaled_or_none(array)


def _centered(array: FloatArray) -> FloatArray:
    """The rows less their mean, in units of a power of two."""
    if np.abs(array).max() > 2.0**1021:
        array = np.ldexp(array, -2)  # differences must not overflow
    # Less the first row before, equal rows are exactly zero, and a mean that is large against the
    # differences costs no digits.
    differences = _scaled_or_none(array - array[0])
    if differences is None:
        return np.zeros_like(array)
    centered: FloatArray = differences - differences.mean(axis=0)
    return centered


def _scaled_or_none(array: FloatArray) -> FloatArray | None:
    if not array.any():
        return None
    units, _ = scaled(np.ascontiguousarray(array))
    return units


def _gram(matrix: FloatArray) -> FloatArray:
    """The upper triangle of A A^T or A^T A, whichever is smaller; zeros below."""
    # Imported here because it takes 0.3 s, which `import relufast` need not.
    from scipy.linalg.blas import dsyrk

    wide = matrix.shape[0] <= matrix.shape[1]
    gram: FloatArray = dsyrk(1.0, matrix.T, trans=wide)
    return gram


def _at_most_rank(value: float, matrix: FloatArray) -> float:
    """What rounding put just outside the range of all three measures."""
    return min(max(value, 1.0), float(min(matrix.shape)))
