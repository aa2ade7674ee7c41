// A sum of a few rows of a matrix, in registers. Built to use fused multiply-add where there is
// one: Higham's bounds hold for it, too.

#include <algorithm>

#include "any_address.hpp"
#include "relufast/column_ops.hpp"
#include "relufast/multiversion.hpp"

namespace relufast {
namespace {

struct WeightedRows {
    const double* matrix;
    std::int64_t stride;
    const std::int32_t* index;
    const double* factors;
    std::int64_t n_index;
};

// Some entries of their sum, from entry `from` on: n_vectors vectors of them, kMost at the most.
template <class Vector, int kMost>
[[gnu::always_inline]] inline void sum_vectors(const WeightedRows& rows, std::int64_t from,
                                               std::int64_t n_vectors, double* out) {
    if constexpr (kMost > 1) {
        if (n_vectors < kMost) {
            sum_vectors<Vector, kMost - 1>(rows, from, n_vectors, out);
            return;
        }
    }
    constexpr std::int64_t kLength = sizeof(Vector) / sizeof(double);
    Vector sums[kMost] = {};
    for (std::int64_t c = 0; c < rows.n_index; ++c) {
        const double* const row = rows.matrix + rows.index[c] * rows.stride + from;
        const double factor = rows.factors[c];
#pragma GCC unroll 8
        for (int v = 0; v < kMost; ++v) {
            Vector numbers;
            load(numbers, row + kLength * v);
            sums[v] += factor * numbers;
        }
    }
#pragma GCC unroll 8
    for (int v = 0; v < kMost; ++v) {
        store(sums[v], out + from + kLength * v);
    }
}

// All n of them, at least one vector.
template <class Vector, int kMost>
[[gnu::always_inline]] inline void sum_all(const WeightedRows& rows, double* out, std::int64_t n) {
    constexpr std::int64_t kLength = sizeof(Vector) / sizeof(double);
    for (std::int64_t start = 0; start < n;) {
        const std::int64_t n_vectors =
            std::min<std::int64_t>({(n - start + kLength - 1) / kLength, n / kLength, kMost});
        // The last sweep may overlap the one before: the same numbers are written twice.
        const std::int64_t from = std::min(start, n - kLength * n_vectors);
        sum_vectors<Vector, kMost>(rows, from, n_vectors, out);
        start = from + kLength * n_vectors;
    }
}

RELUFAST_MULTIVERSION
void sum_by_fours(const WeightedRows& rows, double* __restrict out, std::int64_t n) {
    constexpr int kMostFours = 7;  // they and their factors fit into 16 registers
    if (n >= 4) {
        sum_all<FourDoubles, kMostFours>(rows, out, n);
        return;
    }
    for (std::int64_t i = 0; i < n; ++i) {
        double sum = 0.0;
        for (std::int64_t c = 0; c < rows.n_index; ++c) {
            sum += rows.factors[c] * rows.matrix[rows.index[c] * rows.stride + i];
        }
        out[i] = sum;
    }
}

RELUFAST_WITHOUT_AVX512
void sum_rows(const WeightedRows& rows, double* out, std::int64_t n) { sum_by_fours(rows, out, n); }

#if RELUFAST_IS_MULTIVERSION
RELUFAST_WITH_AVX512
void sum_rows(const WeightedRows& rows, double* __restrict out, std::int64_t n) {
    constexpr int kMostEights = 8;
    if (n >= 8) {
        sum_all<EightDoubles, kMostEights>(rows, out, n);
    } else {
        sum_by_fours(rows, out, n);
    }
}
#endif

}  // namespace

void sum_multiples(const double* matrix, std::int64_t stride, const std::int32_t* index,
                   const double* factors, std::int64_t n_index, double* out, std::int64_t n) {
    sum_rows({matrix, stride, index, factors, n_index}, out, n);
}

}  // namespace relufast
