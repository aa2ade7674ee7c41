"""Operators that compute."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from relufast.interop._chain import Chain
from relufast.interop._onnx_value import Constant, Node, Tensor, Value


def matmul(node: Node) -> Value:
    if isinstance(node.input(0), np.ndarray):
        return _matmul_from_left(node, node.constant(0), node.tensor(1))
    tensor, matrix = node.tensor(0), node.constant(1)
    _require_matrix(node, matrix)
    rows = math.prod(tensor.shape[:-1])
    if rows != 1:
        raise _refuse_rows(node, rows)
    if not tensor.shape or tensor.shape[-1] != matrix.shape[0]:
        raise node.refuse(f"cannot multiply shape {tensor.shape} by shape {matrix.shape}")
    chain = tensor.chain.dense(matrix.reshape(len(matrix), -1).T, None, node.name)
    return Tensor(chain, (*tensor.shape[:-1], *matrix.shape[1:]))


def gemm(node: Node) -> Value:
    tensor, matrix = node.tensor(0), node.constant(1)
    shape = tensor.shape[::-1] if node.attributes.get("transA", 0) else tensor.shape
    weights = matrix if node.attributes.get("transB", 0) else matrix.T
    if len(shape) != 2 or weights.ndim != 2 or shape[1] != weights.shape[1]:
        raise node.refuse(f"cannot multiply shape {tensor.shape} by shape {matrix.shape}")
    if shape[0] != 1:
        raise _refuse_rows(node, shape[0])
    result = (1, len(weights))
    chain = tensor.chain.dense(weights, None, node.name)
    alpha, beta = node.attributes.get("alpha", 1.0), node.attributes.get("beta", 1.0)
    if alpha != 1.0:
        chain = chain.scale(alpha, node.name)
    if node.input(2) is not None:
        offsets = _broadcast(node, beta * node.constant(2), result)
        chain = chain.shift(offsets, node.name)
    return Tensor(chain, result)


def add(node: Node) -> Value:
    tensor, constant, _ = _operands(node)
    return _elementwise(node, tensor, constant, lambda chain, c: chain.shift(c, node.name))


def subtract(node: Node) -> Value:
    tensor, constant, is_first = _operands(node)
    if is_first:
        return _elementwise(node, tensor, -constant, lambda chain, c: chain.shift(c, node.name))
    negative = tensor.chain.scale(-1.0, node.name)
    tensor = Tensor(negative, tensor.shape)
    return _elementwise(node, tensor, constant, lambda chain, c: chain.shift(c, node.name))


def multiply(node: Node) -> Value:
    tensor, constant, _ = _operands(node)
    return _elementwise(node, tensor, constant, lambda chain, c: chain.scale(c, node.name))


def divide(node: Node) -> Value:
    tensor, constant, is_first = _operands(node)
    if not is_first:
        raise node.refuse("divides by a value that depends on the input")
    return _elementwise(node, tensor, constant, lambda chain, c: chain.divide(c, node.name))


def negate(node: Node) -> Value:
    tensor = node.tensor()
    return Tensor(tensor.chain.scale(-1.0, node.name), tensor.shape)


def relu(node: Node) -> Value:
    tensor = node.tensor()
    return Tensor(tensor.chain.relu(0.0, node.name), tensor.shape)


def leaky_relu(node: Node) -> Value:
    tensor = node.tensor()
    # The default is that of the standard, a float32 as a given alpha is.
    slope = node.attributes.get("alpha", float(np.float32(0.01)))
    return Tensor(tensor.chain.relu(slope, node.name), tensor.shape)


def prelu(node: Node) -> Value:
    tensor, slopes = node.tensor(0), node.constant(1).reshape(-1)
    if not len(slopes) or (slopes != slopes[0]).any():
        raise node.refuse(
            "has several negative slopes: a relufast.Network has one for all its layers"
        )
    return Tensor(tensor.chain.relu(slopes[0], node.name), tensor.shape)


def batch_normalisation(node: Node) -> Value:
    # Before operator set 14, outputs beside the first are what says that it trains.
    trains = node.attributes.get("training_mode", 0) or any(node.proto.output[1:])
    if trains or not node.attributes.get("spatial", 1):
        raise node.refuse("is in training mode, or not spatial")
    tensor = node.tensor(0)
    if len(tensor.shape) < 2:
        raise node.refuse(f"needs a batch and channels, but gets shape {tensor.shape}")
    weight, bias, mean, variance = (_per_channel(node, i, tensor) for i in range(1, 5))
    epsilon = node.attributes.get("epsilon", float(np.float32(1e-5)))
    chain = tensor.chain.normalise(mean, variance, epsilon, weight, bias, node.name)
    return Tensor(chain, tensor.shape)


def output_activation(node: Node) -> Value:
    tensor = node.tensor()
    return Tensor(tensor.chain.output_activation(node.name, drop=node.drop), tensor.shape)


def _matmul_from_left(node: Node, matrix: Constant, tensor: Tensor) -> Value:
    """A constant times a column, as some exporters write W x."""
    _require_matrix(node, matrix)
    shape = tensor.shape
    inner = shape[-1] if len(shape) == 1 else shape[-2] if shape else 0
    if inner != matrix.shape[-1]:
        raise node.refuse(f"cannot multiply shape {matrix.shape} by shape {shape}")
    if tensor.size != inner:
        raise _refuse_rows(node, tensor.size // inner)
    chain = tensor.chain.dense(matrix.reshape(-1, inner), None, node.name)
    return Tensor(chain, (*shape[:-2], *matrix.shape[:-1], *shape[-1:][len(shape) == 1 :]))


def _require_matrix(node: Node, matrix: Constant) -> None:
    if matrix.ndim not in (1, 2):
        raise node.refuse(f"has a constant of shape {matrix.shape}, but needs a matrix")


def _refuse_rows(node: Node, rows: int) -> Exception:
    return node.refuse(
        f"acts on {rows} rows at once; a relufast.Network takes one point: export the model with a "
        "batch of 1 or of variable length"
    )


def _operands(node: Node) -> tuple[Tensor, Constant, bool]:
    """What depends on the input, the constant, and whether they come in this order."""
    is_first = isinstance(node.input(0), Tensor)
    if is_first and isinstance(node.input(1), Tensor):
        raise node.refuse(
            "joins two values that depend on the input: a relufast.Network is one layer after the "
            "other"
        )
    tensor, constant = (0, 1) if is_first else (1, 0)
    return node.tensor(tensor), node.constant(constant), is_first


def _elementwise(
    node: Node, tensor: Tensor, constant: Constant, apply: Callable[[Chain, Constant], Chain]
) -> Value:
    try:
        shape = np.broadcast_shapes(tensor.shape, constant.shape)
    except ValueError:
        shape = ()
    if math.prod(shape) != tensor.size:
        raise node.refuse(
            f"combines shape {tensor.shape} with a constant of shape {constant.shape}, which does "
            "not give one number for each"
        )
    return Tensor(apply(tensor.chain, _broadcast(node, constant, shape)), shape)


def _broadcast(node: Node, constant: Constant, shape: tuple[int, ...]) -> Constant:
    try:
        return np.broadcast_to(constant, shape).reshape(-1)
    except ValueError:
        raise node.refuse(f"has a constant of shape {constant.shape}, for {shape}") from None


def _per_channel(node: Node, index: int, tensor: Tensor) -> Constant:
    constant = node.constant(index)
    channels = tensor.shape[1]
    if constant.shape != (channels,):
        raise node.refuse(f"has {constant.shape} numbers for {channels} channels")
    of_axes = constant.reshape(1, channels, *(1 for _ in tensor.shape[2:]))
    return _broadcast(node, of_axes, tensor.shape)


LAYER_OPERATORS: dict[str, Callable[[Node], Value]] = {
    "Add": add,
    "BatchNormalization": batch_normalisation,
    "Div": divide,
    "Gemm": gemm,
    "LeakyRelu": leaky_relu,
    "LogSoftmax": output_activation,
    "MatMul": matmul,
    "Mul": multiply,
    "Neg": negate,
    "PRelu": prelu,
    "Relu": relu,
    "Sigmoid": output_activation,
    "Softmax": output_activation,
    "Sub": subtract,
}
