#pragma once

#include <cstddef>
#include <cstdint>

#include "relufast/tile.hpp"

namespace relufast {

// Whether the weights lie in the first-level cache: then a column's product is a sum of what its
// own active neurons send, about half of them, and quicker than anything clever.
inline bool is_small(const Layer& layer) { return layer.n_in * layer.n_out <= 4096; }

// workspace.products = W relu(z), of the first n outputs of the layer above `below`, for the
// columns of `below` numbered in workspace.columns and after them the n_points columns of
// workspace.points. These have no neuron active that is inactive in all of the others.
//
// Returns the length of the longest sum.
std::int64_t multiply_relu(const Layer& above, std::int64_t n, double negative_slope,
                           const Tile& below, std::size_t n_points, Workspace& workspace);

}  // namespace relufast
