"""Write cpp/src/ziggurat_tables.hpp, the constants of the normal sampler.

The half-normal density f(x) = exp(-x^2/2) is covered by 256 layers of equal area v (Marsaglia and
Tsang, "The Ziggurat Method for Generating Random Variables", J. Stat. Softw. 5(8), 2000): layer 0
is the rectangle [0, r] x [0, f(r)] with the tail beyond r, drawn as a rectangle of width v / f(r);
layer i > 0 is [0, x_i] x [f(x_i), f(x_{i+1})], with x_1 = r and x_256 = 0. The header is committed,
so that a build needs neither Python nor mpmath and no machine computes its own constants.
"""

from __future__ import annotations

from pathlib import Path

from mpmath import mp, mpf

LAYERS = 256
ABSCISSA_BITS = 52
HEADER = Path(__file__).resolve().parents[1] / "cpp" / "src" / "ziggurat_tables.hpp"

TEMPLATE = """\
// Written by tools/make_ziggurat_tables.py; do not edit.
#pragma once

#include <array>
#include <cstdint>

namespace relufast::ziggurat {{

// An abscissa is an odd integer k, |k| < 2^{bits}, times the layer's `step`: its right edge is
// 2^{bits} step. |k| < `inner` lies below the density whatever the ordinate.
struct Layer {{
    double step;
    std::int64_t inner;
}};

inline constexpr double kTailStart = {tail_start};

// clang-format off
inline constexpr std::array<Layer, {layers}> kLayers{{{{
{layer_rows}
}}}};

// exp(-x^2/2) at the layers' right edges x: layer i lies between entries i and i + 1. The edge of
// layer 0 is the tail's start; the last entry is the density at 0.
inline constexpr std::array<double, {densities}> kDensity{{{{
{density_rows}
}}}};
// clang-format on

}}  // namespace relufast::ziggurat
"""


def density(x: mpf) -> mpf:
    return mp.exp(-x * x / 2)


def layer_area(r: mpf) -> mpf:
    return r * density(r) + mp.sqrt(mp.pi / 2) * mp.erfc(r / mp.sqrt(2))


def right_edges(r: mpf) -> list[mpf]:
    """Right edges x_1 = r > x_2 > ... > x_255 of the layers above the base."""
    area = layer_area(r)
    edges = [r]
    while len(edges) < LAYERS - 1:
        x = edges[-1]
        edges.append(mp.sqrt(-2 * mp.log(density(x) + area / x)))
    return edges


def top_gap(r: mpf) -> mpf:
    """How far the top layer's upper side lies from f(0) = 1; the right tail start closes it."""
    x = right_edges(r)[-1]
    return density(x) + layer_area(r) / x - 1


def double(x: mpf) -> str:
    return float(x).hex()


def tables() -> str:
    """The text of the header."""
    with mp.workdps(60):
        r = mp.findroot(top_gap, (mpf("3.65415"), mpf("3.65416")), solver="secant")
        edges = right_edges(r)
        width = [layer_area(r) / density(r), *edges]
        inner_edge = [*edges, mpf(0)]
        scale = mpf(2) ** ABSCISSA_BITS
        layer_rows = [
            f"    {{{double(x / scale)}, {int(mp.floor(scale * inner / x))}}},"
            for x, inner in zip(width, inner_edge, strict=True)
        ]
        density_rows = [f"    {double(density(x))}," for x in (edges[0], *inner_edge)]
        return TEMPLATE.format(
            bits=ABSCISSA_BITS,
            tail_start=double(r),
            layers=len(layer_rows),
            layer_rows="\n".join(layer_rows),
            densities=len(density_rows),
            density_rows="\n".join(density_rows),
        )


if __name__ == "__main__":
    HEADER.write_text(tables())
