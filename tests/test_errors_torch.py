"""Bad input to double layers and harmonic pruning: what is refused, in what words."""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations, prune  # noqa: E402

from relufast.torch import (  # noqa: E402
    DoubleLinear,
    HarmonicPruning,
    PruningStep,
    RetrainDivergedError,
    RetrainWhen,
    double_product_init_,
    from_double,
    harmonic_pruning,
    to_double,
)


def refuses(error: type[Exception], message: str, call: Callable[[], object]) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        call()


def small_model() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(DoubleLinear(4, 5, 4), nn.ReLU(), DoubleLinear(5, 3, 3))


def keep(model: nn.Module) -> None:
    """A retraining that changes nothing."""


def pruned(model: Any = None, evaluate: Any = lambda m: 0.5, **options: Any) -> HarmonicPruning:
    arguments = {"retrain": keep, "stop": lambda step: False, **options}
    return harmonic_pruning(small_model() if model is None else model, evaluate, **arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((4, 5, 5), ValueError, "rank is 5, but a matrix of shape (5, 4) has rank at most 4"),
        ((4, 5, -1), ValueError, "rank is -1, but must not be negative"),
        ((4, 5, 2.0), TypeError, "rank is of type float, but needs an integer"),
        ((4, 5, True), TypeError, "rank is of type bool, but needs an integer"),
        ((0, 5, 0), ValueError, "in_features is 0, but must be at least 1"),
        ((4, 0, 0), ValueError, "out_features is 0, but must be at least 1"),
        (("4", 5, 2), TypeError, "in_features is of type str, but needs an integer"),
        ((4, 5, 2, 1), TypeError, "bias is of type int, but needs True or False"),
    ],
)
def test_new_layers(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    refuses(error, message, lambda: DoubleLinear(*arguments))


@pytest.mark.parametrize("dtype", [torch.int64, torch.complex64])
def test_dtypes_of_new_layers(dtype: torch.dtype) -> None:
    message = f"dtype is {dtype}, but needs a real floating-point one"
    refuses(TypeError, message, lambda: DoubleLinear(4, 5, 2, dtype=dtype))


def test_layers_with_nan() -> None:
    layer = DoubleLinear(4, 5, 2)
    with torch.no_grad():
        layer.M[0, 0] = math.nan
    refuses(ValueError, "M has NaN or infinity, but must be finite", lambda: layer.truncate_(1))
    refuses(ValueError, "rank is 3, but the layer has rank 2", lambda: layer.truncate_(3))
    dense = nn.Linear(4, 5)
    with torch.no_grad():
        dense.weight[0, 0] = math.inf
    message = "layer.weight has NaN or infinity, but must be finite"
    refuses(ValueError, message, lambda: DoubleLinear.from_linear(dense, 2))
    model = nn.Sequential(nn.Flatten(), dense)
    refuses(ValueError, "1.weight has NaN or infinity", lambda: to_double(model, 2))
    message = "layer is of type ReLU, but needs a Linear"
    refuses(TypeError, message, lambda: DoubleLinear.from_linear(nn.ReLU(), 2))


def test_initialisation() -> None:
    layer = DoubleLinear(4, 5, 2)
    refuses(ValueError, "p is 0, but must be at least 1", lambda: double_product_init_(layer, 0))
    refuses(TypeError, "p is of type float", lambda: double_product_init_(layer, 1.0))
    message = "module is of type Tensor, but needs a torch.nn.Module"
    refuses(TypeError, message, lambda: double_product_init_(torch.ones(2), 1))
    message = "module has no DoubleLinear to initialise"
    refuses(ValueError, message, lambda: double_product_init_(nn.Linear(2, 2), 1))


class OwnLinear(nn.Linear):
    pass


class OwnSequential(nn.Sequential):
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return 2.0 * super().forward(input)


@pytest.mark.parametrize("take", [lambda m: to_double(m, 1), from_double, pruned])
@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.Tanh()), "layer '1' of model is of type Tanh, but"),
        (nn.Sequential(nn.Sequential(nn.Conv2d(1, 1, 1))), "layer '0.0' of model is of type Conv2"),
        (nn.Sequential(OwnLinear(2, 2)), "layer '0' of model is of type OwnLinear, but"),
        (OwnSequential(nn.Linear(2, 2)), "model is of type OwnSequential, but"),
        (nn.ModuleList([nn.Linear(2, 2)]), "model is of type ModuleList, but a model may have on"),
        (nn.Sequential(nn.LazyLinear(2)), "layer '0' of model is of type LazyLinear, but"),
        (
            nn.Sequential(parametrizations.weight_norm(nn.Linear(2, 2))),
            "layer '0' of model is of type ParametrizedLinear, but",
        ),
        (torch.ones(2, 2), "model is of type Tensor, but needs a torch.nn.Module"),
    ],
)
def test_unsupported_layers_are_named(
    model: Any, message: str, take: Callable[[Any], object]
) -> None:
    refuses(TypeError, message, lambda: take(model))


