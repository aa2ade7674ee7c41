"""Modules, by the graph that torch.fx traces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import fx, nn

from relufast.interop._chain import Chain
from relufast.interop._errors import UnsupportedLayerError
from relufast.interop._torch_layers import convert_layer
from relufast.interop._torch_operations import Operation, Size, convert_operation, works_in_place
from relufast.network import Network

_ADVICE = "export the module to ONNX and use from_onnx, or build it of torch.nn layers"


def network(module: nn.Module, *, drop_output_activation: bool) -> Network:
    """What the module computes in evaluation mode; it is left as it was."""
    _require_no_hooks(module)
    with _in_evaluation_mode(module):
        return _traced_network(module, drop_output_activation=drop_output_activation)


def _traced_network(module: nn.Module, *, drop_output_activation: bool) -> Network:
    source = type(module).__name__
    graph, modules = _traced(module)
    _require_harmless_writes(graph, modules)
    values: dict[fx.Node, Any] = {}
    for node in graph.nodes:
        if node.op == "placeholder":
            values[node] = _argument(node, source, is_first=not values)
        elif node.op == "get_attr":
            values[node] = _attribute(modules[""], node.target)
        elif node.op == "output":
            result = fx.node.map_arg(node.args[0], values.__getitem__)
            if not isinstance(result, Chain):
                raise UnsupportedLayerError(
                    f"{source} returns a {type(result).__name__}, but needs to return one tensor "
                    "made of its input"
                )
            return result.network(source)
        else:
            values[node] = _Node(node, modules, drop_output_activation).value(values)
    raise AssertionError("torch.fx made a graph without an output")


class _Node:
    """One call in a graph."""

    def __init__(
        self, node: fx.Node, modules: dict[str, nn.Module], drop_output_activation: bool
    ) -> None:
        self._node = node
        self._modules = modules
        self._drop = drop_output_activation

    def value(self, values: dict[fx.Node, Any]) -> Any:
        """What it gives: a chain, something about shapes, or a constant."""
        node = self._node
        args: Any = fx.node.map_arg(node.args, values.__getitem__)
        kwargs: Any = fx.node.map_arg(node.kwargs, values.__getitem__)
        operands = [values[operand] for operand in node.all_input_nodes]
        chains = [operand for operand in operands if isinstance(operand, Chain)]
        if len(chains) > 1:
            raise UnsupportedLayerError(
                f"{self._name()} joins two values that depend on the input: a relufast.Network "
                "is one layer after the other"
            )
        if node.op == "call_module":
            if len(args) != 1 or kwargs or not chains:
                raise UnsupportedLayerError(f"{self._name()} has to be called on one tensor alone")
            layer = self._modules[str(node.target)]
            return convert_layer(layer, chains[0], self._name(), drop=self._drop)
        if not chains and not any(isinstance(operand, Size) for operand in operands):
            if works_in_place(node, self._modules):
                raise UnsupportedLayerError(f"{self._name()} overwrites numbers of the module")
            return self._constant(args, kwargs)
        operation = Operation(self._name(), self._drop)
        return convert_operation(operation, node.op, node.target, args, kwargs)

    def _constant(self, args: Any, kwargs: Any) -> Any:
        """Of constants, as PyTorch computes it."""
        target: Any = self._node.target
        with torch.no_grad():
            if self._node.op == "call_method":
                return getattr(args[0], target)(*args[1:], **kwargs)
            return target(*args, **kwargs)

    def _name(self) -> str:
        target = self._node.target
        if self._node.op == "call_module":
            return f"layer {target!r} ({type(self._modules[str(target)]).__name__})"
        called = target if isinstance(target, str) else getattr(target, "__name__", str(target))
        return f"the operation {called} ({self._node.name} in the traced forward)"


def _argument(node: fx.Node, source: str, *, is_first: bool) -> Any:
    """The input, or the default of any other argument of the forward."""
    if is_first:
        return Chain()
    if not node.args:
        raise UnsupportedLayerError(f"{source} takes more than one input")
    return node.args[0]


def _traced(module: nn.Module) -> tuple[fx.Graph, dict[str, nn.Module]]:
    tracer = fx.Tracer()
    # As parameters are: buffers at hand while it traces could be overwritten then.
    tracer.proxy_buffer_attributes = True
    # A layer alone is a leaf, whose own code tells nothing.
    alone = tracer.is_leaf_module(module, type(module).__name__)
    root = nn.Sequential(module) if alone else module
    try:
        graph = tracer.trace(root)
    # Tracing runs the module's own code, which can raise anything.
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise UnsupportedLayerError(
            f"the forward of {type(module).__name__} cannot be traced ({reason}); {_ADVICE}"
        ) from error
    return graph, dict(root.named_modules(remove_duplicate=False))


@contextmanager
def _in_evaluation_mode(module: nn.Module) -> Iterator[None]:
    """For as long as it is traced, and left as it was then.

    The code that is traced, and that of parametrizations, may ask for the mode. torch.fx keeps the
    constants that it comes upon as attributes of the module.
    """
    modes = [(part, part.training) for part in module.modules()]
    attributes = set(vars(module))
    try:
        for part, _ in modes:
            part.training = False
        yield
    finally:
        for attribute in set(vars(module)) - attributes:
            delattr(module, attribute)
        for part, mode in modes:
            part.training = mode


def _attribute(root: nn.Module, target: str) -> Any:
    value: Any = root
    for part in target.split("."):
        value = getattr(value, part)
    return value


def _require_no_hooks(module: nn.Module) -> None:
    for name, part in module.named_modules():
        if part._forward_hooks or part._forward_pre_hooks:
            raise UnsupportedLayerError(
                f"layer {name!r} ({type(part).__name__}) has a forward hook, which can change "
                "anything; remove it, or make what it does permanent (as torch.nn.utils.prune."
                "remove or remove_weight_norm do)"
            )


def _require_harmless_writes(graph: fx.Graph, modules: dict[str, nn.Module]) -> None:
    """Refuse to follow a value that is overwritten in place and used elsewhere too.

    The graph says what each operation takes and gives, not whose memory it shares.
    """
    writers = [node for node in graph.nodes if works_in_place(node, modules)]
    for node in graph.nodes if writers else ():
        readers = [user for user in node.users if not _asks_for_shape(user)]
        if node.op != "get_attr" and len(readers) > 1:
            raise UnsupportedLayerError(
                f"the operation {writers[0].name} works in place, while {node.name} is used "
                f"{len(readers)} times: it cannot be told what each sees; {_ADVICE}"
            )


def _asks_for_shape(node: fx.Node) -> bool:
    return (node.op == "call_method" and node.target == "size") or (
        node.op == "call_function" and node.target is getattr and node.args[1] == "shape"
    )
