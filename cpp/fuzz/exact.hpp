// Breakpoints by brute force in integers, of networks whose numbers are multiples of 2^-60 and not
// large.
#pragma once

#include <optional>

#include "problem.hpp"
#include "relufast/breakpoints.hpp"

namespace relufast::fuzz {

// Positions are correctly rounded up to a few units in the last place, and x_error says so; nothing
// is open. Without a value where some number is none of these, or an integer has too many bits.
std::optional<Breakpoints> exact_breakpoints(const Problem& problem);

}  // namespace relufast::fuzz
