#include "relufast/modular.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <string>

#include "relufast/blas.hpp"
#include "relufast/multiversion.hpp"

namespace relufast::modular {

namespace {

bool is_odd_prime(std::int64_t p) {
    if (p < 3 || p % 2 == 0) {
        return false;
    }
    for (std::int64_t divisor = 3; divisor * divisor <= p; divisor += 2) {
        if (p % divisor == 0) {
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
    if (!is_odd_prime(p)) {
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
    // Exponent field 1 stands for the same last place as field 0, 2^-1074, and 1075 for 2^0. 2047
    // is left to infinity and NaN.
    powers_of_two_[1075] = 1.0;
    for (std::size_t field = 1076; field < 2047; ++field) {
        powers_of_two_[field] = reduced(2.0 * powers_of_two_[field - 1], value_, reciprocal_);
    }
    for (std::size_t field = 1074; field >= 1; --field) {
        const double twice = powers_of_two_[field + 1];
        // Half of it: half of whichever of twice and twice + p is even, p being odd.
        const bool even = std::fmod(twice, 2.0) == 0.0;
        const double half = 0.5 * (even ? twice : twice + value_);
        powers_of_two_[field] = reduced(half, value_, reciprocal_);
    }
    powers_of_two_[0] = powers_of_two_[1];
}

double Modulus::inverse(double residue) const {
    const auto p = static_cast<std::int64_t>(value_);
    // Euclid: `remainder` is always `factor` times the residue, modulo p.
    std::int64_t last = p;
    std::int64_t last_factor = 0;
    std::int64_t remainder = (static_cast<std::int64_t>(residue) % p + p) % p;
    std::int64_t factor = 1;
    if (remainder == 0) {
        throw std::invalid_argument("zero has no inverse modulo a prime");
    }
    while (remainder != 1) {
        const std::int64_t quotient = last / remainder;
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
        if (is_odd_prime(candidate)) {
            found.push_back(candidate);
        }
    }
    return found;
}

RELUFAST_MULTIVERSION
void reduce(double* x, std::size_t n, const Modulus& modulus) {
    const double p = modulus.value();
    const double reciprocal = modulus.reciprocal();
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        x[i] = reduced(x[i], p, reciprocal);
    }
}

void reduce(std::int64_t m, std::int64_t n, double* c, std::int64_t ldc, const Modulus& modulus) {
    if (m == ldc) {
        reduce(c, static_cast<std::size_t>(m * n), modulus);
        return;
    }
    for (std::int64_t j = 0; j < n; ++j) {
        reduce(c + j * ldc, static_cast<std::size_t>(m), modulus);
    }
}

RELUFAST_MULTIVERSION
void residues(const double* x, std::size_t n, const Modulus& modulus, double* out) {
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
