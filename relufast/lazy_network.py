"""Networks beyond memory: weights that are drawn, or read from files, when they are needed."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast import _core, _npy_file, _random_layers, _validate
from relufast._random_layers import ParameterLaw
from relufast._read_only import read_only
from relufast._validate import FloatArray
from relufast.network import Network, in_words

# Weights looked at together: some 8 MB.
_PIECE = 2**20


class _Drawn(NamedTuple):
    """Weights from the generator of `Network.random`."""

    seed: int
    law: ParameterLaw
    widths: tuple[int, ...]

    def rows(self, layer: int, begin: int, end: int) -> FloatArray:
        return _random_layers.random_rows(self.law, self.seed, layer, self.widths, begin, end)

    def core(
        self, biases: Sequence[FloatArray], negative_slope: float, n_threads: int
    ) -> _core.Network:
        scales = [_random_layers.weight_scale(self.law, *fans) for fans in pairwise(self.widths)]
        return _core.drawn_network(
            list(self.widths), self.seed, scales, list(biases), negative_slope, n_threads
        )

    def __str__(self) -> str:
        return f"drawn from seed {self.seed}"


class _Filed(NamedTuple):
    """Weights in npy files, which begin at some byte."""

    paths: tuple[Path, ...]
    offsets: tuple[int, ...]
    widths: tuple[int, ...]

    def rows(self, layer: int, begin: int, end: int) -> FloatArray:
        mapped = np.load(self.paths[layer - 1], mmap_mode="r")
        return np.array(mapped[begin:end], dtype=np.float64, order="C")

    def core(
        self, biases: Sequence[FloatArray], negative_slope: float, n_threads: int
    ) -> _core.Network:
        return _core.filed_network(
            list(self.widths),
            [str(path) for path in self.paths],
            list(self.offsets),
            list(biases),
            negative_slope,
            n_threads,
        )

    def __str__(self) -> str:
        return "read from files"


class LazyNetwork:
    """A fully connected network whose weights are not in memory.

    Made by `Network.lazy` and `Network.from_npy`, for `sweep_breakpoints`. It means what a
    `Network` of the same parameters means, and can be pickled: what travels is the seed or the
    files' paths.

    Examples
    --------
    >>> import relufast
    >>> lazy = relufast.Network.lazy((1, 50, 50, 1), seed=1)
    >>> stored = relufast.Network.random((1, 50, 50, 1), seed=1)
    >>> (lazy.weight_rows(2, 10, 20) == stored.weights[1][10:20]).all()
    np.True_
    """

    __slots__ = ("__weakref__", "_biases", "_handle", "_lock", "_negative_slope", "_source")

    _source: _Drawn | _Filed
    _biases: tuple[FloatArray, ...]
    _negative_slope: float
    _handle: _core.Network | None
    _lock: threading.Lock

    def __init__(self) -> None:
        raise TypeError(
            "a LazyNetwork is made by relufast.Network.lazy and relufast.Network.from_npy"
        )

    @classmethod
    def _of(
        cls, source: _Drawn | _Filed, biases: Sequence[FloatArray], negative_slope: float
    ) -> LazyNetwork:
        network = cls.__new__(cls)
        network._source = source
        network._biases = tuple(read_only(b) for b in biases)
        network._negative_slope = negative_slope
        network._handle = None
        network._lock = threading.Lock()
        return network

    def __reduce__(self) -> tuple[Callable[..., LazyNetwork], tuple[Any, ...]]:
        return type(self)._of, (self._source, self._biases, self._negative_slope)

    def _core_network(self, n_threads: int) -> _core.Network:
        """Norms and biases of all layers, and the weights of one; made once."""
        if self._handle is None:
            self._handle = self._source.core(self._biases, self._negative_slope, n_threads)
        return self._handle

    def _fingerprint(self) -> str:
        """The same for two networks only if they have the same parameters."""
        if isinstance(self._source, _Drawn):
            return repr((*self._source, self._negative_slope))
        return fingerprint(
            (w for layer in range(1, self.depth + 2) for w in _pieces(self, layer)),
            self._biases,
            self._negative_slope,
        )

    @property
    def biases(self) -> tuple[FloatArray, ...]:
        """b_1, ..., b_{depth+1}: read-only, float64, of shapes (n_l,)."""
        return self._biases

    @property
    def negative_slope(self) -> float:
        """Slope of relu for negative arguments."""
        return self._negative_slope

    @property
    def widths(self) -> tuple[int, ...]:
        """(n_0, n_1, ..., n_out): inputs, hidden layers, outputs."""
        return self._source.widths

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self.widths) - 2

    @property
    def n_neurons(self) -> int:
        """Number of hidden neurons."""
        return sum(self.widths[1:-1])

    def weight_rows(
        self, layer: SupportsIndex, begin: SupportsIndex, end: SupportsIndex
    ) -> FloatArray:
        """Rows `begin` to `end` of a layer's weights.

        Parameters
        ----------
        layer : int
            From 1 to ``depth + 1``, which is the output's.
        begin, end : int
            0 <= begin <= end <= n_layer.

        Returns
        -------
        ndarray of float64, shape (end - begin, n_{layer-1})

        Raises
        ------
        TypeError
            For a number that is not an integer.
        ValueError
            For one out of its range.
        """
        number = _validate.count_up_to(layer, "layer", self.depth + 1, "layers")
        first = _validate.non_negative_int(begin, "begin")
        stop = _validate.non_negative_int(end, "end")
        if not first <= stop <= self.widths[number]:
            raise ValueError(
                f"begin is {first} and end {stop}, but rows of layer {number} need "
                f"begin <= end <= {self.widths[number]}"
            )
        return self._source.rows(number, first, stop)

    def stored(self) -> Network:
        """The same network with all its weights in memory."""
        layers = [
            self._source.rows(layer, 0, self.widths[layer]) for layer in range(1, self.depth + 2)
        ]
        return Network(layers, self._biases, negative_slope=self._negative_slope)

    def __repr__(self) -> str:
        return in_words(self, str(self._source))


def drawn_network(
    widths: tuple[int, ...], law: ParameterLaw, negative_slope: float, seed: int
) -> LazyNetwork:
    biases = _random_layers.random_biases(law, seed, widths)
    return LazyNetwork._of(_Drawn(seed, law, widths), biases, negative_slope)


def filed_network(weights: object, biases: object, negative_slope: float) -> LazyNetwork:
    paths: list[Path] = []
    offsets: list[int] = []
    shapes: list[tuple[int, ...]] = []
    for i, value in enumerate(_validate.layers_of_weights(weights, "paths")):
        path = _validate.file_path(value, f"weights[{i}]").resolve()
        mapped = _mapped(path, f"weights[{i}]")
        if shapes:
            _validate.require_chain(f"weights[{i}]", mapped.shape, f"weights[{i - 1}]", shapes[-1])
        paths.append(path)
        offsets.append(int(mapped.offset))
        shapes.append(mapped.shape)
    widths = (shapes[0][1], *(rows for rows, _ in shapes))
    checked_biases = _validate.network_biases(biases, widths[1:])
    network = LazyNetwork._of(
        _Filed(tuple(paths), tuple(offsets), widths),
        [np.array(b, order="C") for b in checked_biases],
        negative_slope,
    )
    for layer in range(1, network.depth + 2):
        for rows in _pieces(network, layer):
            if not np.isfinite(rows).all():
                raise ValueError(
                    f"weights[{layer - 1}] has NaN or infinity, but needs finite numbers"
                )
    return network


def _mapped(path: Path, name: str) -> np.memmap[Any, np.dtype[np.float64]]:
    mapped = _npy_file.mapped(path, f"{name} is {path}, which")
    if mapped.dtype != np.dtype(np.float64) or not mapped.dtype.isnative:
        raise TypeError(f"{name} holds {mapped.dtype}, but needs float64, which is read as it lies")
    if mapped.ndim != 2 or 0 in mapped.shape:
        raise ValueError(f"{name} has shape {mapped.shape}, but needs shape (n_l, n_{{l-1}})")
    if not mapped.flags.c_contiguous:
        raise ValueError(f"{name} is in Fortran order, but needs C order, row by row")
    return mapped


def _pieces(network: LazyNetwork, layer: int) -> Iterator[FloatArray]:
    """A layer's weights, some rows at a time."""
    n_rows, n_columns = network.widths[layer], network.widths[layer - 1]
    step = max(1, _PIECE // n_columns)
    for begin in range(0, n_rows, step):
        yield network._source.rows(layer, begin, min(begin + step, n_rows))


def fingerprint(
    weights: Iterator[NDArray[Any]], biases: Sequence[ArrayLike], negative_slope: float
) -> str:
    """Of all parameters: as good as comparing them."""
    digest = hashlib.blake2b(repr(negative_slope).encode(), digest_size=32)
    for array in weights:
        digest.update(np.ascontiguousarray(array).data)
    for bias in biases:
        digest.update(np.ascontiguousarray(bias).data)
        digest.update(b"|")
    return digest.hexdigest()
