"""Labelled points from the user's own files, for experiments on trained networks."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex, TextIO

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast import _archive, _validate
from relufast._archive import Arrays
from relufast._read_only import read_only
from relufast._validate import FloatArray

__all__ = ["LabelledPoints", "load_csv", "load_npz"]

_MAX_BYTES = 2**31
_LONGEST_LABEL = 64
_LONGEST_LINE = 2**24


@dataclass(frozen=True, eq=False)
class LabelledPoints:
    """Points and the class of each.

    Attributes
    ----------
    X : ndarray of float64, shape (m, d)
        Finite, read-only, a point in each row; m and d at least 1.
    labels : ndarray of int64, shape (m,)
        Read-only, from 0 to the number of classes less 1.
    classes : tuple of int or tuple of str
        What each label stands for, ascending.
    """

    X: FloatArray
    labels: NDArray[np.int64]
    classes: tuple[int, ...] | tuple[str, ...]

    @classmethod
    def from_arrays(cls, X: ArrayLike, labels: ArrayLike) -> LabelledPoints:
        """Of points, flattened if they are images, and their classes.

        Parameters
        ----------
        X : array_like of float or int, shape (m, ...)
            Finite; copied.
        labels : array_like of int, bool, str or float, shape (m,) or (m, 1)
            Floats must be whole numbers.

        Raises
        ------
        TypeError
            For a wrong dtype.
        ValueError
            For a wrong shape, NaN, infinity, or no point at all.
        """
        points = _validate.float_array(X, "X")
        if points.ndim < 2 or points.size == 0:
            raise ValueError(
                f"X has shape {points.shape}, but needs shape (m, ...), m at least 1 point"
            )
        points = points.reshape(len(points), -1).copy()
        classes, numbers = np.unique(
            _validate.class_labels(labels, "labels", len(points)), return_inverse=True
        )
        indices = numbers.reshape(-1).astype(np.int64)
        return cls(read_only(points), read_only(indices), tuple(classes.tolist()))

    def split(
        self, n_test: SupportsIndex, *, seed: SupportsIndex
    ) -> tuple[LabelledPoints, LabelledPoints]:
        """The other points, and `n_test` drawn at random; both keep all classes' numbers.

        Parameters
        ----------
        n_test : int
            At least 1 and below m.
        seed : int
            At least 0 and below 2**64.

        Returns
        -------
        tuple of LabelledPoints
            Both in the order of this one.

        Raises
        ------
        TypeError, ValueError
            For a number that is no integer or out of its range.
        """
        m = len(self.labels)
        number = _validate.count_up_to(n_test, "n_test", m - 1, "points to leave one")
        rng = np.random.default_rng(_validate.seed(seed))
        chosen = np.zeros(m, dtype=np.bool_)
        chosen[rng.permutation(m)[:number]] = True
        return self._rows(~chosen), self._rows(chosen)

    def _rows(self, chosen: NDArray[np.bool_]) -> LabelledPoints:
        X, labels = read_only(self.X[chosen]), read_only(self.labels[chosen])
        return LabelledPoints(X, labels, self.classes)

    def __repr__(self) -> str:
        m, d = self.X.shape
        return f"LabelledPoints({m:,} points of dimension {d:,} in {len(self.classes)} classes)"


def load_npz(
    path: str | os.PathLike[str],
    *,
    points: str = "X",
    labels: str = "labels",
    max_bytes: SupportsIndex = _MAX_BYTES,
) -> LabelledPoints:
    """Points and labels from two arrays of an npz file. Never unpickles.

    Parameters
    ----------
    path : str or path object
        The file. MNIST, as it is often passed on, has the arrays "x_train" and "y_train".
    points, labels : str, optional
        Names of the arrays: points of shape (m, ...), images being flattened, and labels as for
        `LabelledPoints.from_arrays`.
    max_bytes : int, optional
        A larger array is refused before it is read, and points larger as float64.

    Returns
    -------
    LabelledPoints

    Raises
    ------
    TypeError
        For an argument of another type.
    FileNotFoundError
        If there is no such file; another OSError if it cannot be opened.
    ValueError
        If the file is damaged, pickled or too large, lacks an array, or an array is not as needed.
    """
    file = _validate.file_path(path)
    names = _validate.text(points, "points"), _validate.text(labels, "labels")
    most = _validate.positive_int(max_bytes, "max_bytes")

    def parse(arrays: Arrays) -> LabelledPoints:
        for name in names:
            if name not in arrays:
                raise ValueError(f"it has no array {name!r}, but {', '.join(sorted(arrays))}")
        X, y = (_archive.array_of(arrays, name) for name in names)
        _require_at_most(X.size, most)
        return LabelledPoints.from_arrays(X, y)

    return _archive.read(file, "a file of labelled points", parse, max_bytes=most)


def load_csv(
    path: str | os.PathLike[str],
    *,
    label: SupportsIndex | str = -1,
    delimiter: str = ",",
    max_bytes: SupportsIndex = _MAX_BYTES,
) -> LabelledPoints:
    """Points and labels from a text file with a point in each line.

    Parameters
    ----------
    path : str or path object
        The file, in UTF-8. Its first line may name the columns, which shows by its having
        something that is no number in a column of coordinates.
    label : int or str, optional
        The column with the labels, by its place, from the end if negative, or by its name. Labels
        are whole numbers or, if one of them is not, texts of up to 64 characters. All other columns
        are coordinates.
    delimiter : str, optional
        One character between columns.
    max_bytes : int, optional
        A file whose points would take more as float64 is refused.

    Returns
    -------
    LabelledPoints

    Raises
    ------
    TypeError
        For an argument of another type.
    FileNotFoundError
        If there is no such file; another OSError if it cannot be opened.
    ValueError
        If the file has no points, lines of different lengths, a coordinate that is no finite
        number, no such column, or is too large.

    Examples
    --------
    >>> import relufast.datasets
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "flowers.csv"
    ...     _ = file.write_text("length,width,kind\\n5.1,3.5,iris\\n6.0,2.2,rose\\n5.0,3.6,iris\\n")
    ...     flowers = relufast.datasets.load_csv(file, label="kind")
    >>> flowers
    LabelledPoints(3 points of dimension 2 in 2 classes)
    >>> flowers.labels, flowers.classes
    (array([0, 1, 0]), ('iris', 'rose'))
    """
    file = _validate.file_path(path)
    column = label if isinstance(label, str) else _validate.integer(label, "label")
    mark = _validate.character(delimiter, "delimiter")
    most = _validate.positive_int(max_bytes, "max_bytes")
    with open(file, encoding="utf-8-sig", newline="") as stream:
        try:
            return _parsed(stream, column, mark, most)
        except (ValueError, TypeError, csv.Error) as error:
            raise ValueError(f"{file} is not a file of labelled points: {error}") from error


def _parsed(stream: TextIO, label: int | str, delimiter: str, most: int) -> LabelledPoints:
    first = _first_fields(stream, delimiter)
    column = _column(label, first)
    coordinates = [i for i in range(len(first)) if i != column]
    has_header = not all(_is_number(first[i]) for i in coordinates)
    n_rows = _count_rows(stream) + (not has_header)
    if n_rows == 0:
        raise ValueError("it has no points")
    _require_at_most(n_rows * len(coordinates), most)

    def read(columns: Sequence[int], dtype: str) -> NDArray[Any]:
        stream.seek(0)
        if has_header:
            stream.readline()
        return np.loadtxt(
            stream,
            dtype=dtype,
            comments=None,
            delimiter=delimiter,
            quotechar='"',
            usecols=columns,
            ndmin=2,
        )

    X = read(coordinates, "f8")
    texts = read([column], f"U{_LONGEST_LABEL + 1}")[:, 0]
    if np.strings.str_len(texts).max() > _LONGEST_LABEL:
        raise ValueError(f"a label has more than {_LONGEST_LABEL} characters")
    return LabelledPoints.from_arrays(X, _whole_numbers_or_texts(texts))


def _first_fields(stream: TextIO, delimiter: str) -> list[str]:
    line = stream.readline(_LONGEST_LINE)
    if len(line) == _LONGEST_LINE:
        raise ValueError(f"its first line has more than {_LONGEST_LINE:,} characters")
    fields = next(csv.reader([line], delimiter=delimiter), [])
    if len(fields) < 2:
        raise ValueError(
            f"its first line has {len(fields)} columns between {delimiter!r}, but needs a label "
            "and a coordinate at least"
        )
    return [field.strip() for field in fields]


def _column(label: int | str, names: Sequence[str]) -> int:
    if isinstance(label, str):
        if names.count(label) != 1:
            raise ValueError(f"it has {names.count(label)} columns of the name {label!r}")
        return names.index(label)
    if not -len(names) <= label < len(names):
        raise ValueError(f"label is {label}, but it has {len(names)} columns")
    return label % len(names)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _count_rows(stream: TextIO) -> int:
    """How many lines that are not empty come after what was read."""
    lines = iter(lambda: stream.readline(_LONGEST_LINE), "")
    return sum(not line.isspace() for line in lines)


def _whole_numbers_or_texts(texts: NDArray[np.str_]) -> NDArray[Any]:
    stripped: NDArray[np.str_] = np.strings.strip(texts)
    try:
        numbers = stripped.astype(np.float64)
    except ValueError:
        return stripped
    return numbers if (numbers == np.rint(numbers)).all() else stripped


def _require_at_most(size: int, max_bytes: int) -> None:
    if 8 * size > max_bytes:
        raise ValueError(f"its points take more than max_bytes, {max_bytes:,}, as float64")