@pytest.mark.parametrize("take", [lambda m: to_double(m, 1), from_double, pruned])
def test_models_without_parameters_of_their_own(take: Callable[[Any], object]) -> None:
    empty = nn.Sequential(nn.ReLU())
    refuses(ValueError, "model has no Linear or DoubleLinear layer", lambda: take(empty))
    masked = prune.l1_unstructured(nn.Linear(3, 3), "weight", amount=2)
    message = "layer '0' of model computes its weight from other parameters: make it permanent"
    refuses(ValueError, message, lambda: take(nn.Sequential(masked)))


@pytest.mark.parametrize(
    ("ranks", "error", "message"),
    [
        (4, ValueError, "rank of layer '0' is 4, but a matrix of shape (3, 4) has rank at most 3"),
        ([3, 3], ValueError, "rank of layer '2' is 3, but a matrix of shape (2, 3) has rank at mo"),
        ([3, -1], ValueError, "rank of layer '2' is -1, but must not be negative"),
        ([1], ValueError, "ranks has 1 entries, but needs one for each of 2 layers: 0, 2"),
        ([1, 1, 1], ValueError, "ranks has 3 entries, but needs one for each of 2 layers"),
        ("all", ValueError, "rank of layer '0' is 'all', but must be an integer, 'full' or None"),
        ([1, 1.0], TypeError, "rank of layer '2' is of type float, but needs an integer"),
        (None, TypeError, "ranks is of type NoneType, but needs an integer, 'full' or a sequence"),
        (1.5, TypeError, "ranks is of type float, but needs an integer, 'full' or a sequence"),
    ],
)
def test_ranks(ranks: Any, error: type[Exception], message: str) -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    refuses(error, message, lambda: to_double(model, ranks))


def test_ranks_above_that_of_a_double_layer() -> None:
    message = "rank of layer '' is 3, but that double layer has rank 2"
    refuses(ValueError, message, lambda: to_double(DoubleLinear(4, 5, 2), 3))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"evaluate": None}, TypeError, "evaluate is None, but needs a function"),
        ({"retrain": 3}, TypeError, "retrain is of type int, but needs a function"),
        ({"stop": None}, TypeError, "stop is None, but needs a function"),
        ({"criterion": "always"}, TypeError, "criterion is of type str, but needs a function"),
        ({"min_rank": -1}, ValueError, "min_rank is -1, but must not be negative"),
        ({"min_rank": 0.5}, TypeError, "min_rank is of type float, but needs an integer"),
        ({"seed": -1}, ValueError, "seed is -1, but must be at least 0"),
        ({"seed": None}, TypeError, "seed is of type NoneType, but needs an integer"),
        ({"store": 3}, TypeError, "store is of type int, but needs a str or a path object"),
        (
            {"model": nn.Sequential(nn.Linear(2, 2))},
            ValueError,
            "model has no DoubleLinear layer: make some with to_double",
        ),
    ],
)
def test_arguments_of_pruning(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    refuses(error, message, lambda: pruned(**options))


def test_models_that_cannot_be_pruned(tmp_path: Path) -> None:
    model = small_model()
    with torch.no_grad():
        model[2].bias[1] = math.nan
    refuses(ValueError, "2.bias of model has NaN or infinity", lambda: pruned(model))
    model = nn.Sequential(DoubleLinear(3, 3, 2), DoubleLinear(3, 3, 2))
    model[1].M = model[0].M
    message = "layers '0' and '1' of model share a factor, but each needs its own"
    refuses(ValueError, message, lambda: pruned(model))
    model = small_model().bfloat16()
    message = "0.W has dtype torch.bfloat16, which a store cannot hold"
    refuses(TypeError, message, lambda: pruned(model, store=tmp_path / "run.npz"))


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (math.nan, ValueError, " is nan, but must be finite"),
        (torch.tensor(math.inf), ValueError, " is inf, but must be finite"),
        (None, TypeError, " has dtype object, but needs real numbers|is of type NoneType"),
        ("0.9", TypeError, " is of type str, but needs real numbers"),
        (True, TypeError, " is of type bool, but needs real numbers"),
        (0.5 + 0.5j, TypeError, " is of type complex, but needs real numbers"),
        ([0.5], ValueError, r" has shape \(1,\), but needs a single number"),
        (torch.ones(2), ValueError, r" has shape \(2,\), but needs a single number"),
    ],
)
def test_accuracies(value: Any, error: type[Exception], message: str) -> None:
    def evaluate(model: nn.Module) -> Any:
        calls.append(model)
        return value if len(calls) == fail_at else 0.5

    whats = ["the model as given", "layer '0' cut to rank 3", "layer '2' cut to rank 2"]
    for fail_at, what in enumerate([*whats, "the model retrained at step 1"], start=1):
        calls: list[nn.Module] = []
        model = small_model()
        pruning = pruned(model, evaluate, criterion=lambda step: True)
        ranks = [4, 3]
        with pytest.raises(error, match=f"^what evaluate returned for {what}.*({message})"):
            list(zip(pruning, range(2), strict=False))
        assert [model[0].rank, model[2].rank] == ranks
        assert len(pruning.steps) == (0 if fail_at == 1 else 1)
        next(pruning)


