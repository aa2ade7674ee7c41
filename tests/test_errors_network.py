"""Bad input of `Network` and of the functions in `_validate`: which error, and what it says."""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from relufast import Network, _validate


def refuses(error: type[Exception], message: str, call: Callable[[], object]) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call()


def two_layers() -> list[Any]:
    return [np.ones((3, 2)), np.ones((1, 3))]


def network() -> Network:
    return Network(two_layers())


# ---- Weights and biases ----

NUMBERS = "but needs real numbers that float64 can hold"


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones((1, 3), dtype=bool), f"weights[1] has dtype bool, {NUMBERS}"),
        (np.ones((1, 3), dtype=complex), f"weights[1] has dtype complex128, {NUMBERS}"),
        (np.ones((1, 3), dtype=object), f"weights[1] has dtype object, {NUMBERS}"),
        (np.full((1, 3), "1"), f"weights[1] has dtype <U1, {NUMBERS}"),
        (np.zeros((1, 3), "M8[s]"), f"weights[1] has dtype datetime64[s], {NUMBERS}"),
        ([["1", "2", "3"]], f"weights[1] has dtype <U1, {NUMBERS}"),
        ([[1.0, None, 3.0]], f"weights[1] has dtype object, {NUMBERS}"),
        ("weights", f"weights[1] is of type str, {NUMBERS}"),
        (None, f"weights[1] is of type NoneType, {NUMBERS}"),
        ({1: 2}, f"weights[1] is of type dict, {NUMBERS}"),
        (
            np.ma.masked_array(np.ones((1, 3)), mask=[[True, False, False]]),
            "weights[1] is a masked array, but needs an array without a mask",
        ),
    ],
)
def test_weights_of_a_wrong_type(weight: object, message: str) -> None:
    refuses(TypeError, message, lambda: Network([np.ones((3, 2)), weight]))


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="long double is float64 here")
def test_long_double_is_refused_because_it_would_be_rounded() -> None:
    weight = np.ones((1, 3), dtype=np.longdouble)
    message = f"weights[1] has dtype {weight.dtype}, {NUMBERS}"
    refuses(TypeError, message, lambda: Network([np.ones((3, 2)), weight]))


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones((1, 4)), "has shape (1, 4), but needs 3 columns, one for each row of weights[0]"),
        (np.ones((3, 1)), "has shape (3, 1), but needs 3 columns, one for each row of weights[0]"),
        (np.ones((0, 3)), "has shape (0, 3), but needs shape (n_out, n_in), both at least 1"),
        (np.ones(3), "has shape (3,), but needs shape (n_out, n_in), both at least 1"),
        (1.0, "has shape (), but needs shape (n_out, n_in), both at least 1"),
        (np.ones((1, 3, 1)), "has shape (1, 3, 1), but needs shape (n_out, n_in), both at least 1"),
        ([[1.0, 2.0], [3.0]], "is ragged, but needs rows of equal length"),
    ],
)
def test_weights_of_a_wrong_shape(weight: object, message: str) -> None:
    refuses(ValueError, f"weights[1] {message}", lambda: Network([np.ones((3, 2)), weight]))


