"""Networks from PyTorch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from relufast import _optional, _validate
from relufast.network import Network

if TYPE_CHECKING:
    import torch


def from_torch(
    source: torch.nn.Module | Mapping[str, torch.Tensor] | str | os.PathLike[str],
    *,
    negative_slope: float | None = None,
    drop_output_activation: bool = False,
    max_bytes: int = 2**30,
) -> Network:
    """The network that a PyTorch module computes in evaluation mode.

    Parameters
    ----------
    source : torch.nn.Module, mapping of str to torch.Tensor, str or path object
        A module, a state dict, or a file that ``torch.save`` made of a state dict. A file is read
        with ``weights_only=True``, so that nothing in it runs; a module saved whole is refused.

        A state dict holds no activations: it is taken as dense layers in its order, each
        ``NAME.weight`` with or without a ``NAME.bias``, with a ReLU between any two of them.
    negative_slope : float, optional
        Of those ReLUs, 0 if not given; for a state dict or a file only.
    drop_output_activation : bool, optional
        Leave out a softmax, log-softmax or sigmoid that ends the module, so that the network gives
        what goes into it (the logits). Such a module is refused otherwise.
    max_bytes : int, optional
        The most that a file, unpacked, and a state dict's numbers in float64 may take. 1 GiB if not
        given.

    Returns
    -------
    Network
        Of float64. Dense layers alone between two ReLUs have the source's parameters, exactly. What
        is folded (batch normalisation, constants, a dense layer on a dense layer) is composed
        exactly and each parameter rounded once; divisors and the factors of a batch normalisation
        are rounded to float64 before.

    Raises
    ------
    ModuleNotFoundError
        Without PyTorch.
    UnsupportedLayerError
        For a layer or operation with no counterpart: the message names it. A ValueError.
    TypeError
        For a source of another type, or parameters that are not real floating-point numbers.
    ValueError
        For parameters that are not finite or do not fit each other, a state dict of other entries,
        a file that is none, or one beyond `max_bytes`.
    OSError
        For a file that cannot be opened.

    Notes
    -----
    A module's ``forward`` is traced by ``torch.fx``, in evaluation mode, without running it on
    numbers; the module is left as it was. It may use, as modules, functions or methods: Linear,
    ReLU, LeakyReLU and PReLU of one slope for the whole network, Flatten (or view, reshape) of all
    dimensions but the first, Identity, Dropout, BatchNorm1d with running statistics, and additions,
    subtractions, products and quotients with constants, also in front of the first layer.

    Inputs of several dimensions are points in C order, as Flatten makes them. Operations whose
    arguments are all constants, such as a masked weight, are done by PyTorch in its precision.

    Examples
    --------
    >>> import torch
    >>> import relufast.interop
    >>> module = torch.nn.Sequential(
    ...     torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 1)
    ... )
    >>> relufast.interop.from_torch(module)
    Network(2-8-1, relu, 33 parameters)
    """
    drop = _validate.flag(drop_output_activation, "drop_output_activation")
    limit = _validate.positive_int(max_bytes, "max_bytes")
    slope = (
        None if negative_slope is None else _validate.finite_float(negative_slope, "negative_slope")
    )
    _optional.require("torch", "from_torch")
    import torch

    from relufast.interop import _torch_module, _torch_state

    if isinstance(source, torch.nn.Module):
        if slope is not None:
            raise ValueError(
                "negative_slope is given, but is for a state dict only: a module has its own"
            )
        return _torch_module.network(source, drop_output_activation=drop)
    if isinstance(source, (str, os.PathLike)):
        path = _validate.file_path(source, "source")
        state, name = _torch_state.load(path, limit), str(path)
    elif isinstance(source, Mapping):
        state, name = source, "the state dict"
    else:
        raise TypeError(
            f"source is of type {type(source).__name__}, but needs a torch.nn.Module, a state "
            "dict or the path of a file with one"
        )
    return _torch_state.network(state, name, slope or 0.0, limit)
