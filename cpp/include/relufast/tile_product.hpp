#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

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

// What neurons of a tile send to the rows it is multiplied by.
class Sent {
 public:
    Sent(const Tile& below, const Layer& layer) : below_(below), layer_(layer) {}
    Sent(const Tile& below, const Layer& layer, const std::vector<std::int32_t>& alive,
         const double* weights, std::int64_t n)
        : below_(below), layer_(layer), alive_(&alive), weights_(weights), n_(n) {}

    // By a neuron that is active at one of the columns.
    const double* by(std::int32_t neuron) const;

 private:
    const Tile& below_;
    const Layer& layer_;
    const std::vector<std::int32_t>* alive_ = nullptr;  // the neurons whose weights were gathered
    const double* weights_ = nullptr;
    std::int64_t n_ = 0;
};

struct Product {
    std::int64_t n_terms;  // the length of the longest sum
    Sent sent;             // until the next product in this workspace
};

// workspace.products = W relu(z) for the columns of `below` numbered in workspace.columns and after
// them the n_points columns of workspace.points. These have no neuron active that is inactive in
// all of the others.
Product multiply_relu(const Rows& rows, double negative_slope, const Tile& below,
                      std::size_t n_points, Workspace& workspace);

}  // namespace relufast
