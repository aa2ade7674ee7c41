"""Exact numerics for random and trained ReLU networks."""

from relufast._locate import ensure_compiled

ensure_compiled()

from importlib import import_module
from typing import TYPE_CHECKING, Any

from relufast._core import version as _version

__version__ = _version()

from relufast import statistics
from relufast._blas import ensure_loaded as load_blas
from relufast._fisher_basis import FisherBasis
from relufast._library import get_include, get_library
from relufast._progress_count import WorkProgress
from relufast.activation_ranks import ActivationRanks, activation_ranks
from relufast.active_rows import MinActiveRows, min_active_rows
from relufast.arc_cosine import ArcCosineOperator, arc_cosine_kernel
from relufast.breakpoints import Breakpoints, Pieces, breakpoints
from relufast.build_info import BuildInfo, build_info
from relufast.effective_dimension import effective_rank, participation_ratio, stable_rank
from relufast.fisher import (
    EigenProgress,
    FisherConvergenceError,
    FisherEigenpairs,
    FisherInformation,
)
from relufast.fisher_functions import FunctionForm, basis_functions, function_form
from relufast.fisher_spectrum import FisherSpectrum, fisher_spectrum
from relufast.gaussian_process import GaussianProcess, expected_breakpoints, expected_zeros
from relufast.injectivity import InjectivityVerdict, is_injective
from relufast.injectivity_capacity import (
    Capacity,
    CapacityCurve,
    CapacityError,
    capacity_curve,
    injectivity_capacity,
)
from relufast.layer_mean_widths import LayerMeanWidths, layer_mean_widths
from relufast.lazy_network import LazyNetwork
from relufast.learning_curve import LearningCurve, learning_curve
from relufast.local_injectivity import LocalInjectivity, local_injectivity
from relufast.mean_width import gaussian_mean_width
from relufast.minimal_pieces import MinimalPieces, minimal_pieces
from relufast.monte_carlo import (
    Estimate,
    MonteCarloError,
    Precision,
    Progress,
    StoreError,
    TrialError,
    WorkerLostError,
    monte_carlo,
    replay,
)
from relufast.network import Network
from relufast.neuron_census import Census, neuron_census
from relufast.operator_mean_width import OperatorMeanWidth, operator_mean_width
from relufast.rank import (
    IncrementalRank,
    RankResult,
    column_rank_profile,
    matrix_rank,
    prefix_ranks,
)
from relufast.rank_theory import (
    alive_fraction_theory,
    expected_effective_dimension,
    revival_depths,
    revival_height,
)
from relufast.region_sparsity import RegionSparsity, region_sparsity
from relufast.relu_operator_norm import ReLUOperatorNorm, relu_operator_norm
from relufast.singular_values import (
    LowRankFit,
    ReLUSingularValues,
    SingularValueProgress,
    relu_singular_values,
)
from relufast.structural_rank import structural_rank
from relufast.sweep import BreakpointSweep, BreakpointWindow, sweep_breakpoints

if TYPE_CHECKING:
    from relufast.analysis import Analysis, AnalysisProgress, Skipped, analyze

__all__ = [
    "ActivationRanks",
    "Analysis",
    "AnalysisProgress",
    "ArcCosineOperator",
    "BreakpointSweep",
    "BreakpointWindow",
    "Breakpoints",
    "BuildInfo",
    "Capacity",
    "CapacityCurve",
    "CapacityError",
    "Census",
    "EigenProgress",
    "Estimate",
    "FisherBasis",
    "FisherConvergenceError",
    "FisherEigenpairs",
    "FisherInformation",
    "FisherSpectrum",
    "FunctionForm",
    "GaussianProcess",
    "IncrementalRank",
    "InjectivityVerdict",
    "LayerMeanWidths",
    "LazyNetwork",
    "LearningCurve",
    "LocalInjectivity",
    "LowRankFit",
    "MinActiveRows",
    "MinimalPieces",
    "MonteCarloError",
    "Network",
    "OperatorMeanWidth",
    "Pieces",
    "Precision",
    "Progress",
    "RankResult",
    "ReLUOperatorNorm",
    "ReLUSingularValues",
    "RegionSparsity",
    "SingularValueProgress",
    "Skipped",
    "StoreError",
    "TrialError",
    "WorkProgress",
    "WorkerLostError",
    "__version__",
    "activation_ranks",
    "alive_fraction_theory",
    "analyze",
    "arc_cosine_kernel",
    "basis_functions",
    "breakpoints",
    "build_info",
    "capacity_curve",
    "column_rank_profile",
    "effective_rank",
    "expected_breakpoints",
    "expected_effective_dimension",
    "expected_zeros",
    "fisher_spectrum",
    "function_form",
    "gaussian_mean_width",
    "get_include",
    "get_library",
    "injectivity_capacity",
    "is_injective",
    "layer_mean_widths",
    "learning_curve",
    "load_blas",
    "local_injectivity",
    "matrix_rank",
    "min_active_rows",
    "minimal_pieces",
    "monte_carlo",
    "neuron_census",
    "operator_mean_width",
    "participation_ratio",
    "prefix_ranks",
    "region_sparsity",
    "relu_operator_norm",
    "relu_singular_values",
    "replay",
    "revival_depths",
    "revival_height",
    "stable_rank",
    "statistics",
    "structural_rank",
    "sweep_breakpoints",
]


def __getattr__(name: str) -> Any:
    # The page of an analysis is made of the report's parts, which few programs need.
    if name in ("Analysis", "AnalysisProgress", "Skipped", "analyze"):
        from relufast import analysis

        return getattr(analysis, name)
    # Each is a module of its own because of what it needs.
    if name in ("datasets", "interop", "torch"):
        return import_module(f"relufast.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
