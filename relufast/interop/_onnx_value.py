"""What flows through an ONNX graph: constants, and what depends on the input."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from relufast.interop._chain import Chain
from relufast.interop._errors import UnsupportedLayerError

Constant = NDArray[Any]


@dataclass(frozen=True)
class Tensor:
    """A value that depends on the input: that of the chain, in C order, in this shape."""

    chain: Chain
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)


Value = Tensor | Constant | None


@dataclass(frozen=True)
class Node:
    """A node, its inputs and attributes.

    Attributes
    ----------
    inputs : list of Tensor, ndarray or None
        None for optional ones that are not given.
    drop : bool
        Whether a softmax or sigmoid at the output is left out.
    """

    proto: onnx.NodeProto
    inputs: list[Value]
    drop: bool
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As messages call it."""
        return f"node {self.proto.name or self.proto.output[0]!r} ({self.proto.op_type})"

    def refuse(self, reason: str) -> UnsupportedLayerError:
        return UnsupportedLayerError(f"{self.name} {reason}")

    def input(self, index: int) -> Value:
        return self.inputs[index] if index < len(self.inputs) else None

    def tensor(self, index: int = 0) -> Tensor:
        """An input that has to depend on the network's."""
        value = self.input(index)
        if not isinstance(value, Tensor):
            raise self.refuse(f"needs a value that depends on the network's input as input {index}")
        return value

    def constant(self, index: int) -> Constant:
        value = self.input(index)
        if not isinstance(value, np.ndarray):
            raise self.refuse(f"needs a constant as input {index}")
        return value

    def integers(self, index: int, attribute: str | None = None) -> list[int] | None:
        """A short list, given as an input or, in older operator sets, as an attribute."""
        if attribute is not None and attribute in self.attributes:
            return [int(i) for i in self.attributes[attribute]]
        if self.input(index) is None:
            return None
        array = self.constant(index)
        if array.dtype != np.int64 or array.ndim > 1:
            raise self.refuse(f"needs a list of integers as input {index}")
        return [int(i) for i in array.reshape(-1)]
