"""Networks from scikit-learn, against its own predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from relufast.interop import from_sklearn

pytest.importorskip("sklearn")
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

# Of the largest output.
RTOL, RTOL_FLOAT32 = 1e-12, 1e-5


def fitted(model: Any, X: np.ndarray, y: np.ndarray) -> Any:
    """Enough to give every part its parameters; tol ends it without a warning."""
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    last.set_params(max_iter=12, tol=1e15, n_iter_no_change=1, random_state=1)
    return model.fit(X, y)


def data(seed: int, n_features: int, dtype: Any = np.float64) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(-3.0, 200.0, (40, n_features)).astype(dtype)


SCALERS: list[list[Any]] = [
    [],
    [StandardScaler()],
    [StandardScaler(with_mean=False)],
    [StandardScaler(with_std=False)],
    [MinMaxScaler(feature_range=(-1.0, 2.0))],
    [MaxAbsScaler()],
    [MinMaxScaler(), "passthrough", StandardScaler()],
    [MaxAbsScaler(), StandardScaler(with_mean=False, with_std=False), None],
]


@pytest.mark.parametrize("scalers", SCALERS, ids=lambda scalers: "-".join(map(str, scalers)))
@pytest.mark.parametrize("hidden", [(5,), (7, 4), (3, 6, 2, 5)])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_regressors(scalers: list[Any], hidden: tuple[int, ...], n_outputs: int) -> None:
    X = data(len(hidden), 4)
    y = np.column_stack([X[:, 0] * X[:, 1], X[:, 2], X.sum(axis=1)])[:, :n_outputs]
    steps = [(f"s{i}", scaler) for i, scaler in enumerate(scalers)]
    mlp = ("mlp", MLPRegressor(hidden_layer_sizes=hidden))
    model = fitted(Pipeline([*steps, mlp]) if steps else mlp[1], X, y if n_outputs > 1 else y[:, 0])
    network = from_sklearn(model)
    assert network.widths == (4, *hidden, n_outputs)
    expected = model.predict(X).reshape(len(X), -1)
    assert np.abs(network(X) - expected).max() <= RTOL * np.abs(expected).max()


@pytest.mark.parametrize("n_classes", [2, 5])
def test_classifiers_give_logits(n_classes: int) -> None:
    X = data(9, 3)
    y = np.arange(len(X)) % n_classes
    model = fitted(make_pipeline(StandardScaler(), MLPClassifier(hidden_layer_sizes=(8, 8))), X, y)
    logits = from_sklearn(model, drop_output_activation=True)(X)
    probabilities = model.predict_proba(X)
    if n_classes == 2:
        assert logits.shape == (len(X), 1)
        found = np.hstack([1.0 / (1.0 + np.exp(logits)), 1.0 / (1.0 + np.exp(-logits))])
    else:
        found = np.exp(logits - logits.max(axis=1, keepdims=True))
        found /= found.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, probabilities, rtol=1e-12)


def test_a_classifier_of_several_labels() -> None:
    X = data(9, 3)
    y = np.column_stack([X[:, 0] > 100.0, X[:, 1] > 50.0]).astype(int)
    model = fitted(MLPClassifier(hidden_layer_sizes=(8,)), X, y)
    logits = from_sklearn(model, drop_output_activation=True)(X)
    np.testing.assert_allclose(1.0 / (1.0 + np.exp(-logits)), model.predict_proba(X), rtol=1e-12)


def test_float32() -> None:
    X = data(5, 3, np.float32)
    model = fitted(
        make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(9, 9))), X, X[:, 0]
    )
    assert model.steps[-1][1].coefs_[0].dtype == np.float32
    expected = model.predict(X)
    error = np.abs(from_sklearn(model)(X)[:, 0] - expected).max()
    assert error <= RTOL_FLOAT32 * np.abs(expected).max()


def test_parameters_without_scalers_are_kept() -> None:
    X = data(5, 3)
    model = fitted(MLPRegressor(hidden_layer_sizes=(9, 4)), X, X[:, 0])
    network = from_sklearn(model)
    for i in range(3):
        np.testing.assert_array_equal(network.weights[i], model.coefs_[i].T)
        np.testing.assert_array_equal(network.biases[i], model.intercepts_[i])
