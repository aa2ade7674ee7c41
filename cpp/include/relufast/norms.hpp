#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "relufast/rounding.hpp"

namespace relufast {

// An upper bound on the 2-norm of values of any magnitude; infinite if one of them is not finite.
double norm_bound(const double* values, std::int64_t count);

// The same where the sum of the squares is known already.
double norm_bound(double square, const double* values, std::int64_t count);

// The same of n sums of `count` squares each, in their places, if all are safe. Whether they are.
bool norms_from_squares(double* squares, std::int64_t n, std::int64_t count);

// The same of each square, in its place, from row(i), which is where the i-th sum's numbers are:
// they are looked at only where a sum does not tell.
template <class Row>
void set_norm_bounds(std::vector<double>& squares, std::int64_t count, Row row) {
    if (!norms_from_squares(squares.data(), static_cast<std::int64_t>(squares.size()), count)) {
        for (std::size_t i = 0; i < squares.size(); ++i) {
            squares[i] = norm_bound(squares[i], row(static_cast<std::int64_t>(i)), count);
        }
    }
}

// The same, but infinite also where a roundoff times the norm may leave the range of float64: such
// a product must never become a bound of zero.
inline double working_norm_bound(const double* values, std::int64_t count) {
    const double norm = norm_bound(values, count);
    const bool in_range = norm == 0.0 || (norm > 0x1p-450 && norm < 0x1p450);
    return in_range ? norm : kInfinity;
}

inline double working_norm_bound(const std::vector<double>& values) {
    return working_norm_bound(values.data(), static_cast<std::int64_t>(values.size()));
}

// Whether a sum of squares lost nothing that matters to underflow or overflow.
inline bool is_safe_square(double square) {
    return square > kSmallestSquare && square < kLargestSquare;
}

// The same from a square that a faster loop summed up, and that is safe.
inline double norm_from_square(double square) { return std::sqrt(square) * (1.0 + 0x1p-30); }

// From any square, beside the largest magnitude.
inline double norm_from_square(double square, double largest) {
    if (largest == 0.0 && square == 0.0) {
        return 0.0;
    }
    return is_safe_square(square) ? norm_from_square(square) : kInfinity;
}

}  // namespace relufast
