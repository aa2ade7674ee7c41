"""How fast this machine multiplies large matrices, with the best kernels that its BLAS has.

In a process of its own: an environment variable may hold this one's BLAS to kernels for older
processors, as OPENBLAS_CORETYPE does, and threads of a pool would keep spinning afterwards.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

_SIZE = 1536
_CHOOSES_KERNELS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


class Dgemm:
    """A product of two matrices on some threads, each with as many of the columns."""

    flops = 2.0 * _SIZE**3

    def __init__(self, n_threads: int) -> None:
        environment = {k: v for k, v in os.environ.items() if k not in _CHOOSES_KERNELS}
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(n_threads)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self()  # until the process has started

    def __call__(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        if not self._process.stdout.readline():
            raise RuntimeError("the process that multiplies matrices has ended")


def _serve(n_threads: int) -> None:
    matrix = np.random.default_rng(0).standard_normal((_SIZE, _SIZE))
    parts = np.array_split(np.asfortranarray(matrix), n_threads, axis=1)
    with threadpool_limits(1), ThreadPoolExecutor(n_threads) as pool:
        for _ in sys.stdin.buffer:
            list(pool.map(lambda part: matrix @ part, parts))
            print(flush=True)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
