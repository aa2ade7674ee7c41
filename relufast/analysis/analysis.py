"""Everything the engine knows about one network."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast import _validate
from relufast._cpus import thread_count
from relufast._read_only import read_only
from relufast._validate import FloatArray
from relufast.analysis import (
    active_rows,
    dimensions,
    jacobians,
    lines,
    low_rank,
    neurons,
    pieces,
    ranks,
    widths,
)
from relufast.analysis.active_rows import ActiveRows
from relufast.analysis.dimensions import Dimensions
from relufast.analysis.jacobians import Jacobians
from relufast.analysis.lines import Lines
from relufast.analysis.low_rank import LowRank
from relufast.analysis.neurons import Neurons
from relufast.analysis.part import Options, Part, SkipPart, Skipped, Subject
from relufast.analysis.pieces import OutputPieces
from relufast.analysis.points import chosen_points
from relufast.analysis.ranks import Ranks
from relufast.analysis.widths import Widths
from relufast.network import Network, checked_network

_Measure = Callable[[Subject], Part]

# By their names as attributes of `Analysis`, in the order of the page.
_PARTS: dict[str, tuple[str, _Measure]] = {
    "lines": (lines.TITLE, lines.measure),
    "pieces": (pieces.TITLE, pieces.measure),
    "neurons": (neurons.TITLE, neurons.measure),
    "ranks": (ranks.TITLE, ranks.measure),
    "dimensions": (dimensions.TITLE, dimensions.measure),
    "widths": (widths.TITLE, widths.measure),
    "low_rank": (low_rank.TITLE, low_rank.measure),
    "jacobians": (jacobians.TITLE, jacobians.measure),
    "active_rows": (active_rows.TITLE, active_rows.measure),
}


@dataclass(frozen=True)
class AnalysisProgress:
    """A moment of `analyze`: a part begins.

    Attributes
    ----------
    part : str
        Its title; empty at the end.
    n_done, n_total : int
        Parts.
    """

    part: str
    n_done: int
    n_total: int


@dataclass(frozen=True, eq=False, repr=False)
class Analysis:
    """What `analyze` found about a network: parts, each of them done or `Skipped`.

    Attributes
    ----------
    network : Network
    points : ndarray of float64, shape (m, n_0)
        Where the network was looked at. Read-only.
    labels : ndarray of int64, shape (m,), or None
    points_are_random : bool
        No data was given.
    origin : str
        Where the points come from, as a sentence.
    options : dict
        The arguments that determine every number, by name.
    lines, pieces, neurons, ranks, dimensions, widths, low_rank, jacobians, active_rows
        The parts: dataclasses of the engine's own results, or a `Skipped` with its reason.
    """

    network: Network
    points: FloatArray
    labels: NDArray[np.int64] | None
    points_are_random: bool
    origin: str
    options: dict[str, Any]
    lines: Lines | Skipped
    pieces: OutputPieces | Skipped
    neurons: Neurons | Skipped
    ranks: Ranks | Skipped
    dimensions: Dimensions | Skipped
    widths: Widths | Skipped
    low_rank: LowRank | Skipped
    jacobians: Jacobians | Skipped
    active_rows: ActiveRows | Skipped

    @property
    def parts(self) -> dict[str, Part | Skipped]:
        """All parts by name, in the order of the page."""
        return {name: getattr(self, name) for name in _PARTS}

    @property
    def skipped(self) -> dict[str, str]:
        """Why parts were not done, by name."""
        return {name: p.reason for name, p in self.parts.items() if isinstance(p, Skipped)}

    @property
    def summary(self) -> list[str]:
        """The most important sentence of each part that was done."""
        done = [part for part in self.parts.values() if not isinstance(part, Skipped)]
        return [part.section().findings[0] for part in done]

    def to_dict(self) -> dict[str, Any]:
        """Every number of the page's tables, and its sentences, for JSON.

        Returns
        -------
        dict
            An estimate is a dict of its ``value`` and ``standard_error``; what is not finite is
            None.
        """
        from relufast.analysis.page import as_dict

        return as_dict(self, "")

    def write(self, directory: str | os.PathLike[str], *, title: str | None = None) -> None:
        """Write the page, ``analysis.html``, all numbers as ``analysis.json``, and CSV files.

        Parameters
        ----------
        directory : str or path object
            Made if need be. Files of an earlier analysis in it are replaced, at once and only when
            all new ones are complete; others are left alone.
        title : str, optional
            Of the page: a name of the network.

        Raises
        ------
        TypeError
            For another type.
        OSError
            If the directory cannot be written to, or has files of these names that are not of an
            earlier analysis.
        """
        from relufast.analysis.folder import analysis_folder

        path = _validate.file_path(directory, "directory")
        name = repr(self.network) if title is None else _validate.text(title, "title")
        with analysis_folder(path) as folder:
            folder.write(self, name)

    def __repr__(self) -> str:
        done = len(_PARTS) - len(self.skipped)
        return (
            f"Analysis({self.network!r}, {len(self.points):,} "
            f"{'random ' if self.points_are_random else ''}points, {done} parts, "
            f"{len(self.skipped)} skipped)"
        )


def analyze(
    network: Network,
    X: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    n_lines: SupportsIndex = 100,
    max_points: SupportsIndex = 1000,
    tolerance: float = 0.1,
    work: float = 5e10,
    seed: SupportsIndex = 0,
    n_threads: SupportsIndex | None = None,
    progress: bool | Callable[[AnalysisProgress], object] | None = None,
) -> Analysis:
    """Everything the engine knows about one network, at given points.

    Breakpoints on lines and how few pieces would do, dead neurons, ranks, effective dimensions,
    mean widths, what layers of lower rank would do, Jacobians, and the fewest active neurons.

    Parameters
    ----------
    network : Network
    X : array_like of float, shape (m, n_0), optional
        Finite points; those of several dimensions, shape (m, ...), are taken in C order. Without
        them `max_points` Gaussian ones, independent of variance 1.
    labels : array_like of int or bool, shape (m,), optional
        The class of each point, as for `layer_mean_widths`.
    n_lines : int, optional
        Lines of each kind: segments between two points, and whole lines through a point.
    max_points : int, optional
        If there are more points, so many of them are drawn.
    tolerance : float, optional
        Between 0 and 1: the largest error that a suggested layer of lower rank may have, in units
        of the layer's largest output.
    work : float, optional
        Multiplications that each part may take, about: it takes fewer lines or points where they
        would take more, and is skipped where one would. By default some ten seconds for the dearest
        part.
    seed : int, optional
        Of everything random.
    n_threads : int, optional
        All CPUs by default. Every number is the same for any.
    progress : bool or callable, optional
        True for lines on stderr, or a function that is called with an `AnalysisProgress`.

    Returns
    -------
    Analysis
        A part that cannot be done for this network is a `Skipped` that says why.

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For points of another shape, NaN, infinity, labels of another length or that are no class,
        labels without points, and numbers out of their range.

    Notes
    -----
    Each part says with each number how exact it is: counts and ranks have certificates, means have
    standard errors, and what float64 computed is called so.

    Examples
    --------
    >>> import relufast
    >>> network = relufast.Network.random((2, 8, 8, 1), seed=1)
    >>> found = relufast.analyze(network, n_lines=10, max_points=50)
    >>> found
    Analysis(Network(2-8-8-1, relu, 105 parameters), 50 random points, 9 parts, 0 skipped)
    >>> found.ranks.exact
    ActivationRanks(8, 8; certified)
    """
    checked = checked_network(network)
    options = Options(
        _validate.positive_int(n_lines, "n_lines"),
        _validate.fraction(tolerance, "tolerance"),
        _validate.positive_float(work, "work"),
        _validate.seed(seed),
        thread_count(n_threads),
    )
    most = _validate.positive_int(max_points, "max_points")
    points = chosen_points(checked, X, labels, max_points=most, seed=options.seed)
    subject = Subject(checked, read_only(points.X), points.labels, options)
    with _reports(progress) as report:
        parts = {}
        for number, (name, (title, measure)) in enumerate(_PARTS.items()):
            report(AnalysisProgress(title, number, len(_PARTS)))
            parts[name] = _done(subject, title, measure)
        report(AnalysisProgress("", len(_PARTS), len(_PARTS)))
    return Analysis(
        network=checked,
        points=subject.points,
        labels=subject.labels,
        points_are_random=points.is_random,
        origin=points.origin,
        options={
            "n_lines": options.n_lines,
            "max_points": most,
            "tolerance": options.tolerance,
            "work": options.work,
            "seed": options.seed,
        },
        **parts,
    )


def _done(subject: Subject, title: str, measure: _Measure) -> Any:
    try:
        return measure(subject)
    except SkipPart as reason:
        return Skipped(title, str(reason))
    except (ValueError, RuntimeError, MemoryError) as error:
        # What the engine refuses for this network, as overflow; arguments were checked before.
        return Skipped(title, f"Refused: {error or type(error).__name__}.")


@contextmanager
def _reports(
    progress: bool | Callable[[AnalysisProgress], object] | None,
) -> Iterator[Callable[[AnalysisProgress], object]]:
    if progress is True:
        with _lines_on_stderr() as report:
            yield report
    elif progress is None or progress is False:
        yield lambda _: None
    else:
        _validate.callable_or_none(progress, "progress")
        yield progress


@contextmanager
def _lines_on_stderr() -> Iterator[Callable[[AnalysisProgress], object]]:
    """A bar on a terminal; anywhere, a line for each part that is done."""
    from tqdm import tqdm

    # Unless the stream is a terminal there is no bar.
    with tqdm(total=len(_PARTS), file=sys.stderr, disable=None, leave=False) as bar:
        last: list[tuple[str, float]] = []

        def report(moment: AnalysisProgress) -> None:
            if last:
                title, start = last.pop()
                bar.update(1)
                line = f"{title}: {time.monotonic() - start:.1f} s"
                bar.write(line, file=sys.stderr)
            bar.set_description(moment.part)
            last.append((moment.part, time.monotonic()))

        yield report
