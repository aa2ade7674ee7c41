#include "relufast/modular.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "relufast/blas.hpp"
#include "relufast/multiversion.hpp"

namespace relufast::modular {

namespace {

std::int64_t power(std::int64_t base, std::int64_t exponent, std::int64_t p) {
    std::int64_t result = 1;
    for (; exponent > 0; exponent /= 2) {
        result = exponent % 2 == 1 ? result * base % p : result;
        base = base * base % p;
    }
    return result;
}

// Miller and Rabin's test; these two bases find every composite number below 9,080,191 (Jaeschke,
// Math. Comp. 61, 1993).
bool is_prime(std::int64_t p) {
    if (p < 100 || p % 2 == 0) {
        return false;  // none so small is asked for
    }
    const int twos = std::countr_zero(static_cast<std::uint64_t>(p - 1));
    for (const std::int64_t base : {31, 73}) {
        std::int64_t x = power(base, (p - 1) >> twos, p);
        bool passed = x == 1 || x == p - 1;
        for (int i = 1; i < twos && !passed; ++i) {
            x = x * x % p;
            passed = x == p - 1;
        }
        if (!passed) {
            return false;
        }
    }
    return true;
}

std::int64_t checked(std::int64_t p) {
    if (p < Modulus::kSmallest || p > Modulus::kLargest) {
        throw std::invalid_argument("the modulus is " + std::to_string(p) +
                                    ", but must lie between " + std::to_string(Modulus::kSmallest) +
                                    " and " + std::to_string(Modulus::kLargest));
    }
    if (!is_prime(p)) {
        throw std::invalid_argument("the modulus is " + std::to_string(p) + ", but must be prime");
    }
    return p;
}

// A one-to-one map of the numbers of kShuffledBits bits: each step can be undone.
constexpr unsigned kShuffledBits = 21;
std::uint32_t shuffled(std::uint32_t x) {
    constexpr std::uint32_t kMask = (1U << kShuffledBits) - 1;
    for (const std::uint32_t factor : {0x9E3779B1U, 0x85EBCA77U, 0xC2B2AE3DU}) {
        x = (x * factor + 0x165667B1U) & kMask;
        x ^= x >> 11;
    }
    return x;
}

template <class Integer>
void residues_of_integers(const Integer* x, std::size_t n, const Modulus& modulus, double* out) {
    const auto p = static_cast<Integer>(modulus.value());
    for (std::size_t i = 0; i < n; ++i) {
        out[i] = reduced(static_cast<double>(x[i] % p), modulus.value(), modulus.reciprocal());
    }
}

// For numbers of any exponents: their fields are taken apart.
RELUFAST_MULTIVERSION
void residues_by_fields(const double* x, std::size_t n, const Modulus& modulus, double* out) {
    const double p = modulus.value();
    const double reciprocal = modulus.reciprocal();
    const double* const powers = modulus.powers_of_two();
    // 2^51 and 2^51 + 2^52, which the significand is made smaller by.
    const double without_hidden_bit = reduced(0x1p51, p, reciprocal);
    const double with_hidden_bit =
        reduced(without_hidden_bit + reduced(0x1p51, p, reciprocal) * 2.0, p, reciprocal);
    constexpr std::uint64_t kFraction = (std::uint64_t{1} << 52) - 1;
    constexpr std::uint64_t kOfIntegers = std::bit_cast<std::uint64_t>(0x1p52);
    std::uint64_t not_finite = 0;
#pragma omp simd reduction(| : not_finite)
    for (std::size_t i = 0; i < n; ++i) {
        const auto bits = std::bit_cast<std::uint64_t>(x[i]);
        const std::uint64_t field = (bits >> 52) & 2047;
        const auto fraction = std::bit_cast<double>((bits & kFraction) | kOfIntegers);
        not_finite |= (field + 1) & 2048;
        const double hidden = field == 0 ? without_hidden_bit : with_hidden_bit;
        const double significand = reduced(fraction - 0x1.8p52, p, reciprocal) + hidden;
        const double size = reduced(significand * powers[field], p, reciprocal);
        out[i] = x[i] < 0.0 ? 0.0 - size : size;
    }
    if (not_finite != 0) {
        throw std::invalid_argument("NaN and infinity have no residue");
    }
}

RELUFAST_MULTIVERSION
double largest_size(const double* x, std::size_t n) {
    double largest = 0.0;
#pragma omp simd reduction(max : largest)
    for (std::size_t i = 0; i < n; ++i) {
        const double size = x[i] < 0.0 ? -x[i] : x[i];
        largest = size > largest ? size : largest;
    }
    return largest;
}

// For numbers that are two integers of 51 and 52 bits times the same powers of two, which is faster
// than by fields. False, and nothing is written, if one is not: its last place lies too low.
RELUFAST_MULTIVERSION
bool residues_by_halves(const double* x, std::size_t n, const Modulus& modulus, double* out) {
    const double p = modulus.value();
    const double reciprocal = modulus.reciprocal();
    const double largest = largest_size(x, n);
    // Below, a power of two would overflow; above, numbers would get smaller and lose places.
    if (!(largest >= 0x1p-900 && largest <= 0x1p50)) {
        return false;
    }
    // 2^exponent / 2 <= largest < 2^exponent.
    const std::int64_t exponent =
        static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(largest) >> 52) - 1022;
    const auto power_of_two = [](std::int64_t e) {
        return std::bit_cast<double>(static_cast<std::uint64_t>(1023 + e) << 52);
    };
    const double to_integers = power_of_two(51 - exponent);
    constexpr double kRound = 0x1.8p52;
    double lost = 0.0;  // NaN, too, where one comes
#pragma omp simd reduction(+ : lost)
    for (std::size_t i = 0; i < n; ++i) {
        const double scaled = x[i] * to_integers;
        const double high = (scaled + kRound) - kRound;
        const double low = (scaled - high) * 0x1p52;
        const double integer = (low + kRound) - kRound;
        lost += std::fabs(low - integer);
    }
    if (!(lost == 0.0)) {
        return false;
    }
    const double* const place = modulus.powers_of_two() + 1075 + exponent;
    const double high_unit = place[-51];
    const double low_unit = place[-103];
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        const double scaled = x[i] * to_integers;
        const double high = (scaled + kRound) - kRound;
        const double low = (scaled - high) * 0x1p52;
        const double sum =
            reduced(high, p, reciprocal) * high_unit + reduced(low, p, reciprocal) * low_unit;
        out[i] = reduced(sum, p, reciprocal);
    }
    return true;
}

