// Signs of minors and ranks of rows of a float64 matrix, exactly.
//
// A row is a power of two times integers, so that a minor is one times an integer N, of which
// Hadamard's inequality gives a bound. N modulo enough primes is N itself: in mixed radix, with
// digits between -p/2 and p/2, its sign is that of the first digit that is not zero.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "relufast/modular.hpp"

namespace relufast {

class ExactMinors {
 public:
    // Of a row-major matrix of finite numbers. Throws std::invalid_argument at others.
    ExactMinors(const double* matrix, std::int64_t n_rows, std::int64_t n_columns);

    // -1, 0 or 1, of as many rows as columns. Their order counts, as in any determinant.
    int sign(std::span<const int> rows, std::span<const int> columns);

    // As many of these rows as there are independent ones in the first `n_columns` columns.
    std::vector<int> basis(std::span<const int> rows, int n_columns);

    // A row is a power of two times integers whose sizes sum to at most 2^bits.
    double bits(int row) const { return bits_[static_cast<std::size_t>(row)]; }

 private:
    struct Residues {
        explicit Residues(const modular::Modulus& p) : modulus(p) {}

        modular::Modulus modulus;
        std::vector<double> rows;             // of the integer rows
        std::vector<double> inverses_before;  // of the primes before this one
    };

    std::size_t n_primes(double bits_of_minor) const;
    const Residues& residues(std::size_t prime);
    std::vector<int> basis_modulo(const Residues& residues, std::span<const int> rows,
                                  int n_columns) const;

    std::size_t n_columns_;
    std::vector<double> matrix_;
    std::vector<int> exponents_;  // of the power of two of each row
    std::vector<double> bits_;
    std::vector<std::int64_t> primes_;
    std::vector<std::unique_ptr<Residues>> residues_;  // by prime, as far as they were needed
    std::vector<double> work_;
    std::vector<double> digits_;
};

}  // namespace relufast
