"""Operators that move numbers or leave them: for constants, and for what depends on the input."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from onnx import TensorProto

from relufast.interop._onnx_value import Node, Tensor, Value

# Shape arithmetic has a few numbers; by Concat and Gather a graph could grow without end.
_MOST_INTEGERS = 64


def identity(node: Node) -> Value:
    return node.input(0)


def dropout(node: Node) -> Value:
    training = node.input(2)
    if isinstance(training, Tensor) or (training is not None and training.any()):
        raise node.refuse("is in training mode, in which it drops at random")
    return node.input(0)


def cast(node: Node) -> Value:
    to = node.attributes["to"]
    value = node.input(0)
    if isinstance(value, np.ndarray) and value.dtype == np.int64:
        if to in (TensorProto.INT32, TensorProto.INT64):
            return value
        if to in (TensorProto.FLOAT, TensorProto.DOUBLE) and (abs(value) <= 2**24).all():
            return value.astype(np.float64)
    elif isinstance(value, np.ndarray) and to == TensorProto.FLOAT:
        return value.astype(np.float32).astype(np.float64)
    elif to in (TensorProto.FLOAT, TensorProto.DOUBLE):
        return value
    raise node.refuse(f"casts to {TensorProto.DataType.Name(to)}, which rounds")


def flatten(node: Node) -> Value:
    shape = _shape(node)
    axis = node.attributes.get("axis", 1)
    if not -len(shape) <= axis <= len(shape):
        raise node.refuse(f"has axis {axis}, for shape {shape}")
    first = shape[:axis]
    return _reshaped(node, (math.prod(first), math.prod(shape[len(first) :])))


def reshape(node: Node) -> Value:
    shape = _shape(node)
    wanted = node.integers(1)
    if wanted is None:
        raise node.refuse("has no shape")
    if not node.attributes.get("allowzero", 0):
        if any(length == 0 and i >= len(shape) for i, length in enumerate(wanted)):
            raise node.refuse(f"cannot keep a dimension of shape {shape} as shape {wanted} asks")
        wanted = [length or shape[i] for i, length in enumerate(wanted)]
    if wanted.count(-1) == 1:
        rest = -math.prod(wanted)
        wanted[wanted.index(-1)] = math.prod(shape) // rest if rest > 0 else 0
    return _reshaped(node, tuple(wanted))


def squeeze(node: Node) -> Value:
    shape = _shape(node)
    axes = node.integers(1, "axes")
    if axes is None:
        return _reshaped(node, tuple(length for length in shape if length != 1))
    chosen = _axes(node, axes, len(shape))
    if any(shape[axis] != 1 for axis in chosen):
        raise node.refuse(f"squeezes axes {axes} of shape {shape}, which are not of length 1")
    return _reshaped(node, tuple(n for axis, n in enumerate(shape) if axis not in chosen))


def unsqueeze(node: Node) -> Value:
    axes = node.integers(1, "axes")
    if axes is None:
        raise node.refuse("has no axes")
    lengths = iter(_shape(node))
    n_axes = len(_shape(node)) + len(axes)
    chosen = _axes(node, axes, n_axes)
    return _reshaped(node, tuple(1 if a in chosen else next(lengths) for a in range(n_axes)))


def transpose(node: Node) -> Value:
    shape = _shape(node)
    axes = node.attributes.get("perm", list(reversed(range(len(shape)))))
    if sorted(axes) != list(range(len(shape))):
        raise node.refuse(f"permutes axes {list(axes)} of shape {shape}")
    value = node.input(0)
    if not isinstance(value, Tensor):
        return np.transpose(node.constant(0), axes)
    order = np.arange(value.size).reshape(shape).transpose(axes)
    return Tensor(value.chain.permute(order.reshape(-1), node.name), order.shape)


def shape_of(node: Node) -> Value:
    if "start" in node.attributes or "end" in node.attributes:
        raise node.refuse("asks for a part of a shape")
    return np.array(_shape(node), dtype=np.int64)


def gather(node: Node) -> Value:
    integers, index = _few_integers(node, 0), _few_integers(node, 1)
    fits = integers.ndim == 1 and node.attributes.get("axis", 0) == 0
    if not fits or (abs(2 * index + 1) > 2 * len(integers)).any():
        raise node.refuse("takes a part of a value that is no list, or beyond its end")
    return np.asarray(integers[index])


def concat(node: Node) -> Value:
    lists = [_few_integers(node, i) for i in range(len(node.inputs))]
    joined = sum(len(integers) if integers.ndim == 1 else _MOST_INTEGERS + 1 for integers in lists)
    if joined > _MOST_INTEGERS:
        raise node.refuse("joins values that are no short lists of integers")
    return np.concatenate(lists)


def _shape(node: Node) -> tuple[int, ...]:
    value = node.input(0)
    return value.shape if isinstance(value, Tensor) else node.constant(0).shape


def _reshaped(node: Node, shape: tuple[int, ...]) -> Value:
    if min(shape, default=0) < 0 or math.prod(shape) != math.prod(_shape(node)):
        raise node.refuse(f"cannot give shape {_shape(node)} the shape {shape}")
    value = node.input(0)
    if isinstance(value, Tensor):
        return Tensor(value.chain, shape)
    return node.constant(0).reshape(shape)


def _axes(node: Node, axes: list[int], n_axes: int) -> set[int]:
    if any(not -n_axes <= axis < n_axes for axis in axes):
        raise node.refuse(f"has axes {axes}, for {n_axes} dimensions")
    return {axis % n_axes for axis in axes}


def _few_integers(node: Node, index: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    array = node.constant(index)
    if array.dtype != np.int64 or array.size > _MOST_INTEGERS:
        raise node.refuse("is for the shapes of values only")
    return array


SHAPE_OPERATORS: dict[str, Callable[[Node], Value]] = {
    "Cast": cast,
    "Concat": concat,
    "Dropout": dropout,
    "Flatten": flatten,
    "Gather": gather,
    "Identity": identity,
    "Reshape": reshape,
    "Shape": shape_of,
    "Squeeze": squeeze,
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
}
