#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "relufast/modular.hpp"

namespace relufast::modular {

// The order up to which blocks are eliminated entry by entry and triangles inverted: below it the
// overhead of a dgemm is more than the operations that it saves. Sums of as many products and more
// need no reduction.
inline constexpr std::int64_t kSmall = 32;

// A column-major kSmall x kSmall matrix of residues, zero beyond what it is used for: loops over
// whole vectors are faster than shorter ones with a remainder.
struct SmallBlock {
    alignas(64) std::array<double, kSmall * kSmall> values{};

    double* column(std::int64_t j) { return values.data() + j * kSmall; }
    double& at(std::int64_t i, std::int64_t j) { return column(j)[i]; }
};

// Takes the multiples of a pivot's row, from its column on, from the rows below it. Multipliers
// take the place of what becomes zero. Entries that are changed are not reduced.
void eliminate_column(SmallBlock& block, std::int64_t row, std::int64_t pivot_column,
                      std::int64_t n, double inverse_of_pivot, const Modulus& modulus);

// The inverses of the triangles of order r, ones on the diagonal of the lower one, into the same
// places. The pivots are on the diagonal of the upper one.
void invert_triangles(SmallBlock& block, std::int64_t r, std::span<const double> inverses_of_pivots,
                      const Modulus& modulus);

}  // namespace relufast::modular
