"""The loss of a two-layer network under gradient descent on its output weights, by eigen-group."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast import _validate
from relufast._blas import single_threaded
from relufast._products import times_vector, transposed_times_vector
from relufast._read_only import read_only
from relufast._spectral_measure import SpectralMeasure, spectral_measure
from relufast._validate import FloatArray
from relufast.fisher import FisherInformation
from relufast.fisher_spectrum import fisher_spectrum

_GROUPS = ("norm", "linear", "quadratic")
_NEXT_DEGREE = (1, 2, 4)  # of an eigenvalue that is not 0
_ACCURACY = 1e-12
_MARGIN = 1.2  # of the end of the rest's spectrum over the largest node of quadrature


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Population loss by step and eigen-group; see `learning_curve`.

    Attributes
    ----------
    steps : ndarray of int64, shape (n,)
        Numbers of steps done.
    groups : tuple of str
        "norm", "linear" and "quadratic", as far as they were asked for, and "rest".
    loss : ndarray of float64, shape (n, len(groups))
    theory : ndarray of float64, shape (n, len(groups))
        With the eigenvalues of infinite width in place of this layer's.
    eta : float
    largest_eta : float
        2 / lambda_1 of this layer: from there on gradient descent diverges.
    """

    steps: NDArray[np.int64]
    groups: tuple[str, ...]
    loss: FloatArray
    theory: FloatArray
    eta: float
    largest_eta: float

    @property
    def total(self) -> FloatArray:
        """The loss, shape (n,)."""
        total: FloatArray = self.loss.sum(axis=1)
        return total

    def __repr__(self) -> str:
        first, last = self.total[[0, -1]]
        return (
            f"LearningCurve({len(self.steps)} steps, loss {first:.3g} at step {self.steps[0]} and "
            f"{last:.3g} at step {self.steps[-1]})"
        )


