#include "relufast/echelon.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

#include "elimination.hpp"

namespace relufast::modular {

namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// Room for a column. An odd number of cache lines, because columns a power of two apart would share
// a few sets of the cache.
std::int64_t stride_for(std::int64_t n_rows) { return ((n_rows + 7) / 8 | 1) * 8; }

std::vector<std::int64_t> sorted_front(std::vector<std::int64_t> values, std::int64_t count) {
    values.resize(size(count));
    std::sort(values.begin(), values.end());
    return values;
}

}  // namespace

Matrix::Matrix(std::int64_t n_rows, std::int64_t n_columns)
    : n_rows_(n_rows),
      n_columns_(n_columns),
      stride_(stride_for(n_rows)),
      values_(new double[size(stride_ * n_columns)]) {}

void Matrix::set_n_rows(std::int64_t n_rows) {
    if (n_rows > stride_) {
        Matrix larger(std::max(n_rows, 2 * stride_), n_columns_);
        for (std::int64_t j = 0; j < n_columns_; ++j) {
            std::copy_n(at(0, j), n_rows_, larger.at(0, j));
        }
        *this = std::move(larger);
    }
    n_rows_ = n_rows;
}

std::int64_t rank(Matrix& matrix, const Modulus& modulus, const Interrupt& interrupt) {
    Elimination elimination(matrix, modulus, interrupt);
    return elimination.eliminate(0, 0, matrix.n_rows(), matrix.n_columns(), {false, false});
}

Pivots pivots(Matrix& matrix, const Modulus& modulus, const Interrupt& interrupt) {
    Elimination elimination(matrix, modulus, interrupt);
    const std::int64_t r =
        elimination.eliminate(0, 0, matrix.n_rows(), matrix.n_columns(), {false, false});
    return {sorted_front(std::move(elimination.rows), r),
            sorted_front(std::move(elimination.columns), r)};
}

Echelon::Echelon(std::int64_t n_columns, const Modulus& modulus)
    : modulus_(modulus), matrix_(0, n_columns), columns_(size(n_columns)) {
    std::iota(columns_.begin(), columns_.end(), std::int64_t{0});
}

std::vector<std::int64_t> Echelon::append(std::int64_t m, const double* rows,
                                          const Interrupt& interrupt) {
    const std::int64_t n = n_columns();
    if (m == 0 || rank_ == n) {
        return {};
    }
    matrix_.set_n_rows(rank_ + m);
    for (std::int64_t j = 0; j < n; ++j) {
        double* const column = matrix_.at(rank_, j);
        for (std::int64_t i = 0; i < m; ++i) {
            column[i] = rows[i * n + columns_[size(j)]];
        }
    }
    Elimination elimination(matrix_, modulus_, interrupt);
    elimination.columns = columns_;
    std::copy(orders_of_leaves_.begin(), orders_of_leaves_.end(),
              elimination.orders_of_leaves.begin());
    std::int64_t found = 0;
    try {
        elimination.eliminate_below(0, 0, rank_, rank_, m, n - rank_);
        found = elimination.eliminate(rank_, rank_, m, n - rank_, {false, true});
    } catch (...) {
        // The echelon form has followed every exchange of columns, and lost no row.
        columns_ = std::move(elimination.columns);
        matrix_.set_n_rows(rank_);
        throw;
    }
    columns_ = std::move(elimination.columns);
    orders_of_leaves_ = std::move(elimination.orders_of_leaves);
    std::vector<std::int64_t> independent(elimination.rows.begin() + rank_,
                                          elimination.rows.begin() + rank_ + found);
    for (std::int64_t& row : independent) {
        row -= rank_;
    }
    std::sort(independent.begin(), independent.end());
    rank_ += found;
    matrix_.set_n_rows(rank_);
    orders_of_leaves_.resize(size(rank_));
    return independent;
}

}  // namespace relufast::modular
