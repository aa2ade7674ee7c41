#pragma once

#include <cmath>

namespace relufast {

// An unevaluated sum hi + lo with |lo| <= ulp(hi)/2: about 106 bits.
//
// Errors are absolute: |fl(a op b) - (a op b)| <= 8 * 2^-106 * (|a| + |b|) for sums and
// 8 * 2^-106 * |a * b| for products, barring underflow.
struct DoubleDouble {
    double hi = 0.0;
    double lo = 0.0;

    constexpr DoubleDouble() = default;
    constexpr DoubleDouble(double value) : hi(value) {}  // NOLINT: a double is one, exactly
    constexpr DoubleDouble(double high, double low) : hi(high), lo(low) {}

    DoubleDouble operator-() const { return {-hi, -lo}; }
};

// a + b = hi + lo exactly, if |a| >= |b|.
inline DoubleDouble fast_two_sum(double a, double b) {
    const double sum = a + b;
    return {sum, b - (sum - a)};
}

// a + b = hi + lo exactly.
inline DoubleDouble two_sum(double a, double b) {
    const double sum = a + b;
    const double part = sum - a;
    return {sum, (a - (sum - part)) + (b - part)};
}

// a * b = hi + lo exactly, barring underflow.
inline DoubleDouble two_product(double a, double b) {
    const double product = a * b;
    return {product, std::fma(a, b, -product)};
}

inline DoubleDouble operator+(DoubleDouble a, DoubleDouble b) {
    const DoubleDouble sum = two_sum(a.hi, b.hi);
    return fast_two_sum(sum.hi, sum.lo + (a.lo + b.lo));
}

inline DoubleDouble operator-(DoubleDouble a, DoubleDouble b) { return a + (-b); }

inline DoubleDouble operator*(DoubleDouble a, DoubleDouble b) {
    const DoubleDouble product = two_product(a.hi, b.hi);
    return fast_two_sum(product.hi, product.lo + (a.hi * b.lo + a.lo * b.hi));
}

inline DoubleDouble operator/(DoubleDouble a, DoubleDouble b) {
    const double first = a.hi / b.hi;
    const DoubleDouble rest = a - b * first;
    const double second = rest.hi / b.hi;
    const DoubleDouble rest2 = rest - b * second;
    return fast_two_sum(first, second) + DoubleDouble(rest2.hi / b.hi);
}

inline bool operator<(DoubleDouble a, DoubleDouble b) {
    return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

}  // namespace relufast
