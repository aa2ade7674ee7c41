"""What a worker does: some blocks in a row."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from relufast._validate import FloatArray
from relufast.monte_carlo.errors import TrialError
from relufast.monte_carlo.functions import TrialFailedError
from relufast.monte_carlo.moments import Moments
from relufast.monte_carlo.statistic import Statistic, block_sequence, checked_rows


class Task(NamedTuple):
    """Blocks first..stop - 1, all of them whole but perhaps the last."""

    first: int
    stop: int
    last_size: int


class Finished(NamedTuple):
    blocks: list[tuple[int, Moments]]
    failure: TrialError | None  # of the block after these
    seconds: float


def run_task(statistic: Statistic, seed: int, task: Task, covariance: bool) -> Finished:
    """Depends on its arguments alone, wherever it runs."""
    began = time.perf_counter()
    blocks: list[tuple[int, Moments]] = []
    failure = None
    for block in range(task.first, task.stop):
        size = task.last_size if block == task.stop - 1 else statistic.block_size
        try:
            moments = run_block(statistic, seed, block, size, covariance)
        except TrialError as error:
            failure = error
            break
        blocks.append((block, moments))
    return Finished(blocks, failure, time.perf_counter() - began)


def run_block(statistic: Statistic, seed: int, block: int, size: int, covariance: bool) -> Moments:
    try:
        values, n_uncertified = checked_rows(statistic, block_sequence(seed, block), size)
    except TrialFailedError as error:
        cause = error.__cause__
        reason = f"{type(cause).__name__}: {cause}"
        raise TrialError(reason, seed, block, error.trial) from cause
    except Exception as error:
        trial = _first_that_fails(statistic, seed, block, size)
        raise TrialError(f"{type(error).__name__}: {error}", seed, block, trial) from error
    moments = Moments.of_rows(values, n_uncertified, covariance=covariance)
    if not moments.is_finite:
        raise _error_of_values(values, seed, block)
    return moments


def _error_of_values(values: FloatArray, seed: int, block: int) -> TrialError:
    """For moments that are not finite: a value is not, or too large."""
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        trial = int(np.argmin(finite))
        value = values[trial][~np.isfinite(values[trial])][0]
        return TrialError(f"a value is {value}", seed, block, trial)
    trial = int(np.argmax(np.abs(values).max(axis=1)))
    value = np.abs(values[trial]).max()
    return TrialError(
        f"{value:.3g} is too large: squares and sums leave the range of float64",
        seed,
        block,
        trial,
    )


def _first_that_fails(statistic: Statistic, seed: int, block: int, size: int) -> int:
    """By halving: more trials of a block begin with the same ones."""
    passed, failed = 0, size
    while failed - passed > 1:
        number = (passed + failed) // 2
        try:
            checked_rows(statistic, block_sequence(seed, block), number)
            passed = number
        except Exception:
            failed = number
    return failed - 1
