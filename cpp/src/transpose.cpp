#include "relufast/transpose.hpp"

#include <algorithm>

#include "relufast/multiversion.hpp"

namespace relufast {
namespace {

RELUFAST_MULTIVERSION
void add_squares(const double* __restrict from, std::int64_t stride, std::int64_t n_rows,
                 std::int64_t n_columns, double* __restrict row_squares,
                 double* __restrict column_squares) {
    for (std::int64_t row = 0; row < n_rows; ++row) {
        const double* const values = from + row * stride;
        double sum = 0.0;
#pragma omp simd reduction(+ : sum)
        for (std::int64_t column = 0; column < n_columns; ++column) {
            const double square = values[column] * values[column];
            column_squares[column] += square;
            sum += square;
        }
        row_squares[row] += sum;
    }
}

}  // namespace

// Blocks stay in the cache; in a block, four rows at a time fill a stretch of memory.
void transpose_and_square(const double* __restrict from, std::int64_t n_rows,
                          std::int64_t n_columns, double* __restrict to, std::int64_t stride,
                          double* __restrict row_squares, double* __restrict column_squares) {
    constexpr std::int64_t kBlock = 32;
    for (std::int64_t row0 = 0; row0 < n_rows; row0 += kBlock) {
        const std::int64_t row1 = std::min(row0 + kBlock, n_rows);
        for (std::int64_t column0 = 0; column0 < n_columns; column0 += kBlock) {
            const std::int64_t column1 = std::min(column0 + kBlock, n_columns);
            add_squares(from + row0 * n_columns + column0, n_columns, row1 - row0,
                        column1 - column0, row_squares + row0, column_squares + column0);
            std::int64_t row = row0;
            for (; row + 4 <= row1; row += 4) {
                const double* const four = from + row * n_columns;
                for (std::int64_t column = column0; column < column1; ++column) {
                    double* const out = to + column * stride + row;
                    out[0] = four[column];
                    out[1] = four[n_columns + column];
                    out[2] = four[2 * n_columns + column];
                    out[3] = four[3 * n_columns + column];
                }
            }
            for (; row < row1; ++row) {
                for (std::int64_t column = column0; column < column1; ++column) {
                    to[column * stride + row] = from[row * n_columns + column];
                }
            }
        }
    }
}

}  // namespace relufast
