"""The regions that a classifier of digits has between pairs of images, untrained and trained."""

# ruff: noqa: RUF001 (minus and times signs for the page)

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast._validate import FloatArray
from relufast.breakpoints import Breakpoints, breakpoints
from relufast.network import Network
from relufast.report.certification import Certification
from relufast.report.chapter import Column, Figure, Section, Table
from relufast.report.chapters.one_dimensional import image_pairs, law
from relufast.report.chapters.one_dimensional.image_pairs import Pairs
from relufast.report.digits import Digits
from relufast.report.estimate import Estimate, mean, ratio
from relufast.report.progress import Progress
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_OTHER_NETWORKS = 60
_STAGES = ("initial", "trained")


@dataclass(frozen=True)
class _Segments:
    """Between pairs of images of one kind, shape (m,) each."""

    kind: str
    angles: FloatArray  # between the two images, in radians
    counts: dict[str, FloatArray]  # breakpoints, by stage
    regions: dict[str, FloatArray]

    @property
    def change(self) -> Estimate:
        """Regions of the trained network in units of the initial one's."""
        return ratio(self.regions["trained"], self.regions["initial"])

    def to_law(self, stage: str, n_neurons: int) -> Estimate:
        """Breakpoints in units of what wide random networks have there."""
        return ratio(self.counts[stage], law.between_points(self.angles, n_neurons))


def section(settings: Settings, progress: Progress, digits: Digits) -> Section:
    certification = Certification()
    rng = settings.generator("pairs of digits")
    pairs = {
        "the same class": image_pairs.of_the_same_class(rng, digits.labels),
        "different classes": image_pairs.of_different_classes(rng, digits.labels),
    }
    segments = [
        _Segments(
            kind,
            image_pairs.angles(digits.images, of_kind),
            *_measure(certification, digits, of_kind),
        )
        for kind, of_kind in pairs.items()
    ]
    others = _other_initialisations(settings, progress, certification, digits, pairs)
    n_neurons = digits.trained.n_neurons
    accuracy = _accuracy(digits.trained, digits)
    return Section(
        title="A trained network",
        text=(
            "A classifier of handwritten digits, 8 × 8 pixels, with three hidden layers of 64 "
            "neurons, as initialised (He weights, no biases) and as trained. Between two test "
            "images lies a segment of R⁶⁴; the network along it is a piecewise linear function of "
            "one variable. No image is in two pairs of a kind.",
            "For a random network without biases the mean number of breakpoints on a segment "
            "tends, as widths grow, to θ/π per neuron of any layer, θ the angle between its ends. "
            "It is the yardstick for the trained one.",
            f"The trained network has an accuracy of {accuracy} on "
            f"{len(digits.labels)} test images.",
        ),
        figures=(
            Figure(
                title="Regions between two test images",
                draw=lambda layout: _draw_distributions(layout, segments),
                caption=(
                    "Distribution of the number of activation regions on the segment between two "
                    "test images, for the network as initialised and as trained. Vertical lines: "
                    f"means. {str(certification).capitalize()}, those of the "
                    f"{len(others)} other random networks below included."
                ),
                source=(
                    "relufast.breakpoints(network, start=image_a, stop=image_b).n_regions; "
                    + ", ".join(f"{len(p)} pairs of {kind}" for kind, p in pairs.items())
                ),
            ),
            Figure(
                title="Breakpoints against the angle between two images",
                draw=lambda layout: _draw_angles(layout, segments, n_neurons),
                caption=(
                    "Breakpoints per neuron, mean of pairs of about one angle, with bars of one "
                    "standard error. Line: θ/π, the limit of infinite width for random networks "
                    "without biases. What training changes shows as the distance from the line."
                ),
                source=f"the segments of the figure above, count / {n_neurons} neurons",
            ),
        ),
        tables=(_table(segments, n_neurons),),
        findings=_findings(segments, others, n_neurons),
        notes=digits.provenance.splitlines(),
    )


