"""Harmonic pruning: against the same five steps in NumPy, and through every interruption."""

from __future__ import annotations

import contextlib
import copy
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from relufast.torch import (  # noqa: E402
    DoubleLinear,
    HarmonicPruning,
    PruningStep,
    RetrainWhen,
    harmonic_pruning,
    to_double,
)

WIDTHS = (6, 9, 8, 3)


def inputs() -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randn(40, WIDTHS[0], dtype=torch.float64, generator=generator)


def dense_model(seed: int = 1, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    torch.manual_seed(seed)
    n0, n1, n2, n3 = WIDTHS
    first, second, last = nn.Linear(n0, n1), nn.Linear(n1, n2), nn.Linear(n2, n3)
    return nn.Sequential(first, nn.ReLU(), nn.Sequential(second, nn.ReLU()), last).to(dtype)


def likeness(model: nn.Module, target: torch.Tensor) -> float:
    """Continuous, so that no two layers lose the same."""
    return -(model(inputs()) - target).square().mean().item()


@dataclass
class Task:
    """To stay like the dense model, with all that could differ from run to run: draws, modes."""

    target: torch.Tensor
    calls: list[str] = field(default_factory=list)
    fail_at: int | None = None

    def _enter(self, name: str) -> None:
        self.calls.append(name)
        if len(self.calls) - 1 == self.fail_at:
            raise KeyboardInterrupt

    def evaluate(self, model: nn.Module) -> float:
        assert not any(module.training for module in model.modules())
        assert not torch.is_grad_enabled()
        self._enter("evaluate")
        return likeness(model, self.target) + 1e-9 * float(torch.rand(()))

    def retrain(self, model: nn.Module) -> None:
        assert all(module.training for module in model.modules())
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for step in range(6):
            optimizer.zero_grad()
            rows = torch.randperm(40)[:20]
            (model(inputs()[rows]) - self.target[rows]).square().mean().backward()
            optimizer.step()
            if step == 3:  # half way, with half of the changes made
                self._enter("retrain")


def task(**options: int) -> Task:
    return Task(dense_model()(inputs()).detach(), **options)


def every_second(step: PruningStep) -> bool:
    return step.step % 2 == 0


def never(step: PruningStep) -> bool:
    return False


def run(
    model: nn.Module, work: Task, store: Path | None = None, *, steps: int = 5, seed: int = 3
) -> HarmonicPruning:
    return harmonic_pruning(
        model,
        work.evaluate,
        work.retrain,
        stop=lambda step: step.step == steps,
        criterion=every_second,
        seed=seed,
        store=store,
    )


def bits(model: nn.Module) -> dict[str, bytes]:
    return {name: t.numpy().tobytes() for name, t in model.state_dict().items()}


def text(steps: tuple[PruningStep, ...]) -> str:
    """To compare, NaN included, to the last bit."""
    return "\n".join(map(repr, steps))


class NumpyPruning:
    """Steps 1 to 4 of the paper on dense matrices: a full decomposition for each candidate."""

    def __init__(self, model: nn.Sequential) -> None:
        linear = [m for m in model.modules() if isinstance(m, nn.Linear)]
        self.weights = [layer.weight.detach().numpy().copy() for layer in linear]
        self.biases = [layer.bias.detach().numpy() for layer in linear]
        self.target = self.output(self.weights)

    def output(self, weights: list[np.ndarray]) -> np.ndarray:
        h = inputs().numpy()
        for weight, bias in zip(weights[:-1], self.biases[:-1], strict=True):
            h = np.maximum(h @ weight.T + bias, 0.0)
        return h @ weights[-1].T + self.biases[-1]

    def candidates(self) -> list[tuple[float, list[np.ndarray]] | None]:
        found: list[tuple[float, list[np.ndarray]] | None] = []
        for i, weight in enumerate(self.weights):
            U, S, Vt = np.linalg.svd(weight, full_matrices=False)
            nonzero = np.flatnonzero(S > 1e-12)
            if len(nonzero) <= 1:
                found.append(None)
                continue
            S[nonzero[-1]] = 0.0
            changed = [*self.weights[:i], (U * S) @ Vt, *self.weights[i + 1 :]]
            loss = np.mean((self.output(changed) - self.target) ** 2)
            found.append((-float(loss), changed))
        return found

    def cut(self) -> tuple[int, list[float]] | None:
        found = self.candidates()
        if not any(found):
            return None
        best = max((i for i, c in enumerate(found) if c), key=lambda i: found[i][0])
        self.weights = found[best][1]
        return best, [c[0] if c else math.nan for c in found]


def test_the_steps_of_the_paper_to_the_end() -> None:
    dense = dense_model()
    oracle = NumpyPruning(dense)
    target = dense(inputs()).detach()
    model = to_double(dense, "full")
    pruning = harmonic_pruning(
        model,
        lambda m: likeness(m, target),
        lambda m: pytest.fail("no retraining was asked for"),
        stop=never,
        criterion=never,
    )
    assert repr(pruning) == "HarmonicPruning(3 layers, before step 0)"
    first = next(pruning)
    assert (first.step, first.layer, first.ranks, first.retrained) == (0, None, (6, 8, 3), False)
    assert first.accuracy == pytest.approx(0.0, abs=1e-25)
    assert np.isnan(first.candidate_accuracies).all()
    assert pruning.layers == ("0", "2.0", "3")
    ranks = [6, 8, 3]
    for step in pruning:
        expected = oracle.cut()
        assert expected is not None
        index, accuracies = expected
        ranks[index] -= 1
        assert step.layer == pruning.layers[index]
        assert step.ranks == tuple(ranks)
        np.testing.assert_allclose(step.candidate_accuracies, accuracies, rtol=1e-9, atol=1e-25)
        assert step.accuracy == step.candidate_accuracies[index]
        assert step.accuracy == likeness(model, target)
        assert step.n_parameters == sum(p.numel() for p in model.parameters())
        assert step.reference_accuracy == first.accuracy
        assert np.allclose(model(inputs()).detach(), oracle.output(oracle.weights), atol=1e-12)
    assert ranks == [1, 1, 1]
    assert oracle.cut() is None
    assert len(pruning.steps) == 1 + 5 + 7 + 2
    assert [step.step for step in pruning.steps] == list(range(15))
    assert next(pruning, None) is None
    assert repr(pruning).startswith("HarmonicPruning(3 layers, 14 steps, ranks (1, 1, 1), accur")


def test_only_retraining_costs_more_than_an_evaluation_for_each_layer() -> None:
    work = task()
    list(run(to_double(dense_model(), "full"), work, steps=4))
    by_step = ["evaluate"] * 3
    retraining = ["retrain", "evaluate"]
    assert work.calls == [
        "evaluate",
        *by_step,
        *by_step,
        *retraining,
        *by_step,
        *by_step,
        *retraining,
    ]


def test_a_candidate_changes_the_factors_of_one_layer_alone() -> None:
    model = to_double(dense_model(), "full")
    seen: list[int] = []

    def evaluate(m: nn.Module) -> float:
        now = list(m.parameters())
        seen.append(sum(p is not q for p, q in zip(now, parameters, strict=True)))
        return 0.5

    parameters = list(model.parameters())
    pruning = harmonic_pruning(model, evaluate, never, stop=never, criterion=never)
    next(pruning)
    parameters[:] = model.parameters()
    seen.clear()
    next(pruning)
    assert seen == [2, 2, 2]


def test_seeds_decide() -> None:
    def steps(seed: int, global_seed: int) -> str:
        model = to_double(dense_model(), "full")
        torch.manual_seed(global_seed)
        pruning = run(model, task(), seed=seed)
        return text(tuple(pruning)) + str(bits(model))

    assert steps(3, 1) == steps(3, 2)
    assert steps(3, 1) != steps(4, 1)


def test_candidates_of_a_step_draw_the_same_numbers_and_steps_do_not() -> None:
    drawn: list[float] = []

    def evaluate(model: nn.Module) -> float:
        drawn.append(float(torch.rand(())))
        return 0.5

    model = to_double(dense_model(), "full")
    before = torch.get_rng_state()
    pruning = harmonic_pruning(model, evaluate, never, stop=never, criterion=never)
    for _ in range(3):
        next(pruning)
    assert torch.equal(torch.get_rng_state(), before)
    assert len(set(drawn)) == 3
    assert drawn[1:4] == drawn[1:2] * 3


@pytest.fixture(scope="module")
def uninterrupted() -> tuple[str, dict[str, bytes], int]:
    model, work = to_double(dense_model(), "full"), task()
    pruning = run(model, work)
    for _ in pruning:
        pass
    assert sum(step.retrained for step in pruning.steps) == 2
    return text(pruning.steps), bits(model), len(work.calls)


def test_goes_on_after_an_interruption_anywhere(
    uninterrupted: tuple[str, dict[str, bytes], int], tmp_path: Path
) -> None:
    """In the same process, and in another from the store, with other weights at first."""
    expected_steps, expected_bits, n_calls = uninterrupted
    for fail_at in range(n_calls):
        store = tmp_path / f"{fail_at}.npz"
        model, work = to_double(dense_model(), "full"), task(fail_at=fail_at)
        pruning = run(model, work, store)
        states = {-1: bits(model)}
        with contextlib.suppress(KeyboardInterrupt):
            for step in pruning:
                states[step.step] = bits(model)
            pytest.fail("was not interrupted")
        last = len(pruning.steps) - 1
        assert bits(model) == states[last]

        other = to_double(dense_model(seed=2), "full")
        resumed = run(other if last >= 0 else copy.deepcopy(model), task(), store)
        assert text(resumed.steps) == text(pruning.steps)
        for same in (pruning, resumed):
            for _ in same:
                pass
            assert text(same.steps) == expected_steps
            assert bits(same._model) == expected_bits


def test_a_finished_store_goes_on_with_another_stop(
    uninterrupted: tuple[str, dict[str, bytes], int], tmp_path: Path
) -> None:
    store = tmp_path / "run.npz"
    list(run(to_double(dense_model(), "full"), task(), store, steps=3))
    model = to_double(dense_model(seed=4), "full")
    again = run(model, task(), store, steps=3)
    assert list(again) == []
    assert len(again.steps) == 4
    more = run(model, task(), store)
    assert [step.step for step in more] == [4, 5]
    assert text(more.steps) == uninterrupted[0]
    assert bits(model) == uninterrupted[1]
    assert list(tmp_path.iterdir()) == [store]


def test_a_retraining_that_fails_leaves_the_last_step() -> None:
    model = to_double(dense_model(), "full")
    work = task()
    failures = iter([True, False])

    def retrain(m: nn.Module) -> None:
        work.retrain(m)
        if next(failures):
            raise ValueError("no more data")

    pruning = harmonic_pruning(
        model, work.evaluate, retrain, stop=lambda s: s.step == 2, criterion=every_second, seed=3
    )
    next(pruning), next(pruning)
    before = bits(model)
    with pytest.raises(ValueError, match="no more data"):
        next(pruning)
    assert bits(model) == before
    reference = run(to_double(dense_model(), "full"), task(), steps=2)
    list(reference)
    next(pruning)
    assert text(pruning.steps) == text(reference.steps)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_modes_and_contexts_of_the_user_do_not_matter(
    uninterrupted: tuple[str, dict[str, bytes], int], context: Callable[[], object]
) -> None:
    model = to_double(dense_model(), "full")
    model[2].eval()
    modes = [m.training for m in model.modules()]
    pruning = run(model, task())
    with context():
        for _ in pruning:
            assert [m.training for m in model.modules()] == modes
    assert text(pruning.steps) == uninterrupted[0]
    assert all(p.requires_grad and not p.is_inference() for p in model.parameters())


def test_factors_changed_between_steps_are_decomposed_again() -> None:
    dense = dense_model()
    target = dense(inputs()).detach()
    model = to_double(dense, ["full", None, None])
    pruning = harmonic_pruning(
        model, lambda m: likeness(m, target), never, stop=never, criterion=never
    )
    next(pruning)
    with torch.no_grad():  # the largest singular value last
        model[0].W.copy_(model[0].W.flip(1).clone())
        model[0].M.copy_(model[0].M.flip(0).clone())
    assert next(pruning).accuracy == pytest.approx(
        harmonic_accuracy_of_rank(dense, target, 5), rel=1e-9
    )


def harmonic_accuracy_of_rank(dense: nn.Module, target: torch.Tensor, rank: int) -> float:
    return likeness(to_double(dense, [rank, None, None]), target)


def test_zeros_go_before_the_first_step_and_after_retraining() -> None:
    model = nn.Sequential(DoubleLinear(8, 8, 8), nn.ReLU(), DoubleLinear(8, 4, 4))
    with torch.no_grad():
        model[0].W[:, 5:] = 0.0
        model[2].W.zero_()

    def retrain(m: nn.Module) -> None:
        with torch.no_grad():
            m[0].M[2:] = 0.0

    pruning = harmonic_pruning(
        model, lambda m: 0.5, retrain, stop=never, criterion=lambda s: s.step == 2
    )
    assert [step.ranks for step in pruning] == [(5, 1), (4, 1), (2, 1), (1, 1)]
    assert [step.retrained for step in pruning.steps] == [False, False, True, False]
    assert pruning.steps[2].n_parameters == sum((2 * 16, 8, 12, 4))


def test_rank_0_is_reached_when_allowed() -> None:
    model = nn.Sequential(DoubleLinear(4, 4, 2), nn.ReLU(), nn.Linear(4, 2))
    pruning = harmonic_pruning(
        model,
        lambda m: float(m(torch.ones(4)).abs().sum()),
        never,
        stop=never,
        criterion=never,
        min_rank=0,
    )
    assert [step.ranks for step in pruning] == [(2,), (1,), (0,)]
    assert model[0](torch.ones(4)).tolist() == [0.0] * 4


def test_layers_that_lose_the_same_are_told_apart_by_their_spectra() -> None:
    model = nn.Sequential(
        *(DoubleLinear(3, 3, 3, bias=False, dtype=torch.float64) for _ in range(3))
    )
    spectra = ([8.0, 4.0, 2.0], [1.0, 0.75, 0.125], [32.0, 16.0, 8.0])
    with torch.no_grad():
        for layer, spectrum in zip(model, spectra, strict=True):
            layer.W.copy_(torch.diag(torch.tensor(spectrum)))
            layer.M.copy_(torch.eye(3))
    pruning = harmonic_pruning(model, lambda m: True * 1.0, never, stop=never, criterion=never)
    assert [step.layer for step in pruning] == [None, "1", "0", "2", "0", "2", "1"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dtypes_frozen_parameters_and_models_of_one_layer(dtype: torch.dtype) -> None:
    layer = DoubleLinear(6, 5, 4, dtype=dtype)
    layer.W.requires_grad_(False)
    value = torch.tensor(0.75, dtype=torch.bfloat16)
    pruning = harmonic_pruning(
        layer, lambda m: value, lambda m: None, stop=lambda s: s.ranks == (2,)
    )
    steps = list(pruning)
    assert pruning.layers == ("",)
    assert [s.layer for s in steps] == [None, "", ""]
    assert all(s.accuracy == 0.75 and s.retrained for s in steps[1:])
    assert (layer.W.dtype, layer.M.dtype) == (dtype, dtype)
    assert (layer.W.requires_grad, layer.M.requires_grad) == (False, True)


def test_the_criterion_of_the_paper() -> None:
    def step(number: int, accuracy: float, ranks: tuple[int, ...]) -> PruningStep:
        return PruningStep(number, "0", ranks, accuracy, accuracy, 0.9, (accuracy,), 100, False)

    criterion = RetrainWhen()
    assert not criterion(step(1, 0.896, (10, 10)))
    assert criterion(step(1, 0.894, (10, 10)))
    assert criterion(step(20, 0.9, (10, 10)))
    assert criterion(step(1, 0.9, (10, 9)))
    assert not RetrainWhen(drop=0.1, every=30, rank_below=0)(step(20, 0.85, (1, 1)))


def test_the_reference_is_the_accuracy_after_the_last_retraining() -> None:
    model = to_double(dense_model(), "full")
    pruning = run(model, task(), steps=6)
    steps = list(pruning)
    for previous, step in itertools.pairwise(steps):
        new = previous.step == 0 or previous.retrained
        expected = previous.accuracy if new else previous.reference_accuracy
        assert step.reference_accuracy == expected
        assert step.accuracy_before_retraining == max(step.candidate_accuracies)
        assert (step.accuracy == step.accuracy_before_retraining) is (not step.retrained)
    assert len({step.reference_accuracy for step in steps}) == 3


def test_stores_hold_layers_of_other_types_too(tmp_path: Path) -> None:
    """What is not cut comes back as well, from a file that NumPy reads."""
    store = tmp_path / "run.npz"
    model = to_double(dense_model(dtype=torch.float32), ["full", None, 2])
    ranks = [list(step.ranks) for step in run(model.double(), task(), store, steps=2)]
    other = to_double(dense_model(seed=9), ["full", None, 2])
    assert len(run(other, task(), store, steps=2).steps) == 3
    assert bits(other) == bits(model)
    with np.load(store, allow_pickle=False) as arrays:
        assert np.array_equal(arrays["tensor_2.0.weight"], model[2][0].weight.detach().numpy())
        assert arrays["ranks"].tolist() == ranks
