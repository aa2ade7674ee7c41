// Elimination modulo a prime: rank and rank profiles.
//
// Rows are taken in their order. A row that depends on those before it is zero when its turn comes;
// any other one gets a pivot. So the rows with pivots are the row rank profile, the first basis in
// order, and the number of them among the first k is the rank of the first k rows.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "relufast/modular.hpp"
#include "relufast/threads.hpp"

namespace relufast::modular {

// A column-major matrix of residues, not set at first, that can get more rows.
class Matrix {
 public:
    Matrix(std::int64_t n_rows, std::int64_t n_columns);

    std::int64_t n_rows() const { return n_rows_; }
    std::int64_t n_columns() const { return n_columns_; }
    std::int64_t stride() const { return stride_; }
    double* at(std::int64_t row, std::int64_t column) {
        return values_.get() + row + column * stride_;
    }
    // Keeps what is in both shapes; new rows are not set. Linear in all, amortised over many calls.
    void set_n_rows(std::int64_t n_rows);

 private:
    std::int64_t n_rows_;
    std::int64_t n_columns_;
    std::int64_t stride_;
    std::unique_ptr<double[]> values_;
};

// The rank of the matrix, which is overwritten. About a third of the operations of the dgemm of a
// square one at full rank r, and 2 r m n at a small one. Throws Interrupted.
std::int64_t rank(Matrix& matrix, const Modulus& modulus, const Interrupt& interrupt);

// As many rows as columns, of a submatrix that is regular modulo p and as large as any.
struct Pivots {
    std::vector<std::int64_t> rows;     // the row rank profile, rising
    std::vector<std::int64_t> columns;  // rising, too
};
Pivots pivots(Matrix& matrix, const Modulus& modulus, const Interrupt& interrupt);

// The echelon form of rows that come piece by piece.
class Echelon {
 public:
    Echelon(std::int64_t n_columns, const Modulus& modulus);

    // Which rows are independent of those before, of this call and of earlier ones: rising
    // positions in `rows`, a row-major m x n_columns matrix of residues. The same operations as in
    // one call for all. Throws Interrupted, and then is what it was before.
    std::vector<std::int64_t> append(std::int64_t m, const double* rows,
                                     const Interrupt& interrupt);

    std::int64_t n_columns() const { return matrix_.n_columns(); }
    std::int64_t rank() const { return rank_; }
    const Modulus& modulus() const { return modulus_; }

 private:
    Modulus modulus_;
    Matrix matrix_;  // its first `rank_` rows are the echelon form
    std::int64_t rank_ = 0;
    std::vector<std::int64_t> columns_;           // the given column at each place
    std::vector<std::int64_t> orders_of_leaves_;  // as in elimination.hpp
};

}  // namespace relufast::modular
