"""Mean widths: how large a set of points is, seen from a random direction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import SupportsIndex, TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from relufast import _validate
from relufast._cpus import thread_count
from relufast._validate import FloatArray
from relufast._widths import checked_chunks, widths_of_chunks
from relufast.monte_carlo.estimate import Estimate, Precision
from relufast.monte_carlo.mean_width import (
    BLOCK_SIZE,
    MeanWidth,
    numbered_directions,
    scaled_widths,
)
from relufast.monte_carlo.progress import Progress
from relufast.monte_carlo.run import monte_carlo
from relufast.monte_carlo.statistic import Rows, Statistic

_DEFAULT_SAMPLES = 1000


def gaussian_mean_width(
    K: ArrayLike | Iterable[ArrayLike],
    *,
    n_samples: SupportsIndex | None = None,
    until: Precision | None = None,
    seed: SupportsIndex,
    spherical: bool = False,
    n_threads: SupportsIndex | None = None,
    progress: bool | Callable[[Progress], object] | None = None,
) -> Estimate:
    """The Gaussian mean width w(K) = E_g [max_K <g, x> - min_K <g, x>], g ~ N(0, I).

    Parameters
    ----------
    K : array_like of float, shape (m, d), or iterable of such
        The points, finite and at most 2**500 in size, m and d at least 1; that of one point is 0.
        float32 stays so, a memory-mapped array stays on disk. What is neither an array nor a list
        nor a tuple is taken for an iterable of chunks, read once.
    n_samples : int, optional
        Number of directions g, at least 1; with `until` at the most so many. 1000 if neither is
        given.
    until : Precision, optional
        Stop as soon as the estimate has this precision, asked after every 256 directions. Not for
        chunks.
    seed : int
        At least 0 and below 2**64.
    spherical : bool, optional
        The same for g uniform on the unit sphere: w(K) / E|g|.
    n_threads : int, optional
        All CPUs by default.
    progress : bool or callable, optional
        As for `monte_carlo`.

    Returns
    -------
    Estimate
        With its standard error. The same to the bit for any number of threads, for K in float32 or
        float64 where float32 holds it, in memory, in a file, or in chunks of any size.

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For no points, another shape, NaN, infinity or numbers above 2**500, chunks of different
        dimension, a number out of its range, and `until` with chunks.

    Notes
    -----
    *How exact.* In every direction the two points that reach furthest are certified, and the width
    is the float64 nearest to the exact one of the float64 direction. A product in float32 leaves
    those points as candidates that its bound of the error, for any order of summation, cannot rule
    out, about one a side; they are compared as exact arithmetic would. The width is then scaled by
    E|g| / |g|, within (d + 4) 2**-53: the length of g is independent of its direction, so that the
    expectation is the same and the standard error smaller.

    *How much.* A product of matrices in float32, m d n_samples multiplications. Memory is that of
    K in float32, up to 64 MB, and some 60 MB, whatever m and n_samples: larger sets are converted
    in parts, anew for every 256 directions. Chunks are read once, so that all n_samples directions
    are in memory, 28 bytes for each of their coordinates.

    Points that agree to 6 digits or so, after subtraction of a mean, have to be compared one by
    one: for many such points it takes several times as long.

    `statistics.MeanWidth` is the same for executors and stores.

    References
    ----------
    arXiv 1812.02566, which solves a linear program for each direction; it has this maximum and
    minimum as its value.

    Examples
    --------
    >>> import numpy as np
    >>> import relufast
    >>> cube = np.array(np.meshgrid(*[[-1, 1]] * 5)).reshape(5, -1).T
    >>> width = relufast.gaussian_mean_width(cube, seed=1)  # exactly 10 sqrt(2 / pi) = 7.979
    >>> width
    Estimate(7.959 ± 0.024, 1,000 trials)
    >>> relufast.gaussian_mean_width(cube, spherical=True, seed=1)
    Estimate(3.741 ± 0.011, 1,000 trials)
    """
    threads = thread_count(n_threads)
    number = None if n_samples is None else _validate.positive_int(n_samples, "n_samples")
    if number is None and until is None:
        number = _DEFAULT_SAMPLES
    if _is_chunked(K):
        if until is not None:
            raise ValueError(
                "until is given, but K comes in chunks, which are read once: give n_samples"
            )
        assert number is not None
        samples = _samples_of_chunks(K, number, seed, spherical, threads)
        statistic: Statistic = _Samples(samples)
    else:
        statistic = MeanWidth(K, spherical=spherical, n_threads=threads)  # type: ignore[arg-type]
    return monte_carlo(statistic, n_trials=number, until=until, seed=seed, progress=progress)


def _is_chunked(K: object) -> TypeGuard[Iterable[object]]:
    is_array_like = isinstance(K, (np.ndarray, list, tuple, str)) or hasattr(K, "__array__")
    return isinstance(K, Iterable) and not is_array_like


def _samples_of_chunks(
    K: Iterable[object], n_samples: int, seed: object, spherical: object, n_threads: int
) -> FloatArray:
    key, on_sphere = _validate.seed(seed), _validate.flag(spherical, "spherical")
    chunks = checked_chunks(K, "K")
    first = next(chunks)
    directions = numbered_directions(key, 0, n_samples, first.shape[1])
    widths = widths_of_chunks(chain([first], chunks), directions, n_threads)
    return scaled_widths(widths, directions, on_sphere)


class _Samples(Statistic):
    """Trials that are known already."""

    shape = ()
    block_size = BLOCK_SIZE

    def __init__(self, values: FloatArray) -> None:
        self._values = values

    def key(self) -> None:
        return None

    def rows(self, sequence: np.random.SeedSequence, n_trials: int) -> Rows:
        (block,) = sequence.spawn_key
        first = block * self.block_size
        return Rows(self._values[first : first + n_trials, np.newaxis])
