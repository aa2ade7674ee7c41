#pragma once

#include <cstdint>
#include <vector>

#include "relufast/gathered_product.hpp"
#include "relufast/tile_product.hpp"

namespace relufast {

// Fills blocks with what some neurons of the layer below, the columns, send to the rows. Valid
// while both arguments are.
FillBlock blocks_of_weights(const Rows& rows, const std::vector<std::int32_t>& senders);

}  // namespace relufast
