"""The C interface: an example in C, built against the installed package, and what is refused."""

from __future__ import annotations

import ctypes
import math
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import relufast

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "breakpoint_counts.c"
LIBRARY = Path(relufast.get_library())
MASK = 2**64 - 1


def c_compiler() -> list[str] | None:
    for command in (sysconfig.get_config_var("CC"), "cc"):
        words = shlex.split(command or "")
        if words and shutil.which(words[0]):
            return words
    return None


def build(
    *options: str,
    standard: str = "c11",
    source: Path = EXAMPLE,
    output: Path,
    link: bool = True,
) -> Path:
    compiler = c_compiler()
    if compiler is None or sys.platform == "win32":
        pytest.skip("there is no C compiler")
    if not EXAMPLE.is_file():
        pytest.skip("the tests were taken out of their clone")
    flags = [
        f"-std={standard}",
        "-O2",
        "-Wall",
        "-Wextra",
        "-Werror",
        f"-I{relufast.get_include()}",
    ]
    libraries = [str(LIBRARY), f"-Wl,-rpath,{LIBRARY.parent}", "-lm"] if link else []
    done = subprocess.run(
        [*compiler, *flags, *options, str(source), *libraries, "-o", str(output)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return output


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(output=tmp_path_factory.mktemp("c") / "breakpoint_counts")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The program as a library, for its BLAS."""
    return ctypes.CDLL(
        str(build("-shared", "-fPIC", output=tmp_path_factory.mktemp("c") / "example.so"))
    )


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    loaded = ctypes.CDLL(str(LIBRARY))
    loaded.relufast_last_error.restype = ctypes.c_char_p
    for name in ("relufast_breakpoint_counter_new", "relufast_random_new"):
        getattr(loaded, name).restype = ctypes.c_void_p
    for name in ("relufast_breakpoint_counter_free", "relufast_random_free"):
        getattr(loaded, name).argtypes = [ctypes.c_void_p]
    return loaded


def run(program: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(program), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def seed_words() -> NDArray[np.uint64]:
    """What the example seeds with: splitmix64."""
    words = []
    for i in range(1, 33):
        z = i * 0x9E3779B97F4A7C15 & MASK
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        words.append(z ^ z >> 31)
    return np.array(words, dtype=np.uint64)


def example_networks(
    library: ctypes.CDLL, widths: Sequence[int], slope: float, n: int
) -> list[relufast.Network]:
    """The networks of the example, from the same stream."""
    words = seed_words()
    random = library.relufast_random_new(ctypes.c_void_p(words.ctypes.data))
    assert random is not None
    networks = []
    for _ in range(n):
        weights, biases = [], []
        for fan_in, fan_out in pairwise(widths):
            values = np.empty(fan_out * (fan_in + 1))
            library.relufast_random_normals(
                ctypes.c_void_p(random),
                ctypes.c_void_p(values.ctypes.data),
                ctypes.c_int64(values.size),
            )
            matrix = math.sqrt(2.0 / fan_in) * values[: fan_out * fan_in]
            weights.append(matrix.reshape(fan_out, fan_in))
            biases.append(values[fan_out * fan_in :])
        networks.append(relufast.Network(weights, biases, negative_slope=slope))
    library.relufast_random_free(random)
    return networks


@pytest.mark.parametrize(
    ("widths", "slope", "interval", "n"),
    [
        ((1, 10, 1), 0.0, (-math.inf, math.inf), 20),
        ((1, 8, 12, 3), 0.0, (-math.inf, math.inf), 20),
        ((1, 15, 9, 11, 1), 0.1, (-0.5, 2.0), 20),
        ((1, 7, 6, 5, 4, 1), -0.5, (0.0, math.inf), 20),
        ((1, 1, 1), 0.0, (-math.inf, 0.25), 20),
        ((1, 150, 120, 90, 2), 0.0, (-math.inf, math.inf), 2),
    ],
)
def test_example_counts_what_breakpoints_counts(
    program: Path,
    library: ctypes.CDLL,
    widths: tuple[int, ...],
    slope: float,
    interval: tuple[float, float],
    n: int,
) -> None:
    done = run(program, n, slope, *interval, *widths)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == n
    total = 0
    for line, network in zip(lines, example_networks(library, widths, slope, n), strict=True):
        found = relufast.breakpoints(network, interval)
        assert found.certified
        assert "certain" not in line
        np.testing.assert_array_equal([int(count) for count in line.split()], found.count_by_layer)
        total += found.count_by_layer.sum()
    assert total > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 0.0, -1, 1, 1, 5), "widths needs at least 3 entries: inputs, hidden, outputs"),
        ((1, 0.0, -1, 1, 2, 5, 1), "widths[0] must be 1: breakpoints are those of one input"),
        ((1, 0.0, -1, 1, 1, 0, 1), "widths must be at least 1"),
        ((1, 0.0, -1, 1, 1, 5, -3), "widths must be at least 1"),
        ((1, "nan", -1, 1, 1, 5, 1), "negative_slope must be finite"),
        ((1, "inf", -1, 1, 1, 5, 1), "negative_slope must be finite"),
        ((1, 0.0, 1, -1, 1, 5, 1), "the interval needs lo < hi"),
        ((1, 0.0, 1, 1, 1, 5, 1), "the interval needs lo < hi"),
        ((1, 0.0, "nan", 1, 1, 5, 1), "the interval needs lo < hi"),
        ((1, 0.0, 1, "nan", 1, 5, 1), "the interval needs lo < hi"),
    ],
)
def test_example_tells_what_is_wrong(
    program: Path, arguments: tuple[object, ...], message: str
) -> None:
    done = run(program, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", message + "\n")


@pytest.mark.parametrize("parameters", [(math.nan,), (math.inf,)])
def test_parameters_that_are_not_finite(library: ctypes.CDLL, parameters: tuple[float]) -> None:
    """An error, or a count that says it is open: not a number that looks right."""
    relufast.load_blas()
    counter = new_counter(library, (1, 3, 1), 0.0, -1.0, 1.0)
    values = np.full(10, parameters[0])
    counts = np.full(1, -7, dtype=np.int64)
    outcome = count(library, counter, values, counts)
    library.relufast_breakpoint_counter_free(counter)
    assert outcome != 0


def new_counter(
    library: ctypes.CDLL, widths: Sequence[int], slope: float, lo: float, hi: float
) -> Any:
    sizes = np.array(widths, dtype=np.int64)
    return library.relufast_breakpoint_counter_new(
        ctypes.c_void_p(sizes.ctypes.data),
        ctypes.c_int64(len(sizes)),
        ctypes.c_double(slope),
        ctypes.c_double(lo),
        ctypes.c_double(hi),
    )


def count(library: ctypes.CDLL, counter: Any, values: NDArray[Any], counts: NDArray[Any]) -> int:
    outcome: int = library.relufast_breakpoint_counter_count(
        ctypes.c_void_p(counter),
        ctypes.c_void_p(values.ctypes.data),
        ctypes.c_void_p(counts.ctypes.data),
    )
    return outcome


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((1, 5), 0.0, -1.0, 1.0), "widths needs at least 3 entries: inputs, hidden, outputs"),
        (((1, 5, 0), 0.0, -1.0, 1.0), "widths must be at least 1"),
        (((3, 5, 1), 0.0, -1.0, 1.0), "widths[0] must be 1: breakpoints are those of one input"),
        (((1, 5, 1), math.nan, -1.0, 1.0), "negative_slope must be finite"),
        (((1, 5, 1), 0.0, 1.0, -1.0), "the interval needs lo < hi"),
    ],
)
def test_no_handle_and_a_reason(
    library: ctypes.CDLL, arguments: tuple[Any, ...], message: str
) -> None:
    assert new_counter(library, *arguments) is None
    assert library.relufast_last_error().decode() == message
    assert library.relufast_breakpoint_counter_new(None, ctypes.c_int64(3)) is None
    assert library.relufast_last_error().startswith(b"widths needs at least 3 entries")
    library.relufast_breakpoint_counter_free(None)
    library.relufast_random_free(None)


def test_errors_are_of_each_thread(library: ctypes.CDLL) -> None:
    from concurrent.futures import ThreadPoolExecutor

    assert new_counter(library, (1, 5), 0.0, -1.0, 1.0) is None
    with ThreadPoolExecutor(1) as other:
        assert other.submit(library.relufast_last_error).result() == b""
    assert library.relufast_last_error() != b""


def test_one_counter_counts_again_and_again(library: ctypes.CDLL) -> None:
    """What the network before left in its memory does not matter."""
    relufast.load_blas()
    widths = (1, 9, 14, 6, 1)
    counter = new_counter(library, widths, 0.0, -3.0, 3.0)
    networks = example_networks(library, widths, 0.0, 8)
    for network in [*networks, *reversed(networks)]:
        values = np.concatenate(
            [
                part.ravel()
                for pair in zip(network.weights, network.biases, strict=True)
                for part in pair
            ]
        )
        counts = np.full(3, -1, dtype=np.int64)
        assert count(library, counter, values, counts) == 0
        expected = relufast.breakpoints(network, (-3.0, 3.0)).count_by_layer
        np.testing.assert_array_equal(counts, expected)
    library.relufast_breakpoint_counter_free(counter)


def test_without_a_blas_and_with_half_of_one() -> None:
    # So deep that bounds on norms, which BLAS is needed for, pay.
    code = """
import ctypes, numpy as np, relufast
library = ctypes.CDLL(relufast.get_library())
library.relufast_last_error.restype = ctypes.c_char_p
library.relufast_breakpoint_counter_new.restype = ctypes.c_void_p
print(library.relufast_blas_ready())
widths = (ctypes.c_int64 * 14)(1, *[60] * 12, 1)
counter = library.relufast_breakpoint_counter_new(
    widths, ctypes.c_int64(14), *map(ctypes.c_double, (0.0, -3.0, 3.0))
)
numbers = np.random.default_rng(1).standard_normal(50_000)
parameters = ctypes.c_void_p(numbers.ctypes.data)
counts = (ctypes.c_int64 * 12)()
print(library.relufast_breakpoint_counter_count(ctypes.c_void_p(counter), parameters, counts))
print(library.relufast_last_error().decode())
functions = (ctypes.c_void_p * 8)(1, 1, 1, 1, 1, None, 0, None)
print(library.relufast_set_blas(functions), library.relufast_last_error().decode())
print(library.relufast_blas_ready())
relufast.load_blas()
print(library.relufast_blas_ready())
print(library.relufast_breakpoint_counter_count(ctypes.c_void_p(counter), parameters, counts))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "0",
        "-1",
        "BLAS potrf: the BLAS functions are not set yet",
        "-1 BLAS set_functions: a function pointer is null",
        "0",
        "1",
        "0",
    ]


@pytest.mark.parametrize(("suffix", "standard"), [("c", "c99"), ("cpp", "c++11")])
def test_header_stands_alone(suffix: str, standard: str, tmp_path: Path) -> None:
    source = tmp_path / f"alone.{suffix}"
    source.write_text("#include <relufast/capi.h>\n#include <relufast/capi.h>\n")
    output = tmp_path / "alone.o"
    build("-c", "-pedantic", standard=standard, source=source, output=output, link=False)


# ---- The example's BLAS ----

INT = ctypes.c_int


def fortran(*arguments: Any) -> list[Any]:
    """Every argument by its address: characters, integers, numbers as arrays, and arrays."""
    passed: list[Any] = []
    for argument in arguments:
        if isinstance(argument, str):
            passed.append(ctypes.c_char_p(argument.encode()))
        elif isinstance(argument, int):
            passed.append(ctypes.byref(INT(argument)))
        else:
            passed.append(ctypes.c_void_p(argument.ctypes.data))
    return passed


def padded(matrix: NDArray[Any]) -> NDArray[Any]:
    """In Fortran's order, with two rows of NaN below each column."""
    store = np.full((len(matrix) + 2, matrix.shape[1]), np.nan, dtype=matrix.dtype, order="F")
    store[: len(matrix)] = matrix
    return store


DTYPES = pytest.mark.parametrize(("letter", "dtype"), [("d", np.float64), ("s", np.float32)])


@DTYPES
@pytest.mark.parametrize("beta", [0.0, -0.5])
@pytest.mark.parametrize("tb", ["N", "T", "c"])
@pytest.mark.parametrize("ta", ["n", "t", "C"])
def test_gemm_of_the_example(
    example: ctypes.CDLL, letter: str, dtype: Any, ta: str, tb: str, beta: float
) -> None:
    rng = np.random.default_rng(1)
    m, n, k = 4, 3, 5
    a = rng.standard_normal((m, k) if ta in "nN" else (k, m)).astype(dtype)
    b = rng.standard_normal((k, n) if tb in "nN" else (n, k)).astype(dtype)
    c = np.full((m, n), np.nan, dtype) if beta == 0.0 else rng.standard_normal((m, n)).astype(dtype)
    stored_a, stored_b, stored_c = padded(a), padded(b), padded(c)
    scalars = np.array([1.5, beta], dtype)
    getattr(example, f"example_{letter}gemm")(
        *fortran(ta, tb, m, n, k, scalars[:1], stored_a, len(stored_a), stored_b, len(stored_b)),
        *fortran(scalars[1:], stored_c, len(stored_c)),
    )
    product = 1.5 * (a if ta in "nN" else a.T) @ (b if tb in "nN" else b.T)
    expected = product if beta == 0.0 else product + beta * c
    np.testing.assert_allclose(stored_c[:m], expected, rtol=0, atol=40 * np.finfo(dtype).eps)
    assert np.isnan(stored_c[m:]).all()


@DTYPES
@pytest.mark.parametrize("beta", [0.0, -0.5])
@pytest.mark.parametrize("trans", ["N", "t"])
@pytest.mark.parametrize("uplo", ["U", "l"])
def test_syrk_of_the_example(
    example: ctypes.CDLL, letter: str, dtype: Any, uplo: str, trans: str, beta: float
) -> None:
    rng = np.random.default_rng(1)
    n, k = 4, 6
    a = rng.standard_normal((n, k) if trans == "N" else (k, n)).astype(dtype)
    c = rng.standard_normal((n, n)).astype(dtype)
    stored_a, stored_c = padded(a), padded(c)
    scalars = np.array([1.5, beta], dtype)
    getattr(example, f"example_{letter}syrk")(
        *fortran(uplo, trans, n, k, scalars[:1], stored_a, len(stored_a)),
        *fortran(scalars[1:], stored_c, len(stored_c)),
    )
    full = 1.5 * (a @ a.T if trans == "N" else a.T @ a) + beta * c
    triangle = np.triu(np.ones((n, n))) if uplo == "U" else np.tril(np.ones((n, n)))
    expected = np.where(triangle == 1, full, c)
    np.testing.assert_allclose(stored_c[:n], expected, rtol=0, atol=60 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(stored_c[:n][triangle == 0], c[triangle == 0])


@DTYPES
@pytest.mark.parametrize("uplo", ["u", "L"])
def test_potrf_of_the_example(example: ctypes.CDLL, letter: str, dtype: Any, uplo: str) -> None:
    rng = np.random.default_rng(1)
    n = 6
    factor = rng.standard_normal((n, n))
    a = (factor @ factor.T + np.eye(n)).astype(dtype)
    stored, info = padded(a), INT(-9)
    potrf = getattr(example, f"example_{letter}potrf")
    potrf(*fortran(uplo, n, stored, len(stored)), ctypes.byref(info))
    assert info.value == 0
    lower = np.tril(stored[:n]) if uplo == "L" else np.triu(stored[:n]).T
    assert (np.diagonal(lower) > 0).all()
    np.testing.assert_allclose(lower @ lower.T, a, rtol=0, atol=200 * np.finfo(dtype).eps)
    other = np.triu(np.ones((n, n)), 1) if uplo == "L" else np.tril(np.ones((n, n)), -1)
    np.testing.assert_array_equal(stored[:n][other == 1], a[other == 1])

    a[3, 3] = -1.0
    stored = padded(a)
    potrf(*fortran(uplo, n, stored, len(stored)), ctypes.byref(info))
    assert info.value == 4
