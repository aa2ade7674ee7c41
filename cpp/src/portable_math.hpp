#pragma once

#include <array>
#include <bit>
#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <limits>

#ifdef __FAST_MATH__
#error "portable_math.hpp needs IEEE arithmetic: compile without -ffast-math"
#endif

// exp and log whose results have the same bits on every machine: IEEE double additions,
// multiplications and divisions in a fixed order, no libm (whose last bits differ by version).
namespace relufast::portable {

static_assert(std::numeric_limits<double>::is_iec559 && FLT_EVAL_METHOD == 0,
              "needs IEEE doubles that are rounded after every operation");

// A product rounded to double before it is added to anything. A compiler that may contract
// a * b + c into a fused multiply-add (GCC's default where the machine has one) changes bits; the
// build forbids it with -ffp-contract=off, and this holds without that flag.
inline double rounded(double product) {
#if defined(__GNUC__) && defined(__SSE2__)
    asm("" : "+x"(product));
    return product;
#elif defined(__GNUC__) && defined(__aarch64__)
    asm("" : "+w"(product));
    return product;
#else
    volatile double stored = product;
    return stored;
#endif
}

// sum of coefficients[k] x^k.
template <std::size_t N>
double polynomial(const std::array<double, N>& coefficients, double x) {
    double sum = coefficients[N - 1];
    for (std::size_t k = N - 1; k-- > 0;) {
        sum = rounded(sum * x) + coefficients[k];
    }
    return sum;
}

// ln 2 = kLn2High + kLn2Low; the low 20 bits of kLn2High are 0, so that k * kLn2High is exact for
// every exponent k of a double.
inline constexpr double kLn2High = 0x1.62e42fee00000p-1;
inline constexpr double kLn2Low = 0x1.a39ef35793c76p-33;

// e^x for x in [-700, 0], relative error below 2^-51.
inline double exp_nonpositive(double x) {
    // 1/k!: the first omitted term is below 2^-57 for arguments up to ln(2)/2.
    static constexpr std::array<double, 14> kTaylor = [] {
        std::array<double, 14> inverse{};
        double factorial = 1.0;
        for (std::size_t k = 0; k < inverse.size(); ++k) {
            if (k > 0) factorial *= static_cast<double>(k);
            inverse[k] = 1.0 / factorial;
        }
        return inverse;
    }();
    constexpr double kInverseLn2 = 0x1.71547652b82fep+0;
    // The conversion truncates towards 0, so that minus one half rounds to nearest.
    const auto exponent = static_cast<std::int64_t>(rounded(x * kInverseLn2) - 0.5);
    const auto k = static_cast<double>(exponent);
    const double remainder = (x - rounded(k * kLn2High)) - rounded(k * kLn2Low);
    const double power_of_two = std::bit_cast<double>((exponent + 1023) << 52);
    return polynomial(kTaylor, remainder) * power_of_two;
}

// The natural logarithm of a positive normal double, absolute error below 2^-51 (1 + |log x|).
inline double log_positive(double x) {
    // 2/(2k + 1), of log((1+s)/(1-s)) = s (2 + 2 s^2/3 + ...): |s| <= 0.1716 here, and the first
    // omitted term is below 2^-58.
    static constexpr std::array<double, 11> kSeries = [] {
        std::array<double, 11> term{};
        for (std::size_t k = 0; k < term.size(); ++k) {
            term[k] = 2.0 / static_cast<double>(2 * k + 1);
        }
        return term;
    }();
    // x = 2^exponent m with m in [sqrt(1/2), sqrt(2)), by counting binades from sqrt(1/2).
    constexpr double kSqrtHalf = 0x1.6a09e667f3bcdp-1;
    const auto bits = std::bit_cast<std::int64_t>(x);
    const std::int64_t exponent = (bits - std::bit_cast<std::int64_t>(kSqrtHalf)) >> 52;
    const double m = std::bit_cast<double>(bits - (exponent << 52));
    const double s = (m - 1.0) / (m + 1.0);
    const double series = polynomial(kSeries, rounded(s * s));
    const auto k = static_cast<double>(exponent);
    return rounded(k * kLn2High) + (rounded(k * kLn2Low) + rounded(s * series));
}

}  // namespace relufast::portable
