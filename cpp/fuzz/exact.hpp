// Breakpoints by brute force in integers, of networks whose numbers are small multiples of a power
// of two.
#pragma once

#include <optional>

#include "problem.hpp"
#include "relufast/breakpoints.hpp"

namespace relufast::fuzz {

// Positions are correctly rounded up to a few units in the last place, and x_error says so; nothing
// is open. Without a value where a number has no short integer, and where 128 bits do not hold one.
std::optional<Breakpoints> exact_breakpoints(const Problem& problem);

}  // namespace relufast::fuzz
