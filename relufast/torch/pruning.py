"""Harmonic pruning: singular values cut one by one, each where it is missed least."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import SupportsIndex

import torch
from torch import nn

from relufast import _validate
from relufast.torch import _pruning_file
from relufast.torch._callbacks import Callbacks, kept_modes
from relufast.torch._factors import balanced_product
from relufast.torch._layers import double_layers
from relufast.torch._model_state import ModelState, first_not_finite
from relufast.torch._pruning_file import Run
from relufast.torch.criterion import RetrainWhen
from relufast.torch.double_linear import DoubleLinear, parameter_like, require_finite
from relufast.torch.errors import RetrainDivergedError
from relufast.torch.pruning_step import PruningStep

Rule = Callable[[PruningStep], bool]


def harmonic_pruning(
    model: nn.Module,
    evaluate: Callable[[nn.Module], object],
    retrain: Callable[[nn.Module], object],
    *,
    stop: Rule,
    criterion: Rule | None = None,
    min_rank: SupportsIndex = 1,
    seed: SupportsIndex = 0,
    store: str | os.PathLike[str] | None = None,
) -> HarmonicPruning:
    """Lower the ranks of a model's double layers step by step, at little loss of accuracy.

    A step is: (1) in each double layer by itself, zero the smallest non-zero singular value of W M
    and measure the accuracy; (2) choose the layer that loses least; (3) cut that singular value for
    good, which makes W and M smaller; (4) keep W = U sqrt(S) and M = sqrt(S) V^T as separate
    factors; (5) retrain if the criterion holds.

    Parameters
    ----------
    model : torch.nn.Sequential
        As `to_double` makes one, with at least one `DoubleLinear`; other layers are not cut.
        Changed in place, step by step.
    evaluate : callable
        ``evaluate(model)`` gives the accuracy, a finite number, the larger the better. Called in
        evaluation mode and without gradients, once for each layer in each step.
    retrain : callable
        ``retrain(model)`` trains in place; what it returns is ignored. Called in training mode. It
        makes its own optimizer, because cut layers have new parameters.
    stop : callable
        ``stop(step)`` says, after each `PruningStep`, whether it is the last one.
    criterion : callable, optional
        ``criterion(step)`` says, after a cut, whether to retrain, from the `PruningStep` as it
        would be without. The paper's by default, see `RetrainWhen`.
    min_rank : int, optional
        A layer of this rank is not cut further. At least 0; a layer of rank 0 is constant.
    seed : int, optional
        At least 0 and below 2**64: of PyTorch's global generators, CPU and CUDA, while `evaluate`
        and `retrain` run.
    store : str or path object, optional
        A file for the steps and the model after the last one, replaced after each step. If it is
        there already, the run goes on from it; `model` need then only be of the same layers as the
        run began with, of any weights.

    Returns
    -------
    HarmonicPruning
        An iterator; each ``next`` makes one step and gives its `PruningStep`, at first step 0, the
        model without cuts.

    Raises
    ------
    TypeError
        For a layer of another type, which is named, what is no function, and what `evaluate`
        returns if it is no number.
    ValueError
        For NaN or infinity in the model or from `evaluate`, two layers that share a factor, numbers
        out of their range, a `retrain` that changes more than values, and a store that is damaged
        or of another run.
    RetrainDivergedError
        If retraining leaves NaN or infinity in the model.

    Notes
    -----
    Whatever is raised in a step, by `evaluate` and `retrain` too or by Ctrl-C, the model is then as
    after the step before, and ``next`` tries again.

    Before the first step, and after each retraining, singular values that are zero but for rounding
    are dropped without a step of their own. Layers that lose the same are told apart by their
    smallest singular value over their largest, the smaller first, then by their order; the paper
    leaves that open. A step costs one evaluation for each layer, and one after retraining, and
    copies one layer's factors for each; retraining copies the model once. Decompositions cost
    O((m + n) k^2) a layer, after retraining only.

    The same seed, model and functions give the same steps, stored and gone on with or not, as far
    as PyTorch itself computes the same, which it does on one CPU with the same number of threads.

    References
    ----------
    arXiv 1812.02566.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from relufast.torch import harmonic_pruning, to_double
    >>> generator = torch.Generator().manual_seed(1)
    >>> x = torch.randn(500, 10, generator=generator)
    >>> y = (x[:, 0] * x[:, 1] > 0).long()
    >>> def accuracy(model):
    ...     return (model(x).argmax(1) == y).float().mean()
    >>> def train(model):
    ...     optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    ...     for _ in range(100):
    ...         optimizer.zero_grad()
    ...         nn.functional.cross_entropy(model(x), y).backward()
    ...         optimizer.step()
    >>> _ = torch.manual_seed(1)
    >>> model = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 2))
    >>> train(model)
    >>> model = to_double(model, ["full", None])
    >>> for step in harmonic_pruning(model, accuracy, train, stop=lambda step: step.ranks[0] == 3):
    ...     last = step
    >>> last.ranks, last.n_parameters, last.accuracy > 0.95
    ((3,), 152, True)
    """
    for name, function in (("evaluate", evaluate), ("retrain", retrain), ("stop", stop)):
        if _validate.callable_or_none(function, name) is None:
            raise TypeError(f"{name} is None, but needs a function")
    _validate.callable_or_none(criterion, "criterion")
    layers = double_layers(model)
    _require_separate_factors(layers)
    bad = first_not_finite(model)
    if bad is not None:
        raise ValueError(f"{bad} of model has NaN or infinity, but must be finite")
    run = Run(_validate.seed(seed), _validate.non_negative_int(min_rank, "min_rank"), tuple(layers))
    path = None if store is None else _validate.file_path(store, "store")
    if path is not None:
        _pruning_file.require_storable(model.state_dict())
    return HarmonicPruning(
        model, layers, evaluate, retrain, stop, criterion or RetrainWhen(), run, path
    )


class HarmonicPruning(Iterator[PruningStep]):
    """A run of harmonic pruning, made by `harmonic_pruning`: an iterator over its steps.

    Between steps the model is the user's, to read, measure and save. Factors changed by hand are
    decomposed again before the next step.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: dict[str, DoubleLinear],
        evaluate: Callable[[nn.Module], object],
        retrain: Callable[[nn.Module], object],
        stop: Rule,
        criterion: Rule,
        run: Run,
        store: Path | None,
    ) -> None:
        self._model = model
        self._layers = list(layers.values())
        self._callbacks = Callbacks(model, evaluate, retrain, run.seed)
        self._stop, self._criterion = stop, criterion
        self._run = run
        self._store = store
        self._steps: tuple[PruningStep, ...] = ()
        self._balanced: dict[DoubleLinear, _Factors] = {}
        if store is not None and store.exists():
            self._steps = _pruning_file.read(store, run, model, layers)
            self._mark_balanced(self._layers)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the double layers, in the order of `PruningStep.ranks`."""
        return self._run.layers

    @property
    def steps(self) -> tuple[PruningStep, ...]:
        """All so far, those that the store had at the beginning included."""
        return self._steps

    def __repr__(self) -> str:
        if not self._steps:
            return f"HarmonicPruning({len(self.layers)} layers, before step 0)"
        last = self._steps[-1]
        return (
            f"HarmonicPruning({len(self.layers)} layers, {last.step} steps, ranks {last.ranks}, "
            f"accuracy {last.accuracy:.4g})"
        )

    def __next__(self) -> PruningStep:
        if self._steps and self._stops(self._steps[-1]):
            raise StopIteration
        # Tensors made in inference mode could not be trained.
        with torch.inference_mode(False), kept_modes(self._model):
            step = self._next_step()
        if step is None:
            raise StopIteration
        return step

    def _stops(self, step: PruningStep) -> bool:
        return _validate.flag(self._stop(step), "what stop returned")

    def _next_step(self) -> PruningStep | None:
        """One step with all its effects, or none of them; None if no layer may be cut."""
        state = ModelState(self._model)
        balanced = [layer for layer in self._layers if self._is_balanced(layer)]
        try:
            self._balance()
            step = self._cut(state) if self._steps else self._start()
            if step is None:
                return None
            steps = (*self._steps, step)
            if self._store is not None:
                _pruning_file.write(self._store, self._run, steps, self._model.state_dict())
        except BaseException:
            state.restore()
            self._mark_balanced(balanced)
            raise
        self._steps = steps
        return step

    def _start(self) -> PruningStep:
        accuracy = self._callbacks.accuracy(0, "the model as given")
        nothing_cut = (math.nan,) * len(self._layers)
        return self._step(0, None, accuracy, nothing_cut, accuracy)

    def _cut(self, state: ModelState) -> PruningStep | None:
        last = self._steps[-1]
        number = last.step + 1
        accuracies = self._candidate_accuracies(number)
        candidates = [i for i, accuracy in enumerate(accuracies) if not math.isnan(accuracy)]
        if not candidates:
            return None
        chosen = max(
            candidates, key=lambda i: (accuracies[i], -_smallest_over_largest(self._layers[i]))
        )
        self._drop_smallest(self._layers[chosen])
        reference = last.accuracy if last.retrained or last.step == 0 else last.reference_accuracy
        step = self._step(number, self.layers[chosen], accuracies[chosen], accuracies, reference)
        if not _validate.flag(self._criterion(step), "what criterion returned"):
            return step
        self._retrain(number, state)
        return replace(
            step,
            ranks=self._ranks(),
            accuracy=self._callbacks.accuracy(number, f"the model retrained at step {number}"),
            n_parameters=self._n_parameters(),
            retrained=True,
        )

    def _candidate_accuracies(self, number: int) -> tuple[float, ...]:
        accuracies = []
        for name, layer in zip(self.layers, self._layers, strict=True):
            if layer.rank <= self._run.min_rank:
                accuracies.append(math.nan)
                continue
            W, M = layer.W, layer.M
            self._drop_smallest(layer)
            what = f"layer {name!r} cut to rank {layer.rank}"
            accuracies.append(self._callbacks.accuracy(number, what))
            layer.W, layer.M = W, M
            self._balanced[layer] = _Factors(layer)
        return tuple(accuracies)

    def _retrain(self, number: int, state: ModelState) -> None:
        state.copy_values()
        self._callbacks.retrain(number)
        state.require_same_form()
        bad = first_not_finite(self._model)
        if bad is not None:
            raise RetrainDivergedError(bad, self._steps[-1])
        self._balance()

    def _step(
        self,
        number: int,
        layer: str | None,
        accuracy: float,
        candidates: tuple[float, ...],
        reference: float,
    ) -> PruningStep:
        """Of the model as it is now, not retrained."""
        return PruningStep(
            step=number,
            layer=layer,
            ranks=self._ranks(),
            accuracy=accuracy,
            accuracy_before_retraining=accuracy,
            reference_accuracy=reference,
            candidate_accuracies=candidates,
            n_parameters=self._n_parameters(),
            retrained=False,
        )

    def _ranks(self) -> tuple[int, ...]:
        return tuple(layer.rank for layer in self._layers)

    def _n_parameters(self) -> int:
        return sum(parameter.numel() for parameter in self._model.parameters())

    def _balance(self) -> None:
        """Decompose the layers whose factors are not as this run left them.

        Only these: decomposed twice, factors differ in their last bits, and a run that goes on
        from a file would from one that never stopped.
        """
        for name, layer in zip(self.layers, self._layers, strict=True):
            if not self._is_balanced(layer):
                require_finite(layer.W, f"W of layer {name!r}")
                require_finite(layer.M, f"M of layer {name!r}")
                factors = balanced_product(layer.W, layer.M)
                smallest = min(self._run.min_rank, layer.rank)
                layer.set_factors_(factors.truncated(max(factors.numerical_rank, smallest)))
                self._balanced[layer] = _Factors(layer)

    def _drop_smallest(self, layer: DoubleLinear) -> None:
        """Of a balanced layer, which stays balanced."""
        layer.W = parameter_like(layer.W[:, :-1], layer.W)
        layer.M = parameter_like(layer.M[:-1], layer.M)
        self._balanced[layer] = _Factors(layer)

    def _is_balanced(self, layer: DoubleLinear) -> bool:
        balanced = self._balanced.get(layer)
        return balanced is not None and balanced.are_those_of(layer)

    def _mark_balanced(self, layers: Sequence[DoubleLinear]) -> None:
        self._balanced = {layer: _Factors(layer) for layer in layers}


class _Factors:
    """A layer's factors at one moment, to see whether they were replaced or written to since."""

    def __init__(self, layer: DoubleLinear) -> None:
        self._factors = layer.W, layer.M
        self._versions = layer.W._version, layer.M._version

    def are_those_of(self, layer: DoubleLinear) -> bool:
        W, M = self._factors
        same = W is layer.W and M is layer.M
        return same and self._versions == (W._version, M._version)


def _smallest_over_largest(layer: DoubleLinear) -> float:
    """Of the singular values of a balanced layer of rank 1 or more."""
    largest, smallest = (
        float(layer.W[:, i].detach().double().norm() * layer.M[i].detach().double().norm())
        for i in (0, -1)
    )
    return smallest / largest if largest > 0.0 else 0.0


def _require_separate_factors(layers: Mapping[str, DoubleLinear]) -> None:
    """One factor in two layers cannot be cut for one of them."""
    owners: dict[int, str] = {}
    for name, layer in layers.items():
        for factor in (layer.W, layer.M):
            other = owners.setdefault(id(factor), name)
            if other != name:
                raise ValueError(
                    f"layers {other!r} and {name!r} of model share a factor, but each needs its own"
                )