def test_no_inputs() -> None:
    message = "weights[0] has shape (3, 0), but needs shape (n_out, n_in), both at least 1"
    refuses(ValueError, message, lambda: Network([np.ones((3, 0)), np.ones((1, 3))]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_weights_that_are_not_finite(value: float, dtype: type[np.floating[Any]]) -> None:
    weights = two_layers()
    weights[0] = weights[0].astype(dtype)
    weights[0][2, 1] = value
    message = f"weights[0][2, 1] is {value}, but must be finite"
    refuses(ValueError, message, lambda: Network(weights))


@pytest.mark.parametrize("integer", [2**53 + 1, -(2**53) - 1, 2**64 - 1])
def test_weights_that_float64_would_round(integer: int) -> None:
    weight = np.zeros((1, 3), dtype=np.uint64 if integer > 0 else np.int64)
    weight[0, 2] = integer
    message = (
        f"weights[1] has an integer of size {abs(integer)}, but float64 holds all integers only up "
        "to 2**53; round it yourself by converting to float64"
    )
    refuses(ValueError, message, lambda: Network([np.ones((3, 2)), weight]))


@pytest.mark.parametrize(
    ("weights", "came"),
    [
        (np.ones((2, 2, 2)), "ndarray"),
        (None, "NoneType"),
        ({0: np.ones((2, 2))}, "dict"),
        ((w for w in two_layers()), "generator"),
    ],
)
def test_weights_that_are_not_a_list(weights: Any, came: str) -> None:
    message = f"weights is of type {came}, but needs a list or tuple of matrices"
    refuses(TypeError, message, lambda: Network(weights))


@pytest.mark.parametrize("count", [0, 1])
def test_no_hidden_layer(count: int) -> None:
    message = (
        f"weights has {count} entries, but needs at least 2: a hidden layer and the output layer"
    )
    refuses(ValueError, message, lambda: Network(two_layers()[:count]))


@pytest.mark.parametrize(
    ("biases", "error", "message"),
    [
        (
            np.ones(3),
            TypeError,
            "biases is of type ndarray, but needs a list or tuple of vectors, or None",
        ),
        (
            [np.ones(3)],
            ValueError,
            "biases has 1 entries, but needs 2, one for each entry of weights",
        ),
        (
            [np.ones(3), None],
            TypeError,
            "biases[1] is None, but needs a vector; zeros for no bias",
        ),
        ([np.ones(2), np.ones(1)], ValueError, "biases[0] has shape (2,), but needs shape (3,)"),
        ([np.ones((3, 1)), [1]], ValueError, "biases[0] has shape (3, 1), but needs shape (3,)"),
        ([np.ones(3), 1.0], ValueError, "biases[1] has shape (), but needs shape (1,)"),
        ([np.ones(3), [np.nan]], ValueError, "biases[1][0] is nan, but must be finite"),
        ([[1, np.inf, 2], [1]], ValueError, "biases[0][1] is inf, but must be finite"),
        ([np.ones(3), [True]], TypeError, f"biases[1] has dtype bool, {NUMBERS}"),
        ([np.ones(3), [1j]], TypeError, f"biases[1] has dtype complex128, {NUMBERS}"),
    ],
)
def test_wrong_biases(biases: Any, error: type[Exception], message: str) -> None:
    refuses(error, message, lambda: Network(two_layers(), biases))


@pytest.mark.parametrize(
    ("slope", "error", "message"),
    [
        (np.nan, ValueError, "negative_slope is nan, but must be finite"),
        (-np.inf, ValueError, "negative_slope is -inf, but must be finite"),
        ([0.1], ValueError, "negative_slope has shape (1,), but needs a single number"),
        (True, TypeError, f"negative_slope is of type bool, {NUMBERS}"),
        (1j, TypeError, f"negative_slope is of type complex, {NUMBERS}"),
        ("0.1", TypeError, f"negative_slope is of type str, {NUMBERS}"),
        (None, TypeError, f"negative_slope is of type NoneType, {NUMBERS}"),
    ],
)
def test_wrong_negative_slope(slope: Any, error: type[Exception], message: str) -> None:
    refuses(error, message, lambda: Network(two_layers(), negative_slope=slope))
    refuses(error, message, lambda: Network.random((1, 2, 1), negative_slope=slope, seed=0))


# ---- Points and lines ----


@pytest.mark.parametrize("method", [Network.__call__, Network.preactivations, Network.activations])
@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (1.0, ValueError, "X has shape (), but needs shape (2,) or (m, 2)"),
        ([1.0], ValueError, "X has shape (1,), but needs shape (2,) or (m, 2)"),
        ([], ValueError, "X has shape (0,), but needs shape (2,) or (m, 2)"),
        (np.ones((4, 3)), ValueError, "X has shape (4, 3), but needs shape (2,) or (m, 2)"),
        (np.ones((1, 4, 2)), ValueError, "X has shape (1, 4, 2), but needs shape (2,) or (m, 2)"),
        ([True, False], TypeError, f"X has dtype bool, {NUMBERS}"),
        (["a", "b"], TypeError, f"X has dtype <U1, {NUMBERS}"),
        ([1j, 2], TypeError, f"X has dtype complex128, {NUMBERS}"),
    ],
)
def test_wrong_points(
    method: Callable[[Network, Any], object], X: Any, error: type[Exception], message: str
) -> None:
    refuses(error, message, lambda: method(network(), X))


@pytest.mark.parametrize("shape", [(4, 2), (1, 4, 1)])
def test_wrong_points_of_one_input(shape: tuple[int, ...]) -> None:
    message = f"X has shape {shape}, but needs shape (), (m,) or (m, 1)"
    refuses(ValueError, message, lambda: Network.random((1, 2, 1), seed=0)(np.ones(shape)))


