"""Decisions on ReLU layers against cells found from the definition."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from injectivity_oracle import (
    cells_by_elimination,
    cells_by_linear_programs,
    facts,
    n_cells_by_subsets,
)
from numpy.typing import NDArray
from rank_oracle import exact_rank

import relufast

FloatArray = NDArray[np.float64]
Generator = Callable[[np.random.Generator, int, int], FloatArray]

SEED = 20261126


def gaussian(rng: np.random.Generator, m: int, n: int) -> FloatArray:
    return rng.standard_normal((m, n))


def small_integers(rng: np.random.Generator, m: int, n: int) -> FloatArray:
    return rng.integers(-1, 2, (m, n)).astype(float)


def integers(rng: np.random.Generator, m: int, n: int) -> FloatArray:
    return rng.integers(-4, 5, (m, n)).astype(float)


def repeated(rng: np.random.Generator, m: int, n: int) -> FloatArray:
    """Rows that are multiples of a few, of either sign or zero."""
    few = rng.standard_normal((max(1, m // 2), n))
    factors = rng.choice([-2.0, -1.0, 0.0, 0.5, 1.0], m)
    return few[rng.integers(len(few), size=m)] * factors[:, np.newaxis]


def low_rank(rng: np.random.Generator, m: int, n: int) -> FloatArray:
    r = max(1, n - 1)
    return (rng.integers(-3, 4, (m, r)) @ rng.integers(-3, 4, (r, n))).astype(float)


def nearly_parallel(rng: np.random.Generator, m: int, n: int) -> FloatArray:
    """Pairs of rows that are a last bit apart."""
    A = rng.standard_normal((m, n))
    for i in range(1, m, 2):
        A[i] = A[i - 1] * rng.choice([-1.0, 1.0])
        k = rng.integers(n)
        A[i, k] = np.nextafter(A[i, k], np.inf)
    return A


def nearly_flat(rng: np.random.Generator, m: int, n: int) -> FloatArray:
    """All rows as good as in a plane: minors of full size are some last bits."""
    A = rng.standard_normal((m, n))
    A[:, -1] = A[:, 0]
    A[rng.integers(m, size=m // 2 + 1), -1] *= 1.0 + 2.0**-52
    return A


def scales(rng: np.random.Generator, m: int, n: int) -> FloatArray:
    rows, columns = rng.integers(-150, 150, m), rng.integers(-150, 150, n)
    A: FloatArray = np.ldexp(rng.integers(-3, 4, (m, n)), rows[:, np.newaxis] + columns)
    return A


def extremes(rng: np.random.Generator, m: int, n: int) -> FloatArray:
    return rng.choice([5e-324, -1e308, 1e-310, 1.0, 0.0, -(2.0**-1022), 1e300], (m, n))


KINDS: dict[str, Generator] = {
    "gaussian": gaussian,
    "small integers": small_integers,
    "integers": integers,
    "repeated": repeated,
    "low rank": low_rank,
    "nearly parallel": nearly_parallel,
    "nearly flat": nearly_flat,
    "scales": scales,
    "extremes": extremes,
}


def biases(rng: np.random.Generator, A: FloatArray) -> list[FloatArray]:
    """None, random ones, and such that hyperplanes share points and others are parallel."""
    m, n = A.shape
    with np.errstate(all="ignore"):
        through_a_point = A @ np.ones(n)
    return [
        np.zeros(m),
        rng.standard_normal(m),
        rng.integers(-1, 2, m).astype(float),
        np.where(np.isfinite(through_a_point), through_a_point, 1.0),
    ]


def preactivations(A: FloatArray, bias: FloatArray, x: Sequence[Fraction]) -> list[Fraction]:
    return [
        sum((Fraction(a) * t for a, t in zip(row, x, strict=True)), Fraction(b))
        for row, b in zip(A.tolist(), bias.tolist(), strict=True)
    ]


def outputs(A: FloatArray, bias: FloatArray, x: Sequence[Fraction]) -> list[Fraction]:
    return [max(z, Fraction(0)) for z in preactivations(A, bias, x)]


def assert_proven(
    verdict: relufast.InjectivityVerdict, A: FloatArray, bias: FloatArray, label: str = ""
) -> None:
    """The witness is one, and the cell has so few active rows."""
    assert verdict.injective == (verdict.witness is None), label
    if verdict.witness is not None:
        x, y = verdict.witness
        assert x != y, label
        assert outputs(A, bias, x) == outputs(A, bias, y), label
    if verdict.cell is None:
        return
    z = preactivations(A, bias, verdict.cell)
    assert all(value != 0 for value, row in zip(z, A, strict=True) if row.any()), label
    assert verdict.active_rows is not None
    assert verdict.active_rows.tolist() == [i for i, value in enumerate(z) if value > 0], label
    assert len(verdict.active_rows) == verdict.min_active, label
    assert not verdict.active_rows.flags.writeable
    if verdict.injective:
        assert exact_rank(A[verdict.active_rows]) == A.shape[1], label


@pytest.mark.parametrize("kind", KINDS)
def test_agrees_with_every_pattern_tried_in_fractions(kind: str) -> None:
    rng = np.random.default_rng([SEED, list(KINDS).index(kind)])
    for m, n in [(1, 1), (3, 1), (3, 2), (5, 2), (6, 2), (2, 3), (4, 3), (6, 3), (5, 4)]:
        A = KINDS[kind](rng, m, n)
        for bias in biases(rng, A):
            label = f"A = {A.tolist()}, bias = {bias.tolist()}"
            verdict = relufast.is_injective(A, bias)
            expected = facts(A, bias, cells_by_elimination(A, bias))
            found = verdict.n_cells, verdict.n_deficient, verdict.min_active
            assert found == expected, label
            assert verdict.injective == (expected.n_deficient == 0), label
            assert_proven(verdict, A, bias, label)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "extremes"])
def test_counts_cells_as_zaslavsky_does(kind: str) -> None:
    rng = np.random.default_rng([SEED, 1, list(KINDS).index(kind)])
    for m, n in [(8, 3), (8, 4), (7, 5), (7, 6)]:
        A = KINDS[kind](rng, m, n)
        for bias in biases(rng, A)[:3]:
            label = f"A = {A.tolist()}, bias = {bias.tolist()}"
            verdict = relufast.is_injective(A, bias)
            assert verdict.n_cells == n_cells_by_subsets(A, bias), label
            assert_proven(verdict, A, bias, label)


@pytest.mark.parametrize(("m", "n"), [(9, 2), (8, 3), (7, 4)])
def test_agrees_with_linear_programs(m: int, n: int) -> None:
    rng = np.random.default_rng([SEED, 2, m])
    A = rng.standard_normal((m, n))
    for bias in (np.zeros(m), rng.standard_normal(m)):
        verdict = relufast.is_injective(A, bias)
        expected = facts(A, bias, cells_by_linear_programs(A, bias))
        assert (verdict.n_cells, verdict.n_deficient, verdict.min_active) == expected


@pytest.mark.parametrize("n", range(1, 7))
def test_number_of_cells_of_generic_arrangements(n: int) -> None:
    rng = np.random.default_rng([SEED, 3, n])
    for m in (n, n + 1, 2 * n + 3, 18):
        A = rng.standard_normal((m, n))
        central = 2 * sum(math.comb(m - 1, k) for k in range(n))
        assert relufast.is_injective(A).n_cells == central
        affine = sum(math.comb(m, k) for k in range(n + 1))
        assert relufast.is_injective(A, rng.standard_normal(m)).n_cells == affine


@pytest.mark.parametrize(("n", "cells"), [(2, 8), (3, 48), (4, 384), (5, 3840)])
def test_number_of_cells_of_reflection_arrangements(n: int, cells: int) -> None:
    """Type B: x_i = 0, x_i = x_j, x_i = -x_j. A cell for each signed permutation."""
    rows = [row for k in range(n) for row in (np.eye(n)[k],)]
    for i in range(n):
        for j in range(i):
            rows += [np.eye(n)[i] - np.eye(n)[j], np.eye(n)[i] + np.eye(n)[j]]
    verdict = relufast.is_injective(np.array(rows))
    assert verdict.n_cells == cells == 2**n * math.factorial(n)
    both = relufast.is_injective(np.vstack([rows, np.negative(rows)]))
    assert both.injective
    assert (both.n_cells, both.min_active) == (cells, len(rows))


def test_known_verdicts() -> None:
    """(I, -I) is injective with 2 n rows, the fewest possible; less one row it is not."""
    for n in range(1, 7):
        A = np.vstack([np.eye(n), -np.eye(n)])
        verdict = relufast.is_injective(A)
        assert verdict.injective
        assert (verdict.n_cells, verdict.min_active, verdict.n_deficient) == (2**n, n, 0)
        without = relufast.is_injective(A[:-1])
        assert not without.injective
        assert without.n_deficient == 2 ** (n - 1)
        assert_proven(without, A[:-1], np.zeros(2 * n - 1))


def test_biases_can_break_and_make_injectivity() -> None:
    A = np.array([[1.0], [-1.0]])
    assert relufast.is_injective(A, [0.0, 0.0]).injective
    assert relufast.is_injective(A, [1.0, 0.0]).injective
    verdict = relufast.is_injective(A, [-1.0, 0.0])  # nothing is active on [0, 1]
    assert_proven(verdict, A, np.array([-1.0, 0.0]))
    assert (verdict.n_cells, verdict.n_deficient, verdict.min_active) == (3, 1, 0)
    assert not relufast.is_injective([[1.0], [1.0]], [0.0, 5.0]).injective


def test_rows_that_never_switch() -> None:
    verdict = relufast.is_injective([[0.0, 0.0], [0.0, 0.0]], [1.0, -1.0])
    assert (verdict.n_cells, verdict.n_deficient, verdict.min_active) == (1, 1, 1)
    assert_proven(verdict, np.zeros((2, 2)), np.array([1.0, -1.0]))
    rows = np.array([[1.0], [-1.0], [0.0], [0.0]])
    verdict = relufast.is_injective(rows, [0.0, 0.0, 3.0, -3.0])
    assert (verdict.injective, verdict.min_active) == (True, 2)


def test_a_last_bit_decides() -> None:
    """The last row's opposite is missing by one ulp: a sliver of a cell is deficient."""
    A = np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, 1.0], [-1.0, -1.0]])
    assert relufast.is_injective(A).injective
    A[3, 1] = np.nextafter(-1.0, 0.0)
    verdict = relufast.is_injective(A)
    assert verdict.n_cells == 6
    assert_proven(verdict, A, np.zeros(4))
    assert not verdict.injective
    assert verdict.n_deficient == 1


