"""Errors of `analyze` and of its command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from onnx_models import ModelBuilder

import relufast
from relufast.analysis import command
from relufast.cli import main

NETWORK = relufast.Network.random((3, 8, 2), seed=1)
X = np.random.default_rng(1).standard_normal((20, 3))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("a network",), TypeError, "network is of type str, but needs a relufast.Network"),
        ((NETWORK, X[:, :2]), ValueError, r"X has shape \(20, 2\), but needs shape \(m, 3\)"),
        ((NETWORK, X[:0]), ValueError, r"X has shape \(0, 3\), but needs shape"),
        ((NETWORK, np.where(X > 2.0, np.nan, X)), ValueError, r"X\[\d+, \d\] is nan"),
        ((NETWORK, X * 1e300), ValueError, r"at most 2\*\*500 in size"),
        ((NETWORK, X.astype(complex)), TypeError, "X has dtype complex128"),
        ((NETWORK, X.astype(str)), TypeError, "X has dtype <U"),
        ((NETWORK, [[1.0, 2.0, 3.0], [1.0]]), ValueError, "X is ragged"),
        ((NETWORK, None, [1, 2]), ValueError, "labels are given, but X"),
        ((NETWORK, X, [0, 1]), ValueError, r"labels has shape \(2,\), but needs shape \(20,\)"),
        ((NETWORK, X, [2] * 20), ValueError, r"labels\[0\] is 2, but classes are 0 to 1"),
        ((NETWORK, X, [0.0] * 20), TypeError, "labels has dtype float64"),
    ],
)
def test_wrong_arguments(arguments: tuple[Any, ...], error: type, message: str) -> None:
    if "nan" in message:
        assert (arguments[1] != arguments[1]).any()
    with pytest.raises(error, match=message):
        relufast.analyze(*arguments)


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("n_lines", 0, ValueError),
        ("max_points", 0, ValueError),
        ("max_points", 1.5, TypeError),
        ("tolerance", 1.5, ValueError),
        ("work", 0.0, ValueError),
        ("seed", -1, ValueError),
        ("progress", 3, TypeError),
    ],
)
def test_wrong_options(option: str, value: object, error: type) -> None:
    with pytest.raises(error, match=option):
        relufast.analyze(NETWORK, X, **{option: value})


@pytest.fixture(scope="module")
def small() -> relufast.Analysis:
    return relufast.analyze(NETWORK, X, n_lines=2)


@pytest.mark.parametrize("content", ["", "[1, 2]", '{"format": "another"}', "\xff"])
def test_files_of_others_are_not_replaced(
    small: relufast.Analysis, tmp_path: Path, content: str
) -> None:
    (tmp_path / "analysis.json").write_text(content)
    with pytest.raises(OSError, match=r"no analysis\.json of an earlier analysis"):
        small.write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["analysis.json"]
    assert (tmp_path / "analysis.json").read_text() == content


def test_a_folder_that_is_a_file(small: relufast.Analysis, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="cannot write"):
        small.write(tmp_path / "file")
    with pytest.raises(TypeError, match="directory"):
        small.write(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="title"):
        small.write(tmp_path, title=3)  # type: ignore[arg-type]


def analyze(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["analyze", *map(str, arguments)])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "net.npz"
    NETWORK.save(path)
    return path


def test_the_command(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", np.arange(20) % 2)
    options = ["--data", tmp_path / "X.npy", "--labels", tmp_path / "y.npy", "--lines", 5]
    done = analyze(model, *options, "--out", tmp_path / "out", "--seed", 3)
    assert done.exit_code == 0, done.output
    assert str(tmp_path / "out" / "analysis.html") in done.output
    saved = json.loads((tmp_path / "out" / "analysis.json").read_text())
    expected = relufast.analyze(NETWORK, X, np.arange(20) % 2, n_lines=5, seed=3).to_dict()
    assert saved == json.loads(json.dumps(expected | {"title": "net.npz"}))
    assert all(f"- {sentence}" in done.output for sentence in saved["summary"])
    again = analyze(model, "--lines", 2, "--out", tmp_path / "out")
    assert "Replaced the analysis of net.npz" in again.output


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no such names")
def test_a_model_s_name_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"gr\xfcn.npz")
    NETWORK.save(path)
    done = analyze(path, "--lines", 2, "--max-points", 30, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "out" / "analysis.json").read_text())["title"] == "gr\ufffdn.npz"


def test_the_default_folder(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert analyze(model, "--lines", 2, "--max-points", 30).exit_code == 0
    assert Path("net-analysis", "analysis.html").exists()


def test_models_of_pytorch_and_onnx(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    onnx = pytest.importorskip("onnx")
    layers = [torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)]
    torch.save(torch.nn.Sequential(*layers).state_dict(), tmp_path / "net.pt")
    builder = ModelBuilder((1, 3), np.float32)
    builder.add("MatMul", "...", builder.parameter(np.ones((3, 4))))
    builder.add("Relu")
    builder.add("MatMul", "...", builder.parameter(np.ones((4, 1))))
    onnx.save(builder.model(), tmp_path / "net.onnx")
    for name in ("net.pt", "net.onnx"):
        done = analyze(
            tmp_path / name, "--lines", 2, "--max-points", 30, "--out", tmp_path / name[4:]
        )
        assert done.exit_code == 0, done.output
    saved = json.loads((tmp_path / "onnx" / "analysis.json").read_text())
    assert saved["network"]["widths"] == [3, 4, 1]
    torch.save(torch.nn.Sequential(*layers), tmp_path / "whole.pt")
    done = analyze(tmp_path / "whole.pt", "--out", tmp_path / "whole")
    assert done.exit_code == 2
    assert not (tmp_path / "whole").exists()


def test_an_unsupported_layer_is_named(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    builder = ModelBuilder((1, 3), np.float32)
    builder.add("MatMul", "...", builder.parameter(np.ones((3, 4))))
    builder.add("Tanh")
    onnx.save(builder.model(), tmp_path / "net.onnx")
    done = analyze(tmp_path / "net.onnx", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "Tanh" in done.output


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("net.npz", b"no archive", "net.npz is not a saved network"),
        ("net.onnx", b"no model", "net.onnx"),
        ("net.pt", b"no model", "net.pt"),
        ("net.txt", b"", "has the suffix '.txt', but needs .npz, .onnx, .pt or .pth"),
        ("net.npz", None, "No such file"),
    ],
)
def test_wrong_models(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if reader := {".pt": "torch", ".onnx": "onnx"}.get(Path(name).suffix):
        pytest.importorskip(reader)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = analyze(tmp_path / name, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert done.output.startswith("Error: ")
    assert message in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--data", "--labels"])
@pytest.mark.parametrize("content", [b"", b"1,2,3", b"\x93NUMPY", b"PK\x05\x06" + 18 * b"\0", None])
def test_wrong_data_files(model: Path, tmp_path: Path, option: str, content: bytes | None) -> None:
    path = tmp_path / "array.npy"
    if content is not None:
        path.write_bytes(content)
    done = analyze(model, option, path, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "array.npy" in done.output
    assert not (tmp_path / "out").exists()


def test_pickled_data_is_not_loaded(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", np.array([{}], dtype=object), allow_pickle=True)
    done = analyze(model, "--data", tmp_path / "X.npy", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "X.npy is no npy file of numbers" in done.output


def test_data_of_another_shape_leaves_no_folder(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", X[:, :2])
    done = analyze(model, "--data", tmp_path / "X.npy", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "X has shape (20, 2), but needs shape (m, 3)" in done.output
    assert not (tmp_path / "out").exists()


def test_the_folder_is_looked_at_before_the_work(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("work began")

    monkeypatch.setattr(command, "analyze", fail)
    (tmp_path / "analysis.html").write_text("mine")
    done = analyze(model, "--out", tmp_path)
    assert done.exit_code == 2
    assert "give another folder" in done.output
    assert (tmp_path / "analysis.html").read_text() == "mine"


def test_an_interrupt_leaves_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "analyze", stop)
    done = analyze(model, "--out", tmp_path / "out")
    assert done.exit_code == 130
    assert "Stopped; nothing was written." in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX's")
def test_a_file_that_does_not_fit(model: Path, tmp_path: Path) -> None:
    # As on a full disk: the page is larger than any file may be.
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from relufast.cli import main\n"
        f"sys.argv[1:] = ['analyze', {str(model)!r}, '--lines', '2', '--max-points', '30',"
        f" '--out', {str(tmp_path / 'out')!r}]\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Error: cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
