"""What conversions refuse, and in what words."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_models import ModelBuilder, tensor_info

import relufast
from relufast.interop import UnsupportedLayerError, from_onnx, from_sklearn, from_torch

# Each test skips without the package that it needs.


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


@pytest.fixture
def onnx() -> Any:
    return pytest.importorskip("onnx")


@pytest.mark.parametrize(
    ("function", "package", "distribution"),
    [
        ("from_torch", "torch", "torch"),
        ("from_onnx", "onnx", "onnx"),
        ("from_sklearn", "sklearn", "scikit-learn"),
    ],
)
def test_a_missing_package_is_named_with_the_command(
    function: str, package: str, distribution: str
) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"  # As if it were not installed.
        "import relufast.interop\n"
        f"relufast.interop.{function}('file')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    message = f"{function} needs the package {package}: pip install {distribution}"
    assert done.stderr.strip().endswith(f"ModuleNotFoundError: {message}"), done.stderr


def test_nothing_optional_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, relufast\n"
        "assert 'relufast.interop' not in sys.modules\n"
        "import relufast.interop\n"
        "assert not {'torch', 'onnx', 'sklearn'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("function", [from_torch, from_onnx, from_sklearn])
def test_options_are_checked(function: Callable[..., object]) -> None:
    with pytest.raises(TypeError, match=r"^drop_output_activation is of type int, but needs True"):
        function(None, drop_output_activation=1)


@pytest.mark.parametrize("function", [from_torch, from_onnx])
def test_limits_are_checked(function: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match=r"^max_bytes is 0, but"):
        function("file", max_bytes=0)


def test_unsupported_layers_are_value_errors() -> None:
    assert issubclass(UnsupportedLayerError, ValueError)


# PyTorch ------------------------------------------------------------------------------------------


def torch_layers(make: Callable[[Any], list[Any]]) -> Callable[[Any], Any]:
    return lambda torch: torch.nn.Sequential(*make(torch.nn))


def torch_forward(forward: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """A module with two dense layers, ``a`` and ``b``, and a forward of (module, x)."""

    def make(torch: Any) -> Any:
        class Module(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.a, self.b = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
                self.act = torch.nn.ReLU(inplace=True)
                self.torch = torch

            def forward(self, x: Any) -> Any:
                return forward(self, x)

        return Module()

    return make


def hooked(torch: Any) -> Any:
    module = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())
    module[0].register_forward_hook(lambda *_: None)
    return module


def subclassed(torch: Any) -> Any:
    class Clipped(torch.nn.ReLU):
        def forward(self, input: Any) -> Any:
            return torch.clamp(input, 0.0, 1.0)

    return torch.nn.Sequential(torch.nn.Linear(2, 2), Clipped())


def two_inputs(torch: Any) -> Any:
    class Module(torch.nn.Module):
        def forward(self, x: Any, y: Any) -> Any:
            return x

    return Module()


TORCH_MODULES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "tanh": (
        torch_layers(lambda nn: [nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)]),
        r"layer '1' \(Tanh\) is not supported; what is: .*Linear",
    ),
    "convolution": (
        torch_layers(lambda nn: [nn.Sequential(nn.Conv2d(1, 2, 3)), nn.ReLU()]),
        r"layer '0.0' \(Conv2d\) is not supported",
    ),
    "softmax": (
        torch_layers(lambda nn: [nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2), nn.Softmax(1)]),
        r"layer '3' \(Softmax\) is not piecewise linear; .* drop_output_activation=True",
    ),
    "slopes": (
        torch_layers(lambda nn: [nn.Linear(2, 3), nn.LeakyReLU(0.1), nn.Linear(3, 3), nn.ReLU()]),
        r"layer '3' \(ReLU\) has the negative slope 0.0, after layers of 0.1: .* one slope",
    ),
    "slopes of one layer": (
        torch_layers(lambda nn: [nn.Linear(2, 3), slopes_of(nn.PReLU(3))]),
        r"layer '1' \(PReLU\) has several negative slopes",
    ),
    "linear": (
        torch_layers(lambda nn: [nn.Linear(2, 3), nn.Linear(3, 1)]),
        "Sequential has no ReLU: a relufast.Network needs a hidden layer",
    ),
    "no widths": (
        torch_layers(lambda nn: [nn.ReLU()]),
        "Sequential has no layer that tells how many inputs it has",
    ),
    "batch norm without statistics": (
        torch_layers(lambda nn: [nn.BatchNorm1d(2, track_running_stats=False), nn.ReLU()]),
        r"layer '0' \(BatchNorm1d\) has no running statistics",
    ),
    "flatten": (
        torch_layers(lambda nn: [nn.Flatten(0), nn.Linear(2, 2), nn.ReLU()]),
        r"layer '0' \(Flatten\) flattens dimensions 0 to -1, but needs 1 to -1",
    ),
    "hook": (hooked, r"layer '0' \(Linear\) has a forward hook"),
    "subclass": (subclassed, r"the operation clamp .* is not supported"),
    "two inputs": (two_inputs, "Module takes more than one input"),
    "residual": (
        torch_forward(lambda m, x: m.b(m.a(x).relu() + x)),
        r"the operation add .* joins two values that depend on the input",
    ),
    "joined": (
        torch_forward(lambda m, x: m.torch.cat([m.a(x), m.b(x)])),
        r"the operation cat .* joins two values",
    ),
    "doubled": (torch_forward(lambda m, x: m.a(x).relu() * x), r"the operation mul .* joins two"),
    "twice": (torch_forward(lambda m, x: x + x), r"the operation add .* takes the input twice"),
    "branch": (
        torch_forward(lambda m, x: m.a(x) if x.sum() > 0 else m.b(x)),
        r"the forward of Module cannot be traced \(.*\); export the module to ONNX",
    ),
    "function": (
        torch_forward(lambda m, x: m.torch.sin(m.a(x))),
        r"the operation sin \(sin in the traced forward\) is not supported",
    ),
    "method": (
        torch_forward(lambda m, x: m.a(x).clamp(0.0, 6.0)),
        r"the operation clamp \(clamp in the traced forward\) is not supported",
    ),
    "argument": (
        torch_forward(lambda m, x: m.torch.div(m.a(x), 2.0, rounding_mode="floor")),
        "the operation div .* is not supported with these arguments: .*rounding_mode",
    ),
    "alpha": (
        torch_forward(lambda m, x: m.torch.add(m.a(x), 1.0, alpha=3)),
        "the operation add .* has alpha 3, but needs 1",
    ),
    "divided by": (
        torch_forward(lambda m, x: 1.0 / m.a(x)),
        "the operation (truediv|reciprocal|rtruediv) .*",
    ),
    "mixes points": (
        torch_forward(lambda m, x: m.a(x).relu() + m.torch.ones(3, 1)),
        r"the operation add .* has a constant of shape \(3, 1\), which mixes points",
    ),
    "view": (
        torch_forward(lambda m, x: m.a(x.view(-1, 3, 1))),
        r"the operation view .* has to give shape \(batch, -1\) or \(batch, width\)",
    ),
    "flattens the batch": (
        torch_forward(lambda m, x: m.a(x.flatten())),
        "the operation flatten .* flattens dimensions 0 to -1",
    ),
    "length": (
        torch_forward(lambda m, x: m.a(x) / x.size(1)),
        "the operation size .* asks for a length that is not known",
    ),
    "part": (
        torch_forward(lambda m, x: m.a(x)[:, 0]),
        "the operation getitem .* takes a part of a value",
    ),
    "shape as a number": (
        torch_forward(lambda m, x: m.a(x).relu() * m.torch.zeros((x.size(0), 3))),
        "the operation zeros .* is not supported",
    ),
    "in place, and used": (
        torch_forward(lambda m, x: in_place(m, m.a(x))),
        "the operation act works in place, while a is used 2 times",
    ),
    "after the output's activation": (
        torch_forward(lambda m, x: m.b(m.a(x).relu().sigmoid())),
        "the operation sigmoid .* is not piecewise linear",
    ),
    "two outputs": (torch_forward(lambda m, x: (m.a(x), x)), "Module returns a tuple, but needs"),
    "dropout": (
        torch_forward(lambda m, x: m.torch.nn.functional.dropout(m.a(x)).relu()),
        "the operation dropout .* drops at random in evaluation mode too",
    ),
}


def slopes_of(prelu: Any) -> Any:
    prelu.weight.data[1] = 0.5
    return prelu


def in_place(module: Any, hidden: Any) -> Any:
    module.act(hidden)
    return hidden


@pytest.mark.parametrize(("make", "message"), TORCH_MODULES.values(), ids=TORCH_MODULES)
def test_refuses_modules(torch: Any, make: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(UnsupportedLayerError, match=rf"^{message}"):
        from_torch(make(torch))


@pytest.mark.parametrize("overwrite", [lambda n: n.add_(1), lambda n: n.__iadd__(1)])
def test_a_forward_that_counts_does_not_count(torch: Any, overwrite: Callable[[Any], Any]) -> None:
    class Counting(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(2, 2)
            self.register_buffer("n", torch.zeros(2))

        def forward(self, x: Any) -> Any:
            overwrite(self.n)
            return self.linear(x).relu()

    module = Counting()
    with pytest.raises(UnsupportedLayerError, match=r"overwrites numbers of the module|traced"):
        from_torch(module)
    assert module.n.tolist() == [0.0, 0.0]


def test_nothing_comes_after_a_dropped_activation(torch: Any) -> None:
    module = torch_layers(lambda nn: [nn.Linear(2, 2), nn.Sigmoid(), nn.Linear(2, 2), nn.ReLU()])
    message = r"layer '2' \(Linear\) comes after layer '1' \(Sigmoid\), which can be dropped at the"
    with pytest.raises(UnsupportedLayerError, match=message):
        from_torch(module(torch), drop_output_activation=True)


def test_refuses_parameters(torch: Any) -> None:
    nn = torch.nn
    module = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    module[2].weight.data[0, 1] = float("nan")
    with pytest.raises(ValueError, match=r"layer '2' \(Linear\): weight\[0, 1\] is nan, but must"):
        from_torch(module)
    module = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(3, 1))
    with pytest.raises(ValueError, match=r"layer '2' \(Linear\) takes 3 numbers, but gets 2"):
        from_torch(module)
    with pytest.raises(TypeError, match=r"layer '0' \(Linear\): weight is a tensor without data"):
        from_torch(nn.Sequential(nn.Linear(2, 2, bias=False, device="meta"), nn.ReLU()))
    complex_layer = nn.Linear(2, 2, bias=False, dtype=torch.complex64)
    with pytest.raises(TypeError, match=r"weight has dtype torch.complex64, but needs real"):
        from_torch(nn.Sequential(complex_layer, nn.ReLU()))


def test_refuses_what_folds_beyond_float64(torch: Any) -> None:
    nn = torch.nn
    module = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1), nn.ReLU()).double()
    for layer in module[:2]:
        layer.weight.data.fill_(1e200)
    with pytest.raises(
        ValueError, match=r"Sequential: dense layer 1, with all that is folded into"
    ):
        from_torch(module)


@pytest.mark.parametrize("before", [True, False])
def test_refuses_what_scales_beyond_float64(onnx: Any, before: bool) -> None:
    builder = ModelBuilder((1, 1))
    for operator in ("Mul", "MatMul") if before else ("MatMul", "Mul"):
        builder.add(operator, "...", builder.parameter([[1e200]]))
    with pytest.raises(ValueError, match=r"the graph: dense layer 1, with all that is folded into"):
        from_onnx(builder.add("Relu").model())


def test_refuses_division_by_zero(torch: Any) -> None:
    module = torch_forward(lambda m, x: m.a(x / m.torch.tensor([1.0, 0.0, 1.0])).relu())
    with pytest.raises(ValueError, match=r"the operation truediv .*: it divides by zero"):
        from_torch(module(torch))


@pytest.mark.parametrize("source", [None, 3, [1.0]])
def test_refuses_other_sources(torch: Any, onnx: Any, source: object) -> None:
    kind = type(source).__name__
    with pytest.raises(TypeError, match=rf"^source is of type {kind}, but needs a torch.nn.Module"):
        from_torch(source)  # type: ignore[arg-type]
    with pytest.raises(
        TypeError, match=rf"^source is of type {kind}, but needs an onnx.ModelProto"
    ):
        from_onnx(source)  # type: ignore[arg-type]


def test_a_module_has_its_own_slope(torch: Any) -> None:
    with pytest.raises(ValueError, match=r"^negative_slope is given, but is for a state dict only"):
        from_torch(torch.nn.ReLU(), negative_slope=0.1)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"a.weight": (2, 3), "a.running_mean": (2,)}, "the entry 'a.running_mean' has shape"),
        ({"a.weight": (2,)}, r"the entry 'a.weight' has shape \(2,\), but a state dict of dense"),
        ({"a.weight": (2, 3, 3)}, r"the entry 'a.weight' has shape \(2, 3, 3\)"),
        ({"a.bias": (2,)}, "layer 'a' has a bias, but no weight"),
        ({"a.weight": (2, 3), "b.weight": (2, 3)}, "layer 'b' takes 3 numbers, but gets 2"),
        ({"a.weight": (2, 3), "a.bias": (3,)}, r"layer 'a': bias has shape \(3,\), but needs"),
        ({"a.weight": (2, 3)}, "the state dict has no ReLU"),
        ({"epoch": None}, "the entry 'epoch' is of type int, but .* the state dict inside"),
        ({}, "the state dict has no ReLU"),
    ],
)
def test_refuses_state_dicts(torch: Any, entries: dict[str, Any], message: str) -> None:
    state = {key: 3 if shape is None else torch.ones(shape) for key, shape in entries.items()}
    with pytest.raises(ValueError, match=rf"the state dict.*{message}|^{message}"):
        from_torch(state)


def test_a_tensor_of_few_bytes_may_not_grow(torch: Any, tmp_path: Path) -> None:
    huge = torch.zeros(1).expand(10**6, 10**6)
    with pytest.raises(ValueError, match=r"the state dict takes 8000000000000 bytes in float64"):
        from_torch({"a.weight": huge})
    torch.save({"a.weight": huge}, tmp_path / "huge.pt")
    with pytest.raises(ValueError, match=r"huge.pt takes 8000000000000 bytes in float64"):
        from_torch(tmp_path / "huge.pt")


class Marked:
    """Leaves a mark when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_nothing_in_a_file_runs(torch: Any, tmp_path: Path) -> None:
    torch.save({"a.weight": Marked(tmp_path / "mark")}, tmp_path / "file.pt")
    with pytest.raises(
        ValueError, match=r"file.pt holds more than tensors.*is not run to find out"
    ):
        from_torch(tmp_path / "file.pt")
    assert not (tmp_path / "mark").exists()


