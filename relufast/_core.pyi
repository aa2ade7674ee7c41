"""
The compiled core of relufast. Use the names of `relufast` instead.
"""

from __future__ import annotations

import collections.abc
import typing

import numpy
import numpy.typing

__all__: list[str] = [
    "ActivationSigns",
    "DirectionalExtremes",
    "Echelon",
    "Error",
    "Knots",
    "LayerErrors",
    "Network",
    "PointTiles",
    "activation_ranks_modulo",
    "activation_signs",
    "arc_cosine",
    "arc_cosine_cross_gram",
    "arc_cosine_gram",
    "arc_cosine_product",
    "arc_cosine_product_single",
    "ascend_on_sphere",
    "bends",
    "blas_ready",
    "bound_on_sphere",
    "build",
    "cells_of_layer",
    "count_windows",
    "drawn_network",
    "filed_network",
    "find_breakpoints",
    "gathered_multiplications",
    "gaussian_directions",
    "largest_deviation",
    "load_blas",
    "minimal_pieces",
    "normal_layer",
    "philox4x64",
    "pivots_modulo",
    "primes",
    "rank_modulo",
    "rank_upper_bounds",
    "rays_of_cell",
    "search_few_active",
    "signs_of_linear_network",
    "sweep_window",
    "version",
]

class Error(RuntimeError):
    pass

