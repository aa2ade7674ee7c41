#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "relufast/gathered_product.hpp"
#include "relufast/tile_product.hpp"

namespace relufast {

// Fills blocks with what some neurons of the layer below, the columns, send to the rows. Valid
// while both arguments are.
FillBlock<double> blocks_of_weights(const Rows& rows, const std::vector<std::int32_t>& senders);

// The same of all rows of a layer, times a factor, in single precision.
FillBlock<float> rough_blocks_of_weights(const Layer& layer,
                                         const std::vector<std::int32_t>& senders, double factor);

// Where the r-th of the wanted rows lies.
using RowAt = std::function<const double*(std::size_t r)>;

// Fills blocks with some columns of rows that lie anywhere. Valid while the list is.
FillBlock<double> blocks_out_of_rows(RowAt row_at, const std::vector<std::int32_t>& columns);

}  // namespace relufast
