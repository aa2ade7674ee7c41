"""Leading eigenpairs of a symmetric matrix that is known by its products with blocks of vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from relufast._products import times, times_transposed
from relufast._validate import FloatArray

# Pairs started with and kept beyond those asked for, so that the last of these is not cut out of a
# cluster.
GUARDS = 4
_BLOCKS_KEPT = 5  # of the size of the first one, before the space is made smaller
# Directions whose part outside of the others is smaller than this are left out.
_DEPENDENT = 1e-7
# Where the Gram matrix of what is left of normalised rows has no smaller eigenvalue, rounding has
# grown by 10 at most.
_INDEPENDENT = 0.1


@dataclass(frozen=True)
class Approximation:
    """The best eigenpairs after some passes; vectors are rows."""

    values: FloatArray
    vectors: FloatArray
    residuals: FloatArray
    passes: int


def approximations(
    product: Callable[[FloatArray], FloatArray],
    start: FloatArray,
    k: int,
    tol: float,
    random: np.random.Generator,
    passes: int = 0,
) -> Iterator[Approximation]:
    """After each pass over the matrix the k leading pairs, until nothing can be added.

    Block Krylov with restarts: the space grows by the residuals of the pairs that are not yet
    within `tol` of the largest eigenvalue, all products are kept, and where there are too many
    rows only the leading Ritz vectors stay. `passes` were made for the start already. Inside of
    `_blas.single_threaded` bits do not depend on the threads of BLAS, and its threads do not fight
    those of the product for the CPUs.
    """
    size = start.shape[1]
    wanted = min(k + GUARDS, size)
    new = _orthonormal(start, np.empty((0, size)))
    if len(new) < wanted:
        more = random.standard_normal((wanted - len(new), size))
        new = np.concatenate([new, _orthonormal(more, new)])
    capacity = min(size, _BLOCKS_KEPT * max(len(new), wanted))
    basis, image = np.empty((capacity, size)), np.empty((capacity, size))
    projected = np.zeros((capacity, capacity))
    used = 0
    while len(new) > 0:
        count = used + len(new)
        basis[used:count] = new
        image[used:count] = product(np.ascontiguousarray(new.T)).T
        passes += 1
        projected[:count, used:count] = times_transposed(basis[:count], image[used:count])
        projected[used:count, :used] = projected[:used, used:count].T
        values, leading = _leading(projected[:count, :count], k)
        used = count

        vectors = times(leading, basis[:used])
        residuals = times(leading, image[:used])
        residuals -= values[:, np.newaxis] * vectors
        sizes = np.linalg.norm(residuals, axis=1)
        yield Approximation(values, vectors, sizes, passes)

        open_ones = residuals[sizes > tol * abs(values[0])]
        if used + len(open_ones) > capacity:
            used = _restart(basis, image, projected, used, min(used, 2 * wanted))
        new = _orthonormal(open_ones[: capacity - used], basis[:used])


def _restart(
    basis: FloatArray, image: FloatArray, projected: FloatArray, used: int, kept: int
) -> int:
    """Keep that many leading Ritz vectors, whose images are known without a product."""
    values, leading = _leading(projected[:used, :used], kept)
    basis[:kept] = times(leading, basis[:used])
    image[:kept] = times(leading, image[:used])
    projected[:kept, :kept] = np.diag(values)
    return kept


def _leading(matrix: FloatArray, k: int) -> tuple[FloatArray, FloatArray]:
    """The k largest eigenvalues, descending, and their eigenvectors as rows."""
    values, vectors = _eigh(matrix)
    return values[::-1][:k], np.ascontiguousarray(vectors.T[::-1][:k])


def _eigh(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    # Imported here because it takes 0.3 s, which `import relufast` need not.
    from scipy.linalg import eigh

    values, vectors = eigh(matrix, driver="evd", check_finite=False)
    return values, vectors


def _orthonormal(rows: FloatArray, basis: FloatArray) -> FloatArray:
    """An orthonormal basis of the part of the rows outside of the span of others.

    From the eigenvectors of the Gram matrix of normalised rows, which tell independent directions
    from others (Stathopoulos and Wu, SIAM J. Sci. Comput. 23(6), 2002), twice to be orthogonal to
    rounding, unless the first round had little to change.
    """
    for _ in range(2):
        lengths = np.linalg.norm(rows, axis=1)
        rows = rows[lengths > 0.0] / lengths[lengths > 0.0, np.newaxis]
        if len(rows) == 0:
            break
        if len(basis) > 0:
            rows -= times(times_transposed(rows, basis), basis)
        values, combinations = _eigh(times_transposed(rows, rows))
        far = values > _DEPENDENT**2
        rows = times(np.ascontiguousarray((combinations[:, far] / np.sqrt(values[far])).T), rows)
        if values[0] > _INDEPENDENT:
            break
    return rows
