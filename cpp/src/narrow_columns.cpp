// Built to use fused multiply-add where there is one: the bounds hold for it, too.

#include "narrow_columns.hpp"

#include <bit>
#include <cmath>

#include "any_address.hpp"
#include "relufast/activity.hpp"
#include "relufast/multiversion.hpp"

#if RELUFAST_IS_MULTIVERSION
#include <immintrin.h>
#endif

namespace relufast {
namespace {

// Tells the compiler what strides are.
[[gnu::always_inline]] inline std::int64_t whole(std::int64_t stride) { return stride / 8 * 8; }

[[gnu::always_inline]] inline double masked(std::uint64_t active, double negative_slope,
                                            const double* values, std::int64_t i) {
    const bool is_on = (active & kNeuronBits[static_cast<std::size_t>(i)]) != kNoNeuron;
    return is_on ? values[i] : negative_slope * values[i];
}

RELUFAST_WITHOUT_AVX512
NarrowScan decide(double* __restrict z, const NarrowBiases& of_layer, double bias_factor,
                  double beta, double bias_rounding, double floor) {
    const std::int64_t n = whole(of_layer.stride());
    const double* __restrict biases = of_layer.biases();
    const double* __restrict sizes = of_layer.bias_sizes();
    const double* __restrict norms = of_layer.norms();
    std::uint64_t active = 0;
    double square = 0.0;
#pragma omp simd reduction(+ : square) reduction(| : active)
    for (std::int64_t i = 0; i < n; ++i) {
        const double value = z[i] + bias_factor * biases[i];
        z[i] = value;
        const double bound = norms[i] * beta + (sizes[i] * bias_rounding + floor);
        square += std::fabs(value) > bound ? value * value : HUGE_VAL;
        const bool inactive = value <= 0.0;
        active |= kNeuronBits[static_cast<std::size_t>(i)] & (inactive ? kNoNeuron : ~kNoNeuron);
    }
    return {active, square};
}

#if RELUFAST_IS_MULTIVERSION
// Comparisons give eight bits each, which the compiler would not put together.
RELUFAST_WITH_AVX512
NarrowScan decide(double* __restrict z, const NarrowBiases& of_layer, double bias_factor,
                  double beta, double bias_rounding, double floor) {
    const __m512d factor = _mm512_set1_pd(bias_factor);
    const __m512d per_norm = _mm512_set1_pd(beta);
    const __m512d per_size = _mm512_set1_pd(bias_rounding);
    const __m512d constant = _mm512_set1_pd(floor);
    __m512d square = _mm512_setzero_pd();
    std::uint64_t active = 0;
    __mmask8 decided = 0xff;
    for (std::int64_t i = 0; i < of_layer.stride(); i += 8) {
        const __m512d value =
            _mm512_fmadd_pd(factor, _mm512_loadu_pd(of_layer.biases() + i), _mm512_loadu_pd(z + i));
        _mm512_storeu_pd(z + i, value);
        const __m512d bound = _mm512_fmadd_pd(
            _mm512_loadu_pd(of_layer.norms() + i), per_norm,
            _mm512_fmadd_pd(_mm512_loadu_pd(of_layer.bias_sizes() + i), per_size, constant));
        decided &= _mm512_cmp_pd_mask(_mm512_abs_pd(value), bound, _CMP_GT_OQ);
        const __mmask8 positive = _mm512_cmp_pd_mask(value, _mm512_setzero_pd(), _CMP_GT_OQ);
        active |= std::uint64_t{positive} << i;
        square = _mm512_fmadd_pd(value, value, square);
    }
    const __m256d fours = _mm256_add_pd(_mm512_maskz_extractf64x4_pd(0xf, square, 0),
                                        _mm512_maskz_extractf64x4_pd(0xf, square, 1));
    const double sum = (fours[0] + fours[1]) + (fours[2] + fours[3]);
    return {active, decided == 0xff ? sum : HUGE_VAL};
}
#endif

}  // namespace

RELUFAST_MULTIVERSION
void turn_and_evaluate(LinearForm& form, double slope, double intercept,
                       const double* __restrict vector, double x, double factor,
                       double* __restrict out, std::int64_t stride) {
    const std::int64_t n = whole(stride);
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
        form.slopes[i] += slope * vector[i];
        form.intercepts[i] += intercept * vector[i];
        out[i] = x * form.slopes[i] + factor * form.intercepts[i];
    }
}

RELUFAST_MULTIVERSION
void combine_and_bend(double wa, const double* a, double wb, const double* b,
                      std::span<const Deviation> deviations, double* out, std::int64_t stride) {
    for (std::int64_t i = 0; i < stride; i += 8) {
        EightDoubles of_a;
        EightDoubles of_b;
        load(of_a, a + i);
        load(of_b, b + i);
        EightDoubles sum = wa * of_a + wb * of_b;
        for (const Deviation& deviation : deviations) {
            EightDoubles outgoing;
            load(outgoing, deviation.outgoing + i);
            sum += deviation.factor * outgoing;
        }
        store(sum, out + i);
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

NarrowScan add_biases_and_decide(double* z, const NarrowBiases& of_layer, double bias_factor,
                                 double beta, double bias_rounding, double floor) {
    return decide(z, of_layer, bias_factor, beta, bias_rounding, floor);
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

RELUFAST_MULTIVERSION
void rank_numbers(const double* __restrict numbers, std::int64_t n,
                  std::int32_t* __restrict ranks) {
    const std::int64_t n_filled = narrow_stride(n);
    for (std::int64_t i = 0; i < n; ++i) {
        const double number = numbers[i];
        std::int64_t n_before = 0;
#pragma omp simd reduction(+ : n_before)
        for (std::int64_t j = 0; j < n_filled; ++j) {
            n_before += numbers[j] < number || (numbers[j] == number && j < i) ? 1 : 0;
        }
        ranks[i] = static_cast<std::int32_t>(n_before);
    }
}

}  // namespace relufast
