"""The widths of a set of points in given directions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relufast import _core, _validate
from relufast._blas import single_threaded
from relufast._validate import FloatArray

Points = NDArray[Any]  # of float32 or float64, shape (m, d)

# Entries of a set whose form for the core is kept, 64 MB. That of a larger one is made in parts.
_KEPT = 2**24
_CHUNK = 2**22
_COPIED = 2**20  # so many entries are made contiguous at once
_DIRECTION_ENTRIES = 2**21  # of directions that are worked on at once: some 60 MB


class Widths:
    """Of one set, in memory or in a memory-mapped file."""

    def __init__(self, points: Points) -> None:
        self._points = np.ascontiguousarray(points) if points.size <= _COPIED else points
        self._tiles: _core.PointTiles | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_tiles": None}  # which cannot be pickled, but made again

    @property
    def dimension(self) -> int:
        return int(self._points.shape[1])

    def of(self, directions: FloatArray, n_threads: int) -> FloatArray:
        """max <g, x> - min <g, x> for each row g: the nearest float64."""
        at_once = max(16, _DIRECTION_ENTRIES // self.dimension)
        return np.concatenate(
            [
                _widths_of(self._all_tiles(n_threads), directions[i : i + at_once], n_threads)
                for i in range(0, len(directions), at_once)
            ]
        )

    def _all_tiles(self, n_threads: int) -> Iterator[_core.PointTiles]:
        if self._points.size > _KEPT or not self._points.flags.c_contiguous:
            yield from _tiles_of_parts(_parts([self._points]), n_threads)
            return
        if self._tiles is None:
            self._tiles = _core.PointTiles(self._points, None, n_threads)
        yield self._tiles


def widths_of_chunks(
    chunks: Iterable[Points], directions: FloatArray, n_threads: int
) -> FloatArray:
    """The same of a set that comes chunk by chunk, and is read once."""
    return _widths_of(_tiles_of_parts(_parts(chunks), n_threads), directions, n_threads)


def _widths_of(
    set_of_tiles: Iterable[_core.PointTiles], directions: FloatArray, n_threads: int
) -> FloatArray:
    extremes = _core.DirectionalExtremes(directions)
    for tiles in set_of_tiles:
        # In few dimensions there is no BLAS to keep at one thread, nor to load.
        with nullcontext() if tiles.is_narrow else single_threaded():
            extremes.take(tiles, n_threads)
    return extremes.widths()


def checked_chunks(chunks: Iterable[object], name: str) -> Iterator[Points]:
    """Chunks of one dimension, at least one; empty ones are left out."""
    first, dimension = 0, None
    for number, chunk in enumerate(chunks):
        if np.ndim(chunk) == 2 and len(chunk) == 0:  # type: ignore[arg-type]
            continue
        points = _validate.point_set(chunk, f"{name} (chunk {number})", first=first)
        if dimension is not None and points.shape[1] != dimension:
            raise ValueError(
                f"{name} (chunk {number}) has shape {points.shape}, but needs {dimension} columns, "
                "as the chunks before have"
            )
        dimension = points.shape[1]
        first += len(points)
        yield points
    if dimension is None:
        raise ValueError(f"{name} has no points, but needs at least one")


def _parts(arrays: Iterable[Points]) -> Iterator[Points]:
    """Contiguous, and small enough for their other form to fit into memory."""
    for points in arrays:
        rows = max(1, _CHUNK // points.shape[1])
        for begin in range(0, len(points), rows):
            yield np.ascontiguousarray(points[begin : begin + rows])


def _tiles_of_parts(parts: Iterable[Points], n_threads: int) -> Iterator[_core.PointTiles]:
    centre = None
    for part in parts:
        tiles = _core.PointTiles(part, centre, n_threads)
        centre = tiles.centre if centre is None else centre
        yield tiles
