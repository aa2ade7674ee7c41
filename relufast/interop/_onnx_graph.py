"""Graphs, node by node."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from relufast.interop._chain import Chain
from relufast.interop._errors import UnsupportedLayerError
from relufast.interop._onnx_file import TensorReader
from relufast.interop._onnx_layers import LAYER_OPERATORS
from relufast.interop._onnx_shapes import SHAPE_OPERATORS
from relufast.interop._onnx_value import Constant, Node, Tensor, Value
from relufast.network import Network

_OPERATORS = {**LAYER_OPERATORS, **SHAPE_OPERATORS}


def network(
    model: onnx.ModelProto, folder: Path | None, max_bytes: int, *, drop_output_activation: bool
) -> Network:
    graph = model.graph
    reader = TensorReader(folder, max_bytes)
    nodes = _needed_nodes(graph)
    used = {name for node in nodes for name in node.input}
    values: dict[str, Value] = {"": None}
    for sparse in graph.sparse_initializer:
        if sparse.values.name in used:
            raise UnsupportedLayerError(f"the initializer {sparse.values.name!r} is sparse")
    for tensor in graph.initializer:
        if tensor.name in used:
            values[tensor.name] = reader.array(tensor, f"the initializer {tensor.name!r}")
    initial = {tensor.name for tensor in graph.initializer}
    inputs = [given for given in graph.input if given.name not in initial]
    if len(inputs) != 1:
        raise UnsupportedLayerError(f"the graph needs one input, but has {_names(inputs)}")
    shape = _input_shape(inputs[0], max_bytes)
    size = math.prod(shape)
    values[inputs[0].name] = Tensor(Chain(n_inputs=size, width=size), shape)
    for proto in nodes:
        operands = [_operand(values, name, proto) for name in proto.input]
        node = Node(proto, operands, drop_output_activation, _attributes(proto))
        values[proto.output[0]] = _result(node, reader)
    output = values.get(graph.output[0].name)
    if not isinstance(output, Tensor):
        raise UnsupportedLayerError(
            f"the output {graph.output[0].name!r} does not depend on the input"
        )
    return output.chain.network("the graph")


def _operand(values: dict[str, Value], name: str, proto: onnx.NodeProto) -> Value:
    if name not in values:
        # The checker has made sure that something before the node gives it.
        raise UnsupportedLayerError(
            f"node {proto.name or proto.output[0]!r} ({proto.op_type}) uses {name!r}, which is not "
            "the first output of its node"
        )
    return values[name]


def _needed_nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Those that the output needs, in order: what others do does not matter."""
    if len(graph.output) != 1:
        raise UnsupportedLayerError(f"the graph needs one output, but has {_names(graph.output)}")
    needed = {graph.output[0].name}
    nodes = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            nodes.append(node)
            needed.update(node.input)
    return nodes[::-1]


def _result(node: Node, reader: TensorReader) -> Value:
    proto = node.proto
    if proto.domain in ("", "ai.onnx"):
        if proto.op_type == "Constant":
            return _constant(node, reader)
        if proto.op_type in _OPERATORS:
            return _OPERATORS[proto.op_type](node)
    domain = f" of the domain {proto.domain!r}" if proto.domain else ""
    raise UnsupportedLayerError(
        f"{node.name}{domain} is not supported; what is: {', '.join(sorted(_OPERATORS))}"
    )


def _constant(node: Node, reader: TensorReader) -> Constant:
    for kind, value in node.attributes.items():
        if kind == "value":
            return reader.array(value, node.name)
        if kind in ("value_float", "value_floats"):
            return np.array(value, dtype=np.float64)
        if kind in ("value_int", "value_ints"):
            return np.array(value, dtype=np.int64)
    raise node.refuse("has no numbers")


def _attributes(proto: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: onnx.helper.get_attribute_value(a) for a in proto.attribute}


def _input_shape(given: onnx.ValueInfoProto, max_bytes: int) -> tuple[int, ...]:
    """With 1 for a batch of variable length."""
    kind = given.type.tensor_type
    if not kind.HasField("shape"):
        raise UnsupportedLayerError(f"the input {given.name!r} has no shape: {_FIX_SHAPE}")
    lengths = [d.dim_value if d.HasField("dim_value") else -1 for d in kind.shape.dim]
    if len(lengths) > 1 and lengths[0] <= 0:
        lengths[0] = 1
    if min(lengths, default=1) <= 0:
        raise UnsupportedLayerError(
            f"the input {given.name!r} has dimensions of unknown length: {_FIX_SHAPE}"
        )
    if 8 * math.prod(lengths) > max_bytes:
        raise ValueError(
            f"the input {given.name!r} takes {8 * math.prod(lengths)} bytes in float64, but "
            f"max_bytes is {max_bytes}"
        )
    return tuple(lengths)


_FIX_SHAPE = "only the first may vary; onnx.tools.update_model_dims sets them"


def _names(values: Iterable[onnx.ValueInfoProto]) -> str:
    names = [repr(value.name) for value in values]
    return ", ".join(names) if names else "none"
