#pragma once

#include <cstdint>
#include <vector>

#include "relufast/network.hpp"
#include "relufast/threads.hpp"
#include "relufast/tile.hpp"

namespace relufast {

// Whether each of some knots is shown to reach the output: whether the first output's gradient with
// respect to the neuron that turns there is provably not zero. All gradients are carried back
// through the layers together, by one product a layer.
std::vector<std::uint8_t> trace_back(const Network& network,
                                     const std::vector<const Traced*>& knots, int n_threads,
                                     const Interrupt& interrupt);

}  // namespace relufast
