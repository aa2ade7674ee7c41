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
    std::int64_t row = 0;
    // Four at a time, because each sum by column waits for the one before.
    for (; row + 4 <= n_rows; row += 4) {
        const double* const a = from + row * stride;
        const double* const b = a + stride;
        const double* const c = b + stride;
        const double* const d = c + stride;
        double of_a = 0.0;
        double of_b = 0.0;
        double of_c = 0.0;
        double of_d = 0.0;
#pragma omp simd reduction(+ : of_a, of_b, of_c, of_d)
        for (std::int64_t column = 0; column < n_columns; ++column) {
            const double a_square = a[column] * a[column];
            const double b_square = b[column] * b[column];
            const double c_square = c[column] * c[column];
            const double d_square = d[column] * d[column];
            column_squares[column] += (a_square + b_square) + (c_square + d_square);
            of_a += a_square;
            of_b += b_square;
            of_c += c_square;
            of_d += d_square;
        }
        row_squares[row] += of_a;
        row_squares[row + 1] += of_b;
        row_squares[row + 2] += of_c;
        row_squares[row + 3] += of_d;
    }
    for (; row < n_rows; ++row) {
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

// The rows from `first` on: a stretch of memory for each column.
void write_rows(const Part& part, std::int64_t first) {
    for (std::int64_t column = 0; column < part.n_columns; ++column) {
        for (std::int64_t row = first; row < part.n_rows; ++row) {
            part.to[column * part.to_stride + row] = part.from[row * part.from_stride + column];
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

// Eight rows from `first` on, two columns at a time: a stretch of memory for each.
template <class Write>
[[gnu::always_inline]] inline void write_eight(const Part& part, std::int64_t first, Write write) {
    const double* const from = part.from + first * part.from_stride;
    for (std::int64_t column = 0; column + 2 <= part.n_columns; column += 2) {
        double* const out = part.to + column * part.to_stride + first;
        __m128d pairs[kLine];
        for (std::int64_t row = 0; row < kLine; ++row) {
            pairs[row] = _mm_loadu_pd(from + row * part.from_stride + column);
        }
        for (std::int64_t row = 0; row < kLine; row += 2) {
            write(out + row, _mm_unpacklo_pd(pairs[row], pairs[row + 1]));
        }
        for (std::int64_t row = 0; row < kLine; row += 2) {
            write(out + part.to_stride + row, _mm_unpackhi_pd(pairs[row], pairs[row + 1]));
        }
    }
    if (part.n_columns % 2 != 0) {
        const std::int64_t column = part.n_columns - 1;
        for (std::int64_t row = 0; row < kLine; ++row) {
            part.to[column * part.to_stride + first + row] = from[row * part.from_stride + column];
        }
    }
}

void write(const Part& part, bool past_cache) {
    std::int64_t row = 0;
    for (; row + kLine <= part.n_rows; row += kLine) {
        if (past_cache) {
            write_eight(part, row, [](double* to, __m128d two) { _mm_stream_pd(to, two); });
        } else {
            write_eight(part, row, [](double* to, __m128d two) { _mm_storeu_pd(to, two); });
        }
    }
    write_rows(part, row);
}

// Before another thread is told.
void finish(bool past_cache) {
    if (past_cache) {
        _mm_sfence();
    }
}

#else

bool goes_past_cache(const double*, std::int64_t, std::int64_t) { return false; }
void write(const Part& part, bool) { write_rows(part, 0); }
void finish(bool) {}

#endif

}  // namespace

// Blocks stay in the caches: the first one's for what is written, and another one's, of whole rows
// as far as they go, for the squares, where the end of a sum takes longer than its terms.
void transpose_and_square(const double* from, std::int64_t n_rows, std::int64_t n_columns,
                          double* to, std::int64_t stride, double* row_squares,
                          double* column_squares) {
    constexpr std::int64_t kRows = 64;
    constexpr std::int64_t kSquaredColumns = 256;
    constexpr std::int64_t kColumns = 32;
    const bool past_cache = goes_past_cache(to, stride, n_columns);
    for (std::int64_t row = 0; row < n_rows; row += kRows) {
        const std::int64_t rows = std::min(kRows, n_rows - row);
        for (std::int64_t start = 0; start < n_columns; start += kSquaredColumns) {
            const std::int64_t end = std::min(start + kSquaredColumns, n_columns);
            add_squares(from + row * n_columns + start, n_columns, rows, end - start,
                        row_squares + row, column_squares + start);
            for (std::int64_t column = start; column < end; column += kColumns) {
                write({from + row * n_columns + column, n_columns, to + column * stride + row,
                       stride, rows, std::min(kColumns, end - column)},
                      past_cache);
            }
        }
    }
    finish(past_cache);
}

}  // namespace relufast
