#pragma once

#include <cstdint>

namespace relufast {

// Writes a row-major matrix of n_rows rows by columns that lie `stride` apart, and adds the squares
// of its entries, by row and by column, to sums, while it is in the cache.
void transpose_and_square(const double* from, std::int64_t n_rows, std::int64_t n_columns,
                          double* to, std::int64_t stride, double* row_squares,
                          double* column_squares);

}  // namespace relufast
