#pragma once

#include <cstdint>
#include <vector>

#include "relufast/breakpoints.hpp"
#include "relufast/tile.hpp"

namespace relufast {

// Decides for every knot whether the slope of the output changes there; what stays open marks the
// segments beside it and is counted.
std::vector<std::uint8_t> decide_reach(const Network& network, const Line& line,
                                       const BreakpointOptions& options, Stretch& stretch,
                                       std::vector<Undecided>& undecided);

}  // namespace relufast
