"""Layers of each rank next to a layer, at points or on the sphere."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import numpy as np

from relufast import _core
from relufast import _sphere_search as sphere
from relufast._low_rank_fits import (
    FAR_LOG2_Q,
    Factors,
    balanced,
    fit_maximum,
    fit_squares,
    last_power,
    metric_of,
    relative_rounding,
    rounding_bound,
    starts,
    truncated,
)
from relufast._validate import FloatArray

# Rounds in which points are added to a sample of the sphere, at the most.
_MOST_ROUNDS = 50
# log2 of the power q of squared errors that fits begin with, for so many rounds each.
_FIRST_LOG2_Q, _ROUNDS_EACH = (4, 6, 10), 8
# Maxima are added that are so near to the largest error at the points, or larger: the next fit
# would raise them.
_NEARLY = 0.97


class Fit(NamedTuple):
    """A layer of low rank, and how far it is from the given one."""

    factors: Factors
    upper: float  #: the largest error at the points, or met on the sphere
    bound: float  #: some layer of this rank has none larger
    converged: bool


class Settings(NamedTuple):
    """How to fit."""

    objective: str
    n_starts: int
    rtol: float
    n_threads: int


class RankFitter(Protocol):
    """Makes fits of rising ranks."""

    @property
    def points(self) -> FloatArray: ...
    def fit(self, k: int, before: Factors | None) -> Fit: ...


class PointFitter:
    """At given points: of relu(A x + bias)."""

    def __init__(
        self,
        A: FloatArray,
        bias: FloatArray,
        points: FloatArray,
        settings: Settings,
        random: np.random.Generator,
    ) -> None:
        self._A, self._bias, self._settings, self._random = A, bias, settings, random
        self._metric = metric_of(points)
        self._radius = float(np.linalg.norm(points, axis=1).max())
        self.points = points
        self._errors = _core.LayerErrors(A, bias, points)

    def fit(self, k: int, before: Factors | None) -> Fit:
        fit = balanced(self._best(k, before))
        largest = math.sqrt(self._squares(fit).max())
        upper = largest * (1.0 + relative_rounding(len(self._A)))
        upper += self._rounding(fit)
        return Fit(fit, upper, upper, True)

    def _rounding(self, fit: Factors) -> float:
        return rounding_bound(self._A, self._bias, fit, self._radius)

    def _squares(self, fit: Factors) -> FloatArray:
        return self._errors.squares(fit.product(), self._settings.n_threads)

    def _best(self, k: int, before: Factors | None) -> Factors:
        if k == 0:
            return truncated(self._A, k)
        truncations = [truncated(self._A, k), truncated(self._A, k, self._metric)]
        nearest = min(truncations, key=lambda start: self._squares(start).max())
        n_starts = self._settings.n_starts
        begin = starts(self._A, nearest, self._metric, before, n_starts, self._random)
        fits = [self._improved(start, FAR_LOG2_Q) for start in begin]
        return min(fits, key=lambda fit: fit[1])[0]

    def _improved(self, start: Factors, first_log2_q: int) -> tuple[Factors, float]:
        """With what is minimised: the largest square, or the sum of squares."""
        n_threads = self._settings.n_threads
        if self._settings.objective == "squares":
            return fit_squares(self._errors, start, n_threads)
        last = last_power(self._A, start.W.shape[1], self._settings.rtol)
        return fit_maximum(self._errors, start, first_log2_q, last, n_threads)


class SphereFitter(PointFitter):
    """On the unit sphere: at points to which those are added where a fit is worst."""

    def __init__(
        self,
        A: FloatArray,
        points: FloatArray,
        settings: Settings,
        random: np.random.Generator,
    ) -> None:
        super().__init__(A, np.zeros(len(A)), points, settings, random)

    def fit(self, k: int, before: Factors | None) -> Fit:
        fit = balanced(self._best(k, before))
        found = self._refined(fit)
        if self._settings.objective == "max" and k > 0:
            # Not worse than the truncated decomposition beyond the points, either.
            linear = truncated(self._A, k)
            if self._search(linear).squares[0] < found.upper**2:
                found = self._refined(linear)
        return found

    def _refined(self, fit: Factors) -> Fit:
        """Fits until the largest error on the sphere is that at the points."""
        tolerance = 1.0 + self._settings.rtol
        best, reached, proof = fit, math.inf, None
        for i in range(_MOST_ROUNDS):
            known = math.sqrt(self._squares(fit).max())
            # What is as small as rounding is zero.
            allowed = known * tolerance + self._rounding(fit)
            climbs = self._search(fit)
            top, proof = math.sqrt(climbs.squares[0]), None
            new = climbs.points[climbs.squares > (known * _NEARLY) ** 2]
            if top <= allowed:
                # Branch and bound misses no maximum, where climbs may.
                proof = self._bound(fit, top)
                top, new = proof.reached, proof.point
            if top < reached:
                best, reached = fit, top
            if top <= allowed or self._settings.objective == "squares":
                break
            self._add(new)
            if fit.W.shape[1] == 0:
                continue
            # First with small powers, which lead out of poor minima, at last with large ones, which
            # end; these from the best one.
            first_log2_q = _FIRST_LOG2_Q[min(i // _ROUNDS_EACH, len(_FIRST_LOG2_Q) - 1)]
            start = best if i % _ROUNDS_EACH == 0 else fit
            fit = balanced(self._improved(start, first_log2_q)[0])
        converged = proof is not None and proof.reached <= allowed
        if proof is None or best is not fit:
            proof = self._bound(best, reached)
        slack = self._rounding(best)
        factor = 1.0 + relative_rounding(len(self._A))
        return Fit(best, factor * proof.reached + slack, factor * proof.upper + slack, converged)

    def _search(self, fit: Factors) -> sphere.Search:
        L = fit.product()
        squares = self._squares(fit)
        n_threads = self._settings.n_threads
        return sphere.search(self._A, L, self.points, squares, self._random, n_threads)

    def _bound(self, fit: Factors, known: float) -> sphere.Bound:
        rtol, negligible = self._settings.rtol, self._rounding(fit)
        return sphere.bound(self._A, fit.product(), known, rtol, negligible)

    def _add(self, points: FloatArray) -> None:
        self.points = np.vstack([self.points, sphere.distinct(points)])
        self._errors = _core.LayerErrors(self._A, self._bias, self.points)
