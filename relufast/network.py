"""Fully connected ReLU networks."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, Literal, NoReturn, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast import _core, _forward_pass, _network_file, _random_layers, _validate
from relufast._cpus import thread_count
from relufast._read_only import read_only
from relufast._validate import FloatArray

if TYPE_CHECKING:
    from relufast.lazy_network import LazyNetwork


class Network:
    """An immutable fully connected network with (leaky) ReLU hidden layers.

    z_1 = W_1 x + b_1, h_l = relu(z_l), z_{l+1} = W_{l+1} h_l + b_{l+1}; the last layer is linear.
    relu(z) is z for z > 0 and ``negative_slope * z`` elsewhere. relufast takes a network to be the
    exact real function of its float64 parameters.

    Parameters
    ----------
    weights : list or tuple of array_like
        W_1, ..., each of shape (n_l, n_{l-1}) as in PyTorch; at least two, the last of them the
        output layer's. Copied to float64. Real dtypes that float64 holds exactly are taken: float16
        to float64, and integers up to 2**53 in size; bool is not.
    biases : list or tuple of array_like, optional
        b_1, ..., each of shape (n_l,). Zeros if not given.
    negative_slope : float, optional
        Slope of relu for negative arguments, any finite number: 0 is ReLU, others leaky ReLU.

    Raises
    ------
    TypeError
        For a dtype or type that is not as above.
    ValueError
        For shapes that do not chain, a width of 0, no hidden layer, NaN, infinity, or an integer
        beyond 2**53.

    Notes
    -----
    Networks compare and hash by identity, and can be pickled.

    Examples
    --------
    >>> import relufast
    >>> network = relufast.Network([[[1.0], [-1.0]], [[1.0, 1.0]]])  # |x|
    >>> network
    Network(1-2-1, relu, 7 parameters)
    >>> network([-2.0, 0.5])
    array([[2. ],
           [0.5]])
    """

    __slots__ = (
        "__weakref__",
        "_biases",
        "_handle",
        "_negative_slope",
        "_rounded_line",
        "_weights",
        "_widths",
    )

    _weights: tuple[FloatArray, ...]
    _biases: tuple[FloatArray, ...]
    _negative_slope: float
    _rounded_line: bool
    _handle: _core.Network | None
    _widths: tuple[int, ...]

    def __init__(
        self,
        weights: Sequence[ArrayLike],
        biases: Sequence[ArrayLike] | None = None,
        *,
        negative_slope: float = 0.0,
    ) -> None:
        checked_weights, checked_biases = _validate.network_parameters(weights, biases)
        self._adopt(
            [np.array(w, order="C") for w in checked_weights],
            [np.array(b, order="C") for b in checked_biases],
            _validate.finite_float(negative_slope, "negative_slope"),
            rounded_line=False,
        )

    def _adopt(
        self,
        weights: Sequence[FloatArray],
        biases: Sequence[FloatArray],
        negative_slope: float,
        *,
        rounded_line: bool,
    ) -> None:
        """Take checked C-contiguous arrays that nobody else will write to."""
        state = {
            "_weights": tuple(_read_only_view(w) for w in weights),
            "_biases": tuple(_read_only_view(b) for b in biases),
            "_negative_slope": negative_slope,
            "_rounded_line": rounded_line,
            "_handle": None,
            "_widths": (weights[0].shape[1], *(len(w) for w in weights)),
        }
        for name, value in state.items():
            object.__setattr__(self, name, value)

    @classmethod
    def _from_adopted(
        cls,
        weights: Sequence[FloatArray],
        biases: Sequence[FloatArray],
        negative_slope: float,
        rounded_line: bool,
    ) -> Network:
        network = cls.__new__(cls)
        network._adopt(weights, biases, negative_slope, rounded_line=rounded_line)
        return network

    def __reduce__(self) -> tuple[Callable[..., Network], tuple[Any, ...]]:
        # Arrays come out of a pickle writeable, so that the usual way would lose immutability.
        state = (self._weights, self._biases, self._negative_slope, self._rounded_line)
        return type(self)._from_adopted, state

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"cannot set {name!r}: a Network is immutable")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"cannot delete {name!r}: a Network is immutable")

    def _core_network(self, n_threads: int | None = None) -> _core.Network:
        """The compiled core's own copy, made at the first call and kept."""
        if self._handle is None:
            handle = _core.Network(
                self._weights, self._biases, self._negative_slope, thread_count(n_threads)
            )
            object.__setattr__(self, "_handle", handle)
            return handle
        return self._handle

    def _with_output(self, output: int) -> Network:
        """The same network with one of its outputs alone; shares all other layers."""
        rows = slice(output, output + 1)
        return self._from_adopted(
            [*self._weights[:-1], self._weights[-1][rows]],
            [*self._biases[:-1], self._biases[-1][rows]],
            self._negative_slope,
            self._rounded_line,
        )

    @property
    def weights(self) -> tuple[FloatArray, ...]:
        """W_1, ..., W_{depth+1}: read-only, C-contiguous, float64, of shapes (n_l, n_{l-1})."""
        return self._weights

    @property
    def biases(self) -> tuple[FloatArray, ...]:
        """b_1, ..., b_{depth+1}: read-only, float64, of shapes (n_l,)."""
        return self._biases

    @property
    def negative_slope(self) -> float:
        """Slope of relu for negative arguments."""
        return self._negative_slope

    @property
    def widths(self) -> tuple[int, ...]:
        """(n_0, n_1, ..., n_out): inputs, hidden layers, outputs."""
        return self._widths

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self._widths) - 2

    @property
    def n_neurons(self) -> int:
        """Number of hidden neurons."""
        return sum(self._widths[1:-1])

    @property
    def rounded_line(self) -> bool:
        """Whether the first layer was rounded by `on_line`."""
        return self._rounded_line

    def __call__(self, X: ArrayLike) -> FloatArray:
        """The network's output.

        Parameters
        ----------
        X : array_like
            One point, shape (n_0,), or m points, shape (m, n_0). With one input, n_0 == 1, also a
            number, which is one point, and shape (m,), which is m points (one, for shape (1,)).

        Returns
        -------
        ndarray of float64
            Shape (n_out,) for one point, else (m, n_out). NaN stays NaN, and infinities follow IEEE
            arithmetic.

        Raises
        ------
        TypeError
            For a dtype that is not float16 to float64 or integer.
        ValueError
            For another shape.

        Notes
        -----
        In float64, rounded; the last bits depend on the BLAS and on m. Costs m times the number of
        parameters.
        """
        *_, output = self._layers(X)
        return output

    def preactivations(self, X: ArrayLike) -> list[FloatArray]:
        """The hidden layers' preactivations z_1, ..., z_depth.

        Parameters
        ----------
        X : array_like
            As for a call of the network.

        Returns
        -------
        list of ndarray of float64
            Of shapes (n_l,) for one point, else (m, n_l). Raises and rounds as a call does.
        """
        return self._layers(X)[:-1]

    def activations(self, X: ArrayLike) -> list[FloatArray]:
        """The hidden layers' activations h_1, ..., h_depth.

        Parameters
        ----------
        X : array_like
            As for a call of the network.

        Returns
        -------
        list of ndarray of float64
            Of shapes (n_l,) for one point, else (m, n_l). Raises and rounds as a call does.
        """
        preactivations = self.preactivations(X)
        with np.errstate(over="ignore", invalid="ignore"):
            return [_forward_pass.relu(z, self._negative_slope) for z in preactivations]

    def _layers(self, X: ArrayLike) -> list[FloatArray]:
        """The preactivations, and the output as the last."""
        h = _validate.points(X, "X", self._widths[0])
        layers: list[FloatArray] = []
        # Infinities and NaN, given or from overflow, are in the result to see.
        with np.errstate(over="ignore", invalid="ignore"):
            for weights, biases in zip(self._weights, self._biases, strict=True):
                if layers:
                    h = _forward_pass.relu(layers[-1], self._negative_slope)
                layers.append(h @ weights.T + biases)
        return layers

    def on_line(self, start: ArrayLike, stop: ArrayLike) -> Network:
        """The one-input network t -> network(start + t (stop - start)), rounded to float64.

        Its first layer has the weights W_1 (stop - start) and the biases W_1 start + b_1; the other
        layers are shared. Its exact breakpoints are those of the rounded network, which can differ
        from this one's along the line; ``relufast.breakpoints(network, start=..., stop=...)`` takes
        the original parameters exactly.

        Parameters
        ----------
        start, stop : array_like of shape (n_0,)
            Two different finite points.

        Returns
        -------
        Network
            With `rounded_line` True. A first-layer weight is within 2**-51 sum_j |w_j| (|start_j| +
            |stop_j|) of the exact one, a bias within 2**-51 (|b| + sum_j |w_j start_j|), unless
            something underflows; the same bits on every machine.

        Raises
        ------
        TypeError
            For a dtype that is not float16 to float64 or integer.
        ValueError
            For a wrong shape, NaN, infinity, equal points, or a first layer beyond float64.

        Examples
        --------
        >>> import relufast
        >>> network = relufast.Network.random((3, 50, 50, 1), seed=1)
        >>> network.on_line([0.0, 0.0, 0.0], [1.0, 2.0, 3.0])
        Network(1-50-50-1, relu, 2,701 parameters, rounded line)
        """
        first, second = _validate.line(start, stop, self._widths[0])
        weights, biases = self._weights[0], self._biases[0]
        with np.errstate(over="ignore", invalid="ignore"):
            weight_terms = weights * (second - first)
            bias_terms = np.column_stack([weights * first, biases])
        # Summed without rounding, so that the result does not depend on any BLAS.
        slopes, offsets = _row_sums(weight_terms), _row_sums(bias_terms)
        return self._from_adopted(
            [slopes[:, np.newaxis], *self._weights[1:]],
            [offsets, *self._biases[1:]],
            self._negative_slope,
            rounded_line=True,
        )

    @classmethod
    def random(
        cls,
        widths: Sequence[SupportsIndex] | NDArray[np.integer[Any]],
        *,
        weight_init: Literal["he", "glorot", "orthogonal"] = "he",
        weight_variance: float | None = None,
        bias_variance: float = 1.0,
        negative_slope: float = 0.0,
        seed: SupportsIndex,
    ) -> Network:
        """A network with random weights and biases in all layers, the output layer included.

        Parameters
        ----------
        widths : list, tuple or vector of int
            (n_0, n_1, ..., n_out): inputs, at least one hidden width, outputs.
        weight_init : {"he", "glorot", "orthogonal"}, optional
            "he": independent normal weights of variance ``weight_variance / fan_in``.
            "glorot": the same with the mean of fan_in and fan_out in the place of fan_in.
            "orthogonal": orthonormal rows or columns, whichever are fewer, uniform (Haar) among
            all such, times sqrt(weight_variance max(n_l, n_{l-1}) / n_{l-1}).
        weight_variance : float, optional
            Positive. 2 for "he" and "orthogonal" and 1 for "glorot" if not given.
        bias_variance : float, optional
            Variance of the independent normal biases, at least 0.
        negative_slope : float, optional
            As for `Network`.
        seed : int
            At least 0 and below 2**64.

        Returns
        -------
        Network

        Raises
        ------
        TypeError
            For a width or a seed that is not an integer, a variance or slope that is not a number.
        ValueError
            For a number out of its range, an unknown `weight_init`, or fewer than three widths.

        Notes
        -----
        A row of a layer is a pure function of (seed, layer, row), and has the same bits on every
        machine: Philox4x64-10 (Salmon et al., SC 2011) drives a ziggurat (Marsaglia and Tsang,
        J. Stat. Softw. 5(8), 2000) that uses no math library. "orthogonal" takes a QR factorisation
        besides, and has the same bits for one type of CPU and version of SciPy.

        About 5 ns a parameter; "orthogonal" also the QR factorisation.

        References
        ----------
        "he": He et al., ICCV 2015, section 2.2. "glorot": Glorot and Bengio, AISTATS 2010, section
        4.2.1. "orthogonal": Saxe, McClelland and Ganguli, ICLR 2014.

        Examples
        --------
        >>> import relufast
        >>> relufast.Network.random((1, 100, 100, 1), seed=1)
        Network(1-100-100-1, relu, 10,401 parameters)
        """
        checked_widths = _validate.network_widths(widths)
        law = _random_layers.parameter_law(weight_init, weight_variance, bias_variance)
        checked_slope = _validate.finite_float(negative_slope, "negative_slope")
        weights, biases = _random_layers.random_layers(
            checked_widths, law, seed=_validate.seed(seed)
        )
        return cls._from_adopted(weights, biases, checked_slope, rounded_line=False)

    @staticmethod
    def lazy(
        widths: Sequence[SupportsIndex] | NDArray[np.integer[Any]],
        *,
        weight_init: Literal["he", "glorot"] = "he",
        weight_variance: float | None = None,
        bias_variance: float = 1.0,
        negative_slope: float = 0.0,
        seed: SupportsIndex,
    ) -> LazyNetwork:
        """The network that `random` draws, without its weights: they are drawn when needed.

        Parameters
        ----------
        widths, weight_variance, bias_variance, negative_slope, seed
            As for `random`.
        weight_init : {"he", "glorot"}, optional
            As for `random`. "orthogonal" takes a factorisation of the whole layer, and is refused.

        Returns
        -------
        LazyNetwork
            Bit for bit the network of `random` with the same arguments.

        Raises
        ------
        TypeError, ValueError
            As `random` does, and for "orthogonal".

        Examples
        --------
        >>> import relufast
        >>> relufast.Network.lazy((1, *[10_000] * 10, 1), seed=1)
        LazyNetwork(1-10000x10-1, relu, 900,120,001 parameters, drawn from seed 1)
        """
        from relufast.lazy_network import drawn_network

        return drawn_network(
            _validate.network_widths(widths),
            _random_layers.row_law(weight_init, weight_variance, bias_variance),
            _validate.finite_float(negative_slope, "negative_slope"),
            _validate.seed(seed),
        )

    @staticmethod
    def from_npy(
        weights: Sequence[str | os.PathLike[str]],
        biases: Sequence[ArrayLike] | None = None,
        *,
        negative_slope: float = 0.0,
    ) -> LazyNetwork:
        """A network whose weights stay in npy files, one a layer, and are read when needed.

        Parameters
        ----------
        weights : list or tuple of paths
            Files of W_1, ..., as ``numpy.save`` writes them: float64, in C order, each of shape
            (n_l, n_{l-1}). They are not to change while the network is in use.
        biases : list or tuple of array_like, optional
            b_1, ..., each of shape (n_l,), copied. Zeros if not given.
        negative_slope : float, optional
            As for `Network`.

        Returns
        -------
        LazyNetwork

        Raises
        ------
        TypeError
            For another type or dtype.
        FileNotFoundError
            If there is no such file; another OSError if it cannot be opened.
        ValueError
            For a file that is not an npy file, another order, shapes that do not chain, NaN,
            infinity.

        Notes
        -----
        Reads all files once, a few megabytes at a time, to see that they are finite.
        """
        from relufast.lazy_network import filed_network

        return filed_network(
            weights, biases, _validate.finite_float(negative_slope, "negative_slope")
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save to an npz file, which `Network.load` and NumPy read.

        Parameters
        ----------
        path : str or path object
            Written exactly there: no suffix is added, and an existing file is replaced, at once
            and only when the new one is complete.

        Raises
        ------
        TypeError
            For another type.
        OSError
            If the file cannot be written; nothing is left behind then.
        """
        _network_file.write(
            _validate.file_path(path),
            _network_file.Parameters(
                self._weights, self._biases, self._negative_slope, self._rounded_line
            ),
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Network:
        """A network from a file written by `save`, bit for bit the same. Never unpickles.

        Parameters
        ----------
        path : str or path object
            The file, its suffix included.

        Returns
        -------
        Network

        Raises
        ------
        TypeError
            For another type.
        FileNotFoundError
            If there is no such file; another OSError if it cannot be opened.
        ValueError
            If the file is truncated, pickled or otherwise not a saved network.
        """
        file = _validate.file_path(path)
        saved = _network_file.read(file)
        try:
            weights, biases = _validate.network_parameters(saved.weights, saved.biases)
            negative_slope = _validate.finite_float(saved.negative_slope, "negative_slope")
        except ValueError as error:
            raise ValueError(f"{file} is not a saved network: {error}") from error
        return cls._from_adopted(
            [np.ascontiguousarray(w) for w in weights], biases, negative_slope, saved.rounded_line
        )

    def __repr__(self) -> str:
        return in_words(self, *(["rounded line"] if self._rounded_line else []))


def _read_only_view(array: FloatArray) -> FloatArray:
    """A view that cannot be made writeable again, as the owner of the memory could."""
    if isinstance(array.base, np.ndarray):
        read_only(array.base)
    return read_only(array)[...]


def _row_sums(terms: FloatArray) -> FloatArray:
    """The sum of each row, rounded once."""
    try:
        if not np.isfinite(terms).all():
            raise OverflowError
        return np.array([math.fsum(row) for row in terms])
    except OverflowError:
        raise ValueError(
            "start and stop are so far out that the first layer overflows float64"
        ) from None


def in_words(network: Network | LazyNetwork, *more: str) -> str:
    """A network's repr."""
    widths, slope = network.widths, network.negative_slope
    n_parameters = sum((n_in + 1) * n_out for n_in, n_out in pairwise(widths))
    parts = [
        _joined(widths),
        "relu" if slope == 0.0 else f"leaky relu {slope}",
        f"{n_parameters:,} parameters",
        *more,
    ]
    return f"{type(network).__name__}({', '.join(parts)})"


def _joined(widths: Sequence[int]) -> str:
    """As in 1-100-100-1, with 100x20 for 20 equal widths in a row, from 4 on."""
    parts: list[str] = []
    for width, run in groupby(widths):
        length = len(list(run))
        parts += [f"{width}x{length}"] if length > 3 else [str(width)] * length
    return "-".join(parts)


def checked_network(value: object) -> Network:
    """The value, if it is a network."""
    return _validate.instance(value, "network", Network, "a relufast.Network")
