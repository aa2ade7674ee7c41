"""Ranks against exact integers: random, deficient, nearly deficient, of extreme size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rank_oracle import exact_prefix_ranks, exact_rank, rank_modulo

import relufast
from relufast import _core
from relufast._minor_bounds import minor_bits

Matrix = NDArray[Any]
PRIMES = _core.primes(16)


def low_rank(m: int, n: int, r: int, random: np.random.Generator) -> Matrix:
    """Of small integers, so that the product is exact."""
    return (random.integers(-9, 10, (m, r)) @ random.integers(-9, 10, (r, n))).astype(float)


def with_near_duplicates(n: int, random: np.random.Generator) -> Matrix:
    matrix = random.standard_normal((n, n))
    matrix[n // 2 :] = matrix[: n - n // 2] * (
        1.0 + 1e-12 * random.standard_normal((n - n // 2, n))
    )
    return matrix


def with_duplicates(n: int, random: np.random.Generator) -> Matrix:
    matrix = random.standard_normal((n, n))
    matrix[:, n // 2 :] = matrix[:, : n - n // 2]
    matrix[1::3] = 0.0
    return matrix


def with_sums(n: int, random: np.random.Generator) -> Matrix:
    """Two columns are exact combinations of others, which neither zeros nor repetition tells."""
    matrix = np.ldexp(random.integers(-(2**40), 2**40, (n, n)).astype(float), -37)
    matrix[:, -1] = matrix[:, 0] + 3.0 * matrix[:, 1]
    matrix[:, -2] = 0.5 * matrix[:, 2] - matrix[:, 3]
    return matrix


def hilbert(n: int, random: np.random.Generator) -> Matrix:
    i = np.arange(1.0, n + 1.0)
    return 1.0 / (i[:, np.newaxis] + i - 1.0)


def of_all_sizes(n: int, random: np.random.Generator) -> Matrix:
    matrix = low_rank(n, n, max(1, n - 3), random)
    rows = random.integers(-500, 500, n)
    columns = random.integers(-500, 500, n)
    return np.ldexp(matrix, rows[:, np.newaxis] + columns)


def huge_and_subnormal(n: int, random: np.random.Generator) -> Matrix:
    huge = random.choice([1e308, -1e308, 1.5e308], (n, n))
    matrix = np.where(random.random((n, n)) < 0.5, huge, 5e-324 * random.integers(1, 9, (n, n)))
    matrix[-1] = matrix[0]
    return matrix


def sparse(n: int, random: np.random.Generator) -> Matrix:
    return random.integers(-2, 3, (n, n)) * (random.random((n, n)) < 1.5 / n) * 1.0


KINDS: dict[str, Callable[[int, np.random.Generator], Matrix]] = {
    "Gaussian": lambda n, random: random.standard_normal((n, n + 2)),
    "small integers": lambda n, random: random.integers(-1, 2, (n + 1, n)).astype(float),
    "low rank": lambda n, random: low_rank(n, n + 3, n // 2, random),
    "near duplicates": with_near_duplicates,
    "duplicates": with_duplicates,
    "sums": with_sums,
    "Hilbert": hilbert,
    "all sizes": of_all_sizes,
    "1e308 and subnormal": huge_and_subnormal,
    "sparse": sparse,
}


def cases() -> Iterator[Any]:
    for name, make in KINDS.items():
        for n in (4, 9, 33, 70):
            yield pytest.param(make(n, np.random.default_rng(n)), id=f"{name}, {n}")


# Exact integers of 2000 bits take long.
PROFILED = [
    case
    for case in cases()
    if case.values[0].shape[0] < (20 if "subnormal" in str(case.id) else 40)
]


@pytest.mark.parametrize("matrix", list(cases()))
def test_exact_rank_is_that_of_exact_integers(matrix: Matrix) -> None:
    expected = exact_rank(matrix)
    found = relufast.matrix_rank(matrix)
    assert (found.rank, found.lower, found.upper, found.certified) == (expected,) * 3 + (True,)
    assert (
        relufast.matrix_rank(matrix.T) == found or relufast.matrix_rank(matrix.T).rank == expected
    )


@pytest.mark.parametrize("matrix", PROFILED)
def test_profiles_are_those_of_exact_integers(matrix: Matrix) -> None:
    expected = exact_prefix_ranks(matrix)
    assert relufast.prefix_ranks(matrix, axis=0).tolist() == expected
    assert relufast.prefix_ranks(matrix.T, axis=1).tolist() == expected
    profile = relufast.column_rank_profile(matrix.T)
    assert profile.tolist() == np.flatnonzero(np.diff(expected, prepend=0)).tolist()


@pytest.mark.parametrize("seed", range(40))
def test_elimination_modulo_a_prime(seed: int) -> None:
    """Shapes and ranks that make blocks of all kinds, ragged ones too."""
    random = np.random.default_rng(seed)
    m, n = random.integers(1, 150, 2)
    matrix = low_rank(m, n, int(random.integers(0, min(m, n) + 1)), random)
    if seed % 2:
        matrix *= random.random((m, 1)) < 0.8
        matrix *= random.random((1, n)) < 0.8
        matrix = matrix[random.integers(0, m, m)]
    prime = PRIMES[seed % len(PRIMES)]
    expected = rank_modulo(matrix, prime)
    relufast.load_blas()
    assert _core.rank_modulo(matrix, prime) == expected
    rows, columns = _core.pivots_modulo(matrix, prime, True)
    assert len(rows) == len(columns) == expected
    assert rank_modulo(matrix[np.ix_(rows, columns)], prime) == expected
    # No row is skipped that is independent of those before: Echelon takes them one after another.
    echelon = _core.Echelon(n, prime)
    taken = [i for i in range(m) if len(echelon.append(matrix[i : i + 1]))]
    assert rows.tolist() == taken
    ranks = [rank_modulo(matrix[: row + 1], prime) for row in rows]
    assert ranks == list(range(1, expected + 1))


def test_products_longer_than_what_is_added_before_a_reduction() -> None:
    """Blocks of 704 rows, where at most 653 products are added; residues of any size."""
    random = np.random.default_rng(7)
    prime = PRIMES[0]
    matrix = random.integers(-(prime // 2), prime // 2 + 1, (1400, 1400)).astype(float)
    matrix[900] = matrix[3] - matrix[700]
    relufast.load_blas()
    matrix[1399] = matrix[1398]
    assert _core.rank_modulo(matrix, prime) == rank_modulo(matrix, prime) == 1398
    expected = [i for i in range(1399) if i != 900]
    assert _core.pivots_modulo(matrix, prime, True)[0].tolist() == expected


@pytest.mark.parametrize("n_primes", [1, 2, 4])
def test_a_prime_that_divides_is_caught(n_primes: int) -> None:
    """A row times our own primes is zero modulo each of them."""
    factor = 1
    for prime in PRIMES[: min(n_primes, 2)]:
        factor *= prime
    matrix = np.random.default_rng(1).integers(-3, 4, (12, 12))
    matrix[5] *= factor
    if n_primes > 2:  # two more in another row
        matrix[7] *= PRIMES[2] * PRIMES[3]
    assert exact_rank(matrix) == 12
    assert _core.rank_modulo(matrix.astype(np.int64), PRIMES[0]) == 11
    found = relufast.matrix_rank(matrix)
    assert (found.rank, found.certified) == (12, True)
    assert len(found.primes) == n_primes + 1 if n_primes < 3 else len(found.primes) >= 3
    assert relufast.matrix_rank(matrix.astype(float).T).rank == exact_rank(matrix.astype(float))


def test_more_primes_than_are_tried_without_proof() -> None:
    """Sixteen primes divide the determinant, which then is what stops the search for more."""
    matrix = np.eye(16)
    for i, prime in enumerate(PRIMES):
        matrix[i, i] = prime
    matrix[:, 0] += 1.0  # no zero pattern tells all
    expected = exact_rank(matrix)
    found = relufast.matrix_rank(matrix)
    assert (found.rank, found.certified) == (expected, True)


def test_a_deficit_that_is_too_costly_to_prove_is_not_called_proven() -> None:
    random = np.random.default_rng(2)
    matrix = np.ldexp(random.integers(-(2**50), 2**50, (700, 700)).astype(float), -45)
    matrix[:, -1] = matrix[:, 0] + matrix[:, 1]
    found = relufast.matrix_rank(matrix)
    assert (found.rank, found.lower, found.upper, found.certified) == (699, 699, 700, False)
    assert len(set(found.primes)) == 3


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_integers_beyond_float64(dtype: type[np.generic]) -> None:
    matrix = np.array([[2**62, 2**62 + 1], [2**62 + 1, 2**62 + 2]], dtype)
    assert exact_rank(matrix) == 2
    assert exact_rank(matrix.astype(float)) == 1
    assert relufast.matrix_rank(matrix).rank == 2
    assert relufast.prefix_ranks(matrix, axis=0).tolist() == [1, 2]
    assert relufast.IncrementalRank(2).append(matrix).tolist() == [1, 2]
    largest = np.iinfo(np.dtype(dtype))
    extreme = np.array([[largest.max, largest.min], [largest.max - 1, largest.min]], dtype)
    assert relufast.matrix_rank(extreme).rank == exact_rank(extreme)
    # A deficit of such numbers is proven by bounds of their own.
    deficient = np.array([[2**62, 2**61], [2**61, 2**60]], dtype)
    assert relufast.matrix_rank(deficient).certified
    assert relufast.matrix_rank(deficient).rank == 1


@pytest.mark.parametrize("kind", ["Gaussian", "all sizes", "1e308 and subnormal", "small integers"])
@pytest.mark.parametrize("n", [1, 3, 5])
def test_minors_are_within_their_bound(kind: str, n: int) -> None:
    """By the determinant of the matrix with rows, then columns, made integer."""
    from fractions import Fraction

    matrix = KINDS[kind](max(n, 4), np.random.default_rng(n))[:n, :n]
    exact = [[Fraction(value) for value in row] for row in matrix.tolist()]
    for _ in range(2):
        for row in exact:
            while any(row) and any(value.denominator > 1 for value in row):
                row[:] = [2 * value for value in row]
            while any(row) and all(value.numerator % 2 == 0 for value in row):
                row[:] = [value / 2 for value in row]
        exact = [list(column) for column in zip(*exact, strict=True)]
    import flint

    determinant = flint.fmpz_mat(n, n, [int(v) for row in exact for v in row]).det()
    assert abs(int(determinant)) < 2 ** int(np.ceil(minor_bits(matrix, n)))


def test_any_layout_and_dtype() -> None:
    random = np.random.default_rng(3)
    matrix = low_rank(20, 30, 11, random)
    read_only = matrix.copy()
    read_only.flags.writeable = False
    strided = np.zeros((40, 90))
    strided[::2, ::-3] = matrix
    variants = [np.asfortranarray(matrix), read_only, strided[::2, ::-3], matrix.astype(np.float32)]
    variants += [matrix.astype(dtype) for dtype in (np.int16, np.int32, np.int64)]
    for variant in [*variants, matrix.tolist()]:
        assert relufast.matrix_rank(variant).rank == 11
        assert relufast.matrix_rank(variant, method="numerical").rank == 11
        ranks = relufast.prefix_ranks(variant, axis=1)
        assert ranks.tolist() == relufast.prefix_ranks(matrix, axis=1).tolist()
    assert np.array_equal(read_only, matrix)


@pytest.mark.parametrize("method", ["exact", "numerical"])
@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_empty_matrices_have_rank_zero(shape: tuple[int, int], method: str) -> None:
    assert relufast.matrix_rank(np.empty(shape), method=method).rank == 0
    assert relufast.column_rank_profile(np.empty(shape)).tolist() == []
    for axis in (0, 1):
        assert relufast.prefix_ranks(np.empty(shape), axis=axis).tolist() == [0] * shape[axis]


@pytest.mark.parametrize("scale", [1e308, 1.0, 1e-300, 5e-324])
def test_numerical_rank_at_the_ends_of_float64(scale: float) -> None:
    """NumPy's overflows to 0 here, and subnormal numbers lose their squares."""
    matrix = np.array([[1.0, 1.0, 0.0], [1.0, -1.0, 0.0], [1.0, 1.0, 0.0]]) * scale
    assert relufast.matrix_rank(matrix, method="numerical").rank == 2
    rows = relufast.IncrementalRank(3, method="numerical")
    assert rows.append(matrix).tolist() == [1, 2, 2]
    assert relufast.matrix_rank(matrix).rank == 2


