// Work on pairs of blocks, two pairs at once only if they share no block.
#pragma once

#include <cstdint>
#include <functional>

#include "relufast/threads.hpp"

namespace relufast {

// Calls body(i, j, thread) once for all 0 <= i <= j < n_blocks. A block is in one call at a time,
// and in the same order of calls for every n_threads, its own pair (i, i) first: what the calls
// add to a block needs no lock and has the same bits always.
void for_each_pair(std::int64_t n_blocks, int n_threads, const Interrupt& interrupt,
                   const std::function<void(std::int64_t, std::int64_t, int)>& body);

}  // namespace relufast