class Knots:
    def __getstate__(self) -> dict[str, numpy.ndarray]: ...
    def __init__(self, **kwargs: numpy.ndarray) -> None: ...
    def __setstate__(self, arg0: dict[str, numpy.ndarray]) -> None: ...
    def arrays(self) -> dict[str, numpy.ndarray]: ...
    def by_crossing(
        self,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.int32],
        numpy.typing.NDArray[numpy.int32],
        numpy.typing.NDArray[numpy.bool],
        numpy.typing.NDArray[numpy.int32],
    ]: ...
    @property
    def first_crossing(self) -> numpy.typing.NDArray[numpy.int32]: ...
    @property
    def layers(self) -> numpy.typing.NDArray[numpy.int32]: ...
    @property
    def n_undecided(self) -> int: ...
    @property
    def neurons(self) -> numpy.typing.NDArray[numpy.int32]: ...
    @property
    def open_after(self) -> numpy.typing.NDArray[numpy.bool]: ...
    @property
    def reaches_output(self) -> numpy.typing.NDArray[numpy.bool]: ...
    @property
    def undecided_count(self) -> numpy.typing.NDArray[numpy.int64]: ...
    @property
    def undecided_x(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def x(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def x_error(self) -> numpy.typing.NDArray[numpy.float64]: ...

class Network:
    def __init__(
        self,
        weights: tuple[typing.Annotated[numpy.typing.ArrayLike, numpy.float64], ...],
        biases: tuple[typing.Annotated[numpy.typing.ArrayLike, numpy.float64], ...],
        negative_slope: typing.SupportsFloat | typing.SupportsIndex,
        n_threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def bound_spectral_norms(
        self, n_threads: typing.SupportsInt | typing.SupportsIndex
    ) -> None: ...
    def has_spectral_norms(self) -> bool: ...
    def set_spectral_norms(
        self, norms: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]
    ) -> None: ...
    def spectral_norms(self) -> list[float]: ...

class ActivationSigns:
    def active(
        self, layer: typing.SupportsInt | typing.SupportsIndex
    ) -> numpy.typing.NDArray[numpy.uint8]: ...
    @property
    def n_open(self) -> numpy.typing.NDArray[numpy.int64]: ...
    @property
    def open_from(self) -> numpy.typing.NDArray[numpy.int32]: ...

class PointTiles:
    @typing.overload
    def __init__(
        self,
        points: numpy.typing.NDArray[numpy.float64],
        centre: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None,
        n_threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    @typing.overload
    def __init__(
        self,
        points: numpy.typing.NDArray[numpy.float32],
        centre: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None,
        n_threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    @property
    def centre(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def is_narrow(self) -> bool: ...

class DirectionalExtremes:
    def __init__(
        self, directions: typing.Annotated[numpy.typing.ArrayLike, numpy.float64]
    ) -> None: ...
    def maxima(
        self,
    ) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64]]: ...
    def minima(
        self,
    ) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64]]: ...
    def take(
        self, points: PointTiles, n_threads: typing.SupportsInt | typing.SupportsIndex
    ) -> None: ...
    def widths(self) -> numpy.typing.NDArray[numpy.float64]: ...

class Echelon:
    def __init__(
        self,
        n_columns: typing.SupportsInt | typing.SupportsIndex,
        prime: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    @typing.overload
    def append(
        self, rows: numpy.typing.NDArray[numpy.float64]
    ) -> numpy.typing.NDArray[numpy.int64]: ...
    @typing.overload
    def append(
        self, rows: numpy.typing.NDArray[numpy.int64]
    ) -> numpy.typing.NDArray[numpy.int64]: ...
    @typing.overload
    def append(
        self, rows: numpy.typing.NDArray[numpy.uint64]
    ) -> numpy.typing.NDArray[numpy.int64]: ...
    @property
    def rank(self) -> int: ...

class LayerErrors:
    def __init__(
        self,
        a: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        bias: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        points: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    ) -> None: ...
    def fit(
        self,
        w: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        m: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        first_log2_q: typing.SupportsInt | typing.SupportsIndex,
        last_log2_q: typing.SupportsInt | typing.SupportsIndex,
        evaluations_each: typing.SupportsInt | typing.SupportsIndex,
        n_threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64], float, int
    ]: ...
    def squares(
        self,
        l: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        n_threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> numpy.typing.NDArray[numpy.float64]: ...

def activation_ranks_modulo(
    network: Network,
    points: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    signs: ActivationSigns,
    prime: typing.SupportsInt | typing.SupportsIndex,
    wanted: collections.abc.Sequence[bool],
) -> numpy.typing.NDArray[numpy.int64]: ...
def activation_signs(
    network: Network,
    points: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    certify: bool,
    exact: collections.abc.Callable[
        [int, int], typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None
    ]
    | None,
) -> ActivationSigns: ...
def arc_cosine(
    cosines: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    degree: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.typing.NDArray[numpy.float64]: ...
def arc_cosine_cross_gram(
    directions: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    others: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    degree: typing.SupportsInt | typing.SupportsIndex,
    n_threads: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.typing.NDArray[numpy.float64]: ...
def arc_cosine_gram(
    directions: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    degree: typing.SupportsInt | typing.SupportsIndex,
    n_threads: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.typing.NDArray[numpy.float64]: ...
def arc_cosine_product(
    directions: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    v: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    degree: typing.SupportsInt | typing.SupportsIndex,
    n_threads: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.typing.NDArray[numpy.float64]: ...
def arc_cosine_product_single(
    directions: typing.Annotated[numpy.typing.ArrayLike, numpy.float32],
    v: typing.Annotated[numpy.typing.ArrayLike, numpy.float32],
    degree: typing.SupportsInt | typing.SupportsIndex,
    n_threads: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.typing.NDArray[numpy.float32]: ...
def ascend_on_sphere(
    a: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    l: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    starts: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    seed: typing.SupportsInt | typing.SupportsIndex,
    n_threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]: ...
def bends(
    x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    y: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    exact: collections.abc.Callable[
        [int, int, int, numpy.typing.NDArray[numpy.int64]],
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
) -> tuple[numpy.typing.NDArray[numpy.int64], int]: ...
def blas_ready() -> bool: ...
def bound_on_sphere(
    a: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    l: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    known_square: typing.SupportsFloat | typing.SupportsIndex,
    rtol: typing.SupportsFloat | typing.SupportsIndex,
    most_cells: typing.SupportsInt | typing.SupportsIndex,
) -> tuple[float, float, numpy.typing.NDArray[numpy.float64], int, bool]: ...
def build() -> dict[str, str]: ...
def cells_of_layer(
    normals: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    n_inputs: typing.SupportsInt | typing.SupportsIndex,
    n_above: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    n_below: typing.Annotated[numpy.typing.ArrayLike, numpy.int64],
    n_constant: typing.SupportsInt | typing.SupportsIndex,
    row_at_infinity: typing.SupportsInt | typing.SupportsIndex,
    stop_at_deficient: bool,
    report: collections.abc.Callable[[int], typing.Any] | None,
) -> dict[str, typing.Any]: ...
def count_windows(
    network: Network,
    lo: typing.SupportsFloat | typing.SupportsIndex,
    hi: typing.SupportsFloat | typing.SupportsIndex,
    start: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None,
    stop: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None,
    n_windows: typing.SupportsInt | typing.SupportsIndex,
) -> int: ...
def drawn_network(
    widths: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    seed: typing.SupportsInt | typing.SupportsIndex,
    scales: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    biases: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
    negative_slope: typing.SupportsFloat | typing.SupportsIndex,
    n_threads: typing.SupportsInt | typing.SupportsIndex,
) -> Network: ...
def filed_network(
    widths: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    paths: collections.abc.Sequence[str],
    offsets: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    biases: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
    negative_slope: typing.SupportsFloat | typing.SupportsIndex,
    n_threads: typing.SupportsInt | typing.SupportsIndex,
) -> Network: ...
def find_breakpoints(
    network: Network,
    lo: typing.SupportsFloat | typing.SupportsIndex,
    hi: typing.SupportsFloat | typing.SupportsIndex,
    start: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None,
    stop: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None,
    certify: bool,
    n_threads: typing.SupportsInt | typing.SupportsIndex,
    tile_size: typing.SupportsInt | typing.SupportsIndex,
    chunk_size: typing.SupportsInt | typing.SupportsIndex,
) -> Knots: ...
def gathered_multiplications() -> tuple[int, int]: ...
def gaussian_directions(
    seed: typing.SupportsInt | typing.SupportsIndex,
    space: typing.SupportsInt | typing.SupportsIndex,
    first: typing.SupportsInt | typing.SupportsIndex,
    count: typing.SupportsInt | typing.SupportsIndex,
    dimension: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.typing.NDArray[numpy.float64]: ...
def largest_deviation(
    x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    y: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    knots: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    values: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
) -> float: ...
def load_blas(
    capsules: dict[str, typing.Any],
    thread_limiter: typing.SupportsInt | typing.SupportsIndex | None,
) -> None: ...
def minimal_pieces(
    x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    y: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    exact: collections.abc.Callable[
        [int, int, int, numpy.typing.NDArray[numpy.int64]],
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
) -> dict[str, typing.Any]: ...
def normal_layer(
    seed: typing.SupportsInt | typing.SupportsIndex,
    layer: typing.SupportsInt | typing.SupportsIndex,
    row_begin: typing.SupportsInt | typing.SupportsIndex,
    row_end: typing.SupportsInt | typing.SupportsIndex,
    fan_in: typing.SupportsInt | typing.SupportsIndex,
    weight_scale: typing.SupportsFloat | typing.SupportsIndex,
    bias_scale: typing.SupportsFloat | typing.SupportsIndex,
) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]: ...
def philox4x64(
    counter: typing.Annotated[
        collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(4)"
    ],
    key: typing.Annotated[
        collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(2)"
    ],
) -> typing.Annotated[list[int], "FixedSize(4)"]: ...
@typing.overload
def pivots_modulo(
    matrix: numpy.typing.NDArray[numpy.float64],
    prime: typing.SupportsInt | typing.SupportsIndex,
    of_rows: bool,
) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]: ...
@typing.overload
def pivots_modulo(
    matrix: numpy.typing.NDArray[numpy.int64],
    prime: typing.SupportsInt | typing.SupportsIndex,
    of_rows: bool,
) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]: ...
@typing.overload
def pivots_modulo(
    matrix: numpy.typing.NDArray[numpy.uint64],
    prime: typing.SupportsInt | typing.SupportsIndex,
    of_rows: bool,
) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]: ...
def primes(count: typing.SupportsInt | typing.SupportsIndex) -> list[int]: ...
@typing.overload
def rank_modulo(
    matrix: numpy.typing.NDArray[numpy.float64], prime: typing.SupportsInt | typing.SupportsIndex
) -> int: ...
@typing.overload
def rank_modulo(
    matrix: numpy.typing.NDArray[numpy.int64], prime: typing.SupportsInt | typing.SupportsIndex
) -> int: ...
@typing.overload
def rank_modulo(
    matrix: numpy.typing.NDArray[numpy.uint64], prime: typing.SupportsInt | typing.SupportsIndex
) -> int: ...
def rank_upper_bounds(
    network: Network,
    signs: ActivationSigns,
    input_rank: typing.SupportsInt | typing.SupportsIndex,
    lower: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
) -> numpy.typing.NDArray[numpy.int64]: ...
def rays_of_cell(
    normals: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    positive: typing.Annotated[numpy.typing.ArrayLike, numpy.bool],
) -> numpy.typing.NDArray[numpy.int64]: ...
def search_few_active(
    matrix: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    bias: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    words: typing.Annotated[numpy.typing.ArrayLike, numpy.uint64],
    n_steps: typing.SupportsInt | typing.SupportsIndex,
    n_threads: typing.SupportsInt | typing.SupportsIndex,
    report: collections.abc.Callable[[int], typing.Any] | None,
) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64]]: ...
def signs_of_linear_network(
    network: Network, n_points: typing.SupportsInt | typing.SupportsIndex
) -> ActivationSigns: ...
def sweep_window(
    network: Network,
    lo: typing.SupportsFloat | typing.SupportsIndex,
    hi: typing.SupportsFloat | typing.SupportsIndex,
    start: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None,
    stop: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None,
    window: typing.SupportsInt | typing.SupportsIndex,
    n_windows: typing.SupportsInt | typing.SupportsIndex,
    certify: bool,
    n_threads: typing.SupportsInt | typing.SupportsIndex,
    tile_size: typing.SupportsInt | typing.SupportsIndex,
    chunk_size: typing.SupportsInt | typing.SupportsIndex,
    value_bytes: typing.SupportsFloat | typing.SupportsIndex,
) -> Knots: ...
def version() -> str: ...
