#pragma once

#include <cstdint>
#include <vector>

#include "relufast/echelon.hpp"

namespace relufast::modular {

// Recursive elimination in place, A = L U up to the order of rows and columns, U with the pivots
// and L with ones on the diagonal (Jeannerod, Pernet, Storjohann, J. Symbolic Comput. 56, 2013).
//
// Work on a block of rows [i, i + m) and columns [j, j + n) moves its pivots to its upper left
// corner. Rows and columns are moved in the whole matrix, so that blocks beside it stay in step.
class Elimination {
 public:
    Elimination(Matrix& matrix, const Modulus& modulus, const Interrupt& interrupt);

    // What of the factors is needed later, besides the rank.
    struct Needs {
        bool lower;
        bool upper;
    };

    // The rank of the block.
    std::int64_t eliminate(std::int64_t i, std::int64_t j, std::int64_t m, std::int64_t n,
                           Needs needs);
    // Makes a block of rows below zero, by the pivots of the r x r block at (i, j): the rest of
    // these rows, n columns from j + r on, changes, and L appears.
    void eliminate_below(std::int64_t i, std::int64_t j, std::int64_t r, std::int64_t i_below,
                         std::int64_t m_below, std::int64_t n);

    // The given row and column at each place.
    std::vector<std::int64_t> rows;
    std::vector<std::int64_t> columns;
    // Blocks on the diagonal that were eliminated at once hold the inverses of both triangles, to
    // multiply by. The order of each stands at its first row.
    std::vector<std::int64_t> orders_of_leaves;

 private:
    std::int64_t eliminate_leaf(std::int64_t i, std::int64_t j, std::int64_t m, std::int64_t n);
    std::int64_t eliminate_rows_in_parts(std::int64_t i, std::int64_t j, std::int64_t m,
                                         std::int64_t n, Needs needs);
    std::int64_t eliminate_columns_in_parts(std::int64_t i, std::int64_t j, std::int64_t m,
                                            std::int64_t n, Needs needs);

    // B = L^-1 B, L of order r at (i, j), B at (i, j_right) with n columns.
    void solve_lower(std::int64_t i, std::int64_t j, std::int64_t r, std::int64_t j_right,
                     std::int64_t n);
    // B = B U^-1, U of order r at (i, j), B at (i_below, j) with m rows.
    void solve_upper(std::int64_t i, std::int64_t j, std::int64_t r, std::int64_t i_below,
                     std::int64_t m);
    // How many of the r pivots from row i on belong to the leaves of about their first half. All
    // only if they are one leaf.
    std::int64_t first_leaves(std::int64_t i, std::int64_t r) const;
    void subtract(std::int64_t m, std::int64_t n, std::int64_t k, const double* a, const double* b,
                  double* c);

    void swap_columns(std::int64_t j, std::int64_t other);
    // Moves the second of two neighbouring ranges before the first.
    void exchange_rows(std::int64_t begin, std::int64_t middle, std::int64_t end);
    void exchange_columns(std::int64_t begin, std::int64_t middle, std::int64_t end);
    // Row order[k] goes to begin + k.
    void reorder_rows(std::int64_t begin, const std::vector<std::int64_t>& order);

    Matrix& matrix_;
    const Modulus& modulus_;
    const Interrupt& interrupt_;
    std::vector<double> workspace_;  // for the product of a leaf's triangle
};

}  // namespace relufast::modular
