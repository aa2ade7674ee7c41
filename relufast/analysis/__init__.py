"""One network, analyzed: all measures of the engine on one page."""

from relufast.analysis.analysis import Analysis, AnalysisProgress, analyze
from relufast.analysis.part import Skipped

__all__ = ["Analysis", "AnalysisProgress", "Skipped", "analyze"]
