"""What a result was measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import scipy.linalg.cython_blas  # noqa: F401  (loads the BLAS that relufast uses)
from threadpoolctl import threadpool_info

import relufast

_PACKAGES = ("relufast", "numpy", "scipy", "regioncam")
_BLAS_VARIABLE = re.compile(r"(OPENBLAS|OMP|MKL|BLIS|VECLIB)_")


def machine_record(packages: Sequence[str] = ()) -> dict[str, Any]:
    """CPU, memory system, software and load, without host or user names."""
    info = relufast.build_info()
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": _cpu_model(),
        "cpus_usable": info.cpus,
        "caches": _caches(),
        "memory_gib": _memory_gib(),
        "system": info.system,
        "load_average_at_start": load_average(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in (*_PACKAGES, *packages)},
        "core_compiler": info.compiler,
        "instruction_set": info.instruction_set,
        "blas": sorted(
            f"{'NumPy' if 'numpy' in str(library['filepath']) else 'SciPy'}: "
            f"{library['internal_api']} {library['version']}, {library.get('architecture')} kernels"
            for library in threadpool_info()
            if library["user_api"] == "blas"
        ),
        "blas_environment": {
            name: value for name, value in sorted(os.environ.items()) if _BLAS_VARIABLE.match(name)
        },
    }


def load_average() -> float:
    """Running processes in the last minute, this one included."""
    return round(os.getloadavg()[0], 2)


def _cpu_model() -> str:
    cpuinfo = _text("/proc/cpuinfo")
    fields = dict(re.findall(r"^([^\t:]+?)\s*: (.*)$", cpuinfo.split("\n\n")[0], re.MULTILINE))
    if "model name" not in fields:
        return platform.processor() or platform.machine()
    model: str = fields["model name"]
    if "cpu family" in fields:
        model += f" (family {fields['cpu family']}, model {fields['model']})"
    if "hypervisor" in fields.get("flags", "").split():
        model += ", virtual machine"
    return model


def _caches() -> list[str]:
    indices = sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"))
    return [
        f"L{_text(index / 'level')} {_text(index / 'type').lower()} {_text(index / 'size')}"
        for index in indices
    ]


def _memory_gib() -> float | None:
    total = re.search(r"MemTotal:\s+(\d+) kB", _text("/proc/meminfo"))
    return round(int(total[1]) / 2**20, 1) if total else None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
