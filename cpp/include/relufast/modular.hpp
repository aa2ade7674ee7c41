// Arithmetic modulo a prime p of about 23 bits, on float64 and its BLAS.
//
// A residue is a float64 integer of size at most h + 2, h = (p - 1)/2; there may be two of one
// class, but zero is the only one of its class. A product of two residues is below 2^45, so that
// hundreds of them add up exactly: every sum of at most max_terms() products and one residue more
// stays below 2^53 - 2^24 in whatever order BLAS forms it. Only then is it reduced.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace relufast::modular {

class Modulus {
 public:
    // Throws std::invalid_argument unless p is a prime between kSmallest and kLargest: a small one
    // would make false drops of rank likely, a larger one leaves no room for sums.
    explicit Modulus(std::int64_t p);

    static constexpr std::int64_t kSmallest = std::int64_t{1} << 20;
    static constexpr std::int64_t kLargest = std::int64_t{1} << 23;

    double value() const { return value_; }
    // 1/p, rounded.
    double reciprocal() const { return reciprocal_; }
    std::int64_t max_terms() const { return max_terms_; }
    // 2^e mod p for the exponent e of the last place of a float64 with that exponent field.
    const double* powers_of_two() const { return powers_of_two_.data(); }

    // The inverse of a residue that is not zero.
    double inverse(double residue) const;

 private:
    double value_;
    double reciprocal_;
    std::int64_t max_terms_;
    std::array<double, 2048> powers_of_two_;
};

// The first `count` primes of a fixed shuffle of those between 2^23 - 2^21 and 2^23, all different.
// At most 2^16; throws std::invalid_argument for more.
std::vector<std::int64_t> primes(std::size_t count);

// The residue nearest to an integer x, |x| <= 2^53 - 2^24, is of size at most h + 2, and at most h
// where |x| <= 2^51: the rounded quotient is x/p + 1/2 + 2^-52 |x|/p at most.
inline double reduced(double x, double p, double reciprocal) {
    constexpr double kRound = 0x1.8p52;  // adding and subtracting it rounds to an integer
    const double quotient = (x * reciprocal + kRound) - kRound;
    return x - p * quotient;
}

// out[i] = the residue of x[i], |x[i]| <= 2^53 - 2^24; out may be x.
void reduce(const double* x, std::size_t n, const Modulus& modulus, double* out);
// The same of the column-major m x n matrix c.
void reduce(std::int64_t m, std::int64_t n, double* c, std::int64_t ldc, const Modulus& modulus);

// out[i] = the residue of x[i], at most h in size. A float64 is an integer times a power of two, so
// that every finite one has a residue, subnormal or large. Throws std::invalid_argument at NaN or
// infinity. `out` may be x.
void residues(const double* x, std::size_t n, const Modulus& modulus, double* out);
void residues(const std::int64_t* x, std::size_t n, const Modulus& modulus, double* out);
void residues(const std::uint64_t* x, std::size_t n, const Modulus& modulus, double* out);

// C = op(A) op(B) of residues, all column-major as in blas.hpp, op(A) of shape (m, k). Costs the
// dgemm and one pass over C for every max_terms() of k.
void multiply(char ta, char tb, std::int64_t m, std::int64_t n, std::int64_t k, const double* a,
              std::int64_t lda, const double* b, std::int64_t ldb, double* c, std::int64_t ldc,
              const Modulus& modulus);
// C = C - op(A) op(B).
void subtract_product(char ta, char tb, std::int64_t m, std::int64_t n, std::int64_t k,
                      const double* a, std::int64_t lda, const double* b, std::int64_t ldb,
                      double* c, std::int64_t ldc, const Modulus& modulus);

}  // namespace relufast::modular
