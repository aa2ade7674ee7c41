"""Leading eigenpairs of a symmetric matrix that is known by its products with blocks of vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from relufast._validate import FloatArray

GUARDS = (
    4  # pairs kept beyond those asked for, so that the last of them is not cut out of a cluster
)
_BLOCKS_KEPT = 5  # of the size of the first one, before the space is made smaller
# Directions whose part outside of the others is smaller than this are left out.
_DEPENDENT = 1e-7


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
) -> Iterator[Approximation]:
    """After each pass over the matrix the k leading pairs, until nothing can be added.

    Block Krylov with restarts: the space grows by the residuals of the pairs that are not yet
    within `tol` of the largest eigenvalue, all products are kept, and where there are too many
    rows only the leading Ritz vectors stay.
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
    used = passes = 0
    while len(new) > 0:
        count = used + len(new)
        basis[used:count] = new
        image[used:count] = product(np.ascontiguousarray(new.T)).T
        passes += 1
        projected[:count, used:count] = basis[:count] @ image[used:count].T
        projected[used:count, :used] = projected[:used, used:count].T
        values, combinations = np.linalg.eigh(projected[:count, :count])
        leading = combinations[:, ::-1][:, :wanted].T
        values = values[::-1][:wanted]
        used = count

        vectors = leading @ basis[:used]
        residuals = leading @ image[:used]
        residuals -= values[:, np.newaxis] * vectors
        sizes = np.linalg.norm(residuals, axis=1)
        yield Approximation(values[:k], vectors[:k], sizes[:k], passes)

        open_ones = residuals[sizes > tol * abs(values[0])]
        if used + len(open_ones) > capacity:
            used = _restart(basis, image, projected, used, min(used, 2 * wanted))
        new = _orthonormal(open_ones[: capacity - used], basis[:used])


def _restart(
    basis: FloatArray, image: FloatArray, projected: FloatArray, used: int, kept: int
) -> int:
    """Keep that many leading Ritz vectors, whose images are known without a product."""
    values, combinations = np.linalg.eigh(projected[:used, :used])
    leading = combinations[:, ::-1][:, :kept].T
    basis[:kept] = leading @ basis[:used]
    image[:kept] = leading @ image[:used]
    projected[:kept, :kept] = np.diag(values[::-1][:kept])
    return kept


def _orthonormal(rows: FloatArray, basis: FloatArray) -> FloatArray:
    """An orthonormal basis of the part of the rows outside of the span of others.

    From the eigenvectors of the Gram matrix of normalised rows, which tell independent directions
    from others (Stathopoulos and Wu, SIAM J. Sci. Comput. 23(6), 2002), twice to be orthogonal to
    rounding.
    """
    for _ in range(2):
        lengths = np.linalg.norm(rows, axis=1)
        rows = rows[lengths > 0.0] / lengths[lengths > 0.0, np.newaxis]
        rows = rows - (rows @ basis.T) @ basis
        if len(rows) == 0:
            break
        values, combinations = np.linalg.eigh(rows @ rows.T)
        far = values > _DEPENDENT**2
        rows = (combinations[:, far] / np.sqrt(values[far])).T @ rows
    return rows
