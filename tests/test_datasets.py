"""Labelled points from arrays, CSV and npz files: what comes out, and what is refused."""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from relufast.datasets import LabelledPoints, load_csv, load_npz


def refuses(error: type[Exception], message: str, call: Callable[[], object]) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        call()


def csv_file(folder: Path, text: str | bytes) -> Path:
    path = folder / "data.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def npz_file(folder: Path, **arrays: Any) -> Path:
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return path


def test_from_arrays_numbers_the_classes_and_flattens() -> None:
    images = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    data = LabelledPoints.from_arrays(images, [7, 3, 3, 9])
    assert data.X.tolist() == images.reshape(4, 6).tolist()
    assert (data.X.dtype, data.labels.dtype) == (np.float64, np.int64)
    assert data.labels.tolist() == [1, 0, 0, 2]
    assert data.classes == (3, 7, 9)
    assert not data.X.flags.writeable
    assert not data.labels.flags.writeable
    assert repr(data) == "LabelledPoints(4 points of dimension 6 in 3 classes)"
    own = np.ones((2, 2))
    copied = LabelledPoints.from_arrays(own, [[True], [False]])
    own[:] = 5.0
    assert copied.X.max() == 1.0
    assert (copied.labels.tolist(), copied.classes) == ([1, 0], (0, 1))
    assert LabelledPoints.from_arrays(own, [2.0, -1.0]).classes == (-1, 2)


@pytest.mark.parametrize(
    ("X", "labels", "error", "message"),
    [
        (np.ones(3), [1, 2, 3], ValueError, "X has shape (3,), but needs shape (m, ...)"),
        (np.ones((0, 3)), [], ValueError, "X has shape (0, 3), but needs shape (m, ...)"),
        ([[1.0, math.nan]], [0], ValueError, "X[0, 1] is nan, but must be finite"),
        ([["a"]], [0], TypeError, "X has dtype <U1, but needs real numbers"),
        (np.ones((2, 3)), [0], ValueError, "labels has shape (1,), but needs shape (2,), one for"),
        (np.ones((2, 3)), np.eye(2), ValueError, "labels has shape (2, 2), but needs shape (2,)"),
        (np.ones((2, 3)), [0.5, 1.0], ValueError, "labels has numbers that are no classes"),
        (np.ones((2, 3)), [1e300, 1.0], ValueError, "labels has numbers that are no classes"),
        (np.ones((2, 3)), [math.nan, 1.0], ValueError, "labels[0] is nan, but must be finite"),
        (np.ones((2, 3)), [1j, 1.0], TypeError, "labels has dtype complex128, but needs real"),
    ],
)
def test_arrays_that_are_refused(X: Any, labels: Any, error: type[Exception], message: str) -> None:
    refuses(error, message, lambda: LabelledPoints.from_arrays(X, labels))


def test_splits_are_disjoint_whole_and_decided_by_the_seed() -> None:
    data = LabelledPoints.from_arrays(np.arange(30.0).reshape(30, 1), np.arange(30) % 3)
    rest, test = data.split(10, seed=1)
    assert (len(rest.labels), len(test.labels)) == (20, 10)
    assert sorted([*rest.X[:, 0], *test.X[:, 0]]) == list(range(30))
    for part in (rest, test):
        assert part.labels.tolist() == (part.X[:, 0] % 3).tolist()
        assert part.X[:, 0].tolist() == sorted(part.X[:, 0])
        assert part.classes == (0, 1, 2)
        assert not part.X.flags.writeable
    assert data.split(10, seed=1)[1].X.tolist() == test.X.tolist()
    assert data.split(10, seed=2)[1].X.tolist() != test.X.tolist()
    refuses(ValueError, "n_test is 0, but must be", lambda: data.split(0, seed=1))
    refuses(ValueError, "n_test is 30, but there are only 29", lambda: data.split(30, seed=1))


@pytest.mark.parametrize(
    ("text", "options", "X", "labels", "classes"),
    [
        ("1,2,0\n3,4,1\n", {}, [[1, 2], [3, 4]], [0, 1], (0, 1)),
        ("0,1.5,2\n1,-3e2,4", {"label": 0}, [[1.5, 2], [-300, 4]], [0, 1], (0, 1)),
        ("a,b,y\n1,2,5\n3,4,-5\n", {}, [[1, 2], [3, 4]], [1, 0], (-5, 5)),
        ("y,a\nno, 1\nyes, 2\nno, 3\n", {"label": "y"}, [[1], [2], [3]], [0, 1, 0], ("no", "yes")),
        ("1,2,cat\n3,4,dog\n", {}, [[1, 2], [3, 4]], [0, 1], ("cat", "dog")),
        ("1;2;1.0\r\n3;4;2.0\r\n", {"delimiter": ";"}, [[1, 2], [3, 4]], [0, 1], (1, 2)),
        ('"a","b, c"\n"1","#x"\n"2","y"\n', {}, [[1], [2]], [0, 1], ("#x", "y")),
        ("\ufeff1,0\n\n2,1\n", {}, [[1], [2]], [0, 1], (0, 1)),
        ("1,2,0\n", {}, [[1, 2]], [0], (0,)),
        ("1,2.5\n2,1.5\n", {}, [[1], [2]], [1, 0], ("1.5", "2.5")),
    ],
)
def test_csv(
    text: str, options: dict[str, Any], X: Any, labels: Any, classes: Any, tmp_path: Path
) -> None:
    data = load_csv(csv_file(tmp_path, text), **options)
    assert data.X.tolist() == X
    assert data.labels.tolist() == labels
    assert data.classes == classes


