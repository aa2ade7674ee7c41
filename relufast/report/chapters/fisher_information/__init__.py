"""Chapter three: which functions does a wide two-layer network learn, and how fast?"""

from __future__ import annotations

from relufast.report.chapter import Chapter, Reference
from relufast.report.chapters.fisher_information import (
    eigenvalues,
    functions,
    learning,
    random_features,
    trace,
)
from relufast.report.digits import load_digits
from relufast.report.progress import Progress
from relufast.report.settings import Settings

_INTRO = (
    "A two-layer network f(x) = v · relu(W x) with random W and standard normal inputs has a "
    "Fisher information about v: the matrix J of the means of relu(wᵢ · x) relu(wⱼ · x). Its "
    "eigenvectors are the directions that data determine one by one, its eigenvalues how well, and "
    "how fast gradient descent learns them. Ho, Takeishi and Takeuchi find that nearly all of the "
    "trace lies in three groups of few eigenvalues, whose eigenvectors stand for simple functions.",
    "Here the m × m matrix is never formed: its product with vectors is computed from W, tile by "  # noqa: RUF001
    "tile, and leading eigenpairs by block iterations from the approximate eigenvectors.",
)


def chapter(settings: Settings, progress: Progress) -> Chapter:
    return Chapter(
        name="fisher_information",
        title="Fisher information of wide networks",
        reference=Reference(
            "Ho, Takeishi, Takeuchi",
            "Function Forms of Simple ReLU Networks with Random Hidden Weights",
            "2505.17907",
        ),
        intro=_INTRO,
        sections=(
            trace.section(),
            eigenvalues.section(settings, progress),
            functions.section(settings, progress),
            learning.section(settings),
            random_features.section(settings, load_digits()),
        ),
    )
