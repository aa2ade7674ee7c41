"""The mean width of the image of the unit ball under a linear map, without and with ReLU."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from relufast import _validate
from relufast._blas import single_threaded
from relufast._products import times, times_transposed
from relufast._progress_count import ProgressOption, count_reports
from relufast._read_only import read_only
from relufast._validate import FloatArray
from relufast.monte_carlo.estimate import Estimate
from relufast.monte_carlo.mean_width import numbered_directions
from relufast.monte_carlo.run import monte_carlo
from relufast.monte_carlo.statistic import Rows, Statistic

# The trapezoidal rule in x = log t errs by about exp(-pi^2 / h), because the integrand is analytic
# and bounded for |Im x| < pi / 2, and it falls like exp(-|x| / 2) on either side.
_STEP = 0.25
_TAIL = 80.0

_MOST_STEPS = 200
_LEAST_STEP = 1e-7
_DIRECTIONS_AT_ONCE = 16  # enough for the products, few enough for progress to be told
_SPACE_OF_STARTS = 1  # of directions; those that are ascended in are in space 0


@dataclass(frozen=True, eq=False)
class OperatorMeanWidth:
    """The mean width Omega of a map of the unit ball, or what is known of it.

    Attributes
    ----------
    activation : str or None
        "relu", or None for the linear map.
    lower, upper : float
        Omega lies between them, for certain but for rounding, relatively 1e-10. Equal for the
        linear map.
    ascent : Estimate or None
        Of a number that is at most Omega: twice the best value that the ascent found in each
        direction, averaged over directions. None for the linear map.
    by_starts : ndarray of float64, shape (n_starts,), or None
        The same mean with the first 1, 2, ... starts alone, rising: where it is flat at the end
        more starts would hardly find more.
    """

    activation: str | None
    lower: float
    upper: float
    ascent: Estimate | None
    by_starts: FloatArray | None


def operator_mean_width(
    A: ArrayLike,
    *,
    activation: Literal["relu"] | None = None,
    n_samples: SupportsIndex = 200,
    n_starts: SupportsIndex = 16,
    seed: SupportsIndex = 0,
    progress: ProgressOption = None,
) -> OperatorMeanWidth:
    """Omega = 2 c_m E_u sup_{|x| <= 1} <u, f(A x)>, u uniform on the sphere, c_m = E|g|.

    Parameters
    ----------
    A : array_like of float, shape (m, n)
        Finite, m and n at least 1.
    activation : {None, "relu"}, optional
        f: nothing, or relu.
    n_samples, n_starts : int, optional
        For relu: directions u, and starts of the ascent in each. At least 1.
    seed : int, optional
        Of both.
    progress : bool or callable, optional
        For relu: True for a bar, or a function that is called with a `WorkProgress` in directions.

    Returns
    -------
    OperatorMeanWidth

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For a wrong shape, NaN, infinity, an unknown activation, a number out of its range, and an A
        so large that the width exceeds float64.

    Notes
    -----
    *Linear.* Omega = 2 E|A^T g| = 2 E sqrt(sum_i s_i^2 g_i^2), s_i the singular values, by the
    integral E sqrt(Q) = (1 / (2 sqrt(pi))) int_0^inf (1 - prod_i (1 + 2 t s_i^2)^(-1/2)) t^(-3/2)
    dt, to 1e-10 relatively whatever the singular values are. It takes their decomposition.

    *relu.* The supremum is one of a function that is not convex. Omega(A) / 2 <= Omega(relu A) <=
    Omega(A) is certain. Ascent along the gradient on the sphere, from random starts, by steps that
    are halved where they do not lead up, gives a lower value, mostly above the lower end. Each of
    n_samples times n_starts ascents takes at most 200 products with A and with its transpose.

    References
    ----------
    The width: arXiv 1812.02566. The integral's use and the bracket are ours: above by Sudakov and
    Fernique's inequality, because relu contracts; below by A x = relu(A x) - relu(-A x).

    Examples
    --------
    >>> import numpy as np
    >>> import relufast
    >>> relufast.operator_mean_width(np.eye(2)).upper  # 2 E|g| = sqrt(2 pi)
    2.5066282746
    >>> found = relufast.operator_mean_width(np.eye(2), activation="relu", seed=1)
    >>> found.lower, found.upper
    (1.2533141373, 2.5066282746)
    """
    matrix = _validate.nonempty_matrix(A, "A")
    if activation is not None:
        _validate.choice(activation, "activation", ("relu",))
    number = _validate.positive_int(n_samples, "n_samples")
    starts = _validate.positive_int(n_starts, "n_starts")
    key = _validate.seed(seed)
    if not isinstance(progress, bool):
        _validate.callable_or_none(progress, "progress")
    values, exponent = scaled_singular_values(matrix)
    try:
        linear = math.ldexp(2.0 * mean_of_root(values), exponent)
    except OverflowError:
        raise ValueError(
            f"A has entries up to {np.abs(matrix).max():.3g}, whose width exceeds float64"
        ) from None
    if activation is None:
        return OperatorMeanWidth(None, linear, linear, None, None)
    statistic = _Ascents(np.ldexp(matrix, -exponent), starts)
    with count_reports(progress, number, "directions") as report:
        best = monte_carlo(
            statistic,
            n_trials=number,
            seed=key,
            progress=None if report is None else lambda run: report(run.n_done),
        )
    # The variance of what is near the ends of float64 is beyond them: infinite, or 0.
    with np.errstate(over="ignore", under="ignore"):
        scaled = {
            name: read_only(np.ldexp(getattr(best, name), exponent * power))
            for name, power in _POWERS.items()
        }
    of_all = {name: array[-1] for name, array in scaled.items()}
    return OperatorMeanWidth("relu", 0.5 * linear, linear, replace(best, **of_all), scaled["mean"])


# Of the unit in the parts of an estimate.
_POWERS = {"mean": 1, "standard_error": 1, "variance": 2, "minimum": 1, "maximum": 1}


def scaled_singular_values(matrix: FloatArray) -> tuple[FloatArray, int]:
    """Descending, and the power of two that they are to be multiplied by."""
    from scipy.linalg import svdvals  # 0.3 s, which `import relufast` need not take

    # By a power of two, so that neither 1e308 nor subnormal numbers overflow or vanish.
    _, exponent = math.frexp(np.abs(matrix).max())
    with single_threaded():
        values: FloatArray = svdvals(np.ldexp(matrix, -exponent), check_finite=False)
    return values, exponent


def mean_of_root(values: FloatArray) -> float:
    """E sqrt(sum_i s_i^2 g_i^2), g standard normal; values of moderate size."""
    largest = values.max()
    if largest == 0.0:
        return 0.0
    # Entries below this change the root by less than rounding does.
    squares = np.square(values[values > 1e-12 * largest] / largest)
    # The integrand is centred about t = 1 / sum(squares).
    centre = -math.log(squares.sum())
    x = centre + np.arange(-_TAIL, _TAIL + _STEP, _STEP)
    logs = np.zeros_like(x)
    for square in squares:
        logs += np.log1p(2.0 * square * np.exp(x))
    integral = _STEP * float(np.sum(-np.expm1(-0.5 * logs) * np.exp(-0.5 * x)))
    return float(largest) * integral / (2.0 * math.sqrt(math.pi))


class _Ascents(Statistic):
    """Twice the best of the first 1, 2, ... starts in a random direction."""

    block_size = _DIRECTIONS_AT_ONCE

    def __init__(self, matrix: FloatArray, n_starts: int) -> None:
        self._matrix = np.ascontiguousarray(matrix)
        self.shape = (n_starts,)

    def key(self) -> None:
        return None

    def rows(self, sequence: np.random.SeedSequence, n_trials: int) -> Rows:
        (n_starts,) = self.shape
        m, n = self._matrix.shape
        (block,) = sequence.spawn_key
        first = block * self.block_size
        directions = numbered_directions(sequence.entropy, first, n_trials, m)
        starts = numbered_directions(
            sequence.entropy, first, n_trials, n * n_starts, space=_SPACE_OF_STARTS
        )
        with single_threaded():
            found = _ascend(
                self._matrix,
                np.repeat(directions, n_starts, axis=0),
                starts.reshape(n_trials * n_starts, n),
            )
        # At x = 0 the value is 0.
        values = 2.0 * np.maximum(found, 0.0).reshape(n_trials, n_starts)
        return Rows(np.maximum.accumulate(values, axis=1))


def _ascend(matrix: FloatArray, directions: FloatArray, starts: FloatArray) -> FloatArray:
    """Values of <u, relu(A x)> that are reached on the sphere, a row for each start."""
    points = _normalised(starts)
    images = times_transposed(points, matrix)
    reached: FloatArray = (directions * np.maximum(images, 0.0)).sum(axis=1)
    steps = np.ones(len(points))
    for _ in range(_MOST_STEPS):
        if not (steps > _LEAST_STEP).any():
            break
        gradients = _normalised(times(np.where(images > 0.0, directions, 0.0), matrix))
        trials = _normalised(points + steps[:, np.newaxis] * gradients)
        trial_images = times_transposed(trials, matrix)
        values = (directions * np.maximum(trial_images, 0.0)).sum(axis=1)
        better = values > reached
        points[better], images[better] = trials[better], trial_images[better]
        reached[better] = values[better]
        steps = np.where(better, 2.0 * steps, 0.5 * steps)
    return reached


def _normalised(rows: FloatArray) -> FloatArray:
    lengths = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
    units: FloatArray = rows / np.where(lengths > 0.0, lengths, 1.0)
    return units
