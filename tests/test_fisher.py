"""The Fisher information against dense matrices, mpmath, Monte Carlo and closed forms."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from typing import Literal

import mpmath
import numpy as np
import pytest
from arc_cosine_oracle import FloatArray, fisher_matrix, kernel_matrix

import relufast

EPS = 2.0**-52


def weights(m: int, d: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng([m, d, seed]).standard_normal((m, d)) / math.sqrt(m)


def with_zero_rows() -> FloatArray:
    W = weights(150, 4)
    W[::3] = 0.0
    return W


def with_repeated_rows() -> FloatArray:
    W = weights(150, 3)
    W[50:100] = W[:50]
    W[100:] = -W[:50]
    return W


def polygon() -> FloatArray:
    angles = 2.0 * np.pi * np.arange(60) / 60
    return np.column_stack([np.cos(angles), np.sin(angles)])


def in_a_plane() -> FloatArray:
    return weights(120, 2) @ np.random.default_rng(3).standard_normal((2, 8))


def axes() -> FloatArray:
    return np.repeat(np.vstack([np.eye(3), -np.eye(3)]), 20, axis=0)


def of_all_sizes() -> FloatArray:
    return weights(100, 3) * 10.0 ** np.linspace(-130, 20, 100)[:, np.newaxis]


CASES = {
    "Gaussian": weights(200, 4),
    "one input": weights(80, 1),
    "fewer neurons than inputs": weights(12, 30),
    "a single neuron": weights(1, 3),
    "two neurons": weights(2, 2),
    "zero rows": with_zero_rows(),
    "all zero": np.zeros((40, 3)),
    "repeated rows": with_repeated_rows(),
    "polygon": polygon(),
    "in a plane": in_a_plane(),
    "axes": axes(),
    "all sizes": of_all_sizes(),
    "more basis vectors than neurons": weights(60, 14),
}


@pytest.mark.parametrize("W", CASES.values(), ids=CASES)
def test_matrix_and_products(W: FloatArray) -> None:
    J = relufast.FisherInformation(W)
    m = len(W)
    norms = np.linalg.norm(W, axis=1)
    sizes = np.outer(norms, norms)
    dense = J.to_dense()
    assert J.shape == dense.shape == (m, m)
    # NumPy's arccos of a rounded cosine, near 1, loses 1e-8 in the angle and its square in J.
    assert (abs(dense - fisher_matrix(W)) <= (20.0 + W.shape[1]) * EPS * sizes).all()
    V = np.random.default_rng(1).standard_normal((m, 3))
    bound = 4.0 * (W.shape[1] + m) * EPS * sizes @ abs(V)
    assert (abs(J.matmat(V) - dense @ V) <= bound).all()
    assert (abs(J.matvec(V[:, 0]) - dense @ V[:, 0]) <= bound[:, 0]).all()
    assert J.diagonal == pytest.approx(dense.diagonal(), rel=1e-14, abs=0.0)
    assert J.trace == pytest.approx(0.5 * np.square(W).sum(), rel=1e-13)
    assert not J.matmat(V)[norms == 0.0].any()
    assert not dense[norms == 0.0].any()


def test_matrix_in_high_precision() -> None:
    W = weights(9, 4)
    dense = relufast.FisherInformation(W).to_dense()
    norms = np.linalg.norm(W, axis=1)
    assert (abs(dense - kernel_matrix(W, W, 1) / 2.0) <= 8.0 * EPS * np.outer(norms, norms)).all()


@pytest.mark.parametrize("W", CASES.values(), ids=CASES)
@pytest.mark.parametrize("k", [1, 3, 5, 14, 37, 10**9])
def test_eigenpairs(W: FloatArray, k: int) -> None:
    k = min(k, len(W))
    J = relufast.FisherInformation(W)
    dense = J.to_dense()
    expected = np.linalg.eigvalsh(dense)[::-1]
    found = J.eigh(k)
    largest = expected[0]
    vectors, values = found.eigenvectors, found.eigenvalues
    assert vectors.shape == (len(W), k)
    assert values.shape == found.residuals.shape == (k,)
    assert not any(a.flags.writeable for a in (values, vectors, found.residuals))
    # Residuals of 1e-8 bound the errors of eigenvalues, which are far smaller in clusters' gaps.
    assert values == pytest.approx(expected[:k], rel=0.0, abs=1e-8 * largest + 1e-300)
    assert (np.diff(values) <= 0.0).all()
    assert (found.residuals <= 1e-8 * largest).all()
    rounding = 1e-13 * largest + 1e-300
    true_residuals = np.linalg.norm(dense @ vectors - vectors * values, axis=0)
    assert true_residuals == pytest.approx(found.residuals, rel=1e-3, abs=rounding)
    assert vectors.T @ vectors == pytest.approx(np.eye(k), abs=1e-12)
    assert (vectors[abs(vectors).argmax(axis=0), range(k)] > 0.0).all()
    assert found.passes >= 1


@pytest.mark.parametrize(("d", "k"), [(2, 12), (3, 60), (5, 8), (5, 120), (8, 3)])
def test_eigenpairs_inside_and_beyond_the_groups(d: int, k: int) -> None:
    # k cuts clusters, or reaches small eigenvalues that lie close: many passes and restarts.
    J = relufast.FisherInformation(weights(500, d))
    expected = np.linalg.eigvalsh(J.to_dense())[::-1][:k]
    found = J.eigh(k, tol=1e-10)
    assert found.eigenvalues == pytest.approx(expected, rel=0.0, abs=1e-13)
    assert found.residuals.max() <= 1e-10 * found.eigenvalues[0]


def test_eigenvectors_that_the_basis_does_not_hold() -> None:
    # Of a regular polygon the five basis vectors are exact eigenvectors: their residuals lead
    # nowhere, and all others come from random vectors.
    J = relufast.FisherInformation(polygon())
    basis = J.basis().vectors
    image = J.matmat(basis)
    quotients = (basis * image).sum(axis=0) / np.square(basis).sum(axis=0)
    assert abs(image - quotients * basis).max() < 1e-12
    expected = np.linalg.eigvalsh(J.to_dense())[::-1]
    for k in range(1, 12):
        found = J.eigh(k).eigenvalues
        assert found == pytest.approx(expected[:k], rel=0.0, abs=1e-8 * expected[0])


def test_few_passes_for_whole_groups() -> None:
    J = relufast.FisherInformation(weights(3000, 6))
    d = 6
    for k in (1, 1 + d, d * (d + 3) // 2):
        assert 2 <= J.eigh(k).passes <= 5


def test_same_bits_for_any_number_of_threads_and_a_seed() -> None:
    W, X = weights(500, 5), np.random.default_rng(1).standard_normal((3000, 5))
    V = np.random.default_rng(2).standard_normal((500, 4))
    makers = (relufast.FisherInformation, lambda W: relufast.FisherInformation.empirical(W, X))
    for J in [make(W) for make in makers]:
        dense, product = J.to_dense(n_threads=1), J.matmat(V, n_threads=1)
        pairs = J.eigh(20, n_threads=1, seed=3)
        for n_threads in (2, 7):
            assert np.array_equal(J.to_dense(n_threads=n_threads), dense)
            assert np.array_equal(J.matmat(V, n_threads=n_threads), product)
            again = J.eigh(20, n_threads=n_threads, seed=3)
            assert np.array_equal(again.eigenvalues, pairs.eigenvalues)
            assert np.array_equal(again.eigenvectors, pairs.eigenvectors)
            assert np.array_equal(again.residuals, pairs.residuals)
        assert J.eigh(20, seed=4).eigenvalues == pytest.approx(pairs.eigenvalues, abs=1e-12)


def test_is_the_second_moment_of_gaussian_features() -> None:
    d, n = 3, 400_000
    W = np.random.default_rng(1).standard_normal((7, d))
    X = np.random.default_rng(2).standard_normal((n, d))
    _assert_second_moments(W, X, relufast.FisherInformation(W).to_dense())


@pytest.mark.parametrize("radius", [None, 0.5])
def test_is_the_second_moment_on_the_sphere(radius: float | None) -> None:
    d, n = 3, 400_000
    W = np.random.default_rng(3).standard_normal((7, d))
    X = np.random.default_rng(4).standard_normal((n, d))
    X *= (math.sqrt(d) if radius is None else radius) / np.linalg.norm(X, axis=1, keepdims=True)
    _assert_second_moments(W, X, relufast.FisherInformation.on_sphere(W, radius=radius).to_dense())


def _assert_second_moments(W: FloatArray, X: FloatArray, expected: FloatArray) -> None:
    features = np.maximum(X @ W.T, 0.0)
    for i in range(len(W)):
        products = features[:, [i]] * features
        error = products.std(axis=0, ddof=1) / math.sqrt(len(X))
        # 28 entries: one in a million such tests fails at 5.5 standard errors.
        assert (abs(products.mean(axis=0) - expected[i]) <= 5.5 * error).all()


def test_sphere_is_gaussian_but_for_a_factor() -> None:
    W = weights(50, 4)
    gaussian = relufast.FisherInformation(W)
    assert np.array_equal(relufast.FisherInformation.on_sphere(W).to_dense(), gaussian.to_dense())
    larger = relufast.FisherInformation.on_sphere(W, radius=6.0)
    assert larger.to_dense() == pytest.approx(9.0 * gaussian.to_dense(), rel=1e-14)
    assert larger.trace == pytest.approx(9.0 * gaussian.trace)
    assert larger.eigh(3).eigenvalues == pytest.approx(9.0 * gaussian.eigh(3).eigenvalues)


@pytest.mark.parametrize(("n", "m"), [(1, 5), (40, 60), (5000, 300)])
def test_empirical(n: int, m: int) -> None:
    # 5000 points of 300 features are two chunks.
    random = np.random.default_rng(n)
    W, X = random.standard_normal((m, 4)), random.standard_normal((n, 4))
    features = np.maximum(X @ W.T, 0.0)
    expected = features.T @ features / n
    J = relufast.FisherInformation.empirical(W, X)
    V = random.standard_normal((m, 3))
    assert J.shape == (m, m)
    assert J.to_dense() == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert J.matmat(V) == pytest.approx(expected @ V, abs=1e-10)
    assert J.matvec(V[:, 0]) == pytest.approx(expected @ V[:, 0], abs=1e-10)
    assert J.diagonal == pytest.approx(expected.diagonal())
    assert J.trace == pytest.approx(np.trace(expected))
    k = min(m, 30)
    values = np.linalg.eigvalsh(expected)[::-1][:k]
    assert J.eigh(k).eigenvalues == pytest.approx(values, rel=0.0, abs=1e-8 * values[0])


def test_inner_product_is_that_of_functions() -> None:
    W = weights(300, 3)
    J = relufast.FisherInformation(W)
    u, v = np.random.default_rng(1).standard_normal((2, 300))
    assert J.inner_product(u, v) == pytest.approx(u @ J.to_dense() @ v, rel=1e-12)
    X = np.random.default_rng(2).standard_normal((100, 3))
    features = np.maximum(X @ W.T, 0.0)
    sample = relufast.FisherInformation.empirical(W, X)
    assert sample.inner_product(u, v) == pytest.approx(((features @ u) * (features @ v)).mean())


@pytest.mark.parametrize("d", [1, 2, 5])
def test_basis_by_its_definition(d: int) -> None:
    W = weights(40, d)
    basis = relufast.FisherInformation(W).basis()
    norms = np.linalg.norm(W, axis=1)
    assert basis.vectors.shape == (40, d * (d + 3) // 2)
    assert len(basis.groups) == len(basis.indices) == d * (d + 3) // 2
    assert basis.group("norm")[:, 0] == pytest.approx(norms)
    assert basis.group("linear") == pytest.approx(W)
    pairs = [(a, b) for a in range(d) for b in range(a + 1, d)]
    products = basis.group("product")
    assert products.shape == (40, len(pairs))
    for column, (a, b) in enumerate(pairs):
        assert products[:, column] == pytest.approx(W[:, a] * W[:, b] / norms)
    squares = basis.group("square")
    assert squares.shape == (40, d - 1)
    assert norms @ squares == pytest.approx(np.zeros(d - 1), abs=1e-15)
    own = np.square(W) / norms[:, np.newaxis]
    own -= np.outer(norms, norms @ own) / (norms @ norms)
    # The same span as that of the v(gg), which sum up to the norms.
    assert np.linalg.matrix_rank(np.hstack([own, squares]), tol=1e-12) == d - 1
    for g in range(1, d):
        mean = own[:, :g].mean(axis=1)
        expected = math.sqrt(g / (g + 1.0)) * (mean - own[:, g])
        assert squares[:, g - 1] == pytest.approx(expected, abs=1e-15)
    of_pairs = [i for i, group in zip(basis.indices, basis.groups, strict=True) if len(i) == 2]
    assert of_pairs == pairs


@pytest.mark.parametrize("W", CASES.values(), ids=CASES)
def test_basis_of_any_weights(W: FloatArray) -> None:
    """A neuron without weights has no part in it."""
    basis = relufast.FisherInformation(W).basis()
    norms = np.linalg.norm(W, axis=1)
    of_row = np.where(norms > 0.0, norms, 1.0)[:, np.newaxis]
    d = W.shape[1]
    band = 1e-14 * norms[:, np.newaxis]
    assert (abs(basis.group("norm") - norms[:, np.newaxis]) <= band).all()
    assert (abs(basis.group("linear") - W) <= band).all()
    if d == 1:
        return
    first, second = np.triu_indices(d, 1)
    products = W[:, first] * (W[:, second] / of_row)
    assert (abs(basis.group("product") - products) <= band).all()
    own = W * (W / of_row)
    for g in range(1, d):
        expected = math.sqrt(g / (g + 1.0)) * (own[:, :g].mean(axis=1) - own[:, g])
        found = basis.group("square")[:, g - 1]
        # Up to a multiple of the norms, which keeps it orthogonal to them.
        multiple = np.linalg.lstsq(norms[:, np.newaxis], found - expected, rcond=None)[0]
        assert (abs(found - expected - multiple * norms) <= d * band[:, 0]).all()


@pytest.mark.parametrize("W", CASES.values(), ids=CASES)
def test_eigenpairs_under_other_laws(W: FloatArray) -> None:
    X = np.random.default_rng(5).standard_normal((70, W.shape[1]))
    k = min(len(W), 6)
    for J in (
        relufast.FisherInformation.on_sphere(W, radius=2.0),
        relufast.FisherInformation.empirical(W, X),
    ):
        expected = np.linalg.eigvalsh(J.to_dense())[::-1][:k]
        found = J.eigh(k)
        band = 1e-8 * expected[0] + 1e-300
        assert found.eigenvalues == pytest.approx(expected, rel=0.0, abs=band)
        assert found.eigenvectors.T @ found.eigenvectors == pytest.approx(np.eye(k), abs=1e-12)


def test_alignment_knows_no_idle_and_no_repeated_neurons() -> None:
    """Zero rows lengthen vectors by zeros, and rows that are all repeated double eigenvalues."""
    W = weights(150, 3)
    expected = relufast.FisherInformation(W).alignment(tol=1e-12)
    idle = np.zeros((200, 3))
    idle[::4], idle[1::4], idle[2::4] = W[:50], W[50:100], W[100:]
    for other in (idle, np.repeat(W, 2, axis=0)):
        found = relufast.FisherInformation(other).alignment(tol=1e-12)
        assert list(found) == list(expected)
        for group, angles in expected.items():
            assert found[group] == pytest.approx(angles, abs=1e-9)


def test_basis_vectors_become_eigenvectors() -> None:
    # At m to infinity: lambda_0 = d^2 e1^2, lambda_1 = 1/4, lambda_2 = lambda_0 / (d + 1)^2.
    d, m = 3, 6000
    e1 = math.gamma(d / 2) / (2.0 * math.sqrt(math.pi) * math.gamma((d + 1) / 2))
    limits = {"norm": (d * e1) ** 2, "linear": 0.25}
    limits["product"] = limits["square"] = limits["norm"] / (d + 1) ** 2
    J = relufast.FisherInformation(weights(m, d))
    basis = J.basis()
    for name, limit in limits.items():
        vectors = basis.group(name)
        quotients = (vectors * J.matmat(vectors)).sum(axis=0) / np.square(vectors).sum(axis=0)
        # Means over m independent rows of what has relative deviations below 3: 5 of them.
        assert quotients == pytest.approx(limit, rel=15.0 / math.sqrt(m))


def test_alignment_is_made_of_principal_angles() -> None:
    W = weights(400, 3)
    J = relufast.FisherInformation(W)
    angles = J.alignment(tol=1e-13)
    _, vectors = np.linalg.eigh(J.to_dense())
    vectors = vectors[:, ::-1]
    spaces = {"norm": vectors[:, :1], "linear": vectors[:, 1:4]}
    spaces["product"] = spaces["square"] = vectors[:, 4:9]
    assert list(angles) == ["norm", "linear", "product", "square"]
    for name, space in spaces.items():
        group, _ = np.linalg.qr(J.basis().group(name))
        cosines = np.linalg.svd(group.T @ space, compute_uv=False)
        assert np.cos(angles[name]) == pytest.approx(cosines, abs=1e-12)
        assert len(angles[name]) == group.shape[1]


def test_alignment_improves_with_width() -> None:
    def worst(m: int) -> FloatArray:
        # The mean over networks: one alone may lie well by chance.
        return np.mean(
            [
                [
                    a.max()
                    for a in relufast.FisherInformation(weights(m, 3, seed)).alignment().values()
                ]
                for seed in range(4)
            ],
            axis=0,
        )

    # 16 times the width: angles shrink about 4 times.
    assert (worst(3200) < 0.5 * worst(200)).all()


def test_alignment_with_eigenpairs_that_are_known() -> None:
    J = relufast.FisherInformation(weights(200, 3))
    expected = J.alignment()
    for k in (9, 12):
        found = J.alignment(eigenpairs=J.eigh(k, tol=1e-10))
        assert list(found) == list(expected)
        for group, angles in found.items():
            # Both pairs' residuals turn spaces by at most residual over gap.
            values = np.linalg.eigvalsh(J.to_dense())[::-1]
            gap = min(values[end - 1] - values[end] for end in (1, 4, 9))
            band = 2.0 * math.sqrt(9) * 2e-8 * values[0] / gap
            assert np.array_equal(angles, J.alignment(eigenpairs=J.eigh(k, tol=1e-10))[group])
            assert angles == pytest.approx(expected[group], rel=0.0, abs=band)
    with pytest.raises(TypeError, match="eigenpairs is of type ndarray, but needs what eigh"):
        J.alignment(eigenpairs=np.eye(200))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="eigenpairs has 8 pairs, but needs at least 9"):
        J.alignment(eigenpairs=J.eigh(8))
    other = relufast.FisherInformation(weights(50, 3)).eigh(9)
    with pytest.raises(ValueError, match="eigenpairs has vectors of length 50, but needs"):
        J.alignment(eigenpairs=other)


def test_alignment_of_one_input() -> None:
    # J = (|w| |w|^T + w w^T) / 4, of rank 2.
    W = weights(30, 1)
    dense = relufast.FisherInformation(W).to_dense()
    assert dense == pytest.approx(0.25 * (abs(W) @ abs(W).T + W @ W.T), abs=1e-16)
    W[::2], W[1::2] = abs(W[::2]), -1.001 * abs(W[::2])
    angles = relufast.FisherInformation(W).alignment()
    assert list(angles) == ["norm", "linear"]
    # |w| and w have equal norms, so that the eigenvectors are their sum and difference.
    _, vectors = np.linalg.eigh(relufast.FisherInformation(W).to_dense())
    for i, vector in enumerate((abs(W[:, 0]), W[:, 0])):
        cosine = abs(vector @ vectors[:, -1 - i]) / np.linalg.norm(vector)
        assert np.cos(list(angles.values())[i]) == pytest.approx([cosine], abs=1e-9)


def test_progress_and_what_a_run_that_does_not_converge_leaves() -> None:
    J = relufast.FisherInformation(weights(600, 4))
    seen: list[relufast.EigenProgress] = []
    with pytest.raises(
        relufast.FisherConvergenceError, match=r"\d+ of 30 eigenpairs .* after 2 passes"
    ) as caught:
        J.eigh(30, tol=1e-12, max_passes=2, progress=seen.append)
    pairs = caught.value.eigenpairs
    assert isinstance(caught.value, RuntimeError)
    assert pairs.passes == 2
    assert [step.passes for step in seen] == [1, 2]
    assert seen[1].k == 30
    assert 0 <= seen[1].n_converged < 30
    assert seen[1].largest_residual == pytest.approx(pairs.residuals.max() / pairs.eigenvalues[0])
    expected = np.linalg.eigvalsh(J.to_dense())[::-1][:30]
    assert (abs(pairs.eigenvalues - expected) <= pairs.residuals.max()).all()


@pytest.mark.parametrize("scale", [1e-60, 1.0, 1e70])
def test_a_first_pass_in_single_precision(scale: float) -> None:
    # Where single precision could hold neither the entries nor the small rows.
    W = scale * weights(400, 4)
    W[7], W[8] = 0.0, 1e-60 * W[8]
    J = relufast.FisherInformation(W)
    seen: list[relufast.EigenProgress] = []
    found = J.eigh(14, progress=seen.append)
    assert (seen[0].passes, seen[0].n_converged, seen[0].largest_residual) == (1, 0, np.inf)
    assert [step.passes for step in seen] == list(range(1, found.passes + 1))
    assert seen[-1].n_converged == 14
    dense = J.to_dense()
    expected = np.linalg.eigvalsh(dense)[::-1][:14]
    assert found.eigenvalues == pytest.approx(expected, rel=0.0, abs=1e-8 * expected[0])
    true_residuals = np.linalg.norm(
        dense @ found.eigenvectors - found.eigenvectors * found.eigenvalues, axis=0
    )
    rounding = 1e-13 * expected[0]
    assert true_residuals == pytest.approx(found.residuals, rel=1e-3, abs=rounding)
    with pytest.raises(relufast.FisherConvergenceError) as caught:
        J.eigh(14, max_passes=1)
    assert np.isfinite(caught.value.eigenpairs.residuals).all()


def test_a_tolerance_below_rounding_ends() -> None:
    J = relufast.FisherInformation(weights(300, 3))
    with pytest.raises(relufast.FisherConvergenceError, match="above 1e-30") as caught:
        J.eigh(9, tol=1e-30)
    assert caught.value.eigenpairs.residuals.max() < 1e-14


@pytest.mark.parametrize("order", ["C", "F"])
def test_what_is_given_may_be_changed_afterwards(order: Literal["C", "F"]) -> None:
    W = np.array(weights(50, 3), order=order)
    X = np.array(np.random.default_rng(1).standard_normal((20, 3)), order=order)
    made = [
        relufast.FisherInformation(W),
        relufast.FisherInformation.on_sphere(W),
        relufast.FisherInformation.empirical(W, X),
    ]
    before = [(J.to_dense(), J.diagonal, J.basis().vectors) for J in made]
    W[:], X[:] = 7.0, 8.0
    for J, (dense, diagonal, vectors) in zip(made, before, strict=True):
        assert np.array_equal(J.to_dense(), dense)
        assert np.array_equal(J.diagonal, diagonal)
        assert np.array_equal(J.basis().vectors, vectors)


def test_results_do_not_change() -> None:
    W = weights(50, 3)
    J = relufast.FisherInformation(W)
    with pytest.raises(ValueError, match="read-only"):
        J.basis().vectors[0] = 0.0
    with pytest.raises(FrozenInstanceError):
        J.eigh(2).passes = 0  # type: ignore[misc]
    assert repr(J) == "FisherInformation(50 neurons, 3 inputs)"
    assert repr(J.eigh(2)).startswith("FisherEigenpairs(2 pairs, residuals up to ")


def test_scipy_finds_the_same() -> None:
    from scipy.sparse.linalg import eigsh

    J = relufast.FisherInformation(weights(300, 5))
    values = np.sort(eigsh(J.as_linear_operator(), k=6, return_eigenvectors=False))[::-1]
    assert J.eigh(6).eigenvalues == pytest.approx(values, abs=1e-10)


def test_other_types_and_layouts_of_weights() -> None:
    W = np.random.default_rng(1).integers(-5, 6, (30, 4))
    expected = relufast.FisherInformation(W.astype(float)).to_dense()
    for same in (W, W.tolist(), W.astype(np.float32), np.asfortranarray(W), W[::-1][::-1]):
        assert np.array_equal(relufast.FisherInformation(same).to_dense(), expected)


def test_precision_of_a_small_matrix_is_that_of_mpmath() -> None:
    W = np.array([[1.0, 0.0], [1.0, 1e-9], [-1.0, 1e-9], [0.0, 1.0]])
    dense = relufast.FisherInformation(W).to_dense()
    # Nearly opposite rows: t = pi - 2e-9, J = (pi - t)^3 / (6 pi) to first order.
    tiny = float((mpmath.mpf(10) ** -9) ** 3 / (6 * mpmath.pi))
    # The cosine is -1 there to rounding, whose error J passes on.
    assert abs(dense[0, 2] - tiny) <= 8.0 * EPS
    assert dense[0, 1] == pytest.approx(0.5, rel=1e-15)
    assert dense[0, 3] == pytest.approx(1.0 / (2.0 * math.pi), rel=1e-15)