@pytest.mark.parametrize(
    ("start", "stop", "error", "message"),
    [
        ([1.0], [2.0, 3.0], ValueError, "start has shape (1,), but needs shape (2,)"),
        ([1.0, 2.0], [[2.0, 3.0]], ValueError, "stop has shape (1, 2), but needs shape (2,)"),
        ([1.0, np.nan], [2.0, 3.0], ValueError, "start[1] is nan, but must be finite"),
        ([1.0, 2.0], [np.inf, 3.0], ValueError, "stop[0] is inf, but must be finite"),
        (["a", "b"], [2.0, 3.0], TypeError, f"start has dtype <U1, {NUMBERS}"),
        (None, [2.0, 3.0], TypeError, f"start is of type NoneType, {NUMBERS}"),
        (
            [1.0, 0.0],
            [1.0, -0.0],
            ValueError,
            "start and stop are equal, but a line needs two different points",
        ),
        (
            [-1e308, 0.0],
            [1e308, 0.0],
            ValueError,
            "start and stop are so far out that the first layer overflows float64",
        ),
        (
            [1e308, 1e308],
            [0.0, 0.0],
            ValueError,
            "start and stop are so far out that the first layer overflows float64",
        ),
    ],
)
def test_wrong_line(start: Any, stop: Any, error: type[Exception], message: str) -> None:
    refuses(error, message, lambda: network().on_line(start, stop))


# ---- Random networks ----


@pytest.mark.parametrize(
    ("widths", "error", "message"),
    [
        (
            (1, 2),
            ValueError,
            "widths has 2 entries, but needs at least 3: inputs, hidden, outputs",
        ),
        ([], ValueError, "widths has 0 entries, but needs at least 3: inputs, hidden, outputs"),
        ((1, 0, 1), ValueError, "widths[1] is 0, but must be at least 1"),
        ((1, 2, -3), ValueError, "widths[2] is -3, but must be at least 1"),
        ((1, 2.0, 1), TypeError, "widths[1] is of type float, but needs an integer"),
        ((True, 2, 1), TypeError, "widths[0] is of type bool, but needs an integer"),
        ((1, "2", 1), TypeError, "widths[1] is of type str, but needs an integer"),
        (np.array([1.0, 2.0, 1.0]), TypeError, "widths[0] is of type float, but needs an integer"),
        ((1, np.ones(2), 1), TypeError, "widths[1] is of type ndarray, but needs an integer"),
        (3, TypeError, "widths is of type int, but needs a list or tuple of integers"),
        ("121", TypeError, "widths is of type str, but needs a list or tuple of integers"),
        (
            np.ones((3, 1), int),
            TypeError,
            "widths is of type ndarray, but needs a list or tuple of integers",
        ),
    ],
)
def test_wrong_widths(widths: Any, error: type[Exception], message: str) -> None:
    refuses(error, message, lambda: Network.random(widths, seed=0))


@pytest.mark.parametrize(
    ("seed", "error", "message"),
    [
        (-1, ValueError, "seed is -1, but must be at least 0 and below 2**64"),
        (2**64, ValueError, f"seed is {2**64}, but must be at least 0 and below 2**64"),
        (True, TypeError, "seed is of type bool, but needs an integer"),
        (np.True_, TypeError, "seed is of type bool, but needs an integer"),
        (1.0, TypeError, "seed is of type float, but needs an integer"),
        (None, TypeError, "seed is of type NoneType, but needs an integer"),
        ("1", TypeError, "seed is of type str, but needs an integer"),
    ],
)
def test_wrong_seed(seed: Any, error: type[Exception], message: str) -> None:
    # NumPy 1 calls its bool bool_.
    pattern = re.escape(message).replace("bool,", "bool_?,")
    with pytest.raises(error, match=f"^{pattern}$"):
        Network.random((1, 2, 1), seed=seed)


INITIALISERS = "'he', 'glorot', 'orthogonal'"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"weight_init": "xavier"},
            ValueError,
            f"weight_init is 'xavier', but must be one of {INITIALISERS}",
        ),
        (
            {"weight_init": None},
            TypeError,
            f"weight_init is of type NoneType, but needs one of {INITIALISERS}",
        ),
        ({"weight_variance": 0.0}, ValueError, "weight_variance is 0.0, but must be positive"),
        ({"weight_variance": -1}, ValueError, "weight_variance is -1.0, but must be positive"),
        ({"weight_variance": np.inf}, ValueError, "weight_variance is inf, but must be finite"),
        ({"weight_variance": "2"}, TypeError, f"weight_variance is of type str, {NUMBERS}"),
        ({"bias_variance": -1e-9}, ValueError, "bias_variance is -1e-09, but must not be negative"),
        ({"bias_variance": np.nan}, ValueError, "bias_variance is nan, but must be finite"),
        ({"bias_variance": None}, TypeError, f"bias_variance is of type NoneType, {NUMBERS}"),
    ],
)
def test_wrong_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    refuses(error, message, lambda: Network.random((1, 2, 1), seed=0, **options))


