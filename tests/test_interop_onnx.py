"""Networks from ONNX, against the reference implementation of its operators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_models import ModelBuilder, tensor_info

import relufast
from relufast.interop import from_onnx

onnx = pytest.importorskip("onnx")
reference = pytest.importorskip("onnx.reference")

# In float64, of the largest output; of float32's forward pass by the same.
RTOL = {np.float64: 1e-12, np.float32: 1e-5}


def require_agreement(
    model: Any, shape: tuple[int, ...], dtype: Any = np.float64, network: Any = None, seed: int = 0
) -> None:
    network = network or from_onnx(model)
    X = np.random.default_rng(seed).standard_normal((20, *shape)).astype(dtype)
    evaluator = reference.ReferenceEvaluator(model)
    # NumPy's OpenBLAS may report an invalid value in float32 products of finite ones, out of
    # registers that play no part; one in a result would fail below.
    with np.errstate(invalid="ignore"):
        expected = np.array([evaluator.run(None, {"x": x})[0].reshape(-1) for x in X], np.float64)
    found = network(X.reshape(len(X), -1))
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= RTOL[dtype] * np.abs(expected).max()


class RandomModel:
    """About every operator that there is, in any order."""

    def __init__(self, seed: int, dtype: Any) -> None:
        self.rng = np.random.default_rng(seed)
        opset = int(self.rng.choice([9, 13, 17, 21]))
        self.axes_are_inputs = opset >= 13
        # Before, the reference implementation trains where the standard says that it does not.
        self.can_normalise = opset >= 14
        lengths = tuple(int(n) for n in self.rng.integers(1, 4, self.rng.integers(1, 4)))
        self.shape = self.input_shape = (1, *lengths)
        self.slope = float(self.rng.choice([0.0, 0.0, 0.25, -0.5]))
        batch = "batch" if self.rng.random() < 0.5 else 1
        self.builder = ModelBuilder((batch, *lengths), dtype, opset=opset)
        for _ in range(self.rng.integers(0, 3)):
            self.move()
            self.combine()
        for _ in range(self.rng.integers(1, 4)):
            self.flatten()
            for _ in range(self.rng.choice([0, 1, 1, 2])):
                self.dense()
            extras = [self.combine, self.move, *[self.normalise] * self.can_normalise]
            extras[self.rng.integers(len(extras))]()
            self.activate()
            if self.rng.random() < 0.3:
                self.builder.add(str(self.rng.choice(["Identity", "Dropout", "Neg"])))
        self.flatten()
        if self.rng.random() < 0.8:
            self.dense()

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    def numbers(self, *shape: int) -> np.ndarray:
        """Away from zero, because some divide."""
        return self.rng.uniform(0.5, 1.5, shape) * self.rng.choice([-1.0, 1.0], shape)

    def constant(self, values: np.ndarray) -> str:
        make = self.builder.parameter if self.rng.random() < 0.7 else self.builder.constant_node
        return make(values)

    def flatten(self) -> None:
        match self.rng.integers(3):
            case 0:
                self.builder.add("Flatten", axis=int(self.rng.choice([1, 1 - len(self.shape)])))
            case 1:
                self.builder.add("Reshape", "...", self.builder.integers([1, -1]))
            case _:
                self.builder.add("Reshape", "...", self.builder.integers([0, self.size]))
        if len(self.shape) == 1:
            raise AssertionError("a batch dimension is always there")
        self.shape = (1, self.size)

    def dense(self) -> None:
        n_out = int(self.rng.integers(1, 8))
        weights = self.numbers(n_out, self.size)
        match self.rng.integers(4):
            case 0:
                self.builder.add("MatMul", "...", self.constant(weights.T))
            case 1:
                offsets = self.numbers(*((n_out,) if self.rng.random() < 0.5 else (1, n_out)))
                self.builder.add("MatMul", "...", self.constant(weights.T))
                self.builder.add("Add", self.constant(offsets), "...")
            case 2:
                bias = self.constant(self.numbers(n_out if self.rng.random() < 0.7 else 1))
                self.builder.add("Gemm", "...", self.constant(weights), bias, transB=1)
            case _:
                # W x of a column, and back.
                self.builder.add("Transpose", perm=[1, 0])
                self.builder.add("MatMul", self.constant(weights), "...")
                self.builder.add("Transpose")
        self.shape = (1, n_out)

    def combine(self) -> None:
        """With a constant of the value's shape, of its last dimensions, or of one number."""
        lengths = [n if self.rng.random() < 0.6 else 1 for n in self.shape]
        values = self.numbers(*lengths[self.rng.integers(len(lengths) + 1) :])
        operator = str(self.rng.choice(["Add", "Sub", "Mul", "Div"]))
        operands = ["...", self.constant(values)]
        if operator != "Div" and self.rng.random() < 0.4:
            operands.reverse()
        self.builder.add(operator, *operands)

    def normalise(self) -> None:
        channels = self.shape[1]
        moments = [self.numbers(channels) for _ in range(3)]
        variance = self.rng.uniform(0.3, 3.0, channels)
        names = [self.constant(values) for values in (*moments, variance)]
        self.builder.add("BatchNormalization", "...", *names, epsilon=0.125)

    def activate(self) -> None:
        if self.slope == 0.0:
            self.builder.add("Relu")
        elif self.rng.random() < 0.5:
            self.builder.add("LeakyRelu", alpha=self.slope)
        else:
            self.builder.add("PRelu", "...", self.constant(np.full(1, self.slope)))

    def move(self) -> None:
        """The numbers about, the batch staying in front."""
        match self.rng.integers(3):
            case 0:
                perm = [0, *(1 + self.rng.permutation(len(self.shape) - 1)).tolist()]
                self.builder.add("Transpose", perm=perm)
                self.shape = tuple(self.shape[axis] for axis in perm)
            case 1:
                axis = int(self.rng.integers(1, len(self.shape) + 1))
                self.with_axes("Unsqueeze", [axis])
                self.shape = (*self.shape[:axis], 1, *self.shape[axis:])
            case _:
                axes = [a for a, n in enumerate(self.shape) if a > 0 and n == 1][:1]
                if axes and len(self.shape) > 2:
                    self.with_axes("Squeeze", axes)
                    self.shape = tuple(n for a, n in enumerate(self.shape) if a not in axes)

    def with_axes(self, op_type: str, axes: list[int]) -> None:
        if self.axes_are_inputs:
            self.builder.add(op_type, "...", self.builder.integers(axes))
        else:
            self.builder.add(op_type, axes=axes)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("seed", range(70))
