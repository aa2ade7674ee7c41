#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "relufast/rounding.hpp"

namespace relufast {

// An upper bound on the 2-norm of values of any magnitude; infinite if one of them is not finite.
double norm_bound(const double* values, std::int64_t count);

// The same, but infinite also where a roundoff times the norm may leave the range of float64: such
// a product must never become a bound of zero.
inline double working_norm_bound(const std::vector<double>& values) {
    const double norm = norm_bound(values.data(), static_cast<std::int64_t>(values.size()));
    const bool in_range = norm == 0.0 || (norm > 0x1p-450 && norm < 0x1p450);
    return in_range ? norm : kInfinity;
}

// The same from a square that a faster loop summed up.
inline double norm_from_square(double square, double largest) {
    if (largest == 0.0 && square == 0.0) {
        return 0.0;
    }
    const bool in_range = square > kSmallestSquare && square < kLargestSquare;
    return in_range ? std::sqrt(square) * (1.0 + 0x1p-30) : kInfinity;
}

}  // namespace relufast