# ---- Files ----


@pytest.mark.parametrize("path", [7, None, b"net.npz"])
def test_path_of_a_wrong_type(path: Any) -> None:
    message = f"path is of type {type(path).__name__}, but needs a str or a path object"
    refuses(TypeError, message, lambda: network().save(path))
    refuses(TypeError, message, lambda: Network.load(path))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "net.npz"))):
        Network.load(tmp_path / "net.npz")


def saved_arrays(tmp_path: Path) -> dict[str, Any]:
    network().save(tmp_path / "good.npz")
    with np.load(tmp_path / "good.npz") as archive:
        return dict(archive.items())


def load_refuses(path: Path, reason: str) -> None:
    refuses(ValueError, f"{path} is not a saved network: {reason}", lambda: Network.load(path))


def test_files_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    for write in (
        lambda: path.write_bytes(b""),
        lambda: path.write_bytes(b"weights\n1 2 3\n"),
        lambda: path.write_bytes(pickle.dumps(two_layers())),
        lambda: path.write_bytes(b"PK\x03\x04"),
    ):
        write()
        load_refuses(path, "it is no complete npz archive")
    with open(path, "wb") as file:
        np.save(file, np.ones(3))
    load_refuses(path, "it is no complete npz archive")


class Explosive:
    """Unpickling it creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_pickles_are_never_executed(tmp_path: Path) -> None:
    path, trace = tmp_path / "net.npz", tmp_path / "executed"
    arrays = saved_arrays(tmp_path)
    arrays["weights_0"] = np.array([[Explosive(trace)]], dtype=object)
    np.savez(path, **arrays)
    load_refuses(path, "Object arrays cannot be loaded when allow_pickle=False")
    path.write_bytes(pickle.dumps(Explosive(trace)))
    load_refuses(path, "it is no complete npz archive")
    assert not trace.exists()


def test_truncated_files(tmp_path: Path) -> None:
    network().save(tmp_path / "good.npz")
    contents = (tmp_path / "good.npz").read_bytes()
    path = tmp_path / "net.npz"
    for length in range(0, len(contents), 7):
        path.write_bytes(contents[:length])
        with pytest.raises(ValueError, match=r"net\.npz is not a saved network: "):
            Network.load(path)


def test_damaged_files_are_refused_or_harmless(tmp_path: Path) -> None:
    """A zip file has bytes without meaning; the others are guarded by checksums and names."""
    expected = network()
    expected.save(tmp_path / "good.npz")
    contents = (tmp_path / "good.npz").read_bytes()
    path = tmp_path / "net.npz"
    rng = np.random.default_rng(0)
    refused = 0
    for position in range(len(contents)):
        damaged = bytearray(contents)
        damaged[position] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            loaded = Network.load(path)
        except ValueError:
            refused += 1
        else:
            for one, other in zip(loaded.weights, expected.weights, strict=True):
                np.testing.assert_array_equal(one, other)
    assert refused > len(contents) / 2


def change(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda arrays: arrays.__setitem__(name, value)


def remove(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda arrays: arrays.__delitem__(name)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (remove("format"), "it has no array 'format'"),
        (change("format", "other"), "its format is 'other', but must be 'relufast.Network'"),
        (change("format", 1), "its format has shape () and dtype int64"),
        (change("version", np.int64(2)), "its version is 2, but this relufast reads 1"),
        (change("version", [1, 1]), "its version has shape (2,) and dtype int64"),
        (remove("version"), "it has no array 'version'"),
        (remove("weights_0"), "it has no array 'weights_0'"),
        (remove("weights_1"), "it has 7 arrays, but must have 6"),
        (remove("biases_1"), "it has no array 'biases_1'"),
        (change("weights_x", np.ones((1, 1))), "it has no array 'weights_2'"),
        (change("extra", 1.0), "it has 9 arrays, but must have 8"),
        (
            change("weights_0", np.ones((3, 2), dtype=np.float32)),
            "its weights_0 has dtype float32, but must have float64",
        ),
        (
            change("weights_0", np.ones((3, 2), dtype=">f8")),
            "its weights_0 has dtype >f8, but must have float64",
        ),
        (
            change("biases_0", np.ones(3, dtype=int)),
            "its biases_0 has dtype int64, but must have float64",
        ),
        (
            change("weights_0", np.ones((4, 2))),
            "weights[1] has shape (1, 3), but needs 4 columns, one for each row of weights[0]",
        ),
        (
            change("weights_0", np.full((3, 2), np.nan)),
            "weights[0][0, 0] is nan, but must be finite",
        ),
        (change("biases_0", np.ones(2)), "biases[0] has shape (2,), but needs shape (3,)"),
        (change("negative_slope", np.inf), "negative_slope is inf, but must be finite"),
        (change("negative_slope", 1), "its negative_slope has shape () and dtype int64"),
        (change("rounded_line", 0.0), "its rounded_line has shape () and dtype float64"),
        (remove("rounded_line"), "it has no array 'rounded_line'"),
    ],
)
def test_files_with_wrong_contents(
    tmp_path: Path, edit: Callable[[dict[str, Any]], None], reason: str
) -> None:
    arrays = saved_arrays(tmp_path)
    edit(arrays)
    path = tmp_path / "net.npz"
    np.savez(path, **arrays)
    load_refuses(path, reason)


def test_archive_member_that_is_no_array(tmp_path: Path) -> None:
    network().save(tmp_path / "net.npz")
    with zipfile.ZipFile(tmp_path / "net.npz") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["weights_0.npy"] = b"1, 2, 3"
    with zipfile.ZipFile(tmp_path / "net.npz", "w") as archive:
        for name, contents in members.items():
            archive.writestr(name, contents)
    load_refuses(tmp_path / "net.npz", "it has no array 'weights_0'")


def test_save_into_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"No such directory: .*missing"):
        network().save(tmp_path / "missing" / "net.npz")
    assert list(tmp_path.iterdir()) == []


def test_save_onto_a_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "net.npz").mkdir()
    with pytest.raises(OSError, match=r"net\.npz"):
        network().save(tmp_path / "net.npz")
    assert [file.name for file in tmp_path.iterdir()] == ["net.npz"]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["savez", "replace"])
def test_interrupted_save_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, step: str
) -> None:
    path = tmp_path / "net.npz"
    network().save(path)
    before = path.read_bytes()

    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(*((np, "savez") if step == "savez" else (os, "replace")), fail)
    with pytest.raises(type(error)):
        Network.random((2, 2, 1), seed=0).save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["net.npz"]
    assert path.read_bytes() == before


# ---- What other arguments of the package go through ----


@pytest.mark.parametrize(
    ("interval", "error", "message"),
    [
        ((1.0, -1.0), ValueError, "interval is (1.0, -1.0), but needs lo < hi"),
        ((1, 1), ValueError, "interval is (1.0, 1.0), but needs lo < hi"),
        ((np.inf, np.inf), ValueError, "interval is (inf, inf), but needs lo < hi"),
        ((np.nan, 1.0), ValueError, "interval is (nan, 1.0), but needs lo < hi"),
        ((0.0, np.nan), ValueError, "interval is (0.0, nan), but needs lo < hi"),
        ((0, 1, 2), ValueError, "interval has shape (3,), but needs the two numbers (lo, hi)"),
        (1.0, ValueError, "interval has shape (), but needs the two numbers (lo, hi)"),
        (None, TypeError, f"interval is of type NoneType, {NUMBERS}"),
        ((False, True), TypeError, f"interval has dtype bool, {NUMBERS}"),
        (("0", "1"), TypeError, f"interval has dtype <U1, {NUMBERS}"),
    ],
)
def test_wrong_interval(interval: object, error: type[Exception], message: str) -> None:
    refuses(error, message, lambda: _validate.interval(interval))


def test_interval() -> None:
    assert _validate.interval((-np.inf, np.inf)) == (-np.inf, np.inf)
    assert _validate.interval(np.array([0, 1], dtype=np.float32)) == (0.0, 1.0)


@pytest.mark.parametrize("value", [1, 0, None, "yes"])
def test_wrong_flag(value: object) -> None:
    message = f"certify is of type {type(value).__name__}, but needs True or False"
    refuses(TypeError, message, lambda: _validate.flag(value, "certify"))


def test_flag() -> None:
    assert _validate.flag(True, "certify") is True
    assert _validate.flag(np.False_, "certify") is False
