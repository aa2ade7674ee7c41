"""The largest rank that a pattern of nonzeros allows."""

from __future__ import annotations

from numpy.typing import ArrayLike

from relufast import _validate


def structural_rank(pattern: ArrayLike) -> int:
    """The largest rank of any matrix that is zero outside a pattern.

    It is the size of a maximum matching of rows and columns along the pattern's entries, and the
    rank of almost every matrix with exactly these nonzeros: an upper bound on the rank of each.

    Parameters
    ----------
    pattern : array_like of bool, shape (m, n)
        For a matrix A give ``A != 0``. Either side may be 0.

    Returns
    -------
    int

    Raises
    ------
    TypeError
        For a dtype other than bool.
    ValueError
        For another shape.

    Notes
    -----
    Exact. Hopcroft and Karp's algorithm, from SciPy: O(e sqrt(m + n)) for e entries.

    Examples
    --------
    >>> import numpy as np
    >>> import relufast
    >>> A = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    >>> relufast.structural_rank(A != 0)
    2
    """
    entries = _validate.pattern(pattern)
    if entries.all():  # so if there is none
        return int(min(entries.shape))
    # Imported here because they take 0.1 s, which `import relufast` need not.
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import structural_rank as matched

    return int(matched(csr_array(entries)))
