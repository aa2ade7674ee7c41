"""The pruning experiment, on points of which theory knows that low ranks do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from relufast.datasets import LabelledPoints  # noqa: E402
from relufast.report import figures, verdict  # noqa: E402
from relufast.report.chapters.low_rank_layers import pruning  # noqa: E402
from relufast.report.digits import load_digits  # noqa: E402
from relufast.report.pruned_classifier import PrunedClassifier, prune_classifier  # noqa: E402


def blobs(seed: int, n: int) -> LabelledPoints:
    """Three classes apart in two of ten coordinates, of very different units, one constant."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    centres = 8.0 * np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    X = rng.standard_normal((n, 10))
    X[:, :2] += centres[labels]
    X *= 10.0 ** np.arange(-5, 5)
    X[:, 9] = 7.0
    return LabelledPoints.from_arrays(X, labels)


def prune(seed: int = 1, store: Path | None = None) -> PrunedClassifier:
    return prune_classifier(
        blobs(1, 900),
        blobs(2, 90),
        hidden=(12, 8),
        scaling="each",
        smallest_share=0.6,
        seed=seed,
        store=store,
    )


@pytest.mark.parametrize("layout", [figures.WIDE, figures.NARROW], ids=lambda layout: layout.name)
def test_the_report_shows_a_run(layout: figures.Layout) -> None:
    pruned = prune()
    section = pruning.section_of(pruned, load_digits())
    (figure,), (table,), (claim,) = section.figures, section.tables, section.claims
    ranks, accuracies, shares = figure.draw(layout).axes
    assert [line.get_ydata()[-1] for line in ranks.lines] == list(pruned.steps[-1].ranks)
    assert accuracies.lines[0].get_ydata()[0] == pruned.test_accuracies[0]
    assert shares.lines[0].get_ydata()[-1] == pruned.shares[-1]
    assert [row[0] for row in (table.rows[0], table.rows[-1])] == [0, len(pruned.steps) - 1]
    # These classes need more than a fifth of the parameters.
    assert claim.verdict == verdict.OPEN
    assert f"to {100 * pruned.shares[-1]:.0f} %" in claim.measured


def test_ranks_fall_and_accuracy_stays() -> None:
    state, n_threads = torch.get_rng_state(), torch.get_num_threads()
    pruned = prune()
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == n_threads
    assert pruned.layers == ("0", "2")
    assert pruned.widths == (10, 12, 8, 3)
    assert pruned.n_dense == 11 * 12 + 13 * 8 + 9 * 3
    assert pruned.steps[0].ranks == (10, 8)
    assert pruned.shares[-1] < 0.6 <= pruned.shares[-2]
    assert pruned.first_below(0.6) == len(pruned.steps) - 1
    assert pruned.first_below(0.01) is None
    for step, share in zip(pruned.steps, pruned.shares, strict=True):
        first, second = step.ranks
        assert step.n_parameters == 22 * first + 20 * second + 12 + 8 + 27
        assert share == step.n_parameters / pruned.n_dense
    # Eight deviations apart, classes are mistaken for about one point in 30,000.
    assert pruned.test_accuracies[0] > 0.95
    assert pruned.test_accuracies[-1] > pruned.test_accuracies[0] - 0.05
    assert len(pruned.test_accuracies) == len(pruned.steps)


def test_digits_need_a_fifth_of_the_parameters() -> None:
    """As published. Of 14 seeds 0.6 points are lost in the mean, with a deviation of 0.6."""
    digits = load_digits()
    pruned = prune_classifier(
        LabelledPoints.from_arrays(digits.training_images, digits.training_labels),
        LabelledPoints.from_arrays(digits.images, digits.labels),
        smallest_share=0.2,
    )
    assert pruned.widths == (64, 100, 100, 100, 10)
    assert pruned.shares[-1] < 0.2
    assert pruned.test_accuracies[0] > 0.95
    assert 100.0 * (pruned.test_accuracies[0] - pruned.test_accuracies[-1]) < 2.0


def test_the_seed_decides_and_a_store_goes_on(tmp_path: Path) -> None:
    store = tmp_path / "run.npz"
    first, second = prune(store=store), prune(store=store)
    assert repr(first.steps) == repr(second.steps)
    assert np.isnan(second.test_accuracies).all()
    other = prune(seed=2)
    assert repr(other.steps) != repr(first.steps)
