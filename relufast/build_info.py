"""What this relufast is made of and runs on."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from relufast import _blas, _core
from relufast._cpus import available_cpus

_PACKAGES = ("numpy", "scipy", "numba", "llvmlite", "matplotlib", "torch", "onnx", "scikit-learn")


@dataclass(frozen=True)
class BuildInfo:
    """What this relufast is made of and runs on.

    Attributes
    ----------
    version : str
        Of relufast.
    compiler : str
        That built the core, and its version.
    build_type : str
        Of CMake; "Release" in wheels.
    flags : tuple of str
        Those that decide about bits and speed.
    instruction_sets : tuple of str
        For which hot loops are compiled, the best first; "default" alone off x86-64.
    instruction_set : str
        The one of them that this CPU runs.
    blas : str or None
        SciPy's, which multiplies the core's matrices: name, version and kernels. None where
        threadpoolctl does not know it.
    cpus : int
        That this process may use, and so the number of threads where none is given.
    python, system : str
        The interpreter and the operating system.
    packages : dict of str to str
        Versions of what is installed of relufast's dependencies and extras.
    """

    version: str
    compiler: str
    build_type: str
    flags: tuple[str, ...]
    instruction_sets: tuple[str, ...]
    instruction_set: str
    blas: str | None
    cpus: int
    python: str
    system: str
    packages: dict[str, str]

    def __str__(self) -> str:
        packages = ", ".join(f"{name} {number}" for name, number in self.packages.items())
        lines = {
            "relufast": self.version,
            "compiler": f"{self.compiler}, {self.build_type}, {' '.join(self.flags)}",
            "instructions": f"{self.instruction_set}, of {', '.join(self.instruction_sets)}",
            "BLAS": self.blas or "not known to threadpoolctl",
            "CPUs": str(self.cpus),
            "Python": self.python,
            "system": self.system,
            "packages": packages,
        }
        return "\n".join(f"{name:<14}{value}" for name, value in lines.items())


def build_info() -> BuildInfo:
    """What this relufast is made of and runs on, as `relufast info` prints it.

    Loads SciPy's BLAS, 0.3 s.

    Returns
    -------
    BuildInfo

    Examples
    --------
    >>> import relufast
    >>> relufast.build_info().version == relufast.__version__
    True
    """
    built = _core.build()
    return BuildInfo(
        version=_core.version(),
        compiler=built["compiler"],
        build_type=built["build_type"],
        flags=tuple(built["flags"].split()),
        instruction_sets=tuple(built["instruction_sets"].split()),
        instruction_set=built["instruction_set"],
        blas=_blas.describe(),
        cpus=available_cpus(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        packages={name: number for name in _PACKAGES if (number := _installed(name)) is not None},
    )


def _installed(package: str) -> str | None:
    # Imported here because it takes 0.01 s, which `import relufast` need not.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None