def test_refuses_files(torch: Any, tmp_path: Path) -> None:
    path = tmp_path / "file.pt"
    with pytest.raises(FileNotFoundError):
        from_torch(path)
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU()), path)
    with pytest.raises(ValueError, match=r"holds more than tensors.*module.state_dict\(\)"):
        from_torch(path)
    torch.save(torch.ones(3), path)
    with pytest.raises(ValueError, match=r"holds a Tensor, but must hold a state dict"):
        from_torch(path)
    whole = path.read_bytes()
    for content in (b"", b"nonsense", whole[: len(whole) // 2], whole[:40] + b"\0" * 400):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"is not a PyTorch file|holds more than tensors"):
            from_torch(path)
    torch.save(OrderedDict({"a.weight": torch.ones(100, 100)}), path)
    with pytest.raises(ValueError, match=r"takes \d+ bytes, but max_bytes is 20000"):
        from_torch(path, max_bytes=20000)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 10**7)
    assert path.stat().st_size < 10**5
    with pytest.raises(ValueError, match=r"takes 10000000 bytes, but max_bytes is 1000000"):
        from_torch(path, max_bytes=10**6)


# ONNX ---------------------------------------------------------------------------------------------


def hidden_layer(shape: tuple[int | str, ...] = (1, 3)) -> ModelBuilder:
    builder = ModelBuilder(shape)
    return builder.add("MatMul", "...", builder.parameter(np.ones((3, 2)))).add("Relu")


def onnx_pair(operator: str) -> ModelBuilder:
    builder = hidden_layer()
    return builder.add(operator, "...", builder.current)


def onnx_constant(operator: str, values: Any, **attributes: Any) -> ModelBuilder:
    builder = hidden_layer()
    return builder.add(operator, "...", builder.parameter(values), **attributes)


def onnx_integers(operator: str, values: Any, **attributes: Any) -> ModelBuilder:
    builder = hidden_layer()
    return builder.add(operator, "...", builder.integers(values), **attributes)


def onnx_batch_norm(**attributes: Any) -> ModelBuilder:
    builder = hidden_layer()
    names = [builder.parameter(np.ones(2)) for _ in range(4)]
    return builder.add("BatchNormalization", "...", *names, **attributes)


def onnx_reciprocal() -> ModelBuilder:
    builder = hidden_layer()
    return builder.add("Div", builder.parameter([1.0, 1.0]), "...")


def onnx_growing() -> ModelBuilder:
    """A constant that doubles again and again."""
    builder = hidden_layer()
    data, builder.current = builder.current, builder.integers([1, 2])
    for _ in range(40):
        builder.add("Concat", builder.current, builder.current, axis=0)
    return builder.add("Reshape", data, "...")


ONNX_MODELS: dict[str, tuple[Callable[[], ModelBuilder], str]] = {
    "tanh": (
        lambda: hidden_layer().add("Tanh"),
        r"node 'n2' \(Tanh\) is not supported; what is: Add",
    ),
    "softmax": (
        lambda: hidden_layer().add("Softmax"),
        r"node 'n2' \(Softmax\) is not piecewise linear; .*drop_output_activation=True",
    ),
    "slopes": (
        lambda: hidden_layer().add("Neg").add("LeakyRelu", alpha=0.5),
        r"node 'n3' \(LeakyRelu\) has the negative slope 0.5, after layers of 0.0",
    ),
    "slopes of one layer": (
        lambda: onnx_constant("PRelu", [0.0, 0.5]),
        r"node 'n2' \(PRelu\) has several negative slopes",
    ),
    "linear": (
        lambda: ModelBuilder((1, 3)).add("Neg"),
        "the graph has no ReLU: a relufast.Network needs a hidden layer",
    ),
    "joins": (lambda: onnx_pair("Add"), r"node 'n2' \(Add\) joins two values that depend on the"),
    "product": (lambda: onnx_pair("MatMul"), r"node 'n2' \(MatMul\) needs a constant as input 1"),
    "reciprocal": (onnx_reciprocal, r"node 'n2' \(Div\) divides by a value that depends on"),
    "expands": (
        lambda: onnx_constant("Add", np.ones((4, 2))),
        r"node 'n2' \(Add\) combines shape \(1, 2\) with a constant of shape \(4, 2\)",
    ),
    "misfits": (
        lambda: onnx_constant("Add", np.ones(3)),
        r"node 'n2' \(Add\) combines shape \(1, 2\) with a constant of shape \(3,\)",
    ),
    "matmul": (
        lambda: onnx_constant("MatMul", np.ones((3, 2))),
        r"node 'n2' \(MatMul\) cannot multiply shape \(1, 2\) by shape \(3, 2\)",
    ),
    "matmul of a stack": (
        lambda: onnx_constant("MatMul", np.ones((1, 2, 2))),
        r"node 'n2' \(MatMul\) has a constant of shape \(1, 2, 2\), but needs a matrix",
    ),
    "gemm": (
        lambda: onnx_constant("Gemm", np.ones((3, 2))),
        r"node 'n2' \(Gemm\) cannot multiply shape \(1, 2\) by shape \(3, 2\)",
    ),
    "batch": (
        lambda: hidden_layer((32, 3)),
        r"node 'n0' \(MatMul\) acts on 32 rows at once; .* a batch of 1 or of variable length",
    ),
    "training": (
        lambda: onnx_batch_norm(training_mode=1),
        r"node 'n2' \(BatchNormalization\) is in training mode",
    ),
    "reshape": (
        lambda: onnx_integers("Reshape", [1, 3]),
        r"node 'n2' \(Reshape\) cannot give shape \(1, 2\) the shape \(1, 3\)",
    ),
    "reshape with two unknown lengths": (
        lambda: onnx_integers("Reshape", [-1, -1]),
        r"node 'n2' \(Reshape\) cannot give shape \(1, 2\) the shape \(-1, -1\)",
    ),
    "reshape that keeps too much": (
        lambda: onnx_integers("Reshape", [1, 2, 0]),
        r"node 'n2' \(Reshape\) cannot keep a dimension of shape \(1, 2\)",
    ),
    "squeeze": (
        lambda: onnx_integers("Squeeze", [1]),
        r"node 'n2' \(Squeeze\) squeezes axes \[1\] of shape \(1, 2\)",
    ),
    "axes": (
        lambda: onnx_integers("Unsqueeze", [7]),
        r"node 'n2' \(Unsqueeze\) has axes \[7\], for 3 dimensions",
    ),
    "growing": (onnx_growing, r"node 'n7' \(Concat\) joins values that are no short lists"),
    "cast": (
        lambda: hidden_layer().add("Cast", to=6),
        r"node 'n2' \(Cast\) casts to INT32, which rounds",
    ),
    "lengths": (
        lambda: hidden_layer(("batch", "features")),
        "the input 'x' has dimensions of unknown length: only the first may vary",
    ),
}


@pytest.mark.parametrize(("make", "message"), ONNX_MODELS.values(), ids=ONNX_MODELS)
def test_refuses_models(onnx: Any, make: Callable[[], ModelBuilder], message: str) -> None:
    with pytest.raises(UnsupportedLayerError, match=rf"^{message}"):
        from_onnx(make().model())


def test_refuses_graphs_of_several_inputs_or_outputs(onnx: Any) -> None:
    builder = hidden_layer()
    with pytest.raises(UnsupportedLayerError, match=r"needs one output, but has 'v0', 'v1'"):
        from_onnx(builder.model(("v0", "v1")))
    builder.inputs.append(tensor_info("y", np.float64, (1,)))
    with pytest.raises(UnsupportedLayerError, match=r"needs one input, but has 'x', 'y'"):
        from_onnx(builder.model())
    builder = hidden_layer()
    builder.current = builder.constant_node([1.0])
    with pytest.raises(
        UnsupportedLayerError, match=r"the output 'v2' does not depend on the input"
    ):
        from_onnx(builder.model())


def test_refuses_other_domains(onnx: Any) -> None:
    builder = hidden_layer().add("Relu", domain="elsewhere")
    model = builder.model()
    model.opset_import.append(onnx.helper.make_opsetid("elsewhere", 1))
    with pytest.raises(
        UnsupportedLayerError, match=r"'n2' .Relu. of the domain 'elsewhere' is not"
    ):
        from_onnx(model)


def test_refuses_numbers_of_a_model(onnx: Any) -> None:
    with pytest.raises(ValueError, match=r"\(Mul\): constant\[1\] is inf, but must be finite"):
        from_onnx(onnx_constant("Mul", [1.0, np.inf]).model())
    with pytest.raises(ValueError, match=r"\(Div\): it divides by zero"):
        from_onnx(onnx_constant("Div", [1.0, 0.0]).model())
    builder = hidden_layer()
    model = builder.add("Add", "...", builder.parameter([1j], np.complex128)).model()
    with pytest.raises(ValueError, match=r"the initializer 'p1' has type COMPLEX128, but needs"):
        from_onnx(model)


def test_refuses_invalid_models(onnx: Any) -> None:
    model = hidden_layer().model()
    model.graph.node[1].input[0] = "nothing"
    with pytest.raises(ValueError, match=r"^the model is not a valid ONNX model: Nodes in a graph"):
        from_onnx(model)
    model = hidden_layer().model()
    model.graph.initializer[0].raw_data = b"\0" * 9
    with pytest.raises(ValueError, match=r"not a valid ONNX model|does not have the data of its"):
        from_onnx(model)
    with pytest.raises(ValueError, match=r"the model has operator set 6, but needs 7 or later"):
        from_onnx(ModelBuilder((1, 3), opset=6).add("Relu").model())


def test_sizes_are_bounded(onnx: Any, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"'p0': constants up to here take 48 bytes in float64, but"
    ):
        from_onnx(hidden_layer().model(), max_bytes=47)
    with pytest.raises(ValueError, match=r"the input 'x' takes 8000000 bytes in float64, but max"):
        from_onnx(ModelBuilder((10**6,)).add("Relu").model(), max_bytes=10**6)
    onnx.save(hidden_layer().model(), tmp_path / "m.onnx")
    with pytest.raises(ValueError, match=r"m.onnx takes more than 100 bytes, which is max_bytes"):
        from_onnx(tmp_path / "m.onnx", max_bytes=100)
    model = hidden_layer().model()
    model.graph.initializer[0].dims[:] = [10**9, 10**9]
    with pytest.raises(ValueError, match=r"valid ONNX model|constants up to here take 8"):
        from_onnx(model)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x08", b"\xff" * 100])
def test_refuses_files_that_are_not_onnx(onnx: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=r"file.onnx is not (an ONNX file|a valid ONNX model)"):
        from_onnx(tmp_path / "file.onnx")


def test_a_truncated_file_gives_a_clear_error(onnx: Any, tmp_path: Path) -> None:
    whole = hidden_layer().model().SerializeToString()
    for length in range(len(whole)):
        (tmp_path / "file.onnx").write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"."):
            from_onnx(tmp_path / "file.onnx")
    with pytest.raises(FileNotFoundError):
        from_onnx(tmp_path / "none.onnx")


