#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "relufast/buffer.hpp"
#include "relufast/decided_sum.hpp"
#include "relufast/tile.hpp"

namespace relufast {

// Whether the weights lie in the first-level cache: then a column's product is a sum of what its
// own active neurons send, about half of them, and quicker than anything clever.
inline bool is_small(std::int64_t n_in, std::int64_t n_out) { return n_in * n_out <= 4096; }

// What a tile is multiplied by.
struct Rows {
    const Layer& layer;
    std::int64_t n;  // the layer's first n neurons, or some, and after them what all others send
    const std::vector<std::int32_t>* neurons = nullptr;
    const DecidedSum* others = nullptr;
};

// What neurons of a tile that turn between its knots lo and hi send to the rows.
class Sent {
 public:
    // Valid until the next one in this workspace.
    Sent(const Rows& rows, const Tile& below, std::size_t lo, std::size_t hi, Workspace& workspace);

    const double* by(std::int32_t neuron) const;

 private:
    const Tile& below_;
    const Layer& layer_;
    std::vector<std::int32_t> turning_;  // where only some rows are wanted, and these gathered
    Buffer<double>& weights_;
    std::int64_t n_;
    bool gathers_ = false;
};

// workspace.products = W relu(z) for the columns of `below` numbered in workspace.columns and after
// them the n_points columns of workspace.points. These have no neuron active that is inactive in
// all of the others. Returns how many roundings a term of these sums meets at most.
std::int64_t multiply_relu(const Rows& rows, double negative_slope, const Tile& below,
                           std::size_t n_points, Workspace& workspace);

// W relu(z) in single precision, which is enough for signs that have something to spare.
struct RoughValues {
    const float* values = nullptr;  // (columns, n), in units
    std::size_t n = 0;
    double unit = 1.0;      // a power of two
    double rounding = 0.0;  // A value is off by no more than |W_i| |relu(z)| rounding + lost.
    double lost = 0.0;

    const float* at(std::size_t column) const { return values + column * n; }
};

// For all neurons of a layer and the columns of `below` numbered in workspace.columns. Valid until
// the next ones in this workspace.
RoughValues multiply_relu_roughly(const Layer& layer, double negative_slope, const Tile& below,
                                  Workspace& workspace);

}  // namespace relufast
