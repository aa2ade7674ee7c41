#pragma once

#include <cstddef>
#include <cstdint>

#include "relufast/tile.hpp"

namespace relufast {

// Whether the weights lie in the first-level cache: then a column's product is a sum of what its
// own active neurons send, about half of them, and quicker than anything clever.
inline bool is_small(const Layer& layer) { return layer.n_in * layer.n_out <= 4096; }

// out = W relu(z) of a small layer's first n outputs. The active neurons and what they send stay
// in the workspace; their number is returned.
std::int64_t sum_sent(const Layer& layer, std::int64_t n, double negative_slope, const double* z,
                      const std::uint64_t* active, double* out, Workspace& workspace);

// workspace.products = W relu(z), of the first n outputs of the layer above `below`, for the
// columns lo..hi of `below` and after them the n_points columns of workspace.points. These have no
// neuron active that is inactive at all of lo..hi.
//
// Returns the length of the longest sum.
std::int64_t multiply_relu(const Layer& above, std::int64_t n, double negative_slope,
                           const Tile& below, std::size_t lo, std::size_t hi, std::size_t n_points,
                           Workspace& workspace);

}  // namespace relufast
