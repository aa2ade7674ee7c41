"""Double layers and harmonic pruning, for PyTorch: the optional extra ``relufast[torch]``."""

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "torch":  # PyTorch is there, and lacks something itself
        raise
    raise ModuleNotFoundError(
        'relufast.torch needs PyTorch: pip install "relufast[torch]"', name="torch"
    ) from None

from relufast.torch.conversion import from_double, to_double
from relufast.torch.criterion import RetrainWhen
from relufast.torch.double_linear import DoubleLinear, double_product_init_
from relufast.torch.errors import RetrainDivergedError
from relufast.torch.pruning import HarmonicPruning, harmonic_pruning
from relufast.torch.pruning_step import PruningStep

__all__ = [
    "DoubleLinear",
    "HarmonicPruning",
    "PruningStep",
    "RetrainDivergedError",
    "RetrainWhen",
    "double_product_init_",
    "from_double",
    "harmonic_pruning",
    "to_double",
]
