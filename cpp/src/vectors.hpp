#pragma once

#include <cstdint>

namespace relufast {

// Inline, and not for one CPU or another as the loops of column_ops.hpp are: a call would take
// longer than the sums over a few inputs, and searches go the same way on every CPU.

inline double inner_product(const double* a, const double* b, std::int64_t n) {
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < n; ++i) {
        sum += a[i] * b[i];
    }
    return sum;
}

// to += factor * from.
inline void add_product(double* to, double factor, const double* from, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
        to[i] += factor * from[i];
    }
}

}  // namespace relufast
