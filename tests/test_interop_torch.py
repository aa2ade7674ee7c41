"""Networks from PyTorch, against PyTorch's own forward pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import relufast
from relufast.interop import from_torch

torch = pytest.importorskip("torch")
nn = torch.nn
functional = torch.nn.functional

# In float64, of the largest output; of float32's forward pass by the same.
RTOL, RTOL_FLOAT32 = 1e-12, 1e-5


def outputs(module: Any, X: Any) -> np.ndarray:
    with torch.no_grad():
        y = module.eval()(X)
    return y.reshape(len(X), -1).double().numpy()


def require_agreement(network: relufast.Network, module: Any, X: Any) -> None:
    """X of float32, as the module is; both are taken to float64 after."""
    found = network(X.reshape(len(X), -1).double().numpy())
    single = outputs(module, X)
    assert np.abs(found - single).max() <= RTOL_FLOAT32 * np.abs(single).max()
    double = outputs(module.double(), X.double())
    assert np.abs(found - double).max() <= RTOL * np.abs(double).max()


class Constants(nn.Module):
    """x -> (x - mean) / spread * factor + offset, each a tensor, a number or nothing."""

    def __init__(self, width: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.used = rng.random(4) < 0.6
        for name in ("mean", "spread", "factor", "offset"):
            values = rng.uniform(0.5, 2.0, width) * rng.choice([-1.0, 1.0], width)
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32))

    def forward(self, x: Any) -> Any:
        x = x - self.mean if self.used[0] else 0.25 - x
        x = x / self.spread if self.used[1] else -x
        x = self.factor * x if self.used[2] else torch.mul(x, 3)
        return torch.add(self.offset, x) if self.used[3] else x + 0.5


def batch_norm(width: int, rng: np.random.Generator) -> Any:
    epsilon = float(rng.choice([1e-5, 0.1]))
    layer = nn.BatchNorm1d(width, affine=bool(rng.random() < 0.7), eps=epsilon)
    layer.running_mean.copy_(torch.tensor(rng.standard_normal(width)))
    layer.running_var.copy_(torch.tensor(rng.uniform(0.3, 3.0, width)))
    if layer.affine:
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(rng.uniform(-2.0, 2.0, width)))
            layer.bias.copy_(torch.tensor(rng.standard_normal(width)))
    return layer


def random_module(seed: int) -> tuple[Any, int]:
    """With about every layer that there is, in any order, and its number of inputs."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    width = n_inputs = int(rng.integers(1, 12))
    # float32 has no 0.01, which a PReLU would round.
    slope = float(rng.choice([0.0, 0.0, 0.01, -0.5]))

    def activation() -> Any:
        if slope == 0.0:
            return nn.ReLU(inplace=bool(rng.random() < 0.5))
        return nn.PReLU(init=slope) if slope == -0.5 else nn.LeakyReLU(slope)

    layers: list[Any] = [nn.Flatten()] if rng.random() < 0.5 else []
    if rng.random() < 0.4:
        layers.append(Constants(width, rng))
    for _ in range(rng.integers(1, 5)):
        for _ in range(rng.choice([0, 1, 1, 1, 2])):
            following = int(rng.integers(1, 12))
            layers.append(nn.Linear(width, following, bias=bool(rng.random() < 0.8)))
            width = following
        if rng.random() < 0.3:
            layers.append(batch_norm(width, rng))
        layers.append(activation())
        if rng.random() < 0.3:
            layers.append(batch_norm(width, rng))
        if rng.random() < 0.3:
            layers.append([nn.Dropout(0.9), nn.Identity(), nn.AlphaDropout()][rng.integers(3)])
    if rng.random() < 0.8:
        layers.append(nn.Linear(width, int(rng.integers(1, 4))))
    # Parts of parts, with a width that is told when there was no dense layer to tell it.
    split = int(rng.integers(len(layers) + 1))
    first = nn.Sequential(batch_norm(n_inputs, rng), *layers[:split])
    return nn.Sequential(nn.Flatten(), nn.Sequential(first, *layers[split:])), n_inputs


@pytest.mark.parametrize("seed", range(60))
def test_random_modules(seed: int) -> None:
    module, n_inputs = random_module(seed)
    network = from_torch(module)
    assert network.widths[0] == n_inputs
    require_agreement(network, module, torch.randn(50, n_inputs))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("bias", [True, False])
