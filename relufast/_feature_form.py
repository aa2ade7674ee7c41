"""The second moments of ReLU features over given points, never formed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from relufast._blas import single_threaded
from relufast._validate import FloatArray

_CHUNK_ENTRIES = 2**20  # of the features of some points: 8 MB


class FeatureForm:
    """H^T H / n, H = relu(X W^T) of shape (n, m), from a chunk of points at a time."""

    def __init__(self, weights: FloatArray, points: FloatArray) -> None:
        self._weights = np.ascontiguousarray(weights)
        self._points = np.ascontiguousarray(points)

    def product(self, block: FloatArray, n_threads: int) -> FloatArray:
        """With a block of vectors, shape (m, k)."""
        from scipy.linalg.blas import dgemm

        columns = np.asfortranarray(block)

        def of_chunk(points: FloatArray) -> FloatArray:
            # Here, because some libraries keep a number of threads for each thread that calls.
            with single_threaded():
                features = self._features(points)
                sums = dgemm(1.0, features, columns, trans_a=True)
                return np.asarray(dgemm(1.0, features, sums))

        total = np.zeros(block.shape)
        # Added up in the order of chunks, as many at a time as there are threads.
        with ThreadPoolExecutor(n_threads) as executor:
            chunks = list(self._chunks())
            for begin in range(0, len(chunks), n_threads):
                for part in executor.map(of_chunk, chunks[begin : begin + n_threads]):
                    total += part
        total /= len(self._points)
        return total

    def diagonal(self) -> FloatArray:
        total = np.zeros(len(self._weights))
        with single_threaded():
            for points in self._chunks():
                total += np.square(self._features(points)).sum(axis=1)
        total /= len(self._points)
        return total

    def to_dense(self, n_threads: int) -> FloatArray:
        return self.product(np.eye(len(self._weights)), n_threads)

    def _chunks(self) -> Iterator[FloatArray]:
        size = max(1, _CHUNK_ENTRIES // len(self._weights))
        for begin in range(0, len(self._points), size):
            yield self._points[begin : begin + size]

    def _features(self, points: FloatArray) -> FloatArray:
        """relu(W x) of each point, shape (m, number of points), Fortran order."""
        from scipy.linalg.blas import dgemm

        features: FloatArray = dgemm(1.0, self._weights.T, points.T, trans_a=True)
        return np.maximum(features, 0.0, out=features)
