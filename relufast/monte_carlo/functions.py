"""A user's own function as a statistic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from relufast import _validate
from relufast.monte_carlo.statistic import Rows, Statistic


class TrialFailedError(Exception):
    """A trial of a block raised; its cause says what."""

    def __init__(self, trial: int) -> None:
        super().__init__(trial)
        self.trial = trial


class Function(Statistic):
    """A Python function ``f(rng) -> array``.

    Parameters
    ----------
    f : callable
        Takes a `numpy.random.Generator` and returns a number or an array, always of the same shape.
        For a process pool it has to be importable in the worker.
    name, version : str, optional
        Say what it computes. Needed to store results: from the code alone it cannot be told whether
        two functions are the same.
    block_size : int, optional
        Trials in a block: some hundredths of a second's worth. 64 if not given.

    Notes
    -----
    Called once when made, to see the shape.
    """

    def __init__(
        self,
        f: Callable[[np.random.Generator], ArrayLike],
        *,
        name: str | None = None,
        version: str | None = None,
        block_size: SupportsIndex = 64,
    ) -> None:
        self._f = _validate.function(f, "f")
        self._identity = _validate.name_and_version(name, version)
        self.block_size = _validate.positive_int(block_size, "block_size")
        self.shape = _validate.returned_array(f(np.random.default_rng(0)), "f").shape

    def key(self) -> Mapping[str, Any] | None:
        return _key("Function", self._identity, self)

    def rows(self, sequence: np.random.SeedSequence, n_trials: int) -> Rows:
        rng = np.random.default_rng(sequence)
        values = np.empty((n_trials, self.size))
        for trial in range(n_trials):
            try:
                value = _validate.returned_array(self._f(rng), "f", self.shape)
            except Exception as error:
                raise TrialFailedError(trial) from error
            values[trial] = value.ravel()
        return Rows(values)


class JittedFunction(Statistic):
    """A function compiled by Numba, ``f(rng, out)``, that writes a trial's value into a row.

    Parameters
    ----------
    f : Numba function
        Made by ``numba.njit``. Takes a `numpy.random.Generator` and a float64 vector.
    shape : int or tuple of int
        Of a trial's value; `out` is its ravelled form.
    name, version, block_size : optional
        As for `Function`; `block_size` is 1024 if not given.
    """

    def __init__(
        self,
        f: Any,
        shape: int | Sequence[int],
        *,
        name: str | None = None,
        version: str | None = None,
        block_size: SupportsIndex = 1024,
    ) -> None:
        self._f = _validate.jitted_function(f, "f")
        self._identity = _validate.name_and_version(name, version)
        self.block_size = _validate.positive_int(block_size, "block_size")
        sizes = shape if isinstance(shape, Sequence) else (shape,)
        self.shape = tuple(_validate.positive_int(n, "shape") for n in sizes)

    def key(self) -> Mapping[str, Any] | None:
        return _key("JittedFunction", self._identity, self)

    def rows(self, sequence: np.random.SeedSequence, n_trials: int) -> Rows:
        # Imported here because Numba takes half a second, which `import relufast` need not.
        from relufast.monte_carlo.loops import run_trials

        values = np.zeros((n_trials, self.size))
        reached = np.zeros(1, dtype=np.int64)
        try:
            run_trials(self._f, np.random.default_rng(sequence), values, reached)
        except Exception as error:
            raise TrialFailedError(int(reached[0])) from error
        return Rows(values)


def _key(
    kind: str, identity: tuple[str, str] | None, statistic: Statistic
) -> Mapping[str, Any] | None:
    if identity is None:
        return None
    name, version = identity
    return {
        "statistic": kind,
        "name": name,
        "version": version,
        "shape": statistic.shape,
        "block_size": statistic.block_size,
    }