def test_random_models(seed: int, dtype: Any) -> None:
    random = RandomModel(seed, dtype)
    require_agreement(random.builder.model(), random.input_shape, dtype)


def small_builder(dtype: Any = np.float64, *, opset: int = 17) -> ModelBuilder:
    """Up to the hidden layer's ReLU, of 3 inputs and 2 neurons."""
    builder = ModelBuilder((1, 3), dtype, opset=opset)
    weights = np.random.default_rng(1).standard_normal((2, 3)).astype(dtype)
    return builder.add("Gemm", "...", builder.parameter(weights), transB=1).add("Relu")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dense_layers_alone_keep_their_parameters(dtype: Any) -> None:
    rng = np.random.default_rng(1)
    first, second = (
        rng.standard_normal((4, 3)).astype(dtype),
        rng.standard_normal((2, 4)).astype(dtype),
    )
    bias = rng.standard_normal(2).astype(dtype)
    builder = ModelBuilder(("n", 3), dtype)
    builder.add("MatMul", "...", builder.parameter(first.T)).add("Relu")
    builder.add("MatMul", "...", builder.parameter(second.T))
    network = from_onnx(builder.add("Add", "...", builder.parameter(bias)).model())
    np.testing.assert_array_equal(network.weights[0], first)
    np.testing.assert_array_equal(network.weights[1], second)
    np.testing.assert_array_equal(network.biases[0], np.zeros(4))
    np.testing.assert_array_equal(network.biases[1], bias)