def changed_bytes(whole: bytes, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    content = bytearray(whole)
    for place in rng.integers(len(content), size=rng.integers(1, 4)):
        content[place] = rng.integers(256)
    return bytes(content)


def test_a_damaged_onnx_file_gives_a_clear_error(onnx: Any, tmp_path: Path) -> None:
    path = tmp_path / "file.onnx"
    whole = onnx_batch_norm().model().SerializeToString()
    refused: list[type] = []
    for seed in range(500):
        path.write_bytes(changed_bytes(whole, seed))
        try:
            from_onnx(path, max_bytes=10**6)
        except ValueError as error:
            refused.append(type(error))
    assert len(refused) > 150
    assert set(refused) <= {ValueError, UnsupportedLayerError}  # Not one from the inside.


def test_a_damaged_torch_file_gives_a_clear_error(torch: Any, tmp_path: Path) -> None:
    path = tmp_path / "file.pt"
    torch.save({"a.weight": torch.ones(2, 3), "b.weight": torch.ones(1, 2)}, path)
    whole = path.read_bytes()
    refused: list[type] = []
    for seed in range(300):
        path.write_bytes(changed_bytes(whole, seed))
        try:
            from_torch(path, max_bytes=10**6)
        except (ValueError, TypeError) as error:
            refused.append(type(error))
    assert len(refused) > 30
    assert set(refused) <= {ValueError, TypeError, UnsupportedLayerError}


def with_external_data(tmp_path: Path, onnx: Any, **entries: str) -> Path:
    """A file whose only parameter lies at a location, which is outside of its folder or not."""
    folder = tmp_path / "folder"
    folder.mkdir(exist_ok=True)
    model = hidden_layer().model()
    tensor = model.graph.initializer[0]
    for place in (tmp_path / "secret.bin", folder / "weights.bin"):
        place.write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder / "model.onnx"


def test_external_data_that_is_right(onnx: Any, tmp_path: Path) -> None:
    assert from_onnx(with_external_data(tmp_path, onnx, location="weights.bin")).widths == (3, 2, 2)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"location": "../secret.bin"}, "only a path inside the folder of the model's file is"),
        ({"location": "sub/../../secret.bin"}, "only a path inside the folder"),
        ({"location": "..\\secret.bin"}, "only a path inside the folder"),
        ({"location": "C:secret.bin"}, "only a path inside the folder"),
        ({"location": "/etc/passwd"}, "only a path inside the folder"),
        ({"location": "weights.bin\0"}, "only a path inside the folder"),
        ({}, "external data at '', but only a path inside"),
        ({"location": "link.bin"}, "a link that leads out of the folder"),
        ({"location": "linked/secret.bin"}, "a link that leads out of the folder"),
        ({"location": "."}, "which is no file"),
        ({"location": "none.bin"}, "which is no file"),
        ({"location": "weights.bin", "offset": "8"}, "weights.bin ends before byte 56"),
        ({"location": "weights.bin", "offset": "-8"}, "offset of external data is '-8', but needs"),
        ({"location": "weights.bin", "offset": "1e3"}, "offset of external data is '1e3', but"),
        (
            {"location": "weights.bin", "length": "40"},
            "has 40 bytes of external data, but needs 48",
        ),
    ],
)
def test_external_data_stays_inside(
    onnx: Any, tmp_path: Path, entries: dict[str, str], message: str
) -> None:
    path = with_external_data(tmp_path, onnx, **entries)
    (path.parent / "link.bin").symlink_to(tmp_path / "secret.bin")
    (path.parent / "linked").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(ValueError, match=rf"^the initializer 'p0'.*{message}"):
        from_onnx(path)


