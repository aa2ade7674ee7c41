"""Double layers: against dense layers, NumPy's singular values and the law of their start."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.utils import prune  # noqa: E402

from relufast.torch import (  # noqa: E402
    DoubleLinear,
    double_product_init_,
    from_double,
    to_double,
)

SHAPES = [(1, 1), (1, 7), (7, 1), (5, 5), (12, 4), (4, 12), (60, 33)]
BIAS = pytest.mark.parametrize("bias", [True, False])


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def dense_model(widths: Sequence[int], *, bias: bool = True, dtype=torch.float64) -> nn.Sequential:
    """With random biases, which Linear has too, and a nested part."""
    torch.manual_seed(sum(widths))
    layers: list[nn.Module] = []
    for n, m in itertools.pairwise(widths):
        layers += [nn.Linear(n, m, bias=bias, dtype=dtype), nn.ReLU()]
    return nn.Sequential(nn.Flatten(), nn.Sequential(*layers[:2]), *layers[2:-1])


def same_bits(a: nn.Module, b: nn.Module) -> bool:
    first, second = a.state_dict(), b.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


@BIAS
@pytest.mark.parametrize(("n", "m"), SHAPES)
def test_full_rank_is_the_same_map(n: int, m: int, bias: bool) -> None:
    model = dense_model([n, m, n, m], bias=bias)
    double = to_double(model, "full")
    x = torch.randn(50, n, dtype=torch.float64, generator=seeded(1))
    scale = model(x).abs().max()
    assert (double(x) - model(x)).abs().max() <= 1e-12 * scale
    back = from_double(double)
    assert (back(x) - model(x)).abs().max() <= 1e-12 * scale
    assert str(back) == str(model)
    assert back.state_dict().keys() == model.state_dict().keys()


@pytest.mark.parametrize(("dtype", "digits"), [(torch.float32, 1e-5), (torch.bfloat16, 0.1)])
def test_other_dtypes_are_kept(dtype: torch.dtype, digits: float) -> None:
    model = dense_model([9, 20, 5], dtype=dtype)
    double = to_double(model, "full")
    back = from_double(double)
    assert {p.dtype for m in (double, back) for p in m.parameters()} == {dtype}
    x = torch.randn(50, 9, generator=seeded(1)).to(dtype)
    scale = model(x).abs().max()
    assert (double(x) - model(x)).abs().max() <= digits * scale
    assert (back(x) - model(x)).abs().max() <= digits * scale


@pytest.mark.parametrize(("n", "m"), SHAPES)
def test_lower_ranks_are_the_best_approximations(n: int, m: int) -> None:
    layer = nn.Linear(n, m, dtype=torch.float64)
    matrix = layer.weight.detach().numpy()
    U, S, Vt = np.linalg.svd(matrix, full_matrices=False)
    for rank in range(min(m, n) + 1):
        double = DoubleLinear.from_linear(layer, rank)
        assert (double.W.shape, double.M.shape) == ((m, rank), (rank, n))
        product = double.weight.detach().numpy()
        np.testing.assert_allclose(product, (U[:, :rank] * S[:rank]) @ Vt[:rank], atol=1e-13)
        error = np.linalg.norm(matrix - product, 2) if matrix.size else 0.0
        assert error == pytest.approx(S[rank] if rank < len(S) else 0.0, abs=1e-13)
        assert torch.equal(double.bias, layer.bias)


@pytest.mark.parametrize(("m", "n", "rank"), [(8, 5, 3), (5, 8, 5), (40, 30, 30), (3, 3, 1)])
def test_singular_values_and_truncation_against_the_product(m: int, n: int, rank: int) -> None:
    layer = DoubleLinear(n, m, rank, dtype=torch.float64)
    product = layer.weight.detach().numpy()
    U, S, Vt = np.linalg.svd(product, full_matrices=False)
    np.testing.assert_allclose(layer.singular_values().numpy(), S[:rank], rtol=1e-11)
    for smaller in range(rank, -1, -1):
        assert layer.truncate_(smaller) is layer
        assert layer.rank == smaller
        expected = (U[:, :smaller] * S[:smaller]) @ Vt[:smaller]
        np.testing.assert_allclose(layer.weight.detach().numpy(), expected, atol=1e-12 * S[0])
        # Both factors carry the roots of the singular values.
        for gram in (layer.W.T @ layer.W, layer.M @ layer.M.T):
            np.testing.assert_allclose(
                gram.detach().numpy(), np.diag(S[:smaller]), atol=1e-12 * S[0]
            )


def test_graded_factors_keep_their_small_singular_values() -> None:
    """From the factors, W M with singular values from 1 to 1e-12 in orthogonal directions."""
    rng = np.random.default_rng(1)
    U, V = (np.linalg.qr(rng.standard_normal((20, 7)))[0] for _ in range(2))
    S = 10.0 ** -np.arange(0.0, 14.0, 2.0)
    layer = DoubleLinear(20, 20, 7, dtype=torch.float64)
    with torch.no_grad():
        layer.W.copy_(torch.from_numpy(U * np.sqrt(S)))
        layer.M.copy_(torch.from_numpy(np.sqrt(S)[:, None] * V.T))
    np.testing.assert_allclose(layer.singular_values().numpy(), S, atol=1e-15)


def test_forward_is_the_definition_and_gradients_are_right() -> None:
    layer = DoubleLinear(5, 4, 3, dtype=torch.float64)
    nn.init.normal_(layer.bias, generator=seeded(2))
    x = torch.randn(6, 5, dtype=torch.float64, generator=seeded(1), requires_grad=True)
    W, M, b = (p.detach().numpy() for p in (layer.W, layer.M, layer.bias))
    expected = x.detach().numpy() @ M.T @ W.T + b
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, atol=1e-14)
    assert layer(x[0]).shape == (4,)
    assert layer(torch.zeros(2, 3, 5, dtype=torch.float64)).shape == (2, 3, 4)
    assert layer(torch.zeros(0, 5, dtype=torch.float64)).shape == (0, 4)

    def function(*tensors: torch.Tensor) -> torch.Tensor:
        names = ("W", "M", "bias")
        parameters = dict(zip(names, tensors[1:], strict=True))
        return torch.func.functional_call(layer, parameters, tensors[0])

    assert torch.autograd.gradcheck(function, (x, layer.W, layer.M, layer.bias))
    layer.weight.sum().backward()
    np.testing.assert_allclose(layer.W.grad.numpy(), np.ones((4, 5)) @ M.T, atol=1e-14)


@BIAS
def test_rank_0_is_constant(bias: bool) -> None:
    layer = DoubleLinear(5, 4, 0, bias)
    if bias:
        nn.init.ones_(layer.bias)
    out = layer(torch.full((3, 5), 7.0))
    assert torch.equal(out, torch.full((3, 4), float(bias)))
    out.sum().backward() if bias else None
    assert layer.singular_values().shape == (0,)
    assert torch.equal(layer.to_linear().weight, torch.zeros(4, 5))
    assert torch.equal(to_double(layer, 0)(torch.ones(1, 5)), out[:1])


@pytest.mark.parametrize("p", [1, 2, 3])
def test_the_law_of_the_double_product_start(p: int) -> None:
    m, n, k = 300, 200, 150
    layer = DoubleLinear(n, m, k, dtype=torch.float64)
    nn.init.ones_(layer.bias)
    assert double_product_init_(layer, p, generator=seeded(p)) is layer
    assert torch.equal(layer.bias, torch.zeros(m, dtype=torch.float64))
    variance = 2.0 / math.sqrt(k * (m + n))
    assert k * variance**2 == pytest.approx(4.0 / (m + n))
    for factor in (layer.W, layer.M):
        entries = factor.detach().numpy().ravel() / math.sqrt(variance)
        # The 2q-th moment of a product of p standard normals is ((2q - 1)!!)^p.
        for power, moment, next_moment in ((1, 0, 1), (2, 1, 3**p), (4, 3**p, 105**p)):
            standard_error = math.sqrt((next_moment - moment**2) / entries.size)
            assert abs(np.mean(entries**power) - moment) < 5.0 * standard_error


def test_the_start_draws_from_its_generator_alone() -> None:
    layers = [DoubleLinear(9, 8, 7) for _ in range(2)]
    before = torch.get_rng_state()
    for layer in layers:
        double_product_init_(layer, 2, generator=seeded(1))
    assert torch.equal(torch.get_rng_state(), before)
    assert same_bits(*layers)
    assert not torch.equal(layers[0].W[:7, :], layers[0].M[:, :7])
    double_product_init_(layers[1], 2, generator=seeded(2))
    assert not same_bits(*layers)
    model = nn.Sequential(nn.Sequential(DoubleLinear(3, 3, 2)), nn.Linear(3, 3))
    weight = model[1].weight.clone()
    double_product_init_(model, 2)
    assert torch.equal(model[1].weight, weight)


def test_conversion_draws_nothing_and_leaves_its_source_alone() -> None:
    model = dense_model([6, 8, 4])
    copied = copy.deepcopy(model)
    before = torch.get_rng_state()
    double = to_double(model, "full")
    back = from_double(double)
    assert torch.equal(torch.get_rng_state(), before)
    with torch.no_grad():
        for parameter in (*double.parameters(), *back.parameters()):
            parameter.fill_(torch.nan)
    assert same_bits(model, copied)


def test_conversion_keeps_names_modes_hooks_and_frozen_parameters() -> None:
    model = nn.Sequential(
        OrderedDict(
            first=nn.Linear(4, 6),
            drop=nn.Dropout(0.5),
            relu=nn.LeakyReLU(0.1),
            same=nn.Identity(),
            last=nn.Linear(6, 2, bias=False),
        )
    )
    model.first.weight.requires_grad_(False)
    model.drop.eval()
    model.last.eval()
    seen: list[str] = []
    model.register_forward_hook(lambda *_: seen.append("model"))
    double = to_double(model, [3, 1])
    back = from_double(double)
    for converted in (double, back):
        assert [name for name, _ in converted.named_children()] == [
            name for name, _ in model.named_children()
        ]
        modes = [m.training for m in model.modules()]
        assert [m.training for m in converted.modules()] == modes
        assert converted.first.bias.requires_grad
        converted(torch.ones(1, 4))
    assert not double.first.W.requires_grad
    assert not double.first.M.requires_grad
    assert not back.first.weight.requires_grad
    assert back.last.weight.requires_grad
    assert seen == ["model", "model"]


def test_one_layer_in_two_places_stays_one() -> None:
    layer = nn.Linear(5, 5, dtype=torch.float64)
    double = to_double(nn.Sequential(layer, nn.ReLU(), layer), 5)
    assert double[0] is double[2]
    back = from_double(double)
    assert back[0] is back[2]


def test_ranks_of_each_layer() -> None:
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    double = to_double(model, (np.int64(3), "full", None))
    assert [type(layer).__name__ for layer in double] == [
        *("DoubleLinear", "ReLU", "DoubleLinear", "ReLU", "Linear")
    ]
    assert (double[0].rank, double[2].rank) == (3, 5)
    assert torch.equal(double[4].weight, model[4].weight)
    again = to_double(double, ["full", 2, 2])
    assert [again[i].rank for i in (0, 2, 4)] == [3, 2, 2]
    assert (double[0].rank, double[2].rank) == (3, 5)
    assert isinstance(to_double(nn.Linear(3, 3), 2), DoubleLinear)


def test_a_transposed_weight_and_another_view_are_taken() -> None:
    layer = nn.Linear(4, 6, dtype=torch.float64)
    layer.weight = nn.Parameter(torch.randn(4, 12, dtype=torch.float64).T[::2])
    double = to_double(layer, "full")
    x = torch.randn(3, 4, dtype=torch.float64)
    assert torch.allclose(double(x), layer(x), rtol=1e-12, atol=1e-12)
    assert double.W.is_contiguous()
    assert double.M.is_contiguous()


def test_states_copies_and_pickles() -> None:
    layer = DoubleLinear(5, 4, 3)
    assert list(layer.state_dict()) == ["W", "M", "bias"]
    other = DoubleLinear(5, 4, 3)
    other.load_state_dict(layer.state_dict())
    assert same_bits(layer, other)
    with pytest.raises(RuntimeError, match="size mismatch for W"):
        DoubleLinear(5, 4, 2).load_state_dict(layer.state_dict())
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert same_bits(layer, copied)
        assert (copied.rank, copied.in_features, copied.out_features) == (3, 5, 4)
        with torch.no_grad():
            copied.W.zero_()
        assert layer.W.abs().max() > 0.0


def test_repr() -> None:
    expected = "DoubleLinear(in_features=5, out_features=4, rank=3, bias=False)"
    assert repr(DoubleLinear(5, 4, 3, bias=False)) == expected


def test_devices_and_dtypes_of_new_layers() -> None:
    layer = DoubleLinear(5, 4, 3, device="meta", dtype=torch.float16)
    assert {(p.device.type, p.dtype) for p in layer.parameters()} == {("meta", torch.float16)}
    skipped = nn.utils.skip_init(DoubleLinear, 5, 4, 3)
    assert {p.device.type for p in skipped.parameters()} == {"cpu"}
    assert DoubleLinear(5, 4, 3).double()(torch.ones(5).double()).dtype == torch.float64


def test_utilities_of_torch_take_it() -> None:
    layer = DoubleLinear(5, 4, 3)
    x = torch.ones(2, 5)
    assert len(nn.utils.parameters_to_vector(layer.parameters())) == 4 * 3 + 3 * 5 + 4
    layer(x).sum().backward()
    nn.utils.clip_grad_norm_(layer.parameters(), 0.5)
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in layer.parameters()))
    assert norm == pytest.approx(0.5, rel=1e-4)
    expected = layer(x).detach()
    normed = nn.utils.parametrizations.weight_norm(copy.deepcopy(layer), "W")
    assert torch.allclose(normed(x), expected, atol=1e-6)
    assert normed.rank == 3
    pruned = prune.l1_unstructured(copy.deepcopy(layer), "M", amount=5)
    assert int((pruned.M == 0.0).sum()) == 5
    assert torch.allclose(torch.vmap(layer)(x), expected, atol=1e-6)
    traced = torch.fx.symbolic_trace(nn.Sequential(layer, nn.ReLU()))
    assert torch.equal(traced(x), nn.Sequential(layer, nn.ReLU())(x))
