#include "small_block.hpp"

#include "relufast/multiversion.hpp"

namespace relufast::modular {

namespace {

constexpr std::int64_t kVector = 8;  // entries, one or two vectors of the wider instruction sets

// y -= factor x at the places [begin, end), both multiples of kVector.
inline void subtract_multiple(double* y, const double* x, double factor, std::int64_t begin,
                              std::int64_t end) {
    for (std::int64_t start = begin; start < end; start += kVector) {
#pragma omp simd
        for (std::int64_t k = start; k < start + kVector; ++k) {
            y[k] -= factor * x[k];
        }
    }
}

inline void reduce_entries(double* x, std::int64_t begin, std::int64_t end, double p,
                           double reciprocal) {
#pragma omp simd
    for (std::int64_t k = begin; k < end; ++k) {
        x[k] = reduced(x[k], p, reciprocal);
    }
}

std::int64_t rounded_down(std::int64_t k) { return k / kVector * kVector; }
std::int64_t rounded_up(std::int64_t k) { return rounded_down(k + kVector - 1); }

}  // namespace

RELUFAST_MULTIVERSION
void eliminate_column(SmallBlock& block, std::int64_t row, std::int64_t pivot_column,
                      std::int64_t n, double inverse_of_pivot, const Modulus& modulus) {
    const double p = modulus.value();
    const double reciprocal = modulus.reciprocal();
    // Zero down to the pivot's own row, which keeps these rows what they are.
    alignas(64) double multipliers[kSmall];
    double* const column = block.column(pivot_column);
#pragma omp simd
    for (std::int64_t k = 0; k < kSmall; ++k) {
        const double entry = reduced(column[k], p, reciprocal);
        const double multiplier = reduced(entry * inverse_of_pivot, p, reciprocal);
        multipliers[k] = k > row ? multiplier : 0.0;
        column[k] = k > row ? multiplier : column[k];
    }
    for (std::int64_t j = pivot_column + 1; j < n; ++j) {
        subtract_multiple(block.column(j), multipliers, block.at(row, j), rounded_down(row + 1),
                          kSmall);
    }
}

RELUFAST_MULTIVERSION
void invert_triangles(SmallBlock& block, std::int64_t r, std::span<const double> inverses_of_pivots,
                      const Modulus& modulus) {
    const double p = modulus.value();
    const double reciprocal = modulus.reciprocal();
    // The inverses by rows, all columns at once. A row is reduced when its turn comes, and then
    // taken from those that need it.
    SmallBlock lower;
    SmallBlock upper;
    for (std::int64_t k = 0; k < r; ++k) {
        lower.at(k, k) = 1.0;
        upper.at(k, k) = 1.0;
    }
    for (std::int64_t k = 0; k < r; ++k) {
        double* const row = lower.column(k);
        const std::int64_t end = rounded_up(k + 1);
        reduce_entries(row, 0, end, p, reciprocal);
        for (std::int64_t i = k + 1; i < r; ++i) {
            subtract_multiple(lower.column(i), row, block.at(i, k), 0, end);
        }
    }
    for (std::int64_t k = r - 1; k >= 0; --k) {
        double* const row = upper.column(k);
        const std::int64_t begin = rounded_down(k);
        reduce_entries(row, begin, kSmall, p, reciprocal);
        for (std::int64_t j = begin; j < kSmall; ++j) {
            row[j] *= inverses_of_pivots[static_cast<std::size_t>(k)];
        }
        reduce_entries(row, begin, kSmall, p, reciprocal);
        for (std::int64_t i = 0; i < k; ++i) {
            subtract_multiple(upper.column(i), row, block.at(i, k), begin, kSmall);
        }
    }
    for (std::int64_t j = 0; j < r; ++j) {
        for (std::int64_t i = 0; i < r; ++i) {
            block.at(i, j) = i > j ? lower.at(j, i) : upper.at(j, i);
        }
    }
}

}  // namespace relufast::modular
