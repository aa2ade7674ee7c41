"""Harmonic pruning of a classifier, as in Figure 5 of arXiv 1812.02566.

    python examples/harmonic_pruning.py
    python examples/harmonic_pruning.py HTRU_2.csv --scaling each
    python examples/harmonic_pruning.py mnist.npz --points x_train --labels y_train

Without a file the data are the digits that relufast's report comes with. Trains a classifier whose
hidden layers are double layers, cuts singular values one by one, prints ranks and accuracies, and
with --figure draws them. Needs PyTorch: pip install "relufast[torch]".
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

from relufast.datasets import LabelledPoints, load_csv, load_npz
from relufast.report.digits import load_digits
from relufast.report.pruned_classifier import PrunedClassifier, prune_classifier

SHARE_OF_TEST_POINTS = 1 / 3


def read(options: argparse.Namespace) -> tuple[LabelledPoints, LabelledPoints]:
    """Points to learn from, and test points."""
    if options.file is None:
        digits = load_digits()
        return (
            LabelledPoints.from_arrays(digits.training_images, digits.training_labels),
            LabelledPoints.from_arrays(digits.images, digits.labels),
        )
    if options.file.suffix == ".npz":
        data = load_npz(options.file, points=options.points, labels=options.labels)
    else:
        label = options.label
        data = load_csv(options.file, label=int(label) if label.lstrip("-").isdigit() else label)
    print(data)
    return data.split(round(SHARE_OF_TEST_POINTS * len(data.labels)), seed=options.seed)


def report(pruned: PrunedClassifier, every: int = 20) -> None:
    print(f"{'step':>4}  {'ranks':<20} {'parameters':>10}  {'of dense':>8}  {'test accuracy':>13}")
    below = pruned.first_below(0.2)
    shown = {0, *range(0, len(pruned.steps), every), len(pruned.steps) - 1}
    for i in sorted(shown if below is None else shown | {below}):
        step = pruned.steps[i]
        print(
            f"{step.step:>4}  {step.ranks!s:<20} {step.n_parameters:>10,}  "
            f"{pruned.shares[i]:>8.1%}  {pruned.test_accuracies[i]:>13.2%}"
        )
    if below is not None:
        print(
            f"Below 20 % of the dense network's parameters at step {below}, with "
            f"{pruned.points_lost(below):.1f} points of test accuracy lost."
        )


def draw(pruned: PrunedClassifier, path: Path) -> None:
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (ranks, accuracy) = plt.subplots(2, 1, sharex=True, layout="constrained")
    steps = [step.step for step in pruned.steps]
    for layer, name in enumerate(pruned.layers):
        ranks.plot(steps, [step.ranks[layer] for step in pruned.steps], label=f"layer {name}")
    ranks.set_ylabel("rank")
    ranks.legend()
    accuracy.plot(steps, pruned.test_accuracies, label="test accuracy")
    accuracy.plot(steps, [step.accuracy for step in pruned.steps], label="on points held out")
    accuracy.plot(steps, pruned.shares, label="parameters, of dense")
    accuracy.set_xlabel("step")
    accuracy.legend()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, help="CSV, or npz by its suffix")
    parser.add_argument("--label", default="-1", help="column of the CSV file: place or name")
    parser.add_argument("--points", default="X", help="array of the npz file")
    parser.add_argument("--labels", default="labels", help="array of the npz file")
    parser.add_argument("--scaling", choices=("overall", "each"), default="overall")
    parser.add_argument("--hidden", type=int, nargs="+", default=[100, 100, 100])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    training, test = read(options)
    pruned = prune_classifier(
        training, test, hidden=options.hidden, scaling=options.scaling, seed=options.seed
    )
    report(pruned)
    if options.figure is not None:
        draw(pruned, options.figure)


if __name__ == "__main__":
    main()
