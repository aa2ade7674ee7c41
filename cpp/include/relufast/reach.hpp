#pragma once

#include <vector>

#include "relufast/breakpoints.hpp"
#include "relufast/tile.hpp"

namespace relufast {

// Decides whether knots that are open reach the output: by gradients, and where these leave it open
// in double-double. What stays open marks the segments beside it and is counted.
void decide_open_reach(const Network& network, const Line& line, const BreakpointOptions& options,
                       Stretch& stretch, std::vector<Undecided>& undecided);

}  // namespace relufast
