#pragma once

#include <vector>

#include "relufast/breakpoints.hpp"
#include "relufast/tile.hpp"

namespace relufast {

// Decides in double-double whether knots that are open reach the output. What stays open marks the
// segments beside it and is counted.
void decide_open_reach(const Network& network, const Line& line, const BreakpointOptions& options,
                       Stretch& stretch, std::vector<Undecided>& undecided);

}  // namespace relufast
