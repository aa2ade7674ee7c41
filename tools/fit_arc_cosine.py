"""The polynomials of cpp/src/arc_cosine.cpp: run it to see where their coefficients come from.

With z = 1 - |c|, sqrt(1 - c^2) - |c| arccos|c| = z^1.5 P(z) and arccos|c| = z^0.5 Q(z). P and Q are
analytic up to z = 2. Remez's exchange finds the polynomials whose error, times z^1.5 or z^0.5, is
least on [0, 1]: that is the absolute error of the function. 40 digits throughout.
"""

from __future__ import annotations

import mpmath

GRID = 2000
EXCHANGES = 12
# Of sixteen and of twenty coefficients, which are evaluated in groups of four.
DEGREES = {1: 15, 0: 19}


def main() -> None:
    mpmath.mp.dps = 40
    for kernel_degree, degree in DEGREES.items():
        coefficients, error = minimax(kernel_degree, degree)
        print(f"// degree {kernel_degree}: error {mpmath.nstr(error, 3)}")
        print(",\n".join(float(value).hex() for value in coefficients))


def minimax(kernel_degree: int, degree: int) -> tuple[list[mpmath.mpf], mpmath.mpf]:
    """Coefficients by rising power, and the largest weighted error on a grid."""
    target = of_degree_1 if kernel_degree == 1 else of_degree_0
    power = mpmath.mpf(kernel_degree) + 0.5
    grid = [(1 - mpmath.cos(mpmath.pi * i / GRID)) / 2 for i in range(1, GRID + 1)]
    values = [target(z) for z in grid]
    weights = [z**power for z in grid]
    n = degree + 2
    chosen = [round((i + 0.5) * GRID / n) for i in range(n)]
    for _ in range(EXCHANGES):
        rows = mpmath.matrix(n, n)
        right = mpmath.matrix(n, 1)
        for row, i in enumerate(chosen):
            for column in range(degree + 1):
                rows[row, column] = grid[i] ** column
            rows[row, degree + 1] = (-1) ** row / weights[i]
            right[row] = values[i]
        solution = list(mpmath.lu_solve(rows, right))
        coefficients = solution[:-1]
        errors = [
            w * (mpmath.polyval(coefficients[::-1], z) - f)
            for z, w, f in zip(grid, weights, values, strict=True)
        ]
        chosen = extremes(errors, n)
    return coefficients, max(abs(error) for error in errors)


def extremes(errors: list[mpmath.mpf], n: int) -> list[int]:
    """Where |error| is largest between changes of sign: the n consecutive ones that end last."""
    found = [0]
    for i in range(1, len(errors)):
        if errors[i] * errors[found[-1]] < 0:
            found.append(i)
        elif abs(errors[i]) > abs(errors[found[-1]]):
            found[-1] = i
    if len(found) < n:
        raise RuntimeError(f"the error changes sign only {len(found) - 1} times")
    return found[-n:]


def of_degree_1(z: mpmath.mpf) -> mpmath.mpf:
    c = 1 - z
    return (mpmath.sqrt(z * (2 - z)) - c * mpmath.acos(c)) / z**1.5


def of_degree_0(z: mpmath.mpf) -> mpmath.mpf:
    return mpmath.acos(1 - z) / mpmath.sqrt(z)


if __name__ == "__main__":
    main()