// C = beta C + alpha op(A) op(B), reduced.
void multiply_and_reduce(char ta, char tb, std::int64_t m, std::int64_t n, std::int64_t k,
                         double alpha, const double* a, std::int64_t lda, const double* b,
                         std::int64_t ldb, double beta, double* c, std::int64_t ldc,
                         const Modulus& modulus) {
    const std::int64_t a_step = ta == 'N' ? lda : 1;
    const std::int64_t b_step = tb == 'N' ? 1 : ldb;
    std::int64_t done = 0;
    do {
        const std::int64_t terms = std::min(k - done, modulus.max_terms());
        blas::gemm(ta, tb, m, n, terms, alpha, a + done * a_step, lda, b + done * b_step, ldb,
                   done == 0 ? beta : 1.0, c, ldc);
        reduce(m, n, c, ldc, modulus);
        done += terms;
    } while (done < k);
}

}  // namespace

Modulus::Modulus(std::int64_t p)
    : value_(static_cast<double>(checked(p))), reciprocal_(1.0 / value_), powers_of_two_{} {
    const double largest = (value_ - 1.0) / 2.0 + 2.0;
    max_terms_ = static_cast<std::int64_t>((0x1p53 - 0x1p24 - largest) / (largest * largest));
    // Exponent field 1 stands for the same last place as field 0, 2^-1074, and 2047 is left to
    // infinity and NaN.
    constexpr std::size_t kFirst = 1 + 32;
    const std::int64_t smallest = power((p + 1) / 2, 1074, p);
    powers_of_two_[1] = reduced(static_cast<double>(smallest), value_, reciprocal_);
    for (std::size_t field = 2; field < kFirst; ++field) {
        powers_of_two_[field] = reduced(2.0 * powers_of_two_[field - 1], value_, reciprocal_);
    }
    const double step = reduced(0x1p32, value_, reciprocal_);
#pragma omp simd safelen(32)
    for (std::size_t field = kFirst; field < 2047; ++field) {
        powers_of_two_[field] = reduced(step * powers_of_two_[field - 32], value_, reciprocal_);
    }
    powers_of_two_[0] = powers_of_two_[1];
}

