// The parameters of some of a layer's neurons.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "relufast/network.hpp"
#include "relufast/tile.hpp"

namespace relufast {

// Biases and norms of some neurons.
std::shared_ptr<Selection> select(const Layer& hidden, std::vector<std::int32_t> neurons,
                                  bool others_send);

// The outputs as functions of some neurons of the last hidden layer alone.
std::shared_ptr<Selection> outputs_of(const Layer& output, const std::vector<std::int32_t>& neurons,
                                      std::size_t n_outputs);

}  // namespace relufast
