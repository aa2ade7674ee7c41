"""Functions of the leading eigenvectors of the Fisher information, and what they tend to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from relufast import _fisher_groups, _validate
from relufast._directions import directions
from relufast._products import times, times_transposed
from relufast._validate import FloatArray
from relufast.fisher_spectrum import fisher_spectrum

_ENTRIES = 2**21  # of a tile: 16 MiB
_ROWS = 2**10  # of weights at least at a time, so that products are not thin


@dataclass(frozen=True)
class FunctionForm:
    """The limit functions of a group; see `function_form`.

    Attributes
    ----------
    group : str
    dimension : int
        Number of inputs, d.
    combined : bool
        Whether squares are combined.
    eigenvalue : float
        lambda_k of the group's degree: the square of the factor between a function and its vector.
    mean_square : float
        E F(x)^2 of one function, x standard normal: of every one in a group. Of uncombined squares
        too, though they are not orthogonal to each other nor to r.
    """

    group: str
    dimension: int
    combined: bool
    eigenvalue: float
    mean_square: float

    def __call__(self, X: ArrayLike) -> FloatArray:
        """All functions of the group at points.

        Parameters
        ----------
        X : array_like, shape (n, dimension)

        Returns
        -------
        ndarray of float64, shape (n, members)
            To a relative error of (d + 30) 2**-53 of r times the factor; 0 at the origin.
        """
        points = _validate.batch(X, "X", self.dimension)
        rows = directions(points, "X")
        forms = math.sqrt(self.eigenvalue) * _fisher_groups.values(
            rows, self.group, combined=self.combined
        )
        if not self.combined:
            # The mean of all squares is that of degree 0, which has another factor.
            lambda_0 = float(fisher_spectrum(self.dimension, 0).eigenvalues[0])
            factor = math.sqrt(lambda_0) - math.sqrt(self.eigenvalue)
            forms += (factor / self.dimension) * rows.norms[:, np.newaxis]
        return forms

    @property
    def indices(self) -> tuple[tuple[int, ...], ...]:
        """One for each function of the group, in the order of columns.

        () of r, (l,) of x_l, (a, b) of x_a x_b / r with a < b, (g,) of a square.
        """
        return _fisher_groups.indices(self.group, self.dimension, combined=self.combined)


def function_form(
    group: Literal["norm", "linear", "product", "square"],
    dimension: SupportsIndex,
    *,
    combined: bool = True,
) -> FunctionForm:
    """The functions that the leading eigenvectors of the Fisher information tend to.

    Of a network f_v(x) = v . relu(W x), W of shape (m, d) with entries from N(0, 1/m), the leading
    approximate eigenvectors v come in four groups. As m grows, their functions f_v tend to F:

        group      number         v_i                   F(x), r = |x|
        "norm"     1              |w_i|                 d e1 r
        "linear"   d              W_il                  x_l / 2
        "product"  d (d - 1)/2    W_ia W_ib / |w_i|     d B x_a x_b / r
        "square"   d - 1          sum c_g W_ig^2/|w_i|  d B (sum c_g x_g^2) / r

    with e1 = Gamma(d/2) / (2 sqrt(pi) Gamma((d + 1)/2)) and B = e1 / (d + 1).

    Parameters
    ----------
    group : {"norm", "linear", "product", "square"}
    dimension : int
        Number of inputs, d, from 1 to 2**53; at least 2 for products and combined squares.
    combined : bool, optional
        Of "square" only. By default the squares are combined to be orthogonal to |w_i| and to each
        other, with coefficients c of sum 0 and sum of squares 1: number g, from 1 to d - 1, is
        sqrt(g / (g + 1)) times the mean of the W_ij^2 / |w_i|, j < g, less W_ig^2 / |w_i|. With
        ``combined=False`` there are d of them, W_ig^2 / |w_i|, with F = d B (r + x_g^2 / r).

    Returns
    -------
    FunctionForm
        To be called with points.

    Raises
    ------
    TypeError
        For a wrong type.
    ValueError
        For an unknown group, a dimension out of range, or ``combined=False`` of another group.

    Notes
    -----
    An eigenvector of degree k is v_i = |w_i| Y(w_i / |w_i|) with a spherical harmonic Y, and by
    the formula of Funk and Hecke F(x) = sqrt(lambda_k) r Y(x / r), the same function of x with
    `fisher_spectrum`'s eigenvalue: degree 0, 1 and, for both products and squares, 2. At any width
    m, E f_v(x) = F(x) exactly; `statistics.FunctionFormErrors` is about the deviation of one
    network. `FisherInformation.basis` has the same vectors, but for squares: there it also takes
    off what a finite m leaves along |w_i|.

    References
    ----------
    Ho, Takeishi and Takeuchi, arXiv 2505.17907.

    Examples
    --------
    >>> import relufast
    >>> form = relufast.function_form("product", 3)
    >>> form.indices
    ((0, 1), (0, 2), (1, 2))
    >>> form([[3.0, 4.0, 0.0]])
    array([[0.45, 0.  , 0.  ]])
    >>> relufast.function_form("norm", 3)([[3.0, 4.0, 0.0]])
    array([[3.75]])
    """
    name = _validate.choice(group, "group", tuple(_fisher_groups.DEGREES))
    d = _validate.integer_of_float(dimension, "dimension")
    is_combined = _validate.flag(combined, "combined")
    if not is_combined and name != "square":
        raise ValueError(f"combined is False, but only squares are combined, and group is {name!r}")
    if d == 1 and is_combined and _fisher_groups.DEGREES[name] == 2:
        raise ValueError(f"dimension is 1, but group {name!r} is empty there: it needs at least 2")
    eigenvalues = fisher_spectrum(d, 2).eigenvalues
    eigenvalue = float(eigenvalues[_fisher_groups.DEGREES[name]])
    mean_square = eigenvalue * _fisher_groups.mean_square(name, d)
    if not is_combined:
        # A deviation from the mean has coefficients with squares that add up to 1 - 1/d.
        mean_square = (1.0 - 1.0 / d) * mean_square + float(eigenvalues[0]) / d
    return FunctionForm(name, d, is_combined, eigenvalue, mean_square)


def basis_functions(W: ArrayLike, X: ArrayLike, *, combined: bool = True) -> dict[str, FloatArray]:
    """The functions f_v(x) = v . relu(W x) of all approximate eigenvectors v, at points.

    Parameters
    ----------
    W : array_like, shape (m, d)
        Weights of the hidden layer, from N(0, 1/m) for `function_form` to be the limit.
    X : array_like, shape (n, d)
        Points.
    combined : bool, optional
        Whether squares are combined, as for `function_form`.

    Returns
    -------
    dict of str to ndarray of float64
        "norm", "linear", "product" and "square", each of shape (n, members), in the order of
        `FunctionForm.indices`. One input has no products and combined squares.

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For a wrong shape, NaN or infinity.

    Notes
    -----
    Takes n m (d + K) multiplications as products of matrices, K = d (d + 3)/2 functions or one more
    with ``combined=False``, and memory for the result and tiles of at most 16 MiB, or 1024 rows of
    vectors where these are larger. A row of zeros in W adds nothing.

    References
    ----------
    Ho, Takeishi and Takeuchi, arXiv 2505.17907.

    Examples
    --------
    >>> import numpy as np
    >>> import relufast
    >>> rng = np.random.default_rng(1)
    >>> W = rng.standard_normal((100_000, 3)) / np.sqrt(100_000)
    >>> x = [[3.0, 4.0, 0.0]]
    >>> functions = relufast.basis_functions(W, x)
    >>> functions["norm"], relufast.function_form("norm", 3)(x)
    (array([[3.71]]), array([[3.75]]))
    >>> [functions[group].shape[1] for group in ("norm", "linear", "product", "square")]
    [1, 3, 3, 2]
    """
    weights = _validate.nonempty_matrix(W, "W")
    m, d = weights.shape
    points = np.ascontiguousarray(_validate.batch(X, "X", d))
    is_combined = _validate.flag(combined, "combined")
    sizes = _fisher_groups.sizes(d, combined=is_combined)
    n_functions = sum(sizes.values())
    sums = np.zeros((len(points), n_functions))
    n_rows = min(m, max(_ROWS, _ENTRIES // n_functions))
    n_points = max(1, _ENTRIES // n_rows)
    for row in range(0, m, n_rows):
        some = np.ascontiguousarray(weights[row : row + n_rows])
        vectors = _fisher_groups.all_values(directions(some, "W"), combined=is_combined)
        for point in range(0, len(points), n_points):
            hidden = times_transposed(points[point : point + n_points], some)
            np.maximum(hidden, 0.0, out=hidden)
            sums[point : point + n_points] += times(hidden, vectors)
    ends = np.cumsum(list(sizes.values()))[:-1]
    return dict(zip(sizes, np.split(sums, ends, axis=1), strict=True))
