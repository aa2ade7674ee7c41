#pragma once

#include <cstdint>
#include <vector>

#include "relufast/activation_signs.hpp"
#include "relufast/network.hpp"
#include "relufast/threads.hpp"

namespace relufast {

// Upper bounds on the ranks of the hidden activations, by layer, from signs that are proven: those
// of points with an open sign are not used, and each such point may add one to the rank.
//
// `input_rank` bounds the rank of the points. `lower` are lower bounds on the rank of the other
// points' activations: where the cheapest upper bound meets it, no better one is looked for.
std::vector<std::int64_t> rank_upper_bounds(const Network& network, const ActivationSigns& signs,
                                            std::int64_t input_rank,
                                            const std::vector<std::int64_t>& lower,
                                            const Interrupt& interrupt);

}  // namespace relufast
