"""Networks from ONNX."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from relufast import _optional, _validate
from relufast.network import Network

if TYPE_CHECKING:
    import onnx


def from_onnx(
    source: str | os.PathLike[str] | onnx.ModelProto,
    *,
    drop_output_activation: bool = False,
    max_bytes: int = 2**30,
) -> Network:
    """The network that an ONNX graph computes.

    Parameters
    ----------
    source : str, path object or onnx.ModelProto
        A file, or a model in memory. Nothing in it is run. Data outside the file (ONNX's external
        data) is read only where it lies inside the file's folder, links followed; a model in memory
        must have its data in it.
    drop_output_activation : bool, optional
        Leave out a softmax, log-softmax or sigmoid that ends the graph, so that the network gives
        what goes into it (the logits). Such a graph is refused otherwise.
    max_bytes : int, optional
        The most that the file with its external data may take, that any constant or value may in
        float64, and all constants together. 1 GiB if not given.

    Returns
    -------
    Network
        Of float64, from the graph's input, flattened in C order, to its output, flattened. A batch
        dimension of variable length is taken as 1. Dense layers alone between two ReLUs have the
        source's parameters, exactly. What is folded (batch normalisation, constants, a dense layer
        on a dense layer) is composed exactly and each parameter rounded once; divisors, the factors
        of a batch normalisation and a Gemm's beta C are rounded to float64 before.

    Raises
    ------
    ModuleNotFoundError
        Without the package onnx.
    UnsupportedLayerError
        For an operator, or a use of one, with no counterpart: the message names the node. A
        ValueError.
    TypeError
        For a source of another type.
    ValueError
        For a file that is no valid ONNX model, one beyond `max_bytes`, external data outside the
        file's folder, and parameters that are not finite or do not fit each other.
    OSError
        For a file that cannot be opened.

    Notes
    -----
    On the way from the input to the output there may be, one after the other: MatMul with a
    constant, Gemm, Add, Sub, Mul and Div with constants, Neg, Relu, LeakyRelu and PRelu of one
    slope for the whole graph, BatchNormalization, Dropout, Identity, Cast to float or double,
    Flatten, Reshape, Squeeze, Unsqueeze, Transpose. Constants may be initializers, Constant nodes,
    or made of them and of shapes by Cast, Concat, Gather, Identity, Reshape, Shape, Squeeze,
    Transpose and Unsqueeze. Operator sets from 7 on; initializers that are inputs too keep their
    values.

    Examples
    --------
    >>> import numpy as np
    >>> import onnx
    >>> import relufast.interop
    >>> from onnx import helper, numpy_helper
    >>> layers = {"W": [[1.0, -1.0]], "V": [[1.0], [1.0]]}  # x -> |x|
    >>> graph = helper.make_graph(
    ...     [
    ...         helper.make_node("MatMul", ["x", "W"], ["z"]),
    ...         helper.make_node("Relu", ["z"], ["h"]),
    ...         helper.make_node("MatMul", ["h", "V"], ["y"]),
    ...     ],
    ...     "absolute value",
    ...     [helper.make_tensor_value_info("x", onnx.TensorProto.DOUBLE, ["batch", 1])],
    ...     [helper.make_tensor_value_info("y", onnx.TensorProto.DOUBLE, ["batch", 1])],
    ...     [numpy_helper.from_array(np.array(matrix), name) for name, matrix in layers.items()],
    ... )
    >>> relufast.interop.from_onnx(helper.make_model(graph))
    Network(1-2-1, relu, 7 parameters)
    """
    drop = _validate.flag(drop_output_activation, "drop_output_activation")
    limit = _validate.positive_int(max_bytes, "max_bytes")
    _optional.require("onnx", "from_onnx")
    import onnx

    from relufast.interop import _onnx_file, _onnx_graph

    if isinstance(source, onnx.ModelProto):
        model = _onnx_file.checked(source, "the model")
        return _onnx_graph.network(model, None, limit, drop_output_activation=drop)
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(
            f"source is of type {type(source).__name__}, but needs an onnx.ModelProto or the path "
            "of a file with one"
        )
    path = _validate.file_path(source, "source")
    model = _onnx_file.read(path, limit)
    return _onnx_graph.network(model, path.parent, limit, drop_output_activation=drop)
