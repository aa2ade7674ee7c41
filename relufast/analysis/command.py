"""`relufast analyze`: files in, a folder out."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

from relufast import _npy_file, interop
from relufast.analysis.analysis import Analysis, analyze
from relufast.analysis.folder import analysis_folder
from relufast.analysis.page import PAGE_NAME
from relufast.network import Network

_TORCH = (".pt", ".pth")


class AnalyzeError(Exception):
    """What the user can mend; the message says what."""


class Done(NamedTuple):
    analysis: Analysis
    page: Path


def run(
    model: Path,
    data: Path | None,
    labels: Path | None,
    out: Path | None,
    *,
    negative_slope: float | None,
    drop_output_activation: bool,
    lines: int,
    **options: Any,
) -> Done:
    """Read the files, look whether the folder can be written to, analyze, and write."""
    path = Path(f"{model.stem}-analysis") if out is None else out
    try:
        network = _network(model, negative_slope, drop_output_activation)
        X = None if data is None else _npy_file.mapped(data, str(data))
        classes = None if labels is None else _npy_file.mapped(labels, str(labels))
        with analysis_folder(path) as folder:
            found = analyze(network, X, classes, n_lines=lines, progress=True, **options)
            # A name in another encoding than the locale's has characters that no page can hold.
            folder.write(found, os.fsencode(model.name).decode(errors="replace"))
            if folder.replaced is not None:
                print(f"Replaced the analysis of {folder.replaced} in {path}", file=sys.stderr)
    except (ValueError, TypeError, OSError, ModuleNotFoundError) as error:
        raise AnalyzeError(str(error)) from error
    return Done(found, path / PAGE_NAME)


def _network(model: Path, negative_slope: float | None, drop_output_activation: bool) -> Network:
    suffix = model.suffix.lower()
    if negative_slope is not None and suffix not in _TORCH:
        raise ValueError("--negative-slope is for a PyTorch state dict: other files have their own")
    if suffix == ".npz":
        return Network.load(model)
    if suffix == ".onnx":
        return interop.from_onnx(model, drop_output_activation=drop_output_activation)
    if suffix in _TORCH:
        return interop.from_torch(
            model,
            negative_slope=negative_slope,
            drop_output_activation=drop_output_activation,
        )
    raise ValueError(f"{model} has the suffix {suffix!r}, but needs .npz, .onnx, .pt or .pth")
