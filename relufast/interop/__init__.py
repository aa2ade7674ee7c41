"""Networks from PyTorch, ONNX and scikit-learn: each package is needed for its function only."""

from relufast.interop._errors import UnsupportedLayerError
from relufast.interop._from_onnx import from_onnx
from relufast.interop._from_sklearn import from_sklearn
from relufast.interop._from_torch import from_torch

__all__ = ["UnsupportedLayerError", "from_onnx", "from_sklearn", "from_torch"]