def test_ending_at_the_first_deficient_cell() -> None:
    A = np.random.default_rng(SEED).standard_normal((9, 4))
    verdict = relufast.is_injective(A, complete=False)
    assert_proven(verdict, A, np.zeros(9))
    assert not verdict.injective
    assert verdict.n_cells is verdict.n_deficient is verdict.min_active is verdict.cell is None
    yes = np.vstack([np.eye(4), -np.eye(4)])
    complete, early = relufast.is_injective(yes), relufast.is_injective(yes, complete=False)
    assert early.injective
    assert (early.n_cells, early.min_active) == (complete.n_cells, complete.min_active)
    low = relufast.is_injective(np.ones((5, 2)), complete=False)
    assert_proven(low, np.ones((5, 2)), np.zeros(5))
    assert low.n_cells is None
    wide = np.random.default_rng(SEED).standard_normal((20, 100))
    bias = np.random.default_rng(SEED).standard_normal(20)
    assert_proven(relufast.is_injective(wide, bias, complete=False), wide, bias)


def test_more_rows_than_a_word_has_bits() -> None:
    rng = np.random.default_rng([SEED, 5])
    for n, m in [(2, 200), (3, 130), (2, 64), (3, 65)]:
        A = rng.standard_normal((m, n))
        verdict = relufast.is_injective(A)
        assert verdict.n_cells == 2 * sum(math.comb(m - 1, k) for k in range(n))
        assert_proven(verdict, A, np.zeros(m))
        if n == 2:
            angles = np.sort(np.arctan2(A[:, 1], A[:, 0]))
            both = np.concatenate([angles, angles + 2.0 * np.pi])
            inside = np.searchsorted(both, angles + np.pi) - np.arange(m)
            # Rows within a half turn from each one on, and the rest.
            assert verdict.min_active == min(int(inside.min()) - 1, m - int(inside.max()))


