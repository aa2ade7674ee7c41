// Two sums of rows of a narrow matrix, in registers. Built to use fused multiply-add where there
// is one: Higham's bounds hold for it, too.

#include <algorithm>
#include <bit>

#include "any_address.hpp"
#include "narrow_columns.hpp"
#include "relufast/multiversion.hpp"

namespace relufast {
namespace {

struct TwoProducts {
    const double* matrix;
    std::int64_t stride;
    std::uint64_t rows;
    const double* const* factors;
    double* const* out;
};

// Some entries of both, from entry `from` on: n_vectors vectors of each, kMost at the most.
template <class Vector, int kMost>
[[gnu::always_inline]] inline void multiply_vectors(const TwoProducts& two, std::int64_t from,
                                                    std::int64_t n_vectors) {
    if constexpr (kMost > 1) {
        if (n_vectors < kMost) {
            multiply_vectors<Vector, kMost - 1>(two, from, n_vectors);
            return;
        }
    }
    constexpr std::int64_t kLength = sizeof(Vector) / sizeof(double);
    Vector sums[2][kMost] = {};
    for (std::uint64_t rows = two.rows; rows != 0; rows &= rows - 1) {
        const std::int64_t j = std::countr_zero(rows);
        const double* const row = two.matrix + j * two.stride + from;
        const double factors[2] = {two.factors[0][j], two.factors[1][j]};
#pragma GCC unroll 8
        for (int v = 0; v < kMost; ++v) {
            Vector numbers;
            load(numbers, row + kLength * v);
            sums[0][v] += factors[0] * numbers;
            sums[1][v] += factors[1] * numbers;
        }
    }
#pragma GCC unroll 8
    for (int v = 0; v < kMost; ++v) {
        store(sums[0][v], two.out[0] + from + kLength * v);
        store(sums[1][v], two.out[1] + from + kLength * v);
    }
}

template <class Vector, int kMost>
[[gnu::always_inline]] inline void multiply_all(const TwoProducts& two) {
    constexpr std::int64_t kLength = sizeof(Vector) / sizeof(double);
    for (std::int64_t from = 0; from < two.stride; from += kLength * kMost) {
        const std::int64_t left = (two.stride - from) / kLength;
        multiply_vectors<Vector, kMost>(two, from, std::min<std::int64_t>(left, kMost));
    }
}

RELUFAST_MULTIVERSION
void multiply_by_fours(const TwoProducts& two) {
    constexpr int kMostFours = 6;  // of each column: they and their factors fit into 16 registers
    multiply_all<FourDoubles, kMostFours>(two);
}

RELUFAST_WITHOUT_AVX512
void multiply(const TwoProducts& two) { multiply_by_fours(two); }

#if RELUFAST_IS_MULTIVERSION
RELUFAST_WITH_AVX512
void multiply(const TwoProducts& two) {
    constexpr int kMostEights = 8;
    multiply_all<EightDoubles, kMostEights>(two);
}
#endif

}  // namespace

void multiply_two(const double* matrix, std::int64_t stride, std::uint64_t rows,
                  const double* const factors[2], double* const out[2]) {
    multiply({matrix, stride, rows, factors, out});
}

}  // namespace relufast