def test_numerical_rank_counts_singular_values() -> None:
    random = np.random.default_rng(4)
    left, _ = np.linalg.qr(random.standard_normal((30, 30)))
    right, _ = np.linalg.qr(random.standard_normal((20, 20)))
    values = 10.0 ** -np.arange(20.0)
    matrix = left[:, :20] * values @ right
    for rtol, expected in [(0.5, 1), (3e-4, 4), (3e-10, 10), (None, 15), (1.0, 0)]:
        found = relufast.matrix_rank(matrix, method="numerical", rtol=rtol)
        assert (found.rank, found.certified, found.primes) == (expected, False, ())
    assert relufast.matrix_rank(matrix).rank == 20
    assert relufast.matrix_rank(np.zeros((3, 4)), method="numerical").rank == 0


@pytest.mark.parametrize("method", ["exact", "numerical"])
@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_incremental_ranks_are_those_of_the_whole(method: str, size: int) -> None:
    random = np.random.default_rng(5)
    matrix = low_rank(300, 90, 70, random)
    matrix[20:50] = matrix[:30]
    matrix[60] = 0.0
    expected = relufast.prefix_ranks(matrix, axis=0)
    rows = relufast.IncrementalRank(90, method=method)
    ranks = [rows.append(matrix[i : i + size]) for i in range(0, len(matrix), size)]
    assert np.concatenate(ranks).tolist() == expected.tolist()
    assert (rows.rank, rows.n_rows) == (70, 300)
    independent = np.flatnonzero(np.diff(expected, prepend=0))
    assert rows.independent_rows.tolist() == independent.tolist()
    assert rows.append(np.empty((0, 90))).tolist() == []
    assert repr(rows) == f"IncrementalRank(rank 70 of 300 rows, {method})"


