"""How far the functions of a finite network are from their limits, as a statistic."""

from __future__ import annotations

from typing import SupportsIndex

import numpy as np

from relufast import _fisher_groups, _validate
from relufast._read_only import read_only
from relufast._validate import FloatArray
from relufast.fisher_functions import basis_functions, function_form
from relufast.fisher_spectrum import fisher_spectrum
from relufast.monte_carlo.random_networks import Measured, NetworksAtPoints
from relufast.network import Network


class FunctionFormErrors(NetworksAtPoints):
    """The mean squared relative error of f_v against its `function_form`, by group.

    Of a layer W, shape (m, dimension), with entries from N(0, 1/m): the mean of (f_v(x) - F(x))^2
    over standard normal points x and the vectors v of a group (squares combined), in units of
    E F(x)^2. W and the points are new in each trial.

    Parameters
    ----------
    m : int
        Number of hidden units.
    dimension : int
        Number of inputs, at least 2.
    n_points : int
        Points in a trial.

    Attributes
    ----------
    groups : tuple of str
        ("norm", "linear", "product", "square").
    shape : tuple of int
        (4,), in their order.
    theory : ndarray of float64, shape (4,)
        The exact expectation, at any m.
    block_size : int

    Raises
    ------
    TypeError
        For what is not an integer.
    ValueError
        For less than one unit or point, or less than two inputs.

    Notes
    -----
    *The exact expectation* is ((d + 2) / (2 lambda_k) - 1) / m, lambda_k the eigenvalue of the
    group's degree. For f_v(x) is the mean of m independent values v(g) relu(g.x), g standard normal
    of d dimensions, whose expectation is F(x); so that m times the variance, with its mean over x
    taken first, is E v(g)^2 |g|^2 / 2 - E F(x)^2. As v is |g| times a function of the direction
    alone, E v^2 |g|^2 = (d + 2) E v^2, and E F^2 = lambda_k E v^2. So a group is learned by
    (d + 2) / (2 lambda_k) units: some pi, 2 d and pi d^2 of them.

    The points of a trial share its W, and the vectors of a group both: trials are what is
    independent.

    References
    ----------
    The forms: Ho, Takeishi and Takeuchi, arXiv 2505.17907. The expectation of the error is ours.

    Examples
    --------
    >>> import relufast
    >>> errors = relufast.statistics.FunctionFormErrors(1000, 4, 50)
    >>> relufast.monte_carlo(errors, n_trials=200, seed=1)
    Estimate(0.00312 ± 0.00011, 0.01114 ± 0.00030, 0.1024 ± 0.0025, 0.1069 ± 0.0034, 200 trials)
    >>> errors.theory
    array([0.00316374, 0.011     , 0.10309348, 0.10309348])
    """

    def __init__(self, m: SupportsIndex, dimension: SupportsIndex, n_points: SupportsIndex) -> None:
        n_units = _validate.positive_int(m, "m")
        d = _validate.dimension_of_all_groups(dimension, "dimension")
        super().__init__((d, n_units, 1), n_points, weight_variance=d / n_units, bias_variance=0.0)
        self.groups = tuple(_fisher_groups.DEGREES)
        self.shape = (len(self.groups),)
        eigenvalues = fisher_spectrum(d, 2).eigenvalues[list(_fisher_groups.DEGREES.values())]
        self.theory: FloatArray = read_only(((d + 2) / (2 * eigenvalues) - 1) / n_units)
        self._forms = [function_form(g, d) for g in _fisher_groups.DEGREES]  # type: ignore[arg-type]
        # Products with the points, and the vectors made.
        n_functions = sum(_fisher_groups.sizes(d, combined=True).values())
        products = self.n_points * n_units * (d + n_functions)
        self.block_size = self._trials_in(1e-10 * products + 3e-9 * n_units * n_functions)

    def measure(self, network: Network, X: FloatArray) -> Measured:
        found = basis_functions(network.weights[0], X)
        errors = []
        for form in self._forms:
            deviations = found[form.group] - form(X)
            errors.append(np.mean(deviations * deviations) / form.mean_square)
        return Measured(np.array(errors))