def test_a_model_in_memory_has_its_data(onnx: Any, tmp_path: Path) -> None:
    path = with_external_data(tmp_path, onnx, location="weights.bin")
    model = onnx.load(path, load_external_data=False)
    with pytest.raises(ValueError, match=r"'p0' has external data: give from_onnx the path"):
        from_onnx(model)


# scikit-learn -------------------------------------------------------------------------------------


def sklearn_models() -> dict[str, tuple[Callable[[], Any], type[Exception], str]]:
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LinearRegression
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    X = np.random.default_rng(1).random((20, 2))
    quick = {"max_iter": 12, "tol": 1e15, "n_iter_no_change": 1}  # No warning that it goes on.

    def mlp(**options: Any) -> Any:
        return MLPRegressor(hidden_layer_sizes=(3,), **quick, **options)

    def fit(*steps: Any) -> Any:
        return make_pipeline(*steps).fit(X, X[:, 0])

    return {
        "other": (
            lambda: LinearRegression(),
            TypeError,
            "estimator is LinearRegression, but needs an MLPClassifier",
        ),
        "other in a pipeline": (
            lambda: fit(StandardScaler(), LinearRegression()),
            TypeError,
            r"estimator is step 'linearregression' \(LinearRegression\), but needs",
        ),
        "not fitted": (lambda: mlp(), ValueError, "MLPRegressor is not fitted: call fit first"),
        "scaler not fitted": (
            lambda: make_pipeline(StandardScaler(), mlp()),
            ValueError,
            r"step 'standardscaler' \(StandardScaler\) is not fitted",
        ),
        "tanh": (
            lambda: mlp(activation="tanh").fit(X, X[:, 0]),
            UnsupportedLayerError,
            "MLPRegressor has the activation 'tanh', but needs 'relu'",
        ),
        "identity": (
            lambda: mlp(activation="identity").fit(X, X[:, 0]),
            UnsupportedLayerError,
            "MLPRegressor has the activation 'identity', but needs 'relu'",
        ),
        "no hidden layer": (
            lambda: MLPRegressor(hidden_layer_sizes=(), **quick).fit(X, X[:, 0]),
            UnsupportedLayerError,
            "MLPRegressor has no ReLU: a relufast.Network needs a hidden layer",
        ),
        "classifier": (
            lambda: MLPClassifier(hidden_layer_sizes=(3,), **quick).fit(X, X[:, 0] > 0.5),
            UnsupportedLayerError,
            "MLPClassifier: logistic at the output is not piecewise linear; .*drop_output_activ",
        ),
        "pca": (
            lambda: fit(PCA(), mlp()),
            UnsupportedLayerError,
            r"step 'pca' \(PCA\) is not supported in a pipeline; what is: StandardScaler, Min",
        ),
        "clip": (
            lambda: fit(MinMaxScaler(clip=True), mlp()),
            UnsupportedLayerError,
            r"step 'minmaxscaler' \(MinMaxScaler\) clips its output",
        ),
    }


SKLEARN_MODELS = [
    "other",
    "other in a pipeline",
    "not fitted",
    "scaler not fitted",
    "tanh",
    "identity",
    "no hidden layer",
    "classifier",
    "pca",
    "clip",
]


@pytest.mark.parametrize("name", SKLEARN_MODELS)
def test_refuses_estimators(name: str) -> None:
    pytest.importorskip("sklearn")
    make, error, message = sklearn_models()[name]
    with pytest.raises(error, match=rf"^{message}"):
        from_sklearn(make())


def test_names_of_the_interface() -> None:
    assert relufast.interop.__all__ == [
        "UnsupportedLayerError",
        "from_onnx",
        "from_sklearn",
        "from_torch",
    ]
