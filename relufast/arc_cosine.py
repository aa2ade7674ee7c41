"""Arc-cosine kernels: the covariance of a layer of infinitely many threshold or ReLU units."""

from __future__ import annotations

import math
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from relufast import _core, _validate
from relufast._blas import single_threaded
from relufast._cpus import thread_count
from relufast._directions import directions
from relufast._kernel_form import KernelForm, scale_entries
from relufast._symmetric_operator import SymmetricOperator
from relufast._validate import FloatArray


def arc_cosine_kernel(
    X: ArrayLike,
    Y: ArrayLike | None = None,
    *,
    degree: SupportsIndex = 1,
    n_threads: SupportsIndex | None = None,
) -> FloatArray:
    """The arc-cosine kernel between all pairs of points.

    With t the angle between x and y, it is::

        degree 0    (pi - t) / pi
        degree 1    |x| |y| (sin t + (pi - t) cos t) / pi

    which is 2 E[f(w.x) f(w.y)] over standard Gaussian w, for the step function f and for the ReLU.

    Parameters
    ----------
    X : array_like of float, shape (m, d)
        Finite, m and d at least 1.
    Y : array_like of float, shape (n, d), optional
        X by default; then the result is symmetric to the bit.
    degree : {0, 1}, optional
    n_threads : int, optional
        All CPUs by default. The result has the same bits for any number.

    Returns
    -------
    ndarray of float64, shape (m, n)
        At a zero vector the kernel is 0, in degree 0 too: the step function is 0 there.

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For a wrong shape, NaN, infinity, a norm whose square overflows, or another degree.

    Notes
    -----
    The error, given the cosine of the angle, is below 4 eps |x| |y|, eps = 2**-52, and the cosine
    errs by a few eps: about (d + 4) eps at most, mostly less than 2. In degree 1 the kernel passes
    that on as it is. In degree 0 it errs by up to sqrt(2 * 4 eps) / pi, 1e-8, where x and y are
    nearly parallel; on the diagonal of the kernel of X with itself the angle is exactly 0.

    Two products of 2 d operations an entry and some 2 to 4 ns for the angle.

    References
    ----------
    Cho and Saul, Kernel methods for deep learning, NIPS 2009, section 2.1.

    Examples
    --------
    >>> import relufast
    >>> relufast.arc_cosine_kernel([[1.0, 0.0], [0.0, 2.0]])
    array([[1.        , 0.63661977],
           [0.63661977, 4.        ]])
    >>> relufast.arc_cosine_kernel([[1.0, 0.0]], [[0.0, 2.0], [-1.0, 0.0]], degree=0)
    array([[0.5, 0. ]])
    """
    points = _validate.nonempty_matrix(X, "X")
    order = _validate.kernel_degree(degree)
    threads = thread_count(n_threads)
    factor = 1.0 / math.pi
    if Y is None:
        rows = directions(points, "X")
        return KernelForm(rows, degree=order, factor=factor).to_dense(threads)
    others = _validate.nonempty_matrix(Y, "Y")
    _validate.require_columns(others, "Y", points.shape[1], of="X")
    of_x, of_y = directions(points, "X"), directions(others, "Y")
    with single_threaded():
        kernel = _core.arc_cosine_cross_gram(of_x.units, of_y.units, order, threads)
    if order == 1:
        scale_entries(kernel, of_x.norms, of_y.norms, factor)
    else:
        scale_entries(kernel, np.sign(of_x.norms), np.sign(of_y.norms), factor)
    return kernel


class ArcCosineOperator(SymmetricOperator):
    """The arc-cosine kernel of points with themselves, as an operator: the matrix is never formed.

    Parameters
    ----------
    X : array_like of float, shape (m, d)
        Finite, m and d at least 1.
    degree : {0, 1}, optional
        As for `arc_cosine_kernel`, which says what the entries are and how accurate.

    Raises
    ------
    TypeError, ValueError
        As `arc_cosine_kernel`.

    Notes
    -----
    A product with k vectors makes half of the entries, d operations each and 2 to 4 ns for the
    angle, and 2 k operations for every entry. Memory is O(m (d + k)).

    References
    ----------
    Cho and Saul, Kernel methods for deep learning, NIPS 2009, section 2.1.

    Examples
    --------
    >>> import relufast
    >>> kernel = relufast.ArcCosineOperator([[1.0, 0.0], [0.0, 2.0]])
    >>> kernel.shape
    (2, 2)
    >>> kernel.matvec([1.0, 1.0])
    array([1.63661977, 4.63661977])
    """

    def __init__(self, X: ArrayLike, *, degree: SupportsIndex = 1) -> None:
        points = _validate.nonempty_matrix(X, "X")
        self._form = KernelForm(
            directions(points, "X"), degree=_validate.kernel_degree(degree), factor=1.0 / math.pi
        )
        self._n_rows = len(points)

    def _product(self, block: FloatArray, n_threads: int) -> FloatArray:
        return self._form.product(block, n_threads)

    def __repr__(self) -> str:
        return f"ArcCosineOperator({self._n_rows:,} points)"