def _measure(
    certification: Certification, digits: Digits, pairs: Pairs
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    counts, regions = {}, {}
    for stage, network in zip(_STAGES, (digits.initial, digits.trained), strict=True):
        found = _between(certification, network, digits, pairs)
        counts[stage] = np.array([f.count for f in found], dtype=np.float64)
        regions[stage] = np.array([f.n_regions for f in found], dtype=np.float64)
    return counts, regions


def _between(
    certification: Certification, network: Network, digits: Digits, pairs: Pairs
) -> list[Breakpoints]:
    return [
        certification.add(
            breakpoints(network, start=digits.images[a], stop=digits.images[b], n_threads=1)
        )
        for a, b in pairs
    ]


def _other_initialisations(
    settings: Settings,
    progress: Progress,
    certification: Certification,
    digits: Digits,
    pairs: dict[str, Pairs],
) -> FloatArray:
    """Breakpoints of other random networks on all segments together, in units of the law."""
    ends = np.concatenate(list(pairs.values()))
    expected = law.between_points(
        image_pairs.angles(digits.images, ends), digits.initial.n_neurons
    ).sum()

    def measure(seed: int) -> tuple[Certification, int]:
        network = Network.random(digits.initial.widths, bias_variance=0.0, seed=seed)
        own = Certification()
        return own, sum(found.count for found in _between(own, network, digits, ends))

    label = "digits, other initialisations"
    seeds = settings.network_seeds(label, settings.scaled(_OTHER_NETWORKS))
    found = progress.map(measure, seeds, label)
    for own, _ in found:
        certification.merge(own)
    return np.array([count / expected for _, count in found])


def _accuracy(network: Network, digits: Digits) -> Estimate:
    return mean(network(digits.images).argmax(axis=1) == digits.labels)


def _table(segments: Sequence[_Segments], n_neurons: int) -> Table:
    return Table(
        name="one-dimensional-digits",
        caption="On the segment between two test images.",
        columns=(
            Column("pairs", "pairs of images"),
            Column("number", "number"),
            Column("network", "network"),
            Column("regions", "regions, mean"),
            Column("breakpoints", "breakpoints, mean"),
            Column("to_law", "breakpoints / (θ/π per neuron)"),
            Column("angle", "angle θ in degrees, mean"),
        ),
        rows=[
            (
                s.kind,
                len(s.angles),
                stage,
                mean(s.regions[stage]),
                mean(s.counts[stage]),
                s.to_law(stage, n_neurons),
                mean(np.degrees(s.angles)),
            )
            for s in segments
            for stage in _STAGES
        ],
    )


def _findings(segments: Sequence[_Segments], others: FloatArray, n_neurons: int) -> tuple[str, ...]:
    return (
        "After training, compared with before, the network has "
        + " and ".join(
            f"{s.change} times the regions between images of {s.kind} "
            f"({mean(s.regions['trained'])} against {mean(s.regions['initial'])})"
            for s in segments
        )
        + ".",
        "In units of what wide random networks have at these angles, the trained network has "
        + " and ".join(
            f"{s.to_law('trained', n_neurons)} breakpoints between images of {s.kind}"
            for s in segments
        )
        + f"; {len(others)} other random initialisations have {mean(others)}, all pairs together.",
    )


def _draw_distributions(layout: Layout, segments: Sequence[_Segments]) -> Drawing:
    from relufast.report import figures

    figure, panels = figures.panels(layout, [2.1] * len(segments), shared=True)
    largest = max(s.regions[stage].max() for s in segments for stage in _STAGES)
    bins = np.arange(0.5, largest + 5.0, 4.0).tolist()
    for axes, s in zip(panels, segments, strict=True):
        for stage, (colour, _) in zip(_STAGES, figures.series(len(_STAGES)), strict=True):
            axes.hist(s.regions[stage], bins=bins, color=colour, alpha=0.25)
            axes.hist(s.regions[stage], bins=bins, color=colour, histtype="step", label=stage)
            axes.axvline(s.regions[stage].mean(), color=colour, linewidth=1.2)
        axes.set_title(f"Images of {s.kind}")
        axes.set_xlabel("activation regions on the segment")
        axes.set_ylabel("pairs")
        axes.label_outer()
    panels[0].legend()
    return figure


def _draw_angles(layout: Layout, segments: Sequence[_Segments], n_neurons: int) -> Drawing:
    from relufast.report import figures

    figure, panels = figures.panels(layout, [2.4] * len(segments), shared=True)
    for axes, s in zip(panels, segments, strict=True):
        widest = math.ceil(np.degrees(s.angles.max()) / 10.0) * 10.0
        axes.plot(
            [0.0, widest], [0.0, widest / 180.0], color=figures.INK, linestyle="--", label="θ/π"
        )
        for stage, (colour, marker) in zip(_STAGES, figures.series(len(_STAGES)), strict=True):
            centres, estimates = _by_angle(s.angles, s.counts[stage] / n_neurons)
            figures.points(axes, centres, estimates, colour, marker, stage)
        axes.set_title(f"Images of {s.kind}")
        axes.set_xlabel("angle θ between the images, degrees")
        axes.set_ylabel("breakpoints per neuron")
        axes.label_outer()
    panels[0].legend()
    return figure


def _by_angle(angles: FloatArray, values: FloatArray) -> tuple[list[float], list[Estimate]]:
    """Mean angle in degrees and mean value of eight groups of equally many pairs."""
    groups = np.array_split(np.argsort(angles, kind="stable"), 8)
    return (
        [float(np.degrees(angles[g]).mean()) for g in groups],
        [mean(values[g]) for g in groups],
    )
