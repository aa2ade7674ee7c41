// With z = 1 - |c|, degree 1 is pi max(c, 0) + z^1.5 P(z), and the arc cosine of |c| is
// z^0.5 Q(z). P and Q are analytic up to z = 2; their polynomials are minimax ones of weight
// z^1.5 and z^0.5 on [0, 1], from tools/fit_arc_cosine.py, and err by less than 2^-54 so weighted.
// The rest of the error is rounding, of pi max(c, 0) and of the sum first of all.
#include "relufast/arc_cosine.hpp"

#include <array>
#include <cmath>
#include <numbers>

#include "relufast/multiversion.hpp"

namespace relufast {
namespace {

constexpr std::array<double, 16> kP = {
    0x1.e2b7dddfef5d1p-1,   0x1.822cb1817b9c2p-5,  0x1.f08299817d1bfp-8,   0x1.cbbbb9fecced8p-10,
    0x1.ffe7281875a79p-12,  0x1.400241865987bp-13, 0x1.98bffd9e9c1cfp-15,  0x1.c167473045d5ep-16,
    -0x1.0eddf5cf465c5p-16, 0x1.8e61bee800009p-15, -0x1.0e58d961a1a22p-14, 0x1.2722b1d50fdbep-14,
    -0x1.befe3e381825bp-15, 0x1.d32d372bcf862p-16, -0x1.28e4d4751caa7p-17, 0x1.6c4f0cd140302p-20};
constexpr std::array<double, 20> kQ = {
    0x1.6a09e667f3bccp+0,   0x1.e2b7dddff010fp-4,  0x1.b27247af69e13p-6,   0x1.02995b9761c70p-7,
    0x1.5ffb592964e0cp-9,   0x1.03315a79b28f1p-10, 0x1.91d6c4edf6db1p-12,  0x1.46cffd1aa9a83p-13,
    0x1.d47612e8ff0f1p-15,  0x1.e778e32932142p-15, -0x1.57d229415de14p-14, 0x1.d3681a3cc266cp-13,
    -0x1.9b113daa4f86bp-12, 0x1.229551de6d754p-11, -0x1.387a96dcf70a5p-11, 0x1.fd02a80da610ep-12,
    -0x1.2ea55c9346b81p-12, 0x1.f2f97c032e1e0p-14, -0x1.fece898da4078p-16, 0x1.f199e107a02a2p-19};

// In four chains, by powers of z^4, because one chain would wait for itself.
template <class T, std::size_t N>
[[gnu::always_inline]] inline T polynomial(const std::array<double, N>& a, T z) {
    static_assert(N % 4 == 0);
    const T z2 = z * z;
    const T z4 = z2 * z2;
    T s0 = static_cast<T>(a[N - 4]);
    T s1 = static_cast<T>(a[N - 3]);
    T s2 = static_cast<T>(a[N - 2]);
    T s3 = static_cast<T>(a[N - 1]);
#pragma GCC unroll 8
    for (std::size_t k = N - 4; k > 0; k -= 4) {
        s0 = s0 * z4 + static_cast<T>(a[k - 4]);
        s1 = s1 * z4 + static_cast<T>(a[k - 3]);
        s2 = s2 * z4 + static_cast<T>(a[k - 2]);
        s3 = s3 * z4 + static_cast<T>(a[k - 1]);
    }
    return (s0 + s1 * z) + (s2 + s3 * z) * z2;
}

// max(x, 0), exactly, and in two instructions that no compiler makes a branch of. NaN passes.
template <class T>
[[gnu::always_inline]] inline T positive_part(T x) {
    return T(0.5) * (x + std::fabs(x));
}

template <class T>
[[gnu::always_inline]] inline T at_most_one(T c) {
    return T(1) < c ? T(1) : c;
}

template <class T>
[[gnu::always_inline]] inline T degree_zero(T c) {
    const T z = positive_part(T(1) - std::fabs(c));
    const T angle = std::sqrt(z) * polynomial(kQ, z);
    return c < T(0) ? angle : std::numbers::pi_v<T> - angle;
}

template <class T>
[[gnu::always_inline]] inline T degree_one(T cosine) {
    const T c = at_most_one(cosine);
    const T z = positive_part(T(1) - std::fabs(c));
    return std::numbers::pi_v<T> * positive_part(c) + (z * std::sqrt(z)) * polynomial(kP, z);
}

template <auto kOfOne, class T>
[[gnu::always_inline]] inline void apply(T* __restrict cosines, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        cosines[i] = kOfOne(cosines[i]);
    }
}

// Not templates themselves: no compiler clones those.
RELUFAST_MULTIVERSION
void apply_degree_zero(double* cosines, std::size_t n) { apply<degree_zero<double>>(cosines, n); }

RELUFAST_MULTIVERSION
void apply_degree_zero_single(float* cosines, std::size_t n) {
    apply<degree_zero<float>>(cosines, n);
}

RELUFAST_MULTIVERSION
void apply_degree_one(double* cosines, std::size_t n) { apply<degree_one<double>>(cosines, n); }

RELUFAST_MULTIVERSION
void apply_degree_one_single(float* cosines, std::size_t n) {
    apply<degree_one<float>>(cosines, n);
}

}  // namespace

void apply_arc_cosine(ArcCosineDegree degree, double* cosines, std::size_t n) {
    if (degree == ArcCosineDegree::kZero) {
        apply_degree_zero(cosines, n);
    } else {
        apply_degree_one(cosines, n);
    }
}

void apply_arc_cosine(ArcCosineDegree degree, float* cosines, std::size_t n) {
    if (degree == ArcCosineDegree::kZero) {
        apply_degree_zero_single(cosines, n);
    } else {
        apply_degree_one_single(cosines, n);
    }
}

}  // namespace relufast
