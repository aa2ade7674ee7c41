"""Networks from scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from relufast import _optional, _validate
from relufast.interop._chain import Chain
from relufast.interop._errors import UnsupportedLayerError
from relufast.network import Network

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


def from_sklearn(estimator: BaseEstimator, *, drop_output_activation: bool = False) -> Network:
    """The network of a fitted MLPClassifier or MLPRegressor.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or Pipeline
        Fitted, with activation "relu". A pipeline ends with one of the two, after any number of
        StandardScaler, MinMaxScaler (without clip) and MaxAbsScaler, which become part of the first
        layer.
    drop_output_activation : bool, optional
        Leave out the softmax or logistic function that ends every MLPClassifier, so that the
        network gives what goes into it (the logits). Such an estimator is refused otherwise.

    Returns
    -------
    Network
        Of float64, with the estimator's parameters. Where scalers precede them, the first layer's
        are composed exactly and each rounded once; the reciprocals of scalers that divide are
        rounded before.

    Raises
    ------
    ModuleNotFoundError
        Without scikit-learn.
    UnsupportedLayerError
        For another activation or another step of a pipeline: the message names it. A ValueError.
    TypeError
        For another kind of estimator.
    ValueError
        For an estimator that is not fitted, or with parameters that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> import relufast.interop
    >>> from sklearn.neural_network import MLPRegressor
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X = np.random.default_rng(1).uniform(0.0, 255.0, (50, 3))
    >>> mlp = MLPRegressor(hidden_layer_sizes=(8, 8), max_iter=20, tol=1e9, random_state=1)
    >>> model = make_pipeline(StandardScaler(), mlp).fit(X, X.max(axis=1))
    >>> network = relufast.interop.from_sklearn(model)
    >>> network
    Network(3-8-8-1, relu, 113 parameters)
    >>> np.allclose(network(X)[:, 0], model.predict(X), rtol=1e-12)
    True
    """
    drop = _validate.flag(drop_output_activation, "drop_output_activation")
    _optional.require("sklearn", "from_sklearn", "scikit-learn")
    from sklearn.pipeline import Pipeline

    steps = [("", estimator)]
    if isinstance(estimator, Pipeline):
        steps = [(f"step {name!r}", step) for name, step in estimator.steps]
    chain = Chain()
    for where, scaler in steps[:-1]:
        chain = _scaled(scaler, chain, _name(where, scaler))
    where, last = steps[-1]
    name = _name(where, last)
    return _perceptron(last, chain, name, drop=drop).network(name)


def _name(where: str, estimator: object) -> str:
    kind = type(estimator).__name__
    return f"{where} ({kind})" if where else kind


def _scaled(scaler: Any, chain: Chain, name: str) -> Chain:
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

    converters: dict[type, Callable[[Any, Chain, str], Chain]] = {
        StandardScaler: _standard,
        MinMaxScaler: _min_max,
        MaxAbsScaler: _max_abs,
    }
    if scaler is None or (isinstance(scaler, str) and scaler == "passthrough"):
        return chain
    # By the exact type: a subclass can do anything else.
    converter = converters.get(type(scaler))
    if converter is None:
        known = ", ".join(known.__name__ for known in converters)
        raise UnsupportedLayerError(f"{name} is not supported in a pipeline; what is: {known}")
    _require_fitted(scaler, "n_features_in_", name)
    return converter(scaler, chain.of_width(scaler.n_features_in_, name), name)


def _standard(scaler: Any, chain: Chain, name: str) -> Chain:
    if scaler.with_mean:
        chain = chain.shift(-scaler.mean_, name)
    return chain.divide(scaler.scale_, name) if scaler.with_std else chain


def _min_max(scaler: Any, chain: Chain, name: str) -> Chain:
    if scaler.clip:
        raise UnsupportedLayerError(f"{name} clips its output, which no dense layer does")
    return chain.scale(scaler.scale_, name).shift(scaler.min_, name)


def _max_abs(scaler: Any, chain: Chain, name: str) -> Chain:
    if getattr(scaler, "clip", False):
        raise UnsupportedLayerError(f"{name} clips its output, which no dense layer does")
    return chain.divide(scaler.scale_, name)


def _perceptron(estimator: Any, chain: Chain, name: str, *, drop: bool) -> Chain:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if type(estimator) not in (MLPClassifier, MLPRegressor):
        raise TypeError(
            f"estimator is {name}, but needs an MLPClassifier, an MLPRegressor or a Pipeline that "
            "ends with one"
        )
    _require_fitted(estimator, "coefs_", name)
    if estimator.activation != "relu":
        raise UnsupportedLayerError(
            f"{name} has the activation {estimator.activation!r}, but needs 'relu'"
        )
    layers = zip(estimator.coefs_, estimator.intercepts_, strict=True)
    for number, (weights, biases) in enumerate(layers, 1):
        if number > 1:
            chain = chain.relu(0.0, f"{name}: layer {number - 1}")
        chain = chain.dense(weights.T, biases, f"{name}: layer {number}")
    if estimator.out_activation_ == "identity":
        return chain
    return chain.output_activation(f"{name}: {estimator.out_activation_} at the output", drop=drop)


def _require_fitted(estimator: object, attribute: str, name: str) -> None:
    if not hasattr(estimator, attribute):
        raise ValueError(f"{name} is not fitted: call fit first")