def test_dense_layers_alone_keep_their_parameters(dtype: Any, bias: bool) -> None:
    linears = [nn.Linear(3, 5, bias=bias), nn.Linear(5, 4, bias=bias), nn.Linear(4, 2, bias=bias)]
    module = nn.Sequential(linears[0], nn.ReLU(), linears[1], nn.ReLU(), linears[2]).to(dtype)
    network = from_torch(module)
    assert network.widths == (3, 5, 4, 2)
    for linear, weights, biases in zip(linears, network.weights, network.biases, strict=True):
        np.testing.assert_array_equal(weights, linear.weight.detach().double().numpy())
        expected = linear.bias.detach().double().numpy() if bias else np.zeros(len(weights))
        np.testing.assert_array_equal(biases, expected)


def test_the_network_does_not_share_the_module_s_memory() -> None:
    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)).double()
    network = from_torch(module)
    before = network.weights[0].copy()
    with torch.no_grad():
        module[0].weight.zero_()
    np.testing.assert_array_equal(network.weights[0], before)


class Handmade(nn.Module):
    """As people write them: with functions, methods and shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(12, 9)
        self.norm = batch_norm(9, np.random.default_rng(1))
        self.fc2 = nn.Linear(9, 7)
        self.raw = nn.Parameter(torch.randn(7, 6))
        self.register_buffer("mask", (torch.rand(4, 6) < 0.5).float())
        self.masked = nn.Parameter(torch.randn(4, 6))
        self.register_buffer("mean", torch.rand(12))

    def forward(self, x: Any) -> Any:
        x = x.view(x.size(0), -1)
        x = (x - self.mean) / 255
        x = functional.relu(self.norm(self.fc1(x)), inplace=True)
        x = functional.dropout(x, 0.9, self.training)
        if self.training:
            x = x * torch.rand(1)
        x = torch.relu(self.fc2(x).contiguous())
        x = (x @ self.raw).relu()
        return functional.linear(x, self.masked * self.mask, bias=None)


class Reshaping(nn.Module):
    def __init__(self, reshape: Callable[[Any], Any]) -> None:
        super().__init__()
        self.reshape = reshape
        self.body = nn.Sequential(nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 1))

    def forward(self, x: Any) -> Any:
        return self.body(self.reshape(x))


def test_a_handmade_forward() -> None:
    torch.manual_seed(1)
    module = Handmade()
    network = from_torch(module)
    assert network.widths == (12, 9, 7, 6, 4)
    require_agreement(network, module, 100.0 * torch.rand(20, 3, 4))


@pytest.mark.parametrize(
    "reshape",
    [
        lambda x: x.flatten(1),
        lambda x: torch.flatten(x, 1),
        lambda x: torch.flatten(x, start_dim=1),
        lambda x: x.view(x.shape[0], -1),
        lambda x: x.reshape((x.size()[0], 12)),
        lambda x: x.reshape(-1, 12),
        lambda x: torch.reshape(x, (-1, 12)),
    ],
)
def test_ways_to_flatten(reshape: Callable[[Any], Any]) -> None:
    module = Reshaping(reshape)
    require_agreement(from_torch(module), module, torch.randn(20, 3, 4))


@pytest.mark.parametrize("shape", [(3, 4), (1, 3, 4), (1, 1)])
def test_a_mean_image_in_front_of_the_flattening(shape: tuple[int, ...]) -> None:
    mean = torch.rand(shape)
    module = Reshaping(lambda x: (x - mean).flatten(1))
    require_agreement(from_torch(module), module, torch.randn(20, 3, 4))


@pytest.mark.parametrize("training", [True, False])
def test_the_module_is_left_as_it_was(training: bool) -> None:
    module = nn.Sequential(Handmade(), nn.ReLU()).train(training)
    module[0].norm.train(not training)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    from_torch(module)
    assert [part.training for part in module.modules()] == [
        (not training) if part is module[0].norm else training for part in module.modules()
    ]
    for key, value in module.state_dict().items():
        assert torch.equal(value, before[key])


def test_constants_of_a_forward_leave_nothing_behind() -> None:
    class Module(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(2, 3)

        def forward(self, x: Any, shift: float = 0.5, unused: Any = None) -> Any:
            return torch.relu(self.linear(x - torch.tensor([1.0, 3.0])) + shift)

    module = Module()
    before = set(vars(module))
    network = from_torch(module)
    assert set(vars(module)) == before
    require_agreement(network, module, torch.randn(20, 2))


def test_a_relu_at_the_start_and_at_the_end_and_twice() -> None:
    body = nn.Sequential(nn.ReLU(), nn.Linear(3, 2), nn.ReLU(), nn.Identity(), nn.ReLU())
    network = from_torch(body)
    assert network.widths == (3, 3, 2, 2)
    require_agreement(network, body, torch.randn(50, 3))


def test_a_leaky_relu_twice_is_two_layers() -> None:
    module = nn.Sequential(nn.Linear(3, 2), nn.LeakyReLU(0.5), nn.LeakyReLU(0.5), nn.Linear(2, 1))
    network = from_torch(module)
    assert network.widths == (3, 2, 2, 1)
    require_agreement(network, module, torch.randn(50, 3))


@pytest.mark.parametrize("ending", [nn.Softmax(dim=1), nn.LogSoftmax(1), nn.Sigmoid()])
def test_an_output_activation_is_dropped_when_asked(ending: Any) -> None:
    body = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4))
    network = from_torch(nn.Sequential(body, ending, nn.Identity()), drop_output_activation=True)
    require_agreement(network, body, torch.randn(20, 3))


def test_pruned_weights_made_permanent() -> None:
    from torch.nn.utils import prune

    module = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))
    prune.l1_unstructured(module[0], "weight", amount=0.5)
    prune.remove(module[0], "weight")
    network = from_torch(module)
    assert (network.weights[0] == 0.0).sum() == 24
    require_agreement(network, module, torch.randn(20, 6))


def test_a_parametrized_weight_is_the_one_that_is_used() -> None:
    from torch.nn.utils.parametrizations import weight_norm

    module = nn.Sequential(weight_norm(nn.Linear(6, 8)), nn.ReLU(), nn.Linear(8, 1)).double()
    with torch.no_grad():
        module[0].parametrizations.weight.original0.mul_(3.0)
    X = torch.randn(20, 6, dtype=torch.float64)
    found, expected = from_torch(module)(X.numpy()), outputs(module, X)
    assert np.abs(found - expected).max() <= RTOL * np.abs(expected).max()


def test_a_parametrization_that_learns_while_it_trains_does_not() -> None:
    from torch.nn.utils.parametrizations import spectral_norm

    module = nn.Sequential(spectral_norm(nn.Linear(6, 8)), nn.ReLU(), nn.Linear(8, 1)).train()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    from_torch(module)
    for key, value in module.state_dict().items():
        assert torch.equal(value, before[key]), key


def state_module() -> Any:
    torch.manual_seed(3)
    hidden = [nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5, bias=False), nn.ReLU()]
    return nn.Sequential(*hidden, nn.Linear(5, 2))


def test_a_state_dict_and_its_file(tmp_path: Path) -> None:
    module = state_module()
    torch.save(module.state_dict(), tmp_path / "network.pt")
    X = torch.randn(20, 4)
    for source in (module.state_dict(), tmp_path / "network.pt", str(tmp_path / "network.pt")):
        require_agreement(from_torch(source), module.float(), X)


def test_the_slope_of_a_state_dict() -> None:
    module = nn.Sequential(nn.Linear(4, 6), nn.LeakyReLU(0.2), nn.Linear(6, 2))
    network = from_torch(module.state_dict(), negative_slope=0.2)
    assert network.negative_slope == 0.2
    require_agreement(network, module, torch.randn(20, 4))


def test_breakpoints_are_those_of_the_parameters() -> None:
    """The whole way: a module's breakpoints are the same as those of the same network by hand."""
    original = relufast.Network.random((1, 30, 30, 1), seed=5)
    layers: list[Any] = []
    for weights, biases in zip(original.weights, original.biases, strict=True):
        layers += [nn.Linear(*weights.shape[::-1]).double(), nn.ReLU()]
        with torch.no_grad():
            layers[-2].weight.copy_(torch.tensor(weights))
            layers[-2].bias.copy_(torch.tensor(biases))
    found = relufast.breakpoints(from_torch(nn.Sequential(*layers[:-1])))
    expected = relufast.breakpoints(original)
    np.testing.assert_array_equal(found.positions, expected.positions)
    assert found.certified
