// A sum of a few rows of a matrix, in registers. Built to use fused multiply-add where there is
// one: Higham's bounds hold for it, too.

#include <algorithm>

#include "any_address.hpp"
#include "relufast/column_ops.hpp"
#include "relufast/multiversion.hpp"

namespace relufast {
namespace {

// Four numbers that the compiler keeps in a register.
using Four = double __attribute__((vector_size(32)));

// The first 4 kFours entries of a sum of rows.
template <int kFours>
[[gnu::always_inline]] inline void sum_fours(const double* matrix, std::int64_t stride,
                                             const std::int32_t* index, const double* factors,
                                             std::int64_t n_index, double* out) {
    Four sums[kFours] = {};
    for (std::int64_t c = 0; c < n_index; ++c) {
        const double* const row = matrix + index[c] * stride;
        const double factor = factors[c];
#pragma GCC unroll 8
        for (int f = 0; f < kFours; ++f) {
            Four numbers;
            load(numbers, row + 4 * f);
            sums[f] += factor * numbers;
        }
    }
#pragma GCC unroll 8
    for (int f = 0; f < kFours; ++f) {
        store(sums[f], out + 4 * f);
    }
}

}  // namespace

RELUFAST_MULTIVERSION
void sum_multiples(const double* __restrict matrix, std::int64_t stride,
                   const std::int32_t* __restrict index, const double* __restrict factors,
                   std::int64_t n_index, double* __restrict out, std::int64_t n) {
    constexpr std::int64_t kMostFours = 7;  // they and their factors fit into 16 registers
    for (std::int64_t start = 0; start < n && n >= 4;) {
        const std::int64_t n_fours = std::min({(n - start + 3) / 4, n / 4, kMostFours});
        // The last sweep may overlap the one before: the same numbers are written twice.
        const std::int64_t from = std::min(start, n - 4 * n_fours);
        start = from + 4 * n_fours;
        switch (n_fours) {
            case 1:
                sum_fours<1>(matrix + from, stride, index, factors, n_index, out + from);
                break;
            case 2:
                sum_fours<2>(matrix + from, stride, index, factors, n_index, out + from);
                break;
            case 3:
                sum_fours<3>(matrix + from, stride, index, factors, n_index, out + from);
                break;
            case 4:
                sum_fours<4>(matrix + from, stride, index, factors, n_index, out + from);
                break;
            case 5:
                sum_fours<5>(matrix + from, stride, index, factors, n_index, out + from);
                break;
            case 6:
                sum_fours<6>(matrix + from, stride, index, factors, n_index, out + from);
                break;
            default:
                sum_fours<kMostFours>(matrix + from, stride, index, factors, n_index, out + from);
        }
    }
    for (std::int64_t i = 0; i < n && n < 4; ++i) {
        double sum = 0.0;
        for (std::int64_t c = 0; c < n_index; ++c) {
            sum += factors[c] * matrix[index[c] * stride + i];
        }
        out[i] = sum;
    }
}

}  // namespace relufast
