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
    // The triangles apart, with zeros on the diagonal.
    SmallBlock lower;
    SmallBlock upper;
    for (std::int64_t j = 0; j < r; ++j) {
#pragma omp simd
        for (std::int64_t i = 0; i < kSmall; ++i) {
            lower.column(j)[i] = i > j ? block.column(j)[i] : 0.0;
            upper.column(j)[i] = i < j ? block.column(j)[i] : 0.0;
        }
    }
    // Column by column; an entry is reduced when its turn comes.
    for (std::int64_t j = 0; j < r; ++j) {
        alignas(64) double x[kSmall] = {};
        alignas(64) double y[kSmall] = {};
        x[j] = 1.0;
        for (std::int64_t k = j; k < r; ++k) {
            x[k] = reduced(x[k], p, reciprocal);
            subtract_multiple(x, lower.column(k), x[k], rounded_down(k + 1), rounded_up(r));
        }
        y[j] = 1.0;
        for (std::int64_t k = j; k >= 0; --k) {
            y[k] = reduced(y[k], p, reciprocal) * inverses_of_pivots[static_cast<std::size_t>(k)];
            y[k] = reduced(y[k], p, reciprocal);
            subtract_multiple(y, upper.column(k), y[k], 0, rounded_up(k));
        }
#pragma omp simd
        for (std::int64_t i = 0; i < kSmall; ++i) {
            block.column(j)[i] = i > j ? x[i] : y[i];
        }
    }
}

}  // namespace relufast::modular
