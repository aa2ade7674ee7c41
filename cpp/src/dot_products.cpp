// Products of some rows with some vectors. Built to use fused multiply-add where there is one:
// Higham's bounds hold for it, too.

#include <algorithm>

#include "any_address.hpp"
#include "relufast/column_ops.hpp"
#include "relufast/multiversion.hpp"

namespace relufast {
namespace {

// Bounds on roundings grow with the length of a sum. A part of some vectors stays in the
// first-level cache while rows pass by.
constexpr std::int64_t kPart = 256;

// Adds the products of parts of kRows rows with those of kVectors vectors, `n` apart.
template <int kRows, int kVectors>
[[gnu::always_inline]] inline void add_products(const double* const* rows, std::int64_t start,
                                                std::int64_t count, const double* vectors,
                                                std::int64_t n, double* out,
                                                std::int64_t out_stride) {
    // Enough sums that additions need not wait for one another.
    constexpr int kFours = kRows * kVectors < 8 ? 2 : 1;
    FourDoubles sums[kRows][kVectors][kFours] = {};
    std::int64_t i = 0;
    for (; i + 4 * kFours <= count; i += 4 * kFours) {
#pragma GCC unroll 2
        for (int f = 0; f < kFours; ++f) {
            FourDoubles of_row[kRows];
#pragma GCC unroll 2
            for (int r = 0; r < kRows; ++r) {
                load(of_row[r], rows[r] + start + i + 4 * f);
            }
#pragma GCC unroll 4
            for (int v = 0; v < kVectors; ++v) {
                FourDoubles of_vector;
                load(of_vector, vectors + v * n + start + i + 4 * f);
#pragma GCC unroll 2
                for (int r = 0; r < kRows; ++r) {
                    sums[r][v][f] += of_row[r] * of_vector;
                }
            }
        }
    }
#pragma GCC unroll 2
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
            const FourDoubles all =
                kFours == 2 ? sums[r][v][0] + sums[r][v][kFours - 1] : sums[r][v][0];
            double sum = all[0] + all[1] + all[2] + all[3];
            for (std::int64_t rest = i; rest < count; ++rest) {
                sum += rows[r][start + rest] * vectors[v * n + start + rest];
            }
            out[r * out_stride + v] += sum;
        }
    }
}

template <int kRows>
[[gnu::always_inline]] inline void add_rows(const double* const* rows, std::int64_t start,
                                            std::int64_t count, const double* vectors,
                                            std::int64_t n, std::int64_t n_vectors, double* out) {
    std::int64_t v = 0;
    for (; v + 4 <= n_vectors; v += 4) {
        add_products<kRows, 4>(rows, start, count, vectors + v * n, n, out + v, n_vectors);
    }
    for (; v < n_vectors; ++v) {
        add_products<kRows, 1>(rows, start, count, vectors + v * n, n, out + v, n_vectors);
    }
}

}  // namespace

RELUFAST_MULTIVERSION
void dot_products(const double* const* rows, std::int64_t n_rows, const double* vectors,
                  std::int64_t n, std::int64_t n_vectors, double* out) {
    std::fill_n(out, n_rows * n_vectors, 0.0);
    for (std::int64_t start = 0; start < n; start += kPart) {
        const std::int64_t count = std::min(kPart, n - start);
        std::int64_t r = 0;
        for (; r + 2 <= n_rows; r += 2) {
            add_rows<2>(rows + r, start, count, vectors, n, n_vectors, out + r * n_vectors);
        }
        if (r < n_rows) {
            add_rows<1>(rows + r, start, count, vectors, n, n_vectors, out + r * n_vectors);
        }
    }
}

std::int64_t roundings_of_dot(std::int64_t n) {
    return std::min(n, kPart) + (n + kPart - 1) / kPart + 1;
}

}  // namespace relufast
