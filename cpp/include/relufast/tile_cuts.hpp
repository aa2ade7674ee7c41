#pragma once

#include <cstddef>
#include <vector>

#include "relufast/knot.hpp"

namespace relufast {

// The knots between which n_parts stretches of a grid lie: nearly equal numbers of segments,
// depending on the grid alone. A cut must not fall on an exact knot, where neurons of later layers
// may be exactly zero and need both neighbours.
template <class MayCut>
std::vector<std::size_t> cut_grid(const Grid& grid, std::size_t n_parts, MayCut may_cut) {
    const std::size_t n_segments = grid.size() - 1;
    std::vector<std::size_t> cuts{0};
    for (std::size_t p = 1; p < n_parts; ++p) {
        std::size_t k = p * n_segments / n_parts;
        while (k < n_segments && !may_cut(k)) {
            ++k;
        }
        if (k > cuts.back() && k < n_segments) {
            cuts.push_back(k);
        }
    }
    cuts.push_back(n_segments);
    return cuts;
}

}  // namespace relufast