def test_incremental_rank_before_any_row() -> None:
    rows = relufast.IncrementalRank(3)
    assert (rows.rank, rows.n_rows, rows.independent_rows.tolist()) == (0, 0, [])


def test_numerical_incremental_rank_measures_distance_by_the_longest_row() -> None:
    rows = relufast.IncrementalRank(2, method="numerical", rtol=1e-6)
    assert rows.append([[1e-3, 0.0]]).tolist() == [1]
    assert rows.append([[1e3, 0.9e-3], [0.0, 0.9e-3], [0.0, 1.1e-3]]).tolist() == [1, 1, 2]
    exact = relufast.IncrementalRank(2)
    assert exact.append([[1e-3, 0.0], [0.0, 1e-300]]).tolist() == [1, 2]


def test_near_duplicates_are_where_exact_and_numerical_part() -> None:
    """Columns of 64 that differ by 1e-17 of their size from others."""
    random = np.random.default_rng(6)
    matrix = random.standard_normal((64, 64))
    matrix[:, 56:] = np.nextafter(matrix[:, :8], np.inf)
    assert relufast.matrix_rank(matrix).rank == 64 == exact_rank(matrix)
    assert relufast.matrix_rank(matrix, method="numerical").rank == 56
    numerical = relufast.IncrementalRank(64, method="numerical")
    assert numerical.append(matrix.T)[-1] == 56