double Modulus::inverse(double residue) const {
    const auto p = static_cast<std::int32_t>(value_);
    // Euclid: `remainder` is always `factor` times the residue, modulo p.
    std::int32_t last = p;
    std::int32_t last_factor = 0;
    std::int32_t remainder = static_cast<std::int32_t>(residue) % p;
    std::int32_t factor = 1;
    if (remainder == 0) {
        throw std::invalid_argument("zero has no inverse modulo a prime");
    }
    if (remainder < 0) {
        remainder += p;
    }
    while (remainder != 1) {
        const std::int32_t quotient = last / remainder;
        last -= quotient * remainder;
        last_factor -= quotient * factor;
        std::swap(last, remainder);
        std::swap(last_factor, factor);
    }
    return reduced(static_cast<double>(factor), value_, reciprocal_);
}

std::vector<std::int64_t> primes(std::size_t count) {
    if (count > std::size_t{1} << 16) {
        throw std::invalid_argument("there are 65536 primes, but " + std::to_string(count) +
                                    " are asked for");
    }
    std::vector<std::int64_t> found;
    found.reserve(count);
    for (std::uint32_t i = 0; found.size() < count; ++i) {
        const std::int64_t candidate = Modulus::kLargest - 1 - std::int64_t{shuffled(i)};
        if (is_prime(candidate)) {
            found.push_back(candidate);
        }
    }
    return found;
}

RELUFAST_MULTIVERSION
void reduce(const double* x, std::size_t n, const Modulus& modulus, double* out) {
    const double p = modulus.value();
    const double reciprocal = modulus.reciprocal();
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        out[i] = reduced(x[i], p, reciprocal);
    }
}

void reduce(std::int64_t m, std::int64_t n, double* c, std::int64_t ldc, const Modulus& modulus) {
    if (m == ldc) {
        reduce(c, static_cast<std::size_t>(m * n), modulus, c);
        return;
    }
    for (std::int64_t j = 0; j < n; ++j) {
        reduce(c + j * ldc, static_cast<std::size_t>(m), modulus, c + j * ldc);
    }
}

void residues(const double* x, std::size_t n, const Modulus& modulus, double* out) {
    constexpr std::size_t kAtOnce = 2048;
    for (std::size_t start = 0; start < n; start += kAtOnce) {
        const std::size_t count = std::min(kAtOnce, n - start);
        if (!residues_by_halves(x + start, count, modulus, out + start)) {
            residues_by_fields(x + start, count, modulus, out + start);
        }
    }
}

void residues(const std::int64_t* x, std::size_t n, const Modulus& modulus, double* out) {
    residues_of_integers(x, n, modulus, out);
}

void residues(const std::uint64_t* x, std::size_t n, const Modulus& modulus, double* out) {
    residues_of_integers(x, n, modulus, out);
}

void multiply(char ta, char tb, std::int64_t m, std::int64_t n, std::int64_t k, const double* a,
              std::int64_t lda, const double* b, std::int64_t ldb, double* c, std::int64_t ldc,
              const Modulus& modulus) {
    multiply_and_reduce(ta, tb, m, n, k, 1.0, a, lda, b, ldb, 0.0, c, ldc, modulus);
}

void subtract_product(char ta, char tb, std::int64_t m, std::int64_t n, std::int64_t k,
                      const double* a, std::int64_t lda, const double* b, std::int64_t ldb,
                      double* c, std::int64_t ldc, const Modulus& modulus) {
    multiply_and_reduce(ta, tb, m, n, k, -1.0, a, lda, b, ldb, 1.0, c, ldc, modulus);
}

}  // namespace relufast::modular