@pytest.mark.parametrize("opset", [9, 13, 14])
def test_batch_normalisation_is_that_of_given_moments(opset: int) -> None:
    builder = ModelBuilder((1, 2), opset=opset)
    moments = [[2.0, 3.0], [1.0, -1.0], [0.5, 0.25], [3.0, 8.0]]  # scale, bias, mean, variance
    names = [builder.parameter(values) for values in moments]
    network = from_onnx(
        builder.add("BatchNormalization", "...", *names, epsilon=1.0).add("Relu").model()
    )
    np.testing.assert_array_equal(network.weights[0], [[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_array_equal(network.biases[0], [0.5, -1.25])


def test_factors_of_gemm() -> None:
    builder = small_builder()
    weights, bias = builder.parameter([[2.0, 3.0], [-1.0, 4.0]]), builder.parameter([[5.0, 7.0]])
    model = builder.add("Gemm", "...", weights, bias, alpha=0.5, beta=-3.0).model()
    network = from_onnx(model)
    np.testing.assert_array_equal(network.weights[1], [[1.0, -0.5], [1.5, 2.0]])
    np.testing.assert_array_equal(network.biases[1], [-15.0, -21.0])
    require_agreement(model, (1, 3))


def test_gemm_of_a_column() -> None:
    builder = ModelBuilder((3, 1))
    builder.add("Gemm", "...", builder.parameter(np.eye(3) + 1.0), transA=1).add("Relu")
    require_agreement(builder.model(), (3, 1))


@pytest.mark.parametrize(
    ("shape", "matrix", "from_left"),
    [
        ((3,), (3, 2), False),
        ((3,), (3,), False),
        ((1, 3), (3,), False),
        ((1, 1, 3), (3, 2), False),
        ((3,), (2, 3), True),
        ((3, 1), (2, 3), True),
        ((3, 1), (3,), True),
        ((1, 3, 1), (2, 3), True),
    ],
)
def test_shapes_of_matmul(shape: tuple[int, ...], matrix: tuple[int, ...], from_left: bool) -> None:
    builder = ModelBuilder(shape)
    name = builder.parameter(np.random.default_rng(1).standard_normal(matrix))
    builder.add("MatMul", *((name, "...") if from_left else ("...", name))).add("Relu")
    require_agreement(builder.model(), shape)


def test_a_flattening_that_asks_for_the_batch() -> None:
    """x.view(x.size(0), -1), as PyTorch exports it for a batch that may vary."""
    builder = ModelBuilder(("batch", 3, 2))
    x = builder.current
    batch = builder.add("Shape").add("Gather", "...", builder.integers(0)).current
    one = builder.add("Unsqueeze", batch, builder.integers([0])).current
    shape = builder.add("Concat", one, builder.integers([-1]), axis=0).current
    builder.add("Reshape", x, shape)
    builder.add("MatMul", "...", builder.parameter(np.random.default_rng(1).random((6, 2))))
    require_agreement(builder.add("Relu").model(), (1, 3, 2))


def test_what_the_output_does_not_need_does_not_matter() -> None:
    builder = small_builder()
    hidden = builder.current
    builder.add("Sin", "x")
    builder.current = hidden
    assert from_onnx(builder.model()).widths == (3, 2, 2)


def test_initializers_that_are_inputs_too() -> None:
    builder = small_builder()
    builder.inputs.insert(0, tensor_info("p0", np.float64, (2, 3)))
    assert from_onnx(builder.model()).widths == (3, 2, 2)


def test_a_constant_that_is_cast_is_rounded() -> None:
    builder = ModelBuilder((1, 1), np.float32)
    double = builder.parameter([0.1], np.float64)
    rounded = builder.add("Cast", double, to=onnx.TensorProto.FLOAT).current
    network = from_onnx(builder.add("Sub", "x", rounded).add("Relu").model())
    assert network.biases[0].tolist() == [-float(np.float32(0.1))]


@pytest.mark.parametrize("ending", ["Softmax", "LogSoftmax", "Sigmoid"])
def test_an_output_activation_is_dropped_when_asked(ending: str) -> None:
    builder = small_builder()
    body = builder.model()
    network = from_onnx(builder.add(ending).add("Identity").model(), drop_output_activation=True)
    require_agreement(body, (1, 3), network=network)


@pytest.mark.parametrize("make", [str, Path])
def test_a_file(tmp_path: Path, make: Callable[[Any], Any]) -> None:
    path = tmp_path / "network.onnx"
    onnx.save(small_builder().model(), path)
    network = from_onnx(make(path))
    expected = from_onnx(small_builder().model())
    np.testing.assert_array_equal(network.weights[0], expected.weights[0])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_external_data_in_the_file_s_folder(tmp_path: Path, dtype: Any) -> None:
    path = tmp_path / "network.onnx"
    model = small_builder(dtype).model()
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (tmp_path / "weights.bin").exists()
    network = from_onnx(path)
    np.testing.assert_array_equal(
        network.weights[0], from_onnx(small_builder(dtype).model()).weights[0]
    )


def test_a_network_of_breakpoints(tmp_path: Path) -> None:
    """The whole way: a saved model's breakpoints are those of the same network by hand."""
    original = relufast.Network.random((1, 30, 30, 1), seed=5)
    builder = ModelBuilder(("batch", 1))
    for layer, (weights, biases) in enumerate(zip(original.weights, original.biases, strict=True)):
        if layer > 0:
            builder.add("Relu")
        operands = builder.parameter(weights), builder.parameter(biases)
        builder.add("Gemm", "...", *operands, transB=1)
    onnx.save(builder.model(), tmp_path / "network.onnx")
    found = relufast.breakpoints(from_onnx(tmp_path / "network.onnx"))
    np.testing.assert_array_equal(found.positions, relufast.breakpoints(original).positions)
    assert found.certified
