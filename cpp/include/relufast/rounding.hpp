#pragma once

#include <cstdint>
#include <limits>

namespace relufast {

// Unit roundoffs of float64 and of double-double arithmetic as used in double_double.hpp.
inline constexpr double kRoundoff = 0x1p-53;
inline constexpr double kRoundoff2 = 0x1p-106;

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Every bound is itself computed in float64. Its expressions are sums and products of
// non-negative numbers, a few hundred operations deep at the most, so that this factor covers
// their rounding.
inline constexpr double kInflate = 1.0 + 0x1p-40;

// Outside this range a sum of squares may have lost a term to underflow or overflowed.
inline constexpr double kSmallestSquare = 0x1p-900;
inline constexpr double kLargestSquare = 0x1p900;

// Higham's gamma_n: the relative error of a dot product of length n, in any order of summation,
// with or without fused multiply-add.
template <class T>
double gamma_of(std::int64_t n) {
    constexpr double kRoundoffOfT = 0.5 * static_cast<double>(std::numeric_limits<T>::epsilon());
    const double nu = static_cast<double>(n) * kRoundoffOfT;
    return nu < 0.5 ? nu / (1.0 - nu) * kInflate : kInfinity;
}

// In float64.
inline double gamma(std::int64_t n) { return gamma_of<double>(n); }

// The same for a dot product by add_multiple2, in double-double.
inline double gamma2(std::int64_t n) { return 16.0 * static_cast<double>(n + 8) * kRoundoff2; }

// What products may lose to underflow in a dot product of length n.
inline double underflow(std::int64_t n) { return static_cast<double>(n + 8) * 0x1p-1010; }

}  // namespace relufast
