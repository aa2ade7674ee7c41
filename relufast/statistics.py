"""What `monte_carlo` averages: built-in statistics, and wrappers for functions of your own."""

from relufast.monte_carlo.activation_ranks import ActivationRanks
from relufast.monte_carlo.breakpoint_counts import BreakpointCounts
from relufast.monte_carlo.effective_dimensions import EffectiveDimensions
from relufast.monte_carlo.function_form_errors import FunctionFormErrors
from relufast.monte_carlo.functions import Function, JittedFunction
from relufast.monte_carlo.injectivity import FewestActiveRows, InjectiveLayers
from relufast.monte_carlo.mean_width import MeanWidth
from relufast.monte_carlo.neuron_census import NeuronCensus
from relufast.monte_carlo.random_networks import Measured, NetworksAtPoints
from relufast.monte_carlo.statistic import Rows, Statistic

__all__ = [
    "ActivationRanks",
    "BreakpointCounts",
    "EffectiveDimensions",
    "FewestActiveRows",
    "Function",
    "FunctionFormErrors",
    "InjectiveLayers",
    "JittedFunction",
    "MeanWidth",
    "Measured",
    "NetworksAtPoints",
    "NeuronCensus",
    "Rows",
    "Statistic",
]
