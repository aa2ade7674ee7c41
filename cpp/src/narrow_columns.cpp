// Built to use fused multiply-add where there is one: the bounds hold for it, too.

#include "narrow_columns.hpp"

#include <bit>
#include <cmath>

#include "relufast/activity.hpp"
#include "relufast/multiversion.hpp"

namespace relufast {
namespace {

// Tells the compiler what strides are.
[[gnu::always_inline]] inline std::int64_t whole(std::int64_t stride) { return stride / 8 * 8; }

[[gnu::always_inline]] inline double masked(std::uint64_t active, double negative_slope,
                                            const double* values, std::int64_t i) {
    const bool is_on = (active & kNeuronBits[static_cast<std::size_t>(i)]) != kNoNeuron;
    return is_on ? values[i] : negative_slope * values[i];
}

}  // namespace

RELUFAST_MULTIVERSION
void multiply_rows(const double* __restrict matrix, std::int64_t stride, std::uint64_t rows,
                   const double* __restrict vector, double* __restrict out) {
    const std::int64_t n = whole(stride);
    for (; rows != 0; rows &= rows - 1) {
        const std::int64_t j = std::countr_zero(rows);
        const double* const row = matrix + j * n;
        double sum = 0.0;
#pragma omp simd reduction(+ : sum)
        for (std::int64_t i = 0; i < n; ++i) {
            sum += row[i] * vector[i];
        }
        out[j] = sum;
    }
}

RELUFAST_MULTIVERSION
NarrowScan add_biases_and_decide(double* __restrict z, const NarrowBiases& of_layer,
                                 double bias_factor, double beta, double bias_rounding,
                                 double floor, double negative_slope) {
    const std::int64_t n = whole(of_layer.stride());
    const double* __restrict biases = of_layer.biases();
    const double* __restrict sizes = of_layer.bias_sizes();
    const double* __restrict norms = of_layer.norms();
    std::uint64_t active = 0;
    double square = 0.0;
    double relu_square = 0.0;
#pragma omp simd reduction(+ : square, relu_square) reduction(| : active)
    for (std::int64_t i = 0; i < n; ++i) {
        const double value = z[i] + bias_factor * biases[i];
        z[i] = value;
        const double bound = norms[i] * beta + (sizes[i] * bias_rounding + floor);
        square += std::fabs(value) > bound ? value * value : HUGE_VAL;
        const bool inactive = value <= 0.0;
        active |= kNeuronBits[static_cast<std::size_t>(i)] & (inactive ? kNoNeuron : ~kNoNeuron);
        const double relu = inactive ? negative_slope * value : value;
        relu_square += relu * relu;
    }
    return {active, square, relu_square};
}

RELUFAST_MULTIVERSION
double mask_narrow(std::uint64_t active, double negative_slope, const double* __restrict values,
                   double* __restrict out, std::int64_t stride) {
    const std::int64_t n = whole(stride);
    double square = 0.0;
#pragma omp simd reduction(+ : square)
    for (std::int64_t i = 0; i < n; ++i) {
        out[i] = masked(active, negative_slope, values, i);
        square += out[i] * out[i];
    }
    return square;
}

RELUFAST_MULTIVERSION
MaskedProduct multiply_masked(std::uint64_t active, double negative_slope,
                              const double* __restrict values, const double* __restrict row,
                              std::int64_t stride) {
    const std::int64_t n = whole(stride);
    double product = 0.0;
    double square = 0.0;
#pragma omp simd reduction(+ : product, square)
    for (std::int64_t i = 0; i < n; ++i) {
        const double value = masked(active, negative_slope, values, i);
        product += value * row[i];
        square += value * value;
    }
    return {product, square};
}

}  // namespace relufast
