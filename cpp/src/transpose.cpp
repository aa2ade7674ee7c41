#include "relufast/transpose.hpp"

#include <algorithm>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

// A part of a row-major matrix, and where it goes.
struct Part {
    const double* from;
    std::int64_t from_stride;
    double* to;
    std::int64_t to_stride;
    std::int64_t n_rows;
    std::int64_t n_columns;
};

// The rows from `first` on: four at a time fill a stretch of memory.
void write_rows(const Part& part, std::int64_t first) {
    const std::int64_t stride = part.from_stride;
    std::int64_t row = first;
    for (; row + 4 <= part.n_rows; row += 4) {
        const double* const four = part.from + row * stride;
        for (std::int64_t column = 0; column < part.n_columns; ++column) {
            double* const out = part.to + column * part.to_stride + row;
            out[0] = four[column];
            out[1] = four[stride + column];
            out[2] = four[2 * stride + column];
            out[3] = four[3 * stride + column];
        }
    }
    for (; row < part.n_rows; ++row) {
        for (std::int64_t column = 0; column < part.n_columns; ++column) {
            part.to[column * part.to_stride + row] = part.from[row * stride + column];
        }
    }
}

#ifdef __SSE2__

constexpr std::int64_t kLine = 8;  // numbers in a line of the cache

// Whether what is written is better written past the cache: whole lines of a matrix that would not
// stay there. It need not be read first then.
bool goes_past_cache(const double* to, std::int64_t stride, std::int64_t n_columns) {
    constexpr std::int64_t kLarge = std::int64_t{1} << 19;
    return stride % kLine == 0 && reinterpret_cast<std::uintptr_t>(to) % 64 == 0 &&
           n_columns * stride >= kLarge;
}

// Eight rows from `first` on: a line for each column, two columns at a time.
void write_lines(const Part& part, std::int64_t first) {
    const double* const from = part.from + first * part.from_stride;
    for (std::int64_t column = 0; column + 2 <= part.n_columns; column += 2) {
        double* const out = part.to + column * part.to_stride + first;
        __m128d pairs[kLine];
        for (std::int64_t row = 0; row < kLine; ++row) {
            pairs[row] = _mm_loadu_pd(from + row * part.from_stride + column);
        }
        for (std::int64_t row = 0; row < kLine; row += 2) {
            _mm_stream_pd(out + row, _mm_unpacklo_pd(pairs[row], pairs[row + 1]));
        }
        for (std::int64_t row = 0; row < kLine; row += 2) {
            _mm_stream_pd(out + part.to_stride + row, _mm_unpackhi_pd(pairs[row], pairs[row + 1]));
        }
    }
    if (part.n_columns % 2 != 0) {
        const std::int64_t column = part.n_columns - 1;
        for (std::int64_t row = 0; row < kLine; ++row) {
            part.to[column * part.to_stride + first + row] = from[row * part.from_stride + column];
        }
    }
}

void write_past_cache(const Part& part) {
    std::int64_t row = 0;
    for (; row + kLine <= part.n_rows; row += kLine) {
        write_lines(part, row);
    }
    write_rows(part, row);
}

// Before another thread is told.
void finish_past_cache() { _mm_sfence(); }

#else

bool goes_past_cache(const double*, std::int64_t, std::int64_t) { return false; }
void write_past_cache(const Part& part) { write_rows(part, 0); }
void finish_past_cache() {}

#endif

}  // namespace

// Blocks stay in the cache.
void transpose_and_square(const double* from, std::int64_t n_rows, std::int64_t n_columns,
                          double* to, std::int64_t stride, double* row_squares,
                          double* column_squares) {
    constexpr std::int64_t kRows = 64;
    constexpr std::int64_t kColumns = 32;
    const bool past_cache = goes_past_cache(to, stride, n_columns);
    for (std::int64_t row = 0; row < n_rows; row += kRows) {
        for (std::int64_t column = 0; column < n_columns; column += kColumns) {
            const Part part{
                from + row * n_columns + column, n_columns,
                to + column * stride + row,      stride,
                std::min(kRows, n_rows - row),   std::min(kColumns, n_columns - column)};
            add_squares(part.from, n_columns, part.n_rows, part.n_columns, row_squares + row,
                        column_squares + column);
            if (past_cache) {
                write_past_cache(part);
            } else {
                write_rows(part, 0);
            }
        }
    }
    finish_past_cache();
}

}  // namespace relufast
