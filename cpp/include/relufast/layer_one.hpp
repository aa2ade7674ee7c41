#pragma once

#include <cstdint>
#include <vector>

#include "relufast/knot.hpp"
#include "relufast/line.hpp"

namespace relufast {

// The first layer's breakpoints: roots of affine functions, in exact order.
struct LayerOne {
    Grid grid;
    std::vector<std::uint8_t> active_at_start;  // by neuron, right of the first knot
    std::vector<Undecided> undecided;
};

LayerOne solve_layer_one(const Network& network, const Line& line);

}  // namespace relufast
