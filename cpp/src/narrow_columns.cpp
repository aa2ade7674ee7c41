// Built to use fused multiply-add where there is one: the bounds hold for it, too.

#include "narrow_columns.hpp"

#include <bit>
#include <cmath>

#include "any_address.hpp"
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

[[gnu::always_inline]] inline void add_four(const double* factors, const double* __restrict a,
                                            const double* __restrict b, const double* __restrict c,
                                            const double* __restrict d, double* __restrict out,
                                            std::int64_t n) {
    const double factor_a = factors[0];
    const double factor_b = factors[1];
    const double factor_c = factors[2];
    const double factor_d = factors[3];
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
        out[i] += factor_a * a[i] + factor_b * b[i] + factor_c * c[i] + factor_d * d[i];
    }
}

// Four rows at once, so that sums are fetched and put back less often.
RELUFAST_MULTIVERSION
void sum_fours(const double* __restrict matrix, std::int64_t stride, std::uint64_t rows,
               const double* __restrict factors, double* __restrict out) {
    const std::int64_t n = whole(stride);
    for (std::int64_t i = 0; i < n; ++i) {
        out[i] = 0.0;
    }
    while (rows != 0) {
        const double* row[4] = {matrix, matrix, matrix, matrix};
        double factor[4] = {};
#pragma GCC unroll 4
        for (int r = 0; r < 4 && rows != 0; ++r) {
            const std::int64_t j = std::countr_zero(rows);
            rows &= rows - 1;
            row[r] = matrix + j * n;
            factor[r] = factors[j];
        }
        add_four(factor, row[0], row[1], row[2], row[3], out, n);
    }
}

RELUFAST_WITHOUT_AVX512
void sum_in_registers(const double* matrix, std::int64_t stride, std::uint64_t rows,
                      const double* factors, double* out) {
    sum_fours(matrix, stride, rows, factors, out);
}

#if RELUFAST_IS_MULTIVERSION

using Eight = double __attribute__((vector_size(64)));

// All sums stay in registers.
template <int kEights>
[[gnu::always_inline]] inline void sum_eights(const double* matrix, std::uint64_t rows,
                                              const double* factors, double* out) {
    Eight sums[kEights] = {};
    for (; rows != 0; rows &= rows - 1) {
        const std::int64_t j = std::countr_zero(rows);
        const double factor = factors[j];
#pragma GCC unroll 8
        for (int e = 0; e < kEights; ++e) {
            Eight numbers;
            load(numbers, matrix + 8 * (j * kEights + e));
            sums[e] += factor * numbers;
        }
    }
#pragma GCC unroll 8
    for (int e = 0; e < kEights; ++e) {
        store(sums[e], out + 8 * e);
    }
}

RELUFAST_WITH_AVX512
void sum_in_registers(const double* matrix, std::int64_t stride, std::uint64_t rows,
                      const double* factors, double* out) {
    switch (stride / 8) {
        case 1:
            return sum_eights<1>(matrix, rows, factors, out);
        case 2:
            return sum_eights<2>(matrix, rows, factors, out);
        case 3:
            return sum_eights<3>(matrix, rows, factors, out);
        case 4:
            return sum_eights<4>(matrix, rows, factors, out);
        case 5:
            return sum_eights<5>(matrix, rows, factors, out);
        case 6:
            return sum_eights<6>(matrix, rows, factors, out);
        case 7:
            return sum_eights<7>(matrix, rows, factors, out);
        default:
            return sum_eights<8>(matrix, rows, factors, out);
    }
}

#endif

}  // namespace

void sum_rows(const double* matrix, std::int64_t stride, std::uint64_t rows, const double* factors,
              double* out) {
    sum_in_registers(matrix, stride, rows, factors, out);
}

RELUFAST_MULTIVERSION
void combine_narrow(double wa, const double* __restrict a, double wb, const double* __restrict b,
                    double* __restrict out, std::int64_t stride) {
    const std::int64_t n = whole(stride);
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
        out[i] = wa * a[i] + wb * b[i];
    }
}

RELUFAST_MULTIVERSION
void add_narrow(double factor, const double* __restrict x, double* __restrict y,
                std::int64_t stride) {
    const std::int64_t n = whole(stride);
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
        y[i] += factor * x[i];
    }
}

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
NarrowScan add_biases_and_decide(double* __restrict z, const NarrowLayer& layer, double bias_factor,
                                 double beta, double bias_rounding, double floor,
                                 double negative_slope) {
    const std::int64_t n = whole(layer.stride);
    const double* __restrict biases = layer.biases.data();
    const double* __restrict sizes = layer.bias_sizes.data();
    const double* __restrict norms = layer.norms.data();
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
