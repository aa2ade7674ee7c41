#include "relufast/norms.hpp"

#include <algorithm>

#include "relufast/multiversion.hpp"

namespace relufast {
namespace {

RELUFAST_MULTIVERSION
double sum_of_squares(const double* values, std::int64_t count) {
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < count; ++i) {
        sum += values[i] * values[i];
    }
    return sum;
}

}  // namespace

double norm_bound(const double* values, std::int64_t count) {
    return norm_bound(sum_of_squares(values, count), values, count);
}

RELUFAST_MULTIVERSION
bool norms_from_squares(double* squares, std::int64_t n, std::int64_t count) {
    std::int64_t n_safe = 0;
#pragma omp simd reduction(+ : n_safe)
    for (std::int64_t i = 0; i < n; ++i) {
        n_safe += is_safe_square(squares[i]) ? 1 : 0;
    }
    if (n_safe < n) {
        return false;
    }
    // No term that underflowed can count beside such a sum.
    const double factor = 1.0 + gamma(count + 8);
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
        squares[i] = std::sqrt(squares[i]) * factor;
    }
    return true;
}

double norm_bound(double square, const double* values, std::int64_t count) {
    if (norms_from_squares(&square, 1, count)) {
        return square;
    }
    double largest = 0.0;
    for (std::int64_t i = 0; i < count; ++i) {
        const double size = std::fabs(values[i]);
        if (!(size < kInfinity)) {
            return kInfinity;
        }
        largest = std::max(largest, size);
    }
    if (largest == 0.0) {
        return 0.0;
    }
    // Scaled by a power of two, so that squares neither overflow nor lose what matters.
    const double scale = std::exp2(-std::floor(std::log2(largest)));
    if (!(scale < kInfinity)) {
        return largest * std::sqrt(static_cast<double>(count)) * (1.0 + 0x1p-30) + 0x1p-1020;
    }
    double squares = 0.0;
    for (std::int64_t i = 0; i < count; ++i) {
        const double scaled = values[i] * scale;
        squares += scaled * scaled;
    }
    return std::sqrt(squares) / scale * (1.0 + gamma(count + 8)) + 0x1p-1020;
}

}  // namespace relufast