@pytest.mark.parametrize("name", ["stop", "criterion"])
def test_rules_that_return_no_bool(name: str) -> None:
    pruning = pruned(**{name: lambda step: None})
    next(pruning)
    message = f"what {name} returned is of type NoneType, but needs True or False"
    refuses(TypeError, message, lambda: next(pruning))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_retraining_that_diverges(value: float, tmp_path: Path) -> None:
    def retrain(model: nn.Sequential) -> None:
        with torch.no_grad():
            model[0].W.mul_(2.0)
            model[2].bias[0] = value

    model, store = small_model(), tmp_path / "run.npz"
    pruning = pruned(model, retrain=retrain, criterion=lambda s: s.step == 2, store=store)
    next(pruning)
    good = next(pruning)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    message = (
        "retrain left NaN or infinity in 2.bias at step 2; the model is again as after step 1, "
        "of accuracy 0.5"
    )
    with pytest.raises(RetrainDivergedError, match=f"^{message}$") as caught:
        next(pruning)
    for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
        assert isinstance(error, RuntimeError)
        assert (error.parameter, repr(error.last)) == ("2.bias", repr(good))
        assert str(error) == message
    for tensors in (model.state_dict(), restored(store)):
        assert tensors.keys() == state.keys()
        assert all(torch.equal(tensors[name], state[name]) for name in state)


def restored(store: Path) -> dict[str, torch.Tensor]:
    model = small_model()
    pruned(model, store=store)
    return model.state_dict()


@pytest.mark.parametrize(
    ("retrain", "message"),
    [
        (
            lambda m: m.double(),
            r"retrain left \S+ torch.float64 of shape .*, which was torch.float",
        ),
        (lambda m: m[0].truncate_(1), r"retrain left 0\.[WM] .* of shape \(.*, which was torch.fl"),
        (lambda m: m[2].register_parameter("bias", None), "retrain left 2.bias missing, which was"),
        (lambda m: m.__setitem__(0, DoubleLinear(4, 5, 3)), "retrain replaced layers of the model"),
    ],
)
def test_a_retraining_that_changes_more_than_values(
    retrain: Callable[[Any], object], message: str
) -> None:
    pruning = pruned(retrain=retrain, criterion=lambda step: True)
    next(pruning)
    with pytest.raises(ValueError, match=f"^{message}"):
        next(pruning)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"drop": -0.1}, ValueError, "drop is -0.1, but must not be negative"),
        ({"drop": math.nan}, ValueError, "drop is nan, but must be finite"),
        ({"every": 0}, ValueError, "every is 0, but must be at least 1"),
        ({"rank_below": 1.0}, TypeError, "rank_below is of type float, but needs an integer"),
    ],
)
def test_criteria(options: dict[str, Any], error: type[Exception], message: str) -> None:
    refuses(error, message, lambda: RetrainWhen(**options))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "run.npz"
    list(pruned(stop=lambda step: step.step == 2, store=path))
    return path


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 1}, "its seed is 0, but here it is 1"),
        ({"min_rank": 0}, "its min_rank is 1, but here it is 0"),
        (
            {"model": nn.Sequential(DoubleLinear(4, 5, 4))},
            "its layers is ['0', '2'], but here it is ['0']",
        ),
        (
            {"model": nn.Sequential(DoubleLinear(6, 5, 4), nn.ReLU(), DoubleLinear(5, 3, 3))},
            "its 0.M is torch.float32 of shape (2, 4), but the model has torch.float32 of shape "
            "(2, 6) there",
        ),
        (
            {"model": nn.Sequential(DoubleLinear(4, 5, 4), nn.ReLU(), DoubleLinear(5, 1, 1))},
            "its rank of layer '2' is 3, but a matrix of shape (1, 5) has rank at most 1",
        ),
        ({"model": small_model().double()}, "its 0.W is torch.float32 of shape (5, 2), but the mo"),
        (
            {
                "model": nn.Sequential(
                    DoubleLinear(4, 5, 4), nn.ReLU(), DoubleLinear(5, 3, 3, bias=False)
                )
            },
            "it has the tensors ['0.M', '0.W', '0.bias', '2.M', '2.W', '2.bias'], but the model [",
        ),
    ],
)
def test_stores_of_other_runs(store: Path, options: dict[str, Any], message: str) -> None:
    before = store.read_bytes()
    expected = f"{store} is not a stored run of this pruning: {message}"
    refuses(ValueError, expected, lambda: pruned(**options, store=store))
    assert store.read_bytes() == before