def learning_curve(
    W: ArrayLike,
    target: ArrayLike,
    steps: SupportsIndex | ArrayLike,
    eta: float,
    *,
    start: ArrayLike | None = None,
    max_degree: SupportsIndex = 2,
    tol: float = 1e-8,
    seed: SupportsIndex = 0,
    n_threads: SupportsIndex | None = None,
) -> LearningCurve:
    """How fast f_v(x) = v . relu(W x) learns f_target, by groups of eigenvectors.

    Gradient descent on v alone, v <- v - eta grad, of the population loss
    E (f_v(x) - f_target(x))^2 / 2 = (v - target)^T J (v - target) / 2, x standard normal and J the
    `FisherInformation` of W. Along an eigenvector of eigenvalue lambda the error v - target shrinks
    by 1 - eta lambda a step, so that its part of the loss is lambda / 2 times the error's square.

    Parameters
    ----------
    W : array_like, shape (m, d)
        Weights of the hidden layer; from N(0, 1/m) for `theory` to hold.
    target : array_like, shape (m,)
        The output weights to be learned.
    steps : int or array_like of int, shape (n,)
        All steps from 0 to this one; or the numbers of steps at which the loss is wanted, at least
        one, in any order.
    eta : float
        Learning rate: positive and below 2 / lambda_1, about 4 pi / d.
    start : array_like, shape (m,), optional
        Output weights to begin with: zeros if not given.
    max_degree : int, optional
        0, 1 or 2. The groups are eigenvectors by descending eigenvalue: "norm" the first, "linear"
        the next d, "quadratic" the next d (d + 1)/2 - 1 (of `function_form`'s products and squares
        together), as far as the degree goes and as there are m in all. "rest" is all others.
    tol, seed, n_threads : optional
        As for `FisherInformation.eigh`.

    Returns
    -------
    LearningCurve

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For a wrong shape or range, NaN or infinity, and an `eta` with which the descent diverges.
    FisherConvergenceError
        As `FisherInformation.eigh`.

    Notes
    -----
    *How.* Leading eigenpairs give the first groups, for all steps at once. For the rest the loss is
    the integral of lambda (1 - eta lambda)^(2 t) over the spectral measure of the error. Lanczos's
    process of n steps integrates polynomials of degree 2 n - 1 exactly; n is such that what the
    function has beyond this degree is below 1e-12, by its Chebyshev series on an interval that is
    a fifth longer than the largest node found. n grows like the square root of eta lambda t, with
    the largest lambda of the rest.

    *How accurate.* To some `tol` times lambda_1 |v - target|^2 in each group, where the start's
    error is meant, because eigenvectors are that accurate; groups whose eigenvalues meet may also
    exchange members.

    *What it costs.* `FisherInformation.eigh` of 1, 1 + d or d (d + 3)/2 pairs, and n passes.

    *Theory* takes from this layer the share of the error's square in each group, and from infinite
    width the eigenvalue. What the rest loses depends on degrees of which this share is not known:
    `theory` has its loss at step 0 with the rate of its fastest degree, which is a lower bound at
    infinite width where eta times that eigenvalue is at most 1.

    References
    ----------
    The matrix and its groups: Ho, Takeishi and Takeuchi, arXiv 2505.17907. Quadrature by Lanczos's
    process: Golub and Meurant, Matrices, Moments and Quadrature, Princeton 2010, chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> import relufast
    >>> rng = np.random.default_rng(1)
    >>> W = rng.standard_normal((1000, 5)) / np.sqrt(1000)
    >>> curve = relufast.learning_curve(W, rng.standard_normal(1000), [0, 10, 1000], 0.5)
    >>> curve.groups
    ('norm', 'linear', 'quadratic', 'rest')
    >>> bool(curve.total[0] > curve.total[1] > curve.total[2])
    True
    """
    fisher = FisherInformation(W)
    m, d = fisher.shape[0], fisher.dimension
    goal = _validate.vector(target, "target", m)
    numbers = _validate.step_numbers(steps, "steps")
    rate = _validate.positive_float(eta, "eta")
    degree = _validate.group_degree(max_degree, "max_degree")
    begin = np.zeros(m) if start is None else _validate.vector(start, "start", m)

    sizes = np.array([1, d, d * (d + 1) // 2 - 1])[: degree + 1]
    ends = np.minimum(np.cumsum(sizes), m)
    pairs = fisher.eigh(int(ends[-1]), tol=tol, seed=seed, n_threads=n_threads)
    largest = float(pairs.eigenvalues[0])
    if rate * largest >= 2.0:
        raise ValueError(
            f"eta is {rate}, but must be below 2 / lambda_1 = {2.0 / largest:.6g}, from where on "
            "gradient descent diverges"
        )
    vectors = pairs.eigenvectors
    error = begin - goal
    with single_threaded():
        parts = transposed_times_vector(vectors, error)
        others = error - times_vector(vectors, parts)

    def product(v: FloatArray) -> FloatArray:
        image = fisher.matvec(v, n_threads=n_threads)
        return image - times_vector(vectors, transposed_times_vector(vectors, image))

    limits = fisher_spectrum(d, 4).eigenvalues
    losses, theory = np.empty((2, len(numbers), degree + 2))
    last = float(pairs.eigenvalues[-1])
    last_step = int(numbers.max())
    with single_threaded():
        for k, group in enumerate(np.split(np.arange(m), ends)[: degree + 1]):
            squares = parts[group] ** 2
            values = pairs.eigenvalues[group]
            losses[:, k] = _loss(SpectralMeasure(values, squares), rate, numbers)
            at_limit = SpectralMeasure(limits[[k]], squares.sum(keepdims=True))
            theory[:, k] = _loss(at_limit, rate, numbers)
        rest = spectral_measure(
            product,
            others,
            m - len(parts),
            lambda found: _points(rate, min(_MARGIN * found, last), last_step),
        )
        losses[:, -1] = _loss(rest, rate, numbers)
        initial = _loss(rest, rate, np.zeros(1, np.int64))[0]
        theory[:, -1] = initial * _remaining(rate * limits[_NEXT_DEGREE[degree]], numbers)
    return LearningCurve(
        steps=read_only(numbers),
        groups=(*_GROUPS[: degree + 1], "rest"),
        loss=read_only(losses),
        theory=read_only(theory),
        eta=rate,
        largest_eta=2.0 / largest if largest > 0.0 else math.inf,
    )


def _remaining(rates: FloatArray | float, steps: NDArray[np.int64]) -> FloatArray:
    """(1 - eta lambda)^(2 t), of shape (steps, *rates.shape)."""
    y = np.asarray(rates)
    # The logarithm of |1 - y| without the rounding of 1 - y, which a power would multiply by t.
    logarithms = np.log1p(np.maximum(np.where(y < 1.0, -y, y - 2.0), -1.0 + 2.0**-53))
    powers: FloatArray = np.exp(2.0 * steps.reshape(-1, *(1,) * y.ndim) * logarithms)
    return powers


def _loss(measure: SpectralMeasure, eta: float, steps: NDArray[np.int64]) -> FloatArray:
    remaining = _remaining(eta * measure.nodes, steps)
    return 0.5 * times_vector(remaining, measure.nodes * measure.weights)


def _points(eta: float, largest: float, last_step: int) -> int:
    """With which quadrature on [0, largest] integrates the loss of any step up to the last."""
    # Imported here because it takes 0.1 s, which `import relufast` need not.
    from scipy.fft import dct

    rate = eta * largest
    if rate <= 0.0:
        return 1
    # A later step needs more, until its loss is below the accuracy everywhere.
    step = min(last_step, math.ceil(0.1 / (_ACCURACY * rate)))
    # So many that their spacing, which is 1 / n^2 at the ends, shows where the function falls off.
    n = 16 + math.ceil(8.0 * math.sqrt(step * rate))
    while True:
        angles = math.pi * (np.arange(2 * n) + 0.5) / (2 * n)
        x = 0.5 * (1.0 + np.cos(angles))  # in units of the interval
        values = x * _remaining(rate * x, np.array([step]))[0]
        series = np.abs(dct(values)) / (2 * n)
        beyond = np.cumsum(series[::-1])[::-1]
        if beyond[n] <= _ACCURACY or n >= 2**22:
            degree = int(np.argmax(beyond <= _ACCURACY))
            return degree // 2 + 1
        n *= 2