def test_csv_of_many_rows_reads_every_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    X, labels = rng.standard_normal((5000, 8)), rng.integers(0, 2, 5000)
    path = tmp_path / "pulsars.csv"
    np.savetxt(path, np.column_stack([X, labels]), delimiter=",", fmt=["%.17g"] * 8 + ["%d"])
    data = load_csv(path, max_bytes=5000 * 64)
    assert np.array_equal(data.X, X)
    assert np.array_equal(data.labels, labels)
    message = f"{path} is not a file of labelled points: its points take more than max_bytes"
    refuses(ValueError, message, lambda: load_csv(path, max_bytes=4999 * 64))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "its first line has 0 columns between ',', but needs a label and a coordinate"),
        ("1;2\n", {}, "its first line has 1 columns between ',', but needs a label and"),
        ("a,y\n", {}, "it has no points"),
        ("a,y\n\n \n", {}, "it has no points"),
        ("1,2,0\n \n", {}, "could not convert string ' ' to float64"),
        ("1,2,0\n3,1\n", {}, "invalid column index 2 at row 2 with 2 columns"),
        ("1,2,0\n3,x,1\n", {}, "could not convert string 'x' to float64"),
        ("1,2,0\n3,,1\n", {}, "could not convert string '' to float64"),
        ("1,2,0\n3,inf,1\n", {}, "X[1, 1] is inf, but must be finite"),
        ("1,2,0\n3,nan,1\n", {}, "X[1, 1] is nan, but must be finite"),
        ("1,2,0\n", {"label": 3}, "label is 3, but it has 3 columns"),
        ("1,2,0\n", {"label": -4}, "label is -4, but it has 3 columns"),
        ("a,b,c\n1,2,0\n", {"label": "d"}, "it has 0 columns of the name 'd'"),
        ("a,b,b\n1,2,0\n", {"label": "b"}, "it has 2 columns of the name 'b'"),
        ("1," + "y" * 65 + "\n", {}, "a label has more than 64 characters"),
        (b"\xff\xfe\x00,1\n", {}, "'utf-8' codec can't decode byte"),
        ("1," * 2**23 + "1\n", {}, "its first line has more than 16,777,216 characters"),
        ("1,0\n", {"max_bytes": 1}, "its points take more than max_bytes, 1, as float64"),
    ],
)
def test_csv_that_is_refused(
    text: str | bytes, options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, text)
    expected = f"{path} is not a file of labelled points: {message}"
    refuses(ValueError, expected, lambda: load_csv(path, **options))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"label": 1.0}, TypeError, "label is of type float, but needs an integer"),
        ({"delimiter": ", "}, ValueError, "delimiter is ', ', but needs one character"),
        ({"delimiter": None}, TypeError, "delimiter is of type NoneType, but needs a str"),
        ({"max_bytes": 0}, ValueError, "max_bytes is 0, but must be at least 1"),
    ],
)
def test_arguments_for_csv(
    options: dict[str, Any], error: type[Exception], message: str, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, "1,0\n")
    refuses(error, message, lambda: load_csv(path, **options))
    refuses(TypeError, "path is of type int, but needs a str", lambda: load_csv(3))
    with pytest.raises(FileNotFoundError):
        load_csv(tmp_path / "none.csv")


def test_npz(tmp_path: Path) -> None:
    images = np.arange(3 * 28 * 28, dtype=np.uint16).reshape(3, 28, 28) % 256
    path = npz_file(
        tmp_path,
        x_train=images.astype(np.uint8),
        y_train=np.array([5, 0, 5], np.uint8),
        x_test=np.array(["not read"]),
    )
    data = load_npz(path, points="x_train", labels="y_train")
    assert data.X.tolist() == images.reshape(3, 784).tolist()
    assert (data.labels.tolist(), data.classes) == ([1, 0, 1], (0, 5))
    path = npz_file(tmp_path, X=np.ones((2, 3), np.float32), labels=np.array(["b", "a"]))
    assert load_npz(str(path)).classes == ("a", "b")


def test_npz_that_is_refused(tmp_path: Path) -> None:
    def check(message: str, **options: Any) -> None:
        expected = f"{path} is not a file of labelled points: {message}"
        refuses(ValueError, expected, lambda: load_npz(path, **options))

    X, labels = np.ones((4, 3), np.uint8), np.arange(4)
    path = npz_file(tmp_path, X=X, y=labels)
    check("it has no array 'labels', but X, y")
    check("labels has shape (4, 3), but needs shape (4,)", labels="X")
    path = npz_file(tmp_path, X=np.ones((40, 30)), y=np.arange(40))
    check(
        "its member X.npy has 9,728 bytes, more than max_bytes, 9,000", labels="y", max_bytes=9000
    )
    path = npz_file(tmp_path, X=np.ones((40, 30), np.uint8), y=np.arange(40))
    check("its points take more than max_bytes, 9,599, as float64", labels="y", max_bytes=9599)
    path = npz_file(tmp_path, X=np.array([[object()]]), labels=np.array([0]))
    check("Object arrays cannot be loaded when allow_pickle=False")
    path.write_bytes(b"PK")
    check("it is no complete npz archive")
    refuses(TypeError, "points is of type int, but needs a str", lambda: load_npz(path, points=0))
    with pytest.raises(FileNotFoundError):
        load_npz(tmp_path / "none.npz")


def test_a_short_npz_cannot_declare_a_shape_that_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }"
    header += b" " * (118 - len(header)) + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("X.npy", b"\x93NUMPY\x01\x00" + bytes([119, 0]) + header)
    message = "its member X.npy declares 8,000,000,000,000 bytes and has 129"
    refuses(
        ValueError,
        f"{path} is not a file of labelled points: {message}",
        lambda: load_npz(path),
    )