@given(
    entries=st.lists(st.lists(st.integers(-2, 2), min_size=4, max_size=4), min_size=1, max_size=6),
    with_bias=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_random_integers(entries: list[list[int]], with_bias: bool) -> None:
    rows = np.array(entries, dtype=float)
    A, bias = (rows[:, :3], rows[:, 3]) if with_bias else (rows[:, :3], np.zeros(len(rows)))
    verdict = relufast.is_injective(A, bias)
    expected = facts(A, bias, cells_by_elimination(A, bias))
    assert (verdict.n_cells, verdict.n_deficient, verdict.min_active) == expected
    assert_proven(verdict, A, bias)


@pytest.mark.parametrize("seed", range(5))
def test_verdicts_do_not_depend_on_order_signs_of_inputs_or_scales(seed: int) -> None:
    rng = np.random.default_rng([SEED, 6, seed])
    A = small_integers(rng, 14, 4) if seed % 2 else gaussian(rng, 14, 4)
    bias = rng.integers(-1, 2, 14).astype(float)
    expected = relufast.is_injective(A, bias)
    order = rng.permutation(14)
    factors = np.ldexp(1.0, rng.integers(-300, 300, 14))
    flips = rng.choice([-1.0, 1.0], 4) * np.ldexp(1.0, rng.integers(-30, 30, 4))
    for rows, offsets in [
        (A[order], bias[order]),
        (A * factors[:, np.newaxis], bias * factors),
        (A * flips, bias),
        (A[:, rng.permutation(4)], bias),
    ]:
        found = relufast.is_injective(rows, offsets)
        assert_proven(found, rows, offsets)
        for name in ("injective", "n_cells", "n_deficient", "min_active"):
            assert getattr(found, name) == getattr(expected, name)


def test_layouts_and_dtypes() -> None:
    A = np.random.default_rng(SEED).integers(-3, 4, (10, 3))
    expected = repr(relufast.is_injective(A))
    frozen = A.astype(float)
    frozen.flags.writeable = False
    variants: list[Any] = [A.astype(np.float32), np.asfortranarray(A, dtype=float), frozen]
    variants += [A.tolist(), np.repeat(A, 2, axis=0)[::2].astype(np.float16)]
    for variant in variants:
        assert repr(relufast.is_injective(variant)) == expected


def test_progress() -> None:
    A = np.random.default_rng(SEED).standard_normal((30, 6))
    seen: list[relufast.WorkProgress] = []
    verdict = relufast.is_injective(A, progress=seen.append)
    total = sum(math.comb(30, k) for k in range(6))
    assert seen[-1].n_done == total
    assert [p.n_done for p in seen] == sorted(p.n_done for p in seen)
    assert all(0 < p.n_done <= p.n_total == total for p in seen)
    assert repr(relufast.is_injective(A)) == repr(verdict)


def test_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    relufast.is_injective(np.eye(3), progress=True)
    assert "flats" in capsys.readouterr().err


def test_a_fault_in_the_certificate_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("relufast._relu_layer")
    layer = module.ReluLayer(np.array([[1.0, 2.0], [1.0, 1.0]]), None)
    monkeypatch.setattr(module, "kernel_vector", lambda rows, n: [1] * n)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        layer.collision((Fraction(1), Fraction(1)))
