"""The file that a run of harmonic pruning goes on from: an npz archive without pickled objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from relufast import _archive
from relufast._archive import Arrays
from relufast.torch.double_linear import (
    DoubleLinear,
    checked_rank,
    parameter_like,
    require_finite,
)
from relufast.torch.pruning_step import PruningStep

_FORMAT = "relufast.torch.HarmonicPruning"
_VERSION = 1
_TENSOR = "tensor_"


@dataclass(frozen=True)
class Run:
    """What two runs must have in common for one to go on where the other stopped."""

    seed: int
    min_rank: int
    layers: tuple[str, ...]

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "seed": np.array(self.seed, dtype=np.uint64),
            "min_rank": np.array(self.min_rank, dtype=np.int64),
            "layers": np.array(self.layers, dtype=np.str_),
        }

    def require_own(self, arrays: Arrays) -> None:
        """That the file is of such a run."""
        for name, own in self.arrays().items():
            stored = _archive.array_of_kind(arrays, name, own.dtype.kind)
            if not np.array_equal(stored, own):
                raise ValueError(f"its {name} is {stored.tolist()}, but here it is {own.tolist()}")


def require_storable(state: Mapping[str, Tensor]) -> None:
    """That NumPy has the dtypes."""
    for name, tensor in state.items():
        try:
            torch.empty((), dtype=tensor.dtype).numpy()
        except TypeError:
            raise TypeError(f"{name} has dtype {tensor.dtype}, which a store cannot hold") from None


def write(path: Path, run: Run, steps: Sequence[PruningStep], state: Mapping[str, Tensor]) -> None:
    """Write the whole file or nothing."""
    tensors = {_TENSOR + name: tensor.detach().cpu().numpy() for name, tensor in state.items()}
    _archive.write(
        path,
        {
            **_archive.format_arrays(_FORMAT, _VERSION),
            **run.arrays(),
            **_columns(steps, run.layers),
            **tensors,
        },
    )


def read(
    path: Path, run: Run, model: nn.Module, layers: Mapping[str, DoubleLinear]
) -> tuple[PruningStep, ...]:
    """The steps that `write` wrote of such a run; the model becomes as after the last one."""

    def parse(arrays: Arrays) -> tuple[tuple[PruningStep, ...], dict[str, Tensor]]:
        _archive.require_format(arrays, _FORMAT, _VERSION)
        run.require_own(arrays)
        steps = _steps(arrays, run.layers)
        return steps, _tensors(arrays, _forms(model, layers, steps[-1].ranks))

    steps, tensors = _archive.read(path, "a stored run of this pruning", parse)
    for name, layer in layers.items():
        W, M = _factor_names(name)
        layer.W = parameter_like(tensors.pop(W), layer.W)
        layer.M = parameter_like(tensors.pop(M), layer.M)
    model.load_state_dict(tensors, strict=False)
    return steps


def _columns(steps: Sequence[PruningStep], layers: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """The steps, field by field; step i is entry i."""
    indices = [-1 if s.layer is None else layers.index(s.layer) for s in steps]
    return {
        "cut_layers": np.array(indices, dtype=np.int64),
        "ranks": np.array([s.ranks for s in steps], dtype=np.int64),
        "accuracies": np.array(
            [(s.accuracy, s.accuracy_before_retraining, s.reference_accuracy) for s in steps]
        ),
        "candidates": np.array([s.candidate_accuracies for s in steps]),
        "n_parameters": np.array([s.n_parameters for s in steps], dtype=np.int64),
        "retrained": np.array([s.retrained for s in steps]),
    }


def _steps(arrays: Arrays, layers: tuple[str, ...]) -> tuple[PruningStep, ...]:
    n_layers = len(layers)
    cut = _archive.array_of_kind(arrays, "cut_layers", "i")
    n_steps = len(cut) if cut.ndim == 1 else 0
    if n_steps == 0 or cut[0] != -1 or (cut[1:] < 0).any() or (cut >= n_layers).any():
        raise ValueError("its cut_layers are not those of a run")

    def column(name: str, kind: str, *shape: int) -> NDArray[Any]:
        array = _archive.array_of_kind(arrays, name, kind)
        if array.shape != (n_steps, *shape):
            raise ValueError(f"its {name} has shape {array.shape}, but has {n_steps} steps")
        return array

    ranks = column("ranks", "i", n_layers)
    accuracies = column("accuracies", "f", 3)
    candidates = column("candidates", "f", n_layers)
    n_parameters = column("n_parameters", "i")
    retrained = column("retrained", "b")
    return tuple(
        PruningStep(
            step=i,
            layer=None if i == 0 else layers[cut[i]],
            ranks=tuple(ranks[i].tolist()),
            accuracy=float(accuracies[i, 0]),
            accuracy_before_retraining=float(accuracies[i, 1]),
            reference_accuracy=float(accuracies[i, 2]),
            candidate_accuracies=tuple(candidates[i].tolist()),
            n_parameters=int(n_parameters[i]),
            retrained=bool(retrained[i]),
        )
        for i in range(n_steps)
    )


def _tensors(
    arrays: Arrays, forms: Mapping[str, tuple[torch.dtype, tuple[int, ...]]]
) -> dict[str, Tensor]:
    """All of the model, of these dtypes and shapes."""
    stored = {name.removeprefix(_TENSOR) for name in arrays if name.startswith(_TENSOR)}
    if stored != forms.keys():
        raise ValueError(f"it has the tensors {sorted(stored)}, but the model {sorted(forms)}")
    tensors = {}
    for name, (dtype, shape) in forms.items():
        tensor = torch.from_numpy(arrays[_TENSOR + name])
        if tensor.dtype != dtype or tensor.shape != shape:
            raise ValueError(
                f"its {name} is {tensor.dtype} of shape {tuple(tensor.shape)}, but the model has "
                f"{dtype} of shape {shape} there"
            )
        require_finite(tensor, f"its {name}")
        tensors[name] = tensor
    return tensors


def _forms(
    model: nn.Module, layers: Mapping[str, DoubleLinear], ranks: Sequence[int]
) -> dict[str, tuple[torch.dtype, tuple[int, ...]]]:
    """Dtypes and shapes of the model's tensors if its double layers had these ranks."""
    forms = {name: (t.dtype, tuple(t.shape)) for name, t in model.state_dict().items()}
    for (name, layer), rank in zip(layers.items(), ranks, strict=True):
        checked_rank(rank, f"its rank of layer {name!r}", layer.out_features, layer.in_features)
        W, M = _factor_names(name)
        forms[W] = layer.W.dtype, (layer.out_features, rank)
        forms[M] = layer.M.dtype, (rank, layer.in_features)
    return forms


def _factor_names(layer: str) -> tuple[str, str]:
    """In the model's state."""
    prefix = f"{layer}." if layer else ""
    return f"{prefix}W", f"{prefix}M"
