#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "relufast/breakpoints.hpp"
#include "relufast/line.hpp"
#include "relufast/network.hpp"

namespace relufast {

// Consecutive stretches of the line, cut at breakpoints of the first layer: each can be swept by
// itself, and their number and place depend on the network and the line alone.
struct Windows {
    std::vector<std::size_t> cuts;  // knots of the first layer's grid
};

Windows cut_into_windows(const Network& network, const Line& line, std::size_t n_windows);

// The breakpoints of window w, all its tiles carried from layer to layer together, so that a
// layer's weights are needed at one time only. Tiles' values take up to value_bytes, or what one
// tile for each thread takes; what is beyond waits, and meets the layers once more. Without what
// reaches the output, which goes back through all layers.
//
// Neighbouring windows share a knot, which both bring with all its crossings.
Breakpoints sweep_window(Network& network, const Line& line, const Windows& windows, std::size_t w,
                         const BreakpointOptions& options, double value_bytes);

}  // namespace relufast
