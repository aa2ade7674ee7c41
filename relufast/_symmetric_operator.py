"""A symmetric matrix that is only known by its products."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from relufast import _validate
from relufast._cpus import thread_count
from relufast._validate import FloatArray

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator


class SymmetricOperator(ABC):
    """What `ArcCosineOperator` and `FisherInformation` share: products with vectors."""

    _n_rows: int

    @abstractmethod
    def _product(self, block: FloatArray, n_threads: int) -> FloatArray:
        """With a block of vectors, shape (m, k), each entry finite."""

    @property
    def shape(self) -> tuple[int, int]:
        """(m, m)."""
        return self._n_rows, self._n_rows

    def matvec(self, v: ArrayLike, *, n_threads: SupportsIndex | None = None) -> FloatArray:
        """The product with a vector.

        Parameters
        ----------
        v : array_like of float, shape (m,)
        n_threads : int, optional
            All CPUs by default. The result has the same bits for any number.

        Returns
        -------
        ndarray of float64, shape (m,)

        Raises
        ------
        TypeError, ValueError
            For a wrong type, dtype or shape, NaN and infinity.
        """
        vector = _validate.vector(v, "v", self._n_rows)
        return self._product(vector[:, np.newaxis], thread_count(n_threads))[:, 0]

    def matmat(self, V: ArrayLike, *, n_threads: SupportsIndex | None = None) -> FloatArray:
        """The product with k vectors, in one pass over the matrix.

        Parameters
        ----------
        V : array_like of float, shape (m, k)
        n_threads : int, optional
            As for `matvec`.

        Returns
        -------
        ndarray of float64, shape (m, k)

        Raises
        ------
        TypeError, ValueError
            As `matvec` does.
        """
        block = _validate.block_of_vectors(V, "V", self._n_rows)
        return self._product(block, thread_count(n_threads))

    def as_linear_operator(self) -> LinearOperator[np.float64]:
        """As SciPy's iterative solvers take it: a `scipy.sparse.linalg.LinearOperator`."""
        # Imported here because it takes 0.2 s, which `import relufast` need not.
        from scipy.sparse.linalg import LinearOperator

        def matvec(v: FloatArray) -> FloatArray:
            return self.matvec(np.reshape(v, self._n_rows))

        return LinearOperator(
            self.shape,
            matvec=matvec,
            rmatvec=matvec,
            matmat=self.matmat,
            rmatmat=self.matmat,
            dtype=np.dtype(np.float64),
        )