Change = Callable[[dict[str, np.ndarray]], object]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop("format"), "it has no array 'format'"),
        (lambda a: a.update(format=np.array("other")), "its format is 'other', but must be"),
        (lambda a: a.update(version=np.array(2)), "its version is 2, but this relufast reads 1"),
        (lambda a: a.update(seed=np.array(0.0)), "its seed has shape () and dtype float64"),
        (lambda a: a.update(cut_layers=np.array([0])), "its cut_layers are not those of a run"),
        (lambda a: a.update(cut_layers=np.array([-1, 0, 2])), "its cut_layers are not those of"),
        (lambda a: a.update(cut_layers=np.array(-1)), "its cut_layers are not those of a run"),
        (lambda a: a.update(ranks=np.ones((2, 2), int)), "its ranks has shape (2, 2), but has 3 s"),
        (lambda a: a.update(ranks=-np.ones((3, 2), int)), "its rank of layer '0' is -1, but must"),
        (lambda a: a.update(accuracies=np.array(["x"])), "its accuracies has shape (1,) and dtype"),
        (lambda a: a.pop("tensor_2.W"), "it has the tensors ['0.M', '0.W', '0.bias', '2.M', '2."),
        (lambda a: a["tensor_2.bias"].fill(math.nan), "its 2.bias has NaN or infinity, but must"),
        (lambda a: a.update({"tensor_2.W": np.array("x")}), "can't convert np.ndarray of type"),
    ],
)
def test_damaged_stores(store: Path, change: Change, message: str) -> None:
    with np.load(store) as saved:
        arrays = dict(saved)
    change(arrays)
    np.savez(store, **arrays)
    model = small_model()
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    expected = f"{store} is not a stored run of this pruning: {message}"
    refuses(ValueError, expected, lambda: pruned(model, store=store))
    assert all(torch.equal(t, state[name]) for name, t in model.state_dict().items())


def test_files_that_are_no_stores(store: Path) -> None:
    content = store.read_bytes()

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (store.with_name("ran"),)

    np.savez(store, format=np.array(Evil(), dtype=object), allow_pickle=True)
    pickled = store.read_bytes()
    for damaged in (b"", content[:-50], pickle.dumps(Evil()), pickled):
        store.write_bytes(damaged)
        refuses(
            ValueError,
            f"{store} is not a stored run of this pruning: ",
            lambda: pruned(store=store),
        )
        assert not store.with_name("ran").exists()
    torch.save(small_model().state_dict(), store)
    refuses(ValueError, f"{store} is not a stored run of this pruning", lambda: pruned(store=store))


def test_a_store_that_cannot_be_written_leaves_the_model(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    model = small_model()
    pruning = pruned(model, store=folder / "run.npz")
    next(pruning)
    (folder / "run.npz").unlink()
    folder.rmdir()
    with pytest.raises(FileNotFoundError, match="No such directory"):
        next(pruning)
    assert [model[0].rank, model[2].rank] == [4, 3]
    folder.mkdir()
    step: PruningStep = next(pruning)
    assert sum(step.ranks) == 6
