#include "relufast/column_ops.hpp"

#include <algorithm>
#include <cmath>

#include "relufast/multiversion.hpp"

namespace relufast {

RELUFAST_MULTIVERSION
ColumnScan add_biases_and_scan(double* __restrict z, const double* __restrict biases,
                               double bias_factor, const double* __restrict row_norms, double beta,
                               double bias_rounding, double floor, double negative_slope,
                               std::int64_t n) {
    std::int64_t n_open = 0;
    double relu_square = 0.0;
    double square = 0.0;
    double largest = 0.0;
    double highest = -HUGE_VAL;
#pragma omp simd reduction(+ : n_open, relu_square, square) reduction(max : largest, highest)
    for (std::int64_t i = 0; i < n; ++i) {
        const double value = z[i] + bias_factor * biases[i];
        z[i] = value;
        const double size = std::fabs(value);
        const double bound = row_norms[i] * beta + (std::fabs(biases[i]) * bias_rounding + floor);
        n_open += size > bound ? 0 : 1;
        const double relu = value > 0.0 ? value : negative_slope * value;
        relu_square += relu * relu;
        square += value * value;
        largest = largest > size ? largest : size;
        highest = highest > value ? highest : value;
    }
    return {n_open, relu_square, square, largest, highest};
}

RELUFAST_MULTIVERSION
std::int64_t find_flips(const double* __restrict a, const double* __restrict b, std::int64_t n,
                        std::int32_t* __restrict indices) {
    std::int64_t found = 0;
    constexpr std::int64_t kBlock = 128;  // most blocks hold no flip: counting them is cheap
    for (std::int64_t start = 0; start < n; start += kBlock) {
        const std::int64_t stop = std::min(start + kBlock, n);
        std::int64_t flips = 0;
#pragma omp simd reduction(+ : flips)
        for (std::int64_t i = start; i < stop; ++i) {
            flips += (a[i] > 0.0) != (b[i] > 0.0) ? 1 : 0;
        }
        if (flips == 0) {
            continue;
        }
        for (std::int64_t i = start; i < stop; ++i) {
            if ((a[i] > 0.0) != (b[i] > 0.0)) {
                indices[found++] = static_cast<std::int32_t>(i);
            }
        }
    }
    return found;
}

RELUFAST_MULTIVERSION
void combine(double wa, const double* __restrict a, double wb, const double* __restrict b,
             double* __restrict out, std::int64_t n) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
        out[i] = wa * a[i] + wb * b[i];
    }
}

RELUFAST_MULTIVERSION
void add_multiple(double factor, const double* __restrict x, double* __restrict y, std::int64_t n) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
        y[i] += factor * x[i];
    }
}

RELUFAST_MULTIVERSION
void add_multiple2(double factor_hi, double factor_lo, const double* __restrict x,
                   double* __restrict hi, double* __restrict lo, std::int64_t n) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
        const double product = x[i] * factor_hi;
        const double product_lo = std::fma(x[i], factor_hi, -product) + x[i] * factor_lo;
        const double sum = hi[i] + product;
        const double part = sum - hi[i];
        const double sum_lo = (hi[i] - (sum - part)) + (product - part);
        const double rest = sum_lo + (lo[i] + product_lo);
        const double total = sum + rest;
        lo[i] = rest - (total - sum);
        hi[i] = total;
    }
}

RELUFAST_MULTIVERSION
void combine2(double x, const double* __restrict a_hi, const double* __restrict a_lo, double factor,
              const double* __restrict b_hi, const double* __restrict b_lo, double* __restrict out,
              std::int64_t n) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
        const double product = x * a_hi[i];
        const double product_lo = std::fma(x, a_hi[i], -product) + x * a_lo[i];
        const double b = factor * b_hi[i];  // the factor is 0 or 1
        const double sum = product + b;
        const double part = sum - product;
        const double sum_lo = (product - (sum - part)) + (b - part);
        out[i] = sum + (sum_lo + (product_lo + factor * b_lo[i]));
    }
}

RELUFAST_MULTIVERSION
void raise(const double* __restrict z, double* __restrict highest, std::int64_t n) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
        // NaN may stand for any number: such a neuron stays in play.
        const double value = z[i] == z[i] ? z[i] : HUGE_VAL;
        highest[i] = highest[i] > value ? highest[i] : value;
    }
}

RELUFAST_MULTIVERSION
void gather_relu(const double* __restrict z, const std::int32_t* __restrict index,
                 std::int64_t n_index, double negative_slope, double* __restrict out) {
#pragma omp simd
    for (std::int64_t c = 0; c < n_index; ++c) {
        const double value = z[index[c]];
        out[c] = value > 0.0 ? value : negative_slope * value;
    }
}

}  // namespace relufast
