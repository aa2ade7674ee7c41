#include "relufast/column_ops.hpp"

#include <algorithm>
#include <cmath>

#include "relufast/activity.hpp"
#include "relufast/multiversion.hpp"

namespace relufast {

RELUFAST_MULTIVERSION
ColumnScan add_biases_and_scan(double* __restrict z, const double* __restrict biases,
                               double bias_factor, double negative_slope, std::int64_t n,
                               std::uint64_t* __restrict active) {
    ColumnScan scan{HUGE_VAL, 0.0, 0.0};
    for (std::int64_t start = 0; start < n; start += kNeuronsPerWord) {
        const std::int64_t count = std::min(kNeuronsPerWord, n - start);
        double* part = z + start;
        const double* part_biases = biases + start;
        double relu_square = 0.0;
        double square = 0.0;
        double least = HUGE_VAL;
        std::uint64_t word = 0;
#pragma omp simd reduction(+ : relu_square, square) reduction(min : least) reduction(| : word)
        for (std::int64_t i = 0; i < count; ++i) {
            const double value = part[i] + bias_factor * part_biases[i];
            part[i] = value;
            const double size = std::fabs(value);
            least = size < least ? size : least;
            const bool inactive = value <= 0.0;
            word |= kNeuronBits[static_cast<std::size_t>(i)] & (inactive ? kNoNeuron : ~kNoNeuron);
            const double relu = inactive ? negative_slope * value : value;
            relu_square += relu * relu;
            square += value * value;
        }
        active[start / kNeuronsPerWord] = word;
        scan.least = std::min(scan.least, least);
        scan.relu_square += relu_square;
        scan.square += square;
    }
    return scan;
}

RELUFAST_MULTIVERSION
ColumnExtremes column_extremes(const double* __restrict z, const double* __restrict biases,
                               const double* __restrict row_norms, double beta,
                               double bias_rounding, double floor, std::int64_t n) {
    std::int64_t n_open = 0;
    double largest = 0.0;
    double highest = -HUGE_VAL;
#pragma omp simd reduction(+ : n_open) reduction(max : largest, highest)
    for (std::int64_t i = 0; i < n; ++i) {
        const double size = std::fabs(z[i]);
        const double bound = row_norms[i] * beta + (std::fabs(biases[i]) * bias_rounding + floor);
        n_open += size > bound ? 0 : 1;
        largest = largest > size ? largest : size;
        highest = highest > z[i] ? highest : z[i];
    }
    return {n_open, largest, highest};
}

RELUFAST_MULTIVERSION
void mark_active(const double* __restrict z, std::int64_t n, std::uint64_t* __restrict active) {
    for (std::int64_t start = 0; start < n; start += kNeuronsPerWord) {
        const std::int64_t count = std::min(kNeuronsPerWord, n - start);
        const double* part = z + start;
        std::uint64_t word = 0;
#pragma omp simd reduction(| : word)
        for (std::int64_t i = 0; i < count; ++i) {
            word |= kNeuronBits[static_cast<std::size_t>(i)] &
                    (part[i] <= 0.0 ? kNoNeuron : ~kNoNeuron);
        }
        active[start / kNeuronsPerWord] = word;
    }
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
double relu_distance_square(const double* __restrict z, double wa, const double* __restrict a,
                            double wb, const double* __restrict b, double negative_slope,
                            std::int64_t n) {
    const auto relu = [negative_slope](double value) {
        return value > 0.0 ? value : negative_slope * value;
    };
    double square = 0.0;
#pragma omp simd reduction(+ : square)
    for (std::int64_t i = 0; i < n; ++i) {
        const double distance = relu(z[i]) - (wa * relu(a[i]) + wb * relu(b[i]));
        square += distance * distance;
    }
    return square;
}

RELUFAST_MULTIVERSION
void round_multiples(double factor, const double* __restrict x, float* __restrict y,
                     std::int64_t n) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
        y[i] = static_cast<float>(factor * x[i]);
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
void gather_relu(const double* __restrict z, const std::int32_t* __restrict index,
                 std::int64_t n_index, double negative_slope, double* __restrict out) {
#pragma omp simd
    for (std::int64_t c = 0; c < n_index; ++c) {
        const double value = z[index[c]];
        out[c] = value > 0.0 ? value : negative_slope * value;
    }
}

}  // namespace relufast
