"""ONNX models made node by node, without any framework."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class ModelBuilder:
    """A graph in the making: one value after the other, each from the one before.

    Parameters
    ----------
    shape : tuple of int or str
        Of the input; a str is a length that may vary.
    dtype : numpy type
        Of the input and of all parameters.
    opset : int
        Version of the operators.
    """

    def __init__(
        self, shape: tuple[int | str, ...], dtype: Any = np.float64, *, opset: int = 17
    ) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.inputs = [tensor_info("x", dtype, shape)]
        self.current = "x"
        self._dtype = dtype
        self._opset = opset

    def parameter(self, values: Any, dtype: Any = None) -> str:
        """An initializer's name."""
        from onnx import numpy_helper

        name = f"p{len(self.initializers)}"
        array = np.asarray(values, dtype or self._dtype)
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def integers(self, values: Any) -> str:
        return self.parameter(values, np.int64)

    def constant_node(self, values: Any) -> str:
        """A Constant's name."""
        from onnx import numpy_helper

        tensor = numpy_helper.from_array(np.asarray(values, self._dtype))
        return self._node("Constant", [], value=tensor)

    def add(self, op_type: str, *inputs: str, **attributes: Any) -> ModelBuilder:
        """The next value. "..." among the inputs is the current one, as no inputs are."""
        operands = [self.current if name == "..." else name for name in inputs or ("...",)]
        self.current = self._node(op_type, operands, **attributes)
        return self

    def _node(self, op_type: str, inputs: list[str], **attributes: Any) -> str:
        from onnx import helper

        output = f"v{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(op_type, inputs, [output], name=f"n{len(self.nodes)}", **attributes)
        )
        return output

    def model(self, outputs: tuple[str, ...] | None = None) -> Any:
        from onnx import helper

        names = outputs or (self.current,)
        results = [tensor_info(name, self._dtype, ("any",)) for name in names]
        graph = helper.make_graph(self.nodes, "graph", self.inputs, results, self.initializers)
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", self._opset)], ir_version=8
        )


def tensor_info(name: str, dtype: Any, shape: Any) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(
        name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape
    )
