"""Functions and tensor methods in a traced forward.

Each converter has the arguments of PyTorch's function that it understands, under their names: any
other argument is refused with the operation.
"""

from __future__ import annotations

import enum
import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from relufast.interop._chain import Chain
from relufast.interop._errors import UnsupportedLayerError
from relufast.interop._torch_layers import one_slope
from relufast.interop._torch_numbers import float_array


class Size(enum.Enum):
    """What a forward asks about shapes, which are not known while it is traced."""

    BATCH = "the length of the first dimension"
    ALL = "the lengths of all dimensions"


@dataclass(frozen=True)
class Operation:
    """An operation as messages call it, and whether a softmax or sigmoid may be dropped."""

    name: str
    drop: bool

    def refuse(self, reason: str) -> UnsupportedLayerError:
        return UnsupportedLayerError(f"{self.name} {reason}")


def convert_operation(
    operation: Operation, op: str, target: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Chain | Size:
    converter = (_METHODS if op == "call_method" else _FUNCTIONS).get(target)
    if converter is None:
        raise operation.refuse("is not supported")
    try:
        call = inspect.signature(converter).bind(operation, *args, **kwargs)
    except TypeError as error:
        raise operation.refuse(f"is not supported with these arguments: {error}") from error
    return converter(*call.args, **call.kwargs)


_IN_PLACE_OPERATORS = (
    operator.iadd,
    operator.isub,
    operator.imul,
    operator.imatmul,
    operator.itruediv,
    operator.ifloordiv,
    operator.imod,
    operator.ipow,
    operator.iand,
    operator.ior,
    operator.ixor,
    operator.ilshift,
    operator.irshift,
)


def works_in_place(node: fx.Node, modules: Mapping[str, nn.Module]) -> bool:
    """Whether it overwrites what it is given."""
    if node.op == "call_module":
        return bool(getattr(modules[str(node.target)], "inplace", False))
    if node.op not in ("call_function", "call_method"):
        return False
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    says_so = bool(node.kwargs.get("inplace", False)) or node.kwargs.get("out") is not None
    # PyTorch's names end in an underscore then.
    return says_so or name.endswith("_") or node.target in _IN_PLACE_OPERATORS


def _same(operation: Operation, x: Any) -> Chain:
    return _input(operation, x)


def _dropout(
    operation: Operation, input: Any, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Chain:
    if training:
        raise operation.refuse("drops at random in evaluation mode too")
    return _input(operation, input)


def _relu(operation: Operation, input: Any, inplace: bool = False) -> Chain:
    return _input(operation, input).relu(0.0, operation.name)


def _leaky_relu(
    operation: Operation, input: Any, negative_slope: float = 0.01, inplace: bool = False
) -> Chain:
    return _input(operation, input).relu(negative_slope, operation.name)


def _prelu(operation: Operation, input: Any, weight: Any) -> Chain:
    return _input(operation, input).relu(one_slope(weight, operation.name), operation.name)


def _linear(operation: Operation, input: Any, weight: Any, bias: Any = None) -> Chain:
    name = operation.name
    biases = None if bias is None else float_array(bias, f"{name}: bias")
    return _input(operation, input).dense(float_array(weight, f"{name}: weight"), biases, name)


def _matmul(operation: Operation, input: Any, other: Any) -> Chain:
    chain = _input(operation, input)  # A constant in front of it would act on the batch.
    matrix = float_array(other, f"{operation.name}: weight")
    return chain.dense(matrix.T, None, operation.name)


def _add(operation: Operation, input: Any, other: Any, *, alpha: float = 1) -> Chain:
    _require_no_factor(operation, alpha)
    chain, constant = (input, other) if isinstance(input, Chain) else (other, input)
    return chain.shift(_constant(operation, chain, constant), operation.name)


def _subtract(operation: Operation, input: Any, other: Any, *, alpha: float = 1) -> Chain:
    _require_no_factor(operation, alpha)
    if isinstance(input, Chain):
        return input.shift(-_constant(operation, input, other), operation.name)
    negative = _negative(operation, other)
    return negative.shift(_constant(operation, negative, input), operation.name)


def _multiply(operation: Operation, input: Any, other: Any) -> Chain:
    chain, constant = (input, other) if isinstance(input, Chain) else (other, input)
    return chain.scale(_constant(operation, chain, constant), operation.name)


def _divide(operation: Operation, input: Any, other: Any) -> Chain:
    chain = _input(operation, input)
    return chain.divide(_constant(operation, chain, other), operation.name)


def _negative(operation: Operation, input: Any) -> Chain:
    return _input(operation, input).scale(-1.0, operation.name)


def _output_activation(
    operation: Operation, input: Any, dim: int | None = None, **_kwargs: object
) -> Chain:
    return _input(operation, input).output_activation(operation.name, drop=operation.drop)


def _flatten(operation: Operation, input: Any, start_dim: int = 0, end_dim: int = -1) -> Chain:
    if (start_dim, end_dim) != (1, -1):
        raise operation.refuse(
            f"flattens dimensions {start_dim} to {end_dim}, but needs 1 to -1, all but the batch"
        )
    return _input(operation, input)


def _reshape(operation: Operation, input: Any, *shape: Any) -> Chain:
    chain = _input(operation, input)
    lengths = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    if len(lengths) == 2:
        batch, width = lengths
        if batch is Size.BATCH and width == -1:
            return chain
        if (batch is Size.BATCH or batch == -1) and isinstance(width, int) and width > 0:
            return chain.of_width(width, operation.name)
    raise operation.refuse("has to give shape (batch, -1) or (batch, width), batch -1 or x.size(0)")


def _size(operation: Operation, input: Any, dim: int | None = None) -> Size:
    _input(operation, input)
    if dim not in (None, 0):
        raise operation.refuse("asks for a length that is not known; only that of the batch may be")
    return Size.ALL if dim is None else Size.BATCH


def _attribute(operation: Operation, input: Any, name: str) -> Size:
    if name != "shape":
        raise operation.refuse(f"asks for the attribute {name!r}")
    return _size(operation, input)


def _entry(operation: Operation, sizes: Any, index: Any) -> Size:
    if sizes is not Size.ALL or index != 0:
        raise operation.refuse("takes a part of a value or of its shape")
    return Size.BATCH


def _input(operation: Operation, value: Any) -> Chain:
    if not isinstance(value, Chain):
        raise operation.refuse("takes the input in a place where a constant is needed")
    return value


def _constant(operation: Operation, chain: Chain, value: Any) -> Any:
    if isinstance(value, Chain):
        raise operation.refuse("takes the input twice")
    if isinstance(value, torch.Tensor):
        # Integers are exact, and usual: x / 255.
        is_integer = not value.is_floating_point() and not value.is_complex()
        value = value.double() if is_integer and value.dtype != torch.bool else value
        if value.ndim > 1 and value.shape[-1] != value.numel() and not chain.is_of_input:
            # An input may be an image; after a dense layer only the last dimension is a point's.
            raise operation.refuse(
                f"has a constant of shape {tuple(value.shape)}, which mixes points"
            )
        return float_array(value, f"{operation.name}: constant")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise operation.refuse(f"has an operand of type {type(value).__name__}")
    return float(value)


def _require_no_factor(operation: Operation, alpha: object) -> None:
    if alpha != 1:
        raise operation.refuse(f"has alpha {alpha}, but needs 1")


_Converters = dict[Any, Callable[..., Chain | Size]]

_FUNCTIONS: _Converters = {
    functional.relu: _relu,
    functional.relu_: _relu,
    torch.relu: _relu,
    torch.relu_: _relu,
    functional.leaky_relu: _leaky_relu,
    functional.leaky_relu_: _leaky_relu,
    functional.prelu: _prelu,
    torch.prelu: _prelu,
    functional.linear: _linear,
    operator.matmul: _matmul,
    torch.matmul: _matmul,
    torch.mm: _matmul,
    operator.add: _add,
    operator.iadd: _add,
    torch.add: _add,
    operator.sub: _subtract,
    operator.isub: _subtract,
    torch.sub: _subtract,
    torch.subtract: _subtract,
    operator.mul: _multiply,
    operator.imul: _multiply,
    torch.mul: _multiply,
    torch.multiply: _multiply,
    operator.truediv: _divide,
    operator.itruediv: _divide,
    torch.div: _divide,
    torch.divide: _divide,
    operator.neg: _negative,
    torch.neg: _negative,
    functional.dropout: _dropout,
    functional.softmax: _output_activation,
    torch.softmax: _output_activation,
    functional.log_softmax: _output_activation,
    torch.log_softmax: _output_activation,
    functional.sigmoid: _output_activation,
    torch.sigmoid: _output_activation,
    torch.flatten: _flatten,
    torch.reshape: _reshape,
    getattr: _attribute,
    operator.getitem: _entry,
}
_METHODS: _Converters = {
    "relu": _relu,
    "relu_": _relu,
    "matmul": _matmul,
    "mm": _matmul,
    "add": _add,
    "add_": _add,
    "sub": _subtract,
    "sub_": _subtract,
    "mul": _multiply,
    "mul_": _multiply,
    "div": _divide,
    "div_": _divide,
    "neg": _negative,
    "softmax": _output_activation,
    "log_softmax": _output_activation,
    "sigmoid": _output_activation,
    "flatten": _flatten,
    "view": _reshape,
    "reshape": _reshape,
    "contiguous": _same,
    "clone": _same,
    "detach": _same,
    "float": _same,
    "double": _same,
    "size": _size,
}
