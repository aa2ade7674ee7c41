#include "elimination.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>

#include "relufast/blas.hpp"
#include "relufast/error.hpp"
#include "relufast/multiversion.hpp"
#include "small_block.hpp"

namespace relufast::modular {

namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// Half of n, rounded to a multiple of kSmall.
std::int64_t half(std::int64_t n) { return (n / 2 + kSmall - 1) / kSmall * kSmall; }

// Where to cut the longer side of a block in two: in the middle if the block is nearly square. Of a
// longer one the first part is a square, or two, four and so on in a row, at least half of all: at
// full rank the first square has all pivots, and a recursion cannot get deep.
std::int64_t first_part(std::int64_t longer, std::int64_t shorter) {
    std::int64_t part = std::max(shorter, kSmall);
    if (longer < 2 * part) {
        return longer == shorter ? half(longer) : std::min(part, longer - 1);
    }
    while (2 * part < longer) {
        part *= 2;
    }
    return part;
}

}  // namespace

Elimination::Elimination(Matrix& matrix, const Modulus& modulus, const Interrupt& interrupt)
    : rows(size(matrix.n_rows())),
      columns(size(matrix.n_columns())),
      orders_of_leaves(size(matrix.n_rows())),
      matrix_(matrix),
      modulus_(modulus),
      interrupt_(interrupt),
      workspace_(size(kSmall * std::max(matrix.n_rows(), matrix.n_columns()))) {
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    std::iota(columns.begin(), columns.end(), std::int64_t{0});
}

std::int64_t Elimination::eliminate(std::int64_t i, std::int64_t j, std::int64_t m, std::int64_t n,
                                    Needs needs) {
    if (m == 0 || n == 0) {
        return 0;
    }
    if (m <= kSmall && n <= kSmall) {
        return eliminate_leaf(i, j, m, n);
    }
    return n > m ? eliminate_columns_in_parts(i, j, m, n, needs)
                 : eliminate_rows_in_parts(i, j, m, n, needs);
}

std::int64_t Elimination::eliminate_rows_in_parts(std::int64_t i, std::int64_t j, std::int64_t m,
                                                  std::int64_t n, Needs needs) {
    const std::int64_t m_above = first_part(m, n);
    const std::int64_t m_below = m - m_above;
    const std::int64_t above = eliminate(i, j, m_above, n, {needs.lower, true});
    if (above == n && !needs.lower) {
        return above;
    }
    eliminate_below(i, j, above, i + m_above, m_below, n - above);
    const std::int64_t below = eliminate(i + m_above, j + above, m_below, n - above, needs);
    exchange_rows(i + above, i + m_above, i + m_above + below);
    return above + below;
}

std::int64_t Elimination::eliminate_columns_in_parts(std::int64_t i, std::int64_t j, std::int64_t m,
                                                     std::int64_t n, Needs needs) {
    const std::int64_t n_left = first_part(n, m);
    const std::int64_t n_right = n - n_left;
    const std::int64_t j_right = j + n_left;
    const std::int64_t left = eliminate(i, j, m, n_left, {true, needs.upper});
    if (left == m && !needs.upper) {
        return left;
    }
    // Rows that are zero on the left are independent of each other if they are so on the right,
    // whatever the rows with pivots on the left are.
    solve_lower(i, j, left, j_right, n_right);
    subtract(m - left, n_right, left, matrix_.at(i + left, j), matrix_.at(i, j_right),
             matrix_.at(i + left, j_right));
    const std::int64_t right = eliminate(i + left, j_right, m - left, n_right, needs);
    exchange_columns(j + left, j_right, j_right + right);
    return left + right;
}

// Entries are reduced when they become pivots, multipliers or part of a pivot's row.
std::int64_t Elimination::eliminate_leaf(std::int64_t i, std::int64_t j, std::int64_t m,
                                         std::int64_t n) {
    SmallBlock block;
    for (std::int64_t k = 0; k < n; ++k) {
        std::copy_n(matrix_.at(i, j + k), m, block.column(k));
    }
    std::array<double, kSmall> inverses_of_pivots;
    std::vector<std::int64_t> order;
    std::vector<std::int64_t> dependent;
    std::int64_t r = 0;
    for (std::int64_t row = 0; row < m; ++row) {
        std::int64_t pivot_column = n;
        for (std::int64_t column = n - 1; column >= r; --column) {
            double& entry = block.at(row, column);
            entry = reduced(entry, modulus_.value(), modulus_.reciprocal());
            pivot_column = entry != 0.0 ? column : pivot_column;
        }
        if (pivot_column == n) {
            dependent.push_back(i + row);
            continue;
        }
        if (pivot_column != r) {
            std::swap_ranges(block.column(r), block.column(r + 1), block.column(pivot_column));
            swap_columns(j + r, j + pivot_column);
        }
        inverses_of_pivots[size(r)] = modulus_.inverse(block.at(row, r));
        eliminate_column(block, row, r, n, inverses_of_pivots[size(r)], modulus_);
        order.push_back(i + row);
        ++r;
    }
    for (std::int64_t k = 0; k < n; ++k) {
        std::copy_n(block.column(k), m, matrix_.at(i, j + k));
    }
    if (r == 0) {
        return 0;
    }
    if (order.back() >= i + r) {
        order.insert(order.end(), dependent.begin(), dependent.end());
        reorder_rows(i, order);
        for (std::int64_t k = 0; k < r; ++k) {
            std::copy_n(matrix_.at(i, j + k), m, block.column(k));
        }
    }
    invert_triangles(block, r, inverses_of_pivots, modulus_);
    for (std::int64_t k = 0; k < r; ++k) {
        std::copy_n(block.column(k), r, matrix_.at(i, j + k));
    }
    orders_of_leaves[size(i)] = r;
    return r;
}

void Elimination::eliminate_below(std::int64_t i, std::int64_t j, std::int64_t r,
                                  std::int64_t i_below, std::int64_t m_below, std::int64_t n) {
    solve_upper(i, j, r, i_below, m_below);
    subtract(m_below, n, r, matrix_.at(i_below, j), matrix_.at(i, j + r),
             matrix_.at(i_below, j + r));
}

void Elimination::solve_lower(std::int64_t i, std::int64_t j, std::int64_t r, std::int64_t j_right,
                              std::int64_t n) {
    if (r == 0 || n == 0) {
        return;
    }
    if (const std::int64_t h = first_leaves(i, r); h < r) {
        solve_lower(i, j, h, j_right, n);
        subtract(r - h, n, h, matrix_.at(i + h, j), matrix_.at(i, j_right),
                 matrix_.at(i + h, j_right));
        solve_lower(i + h, j + h, r - h, j_right, n);
        return;
    }
    SmallBlock inverse;
    for (std::int64_t k = 0; k < r; ++k) {
        inverse.at(k, k) = 1.0;
        std::copy(matrix_.at(i + k + 1, j + k), matrix_.at(i + r, j + k), &inverse.at(k, k) + 1);
    }
    blas::gemm('N', 'N', r, n, r, 1.0, inverse.column(0), kSmall, matrix_.at(i, j_right),
               matrix_.stride(), 0.0, workspace_.data(), r);
    for (std::int64_t k = 0; k < n; ++k) {
        reduce(workspace_.data() + k * r, size(r), modulus_, matrix_.at(i, j_right + k));
    }
}

void Elimination::solve_upper(std::int64_t i, std::int64_t j, std::int64_t r, std::int64_t i_below,
                              std::int64_t m) {
    if (r == 0 || m == 0) {
        return;
    }
    if (const std::int64_t h = first_leaves(i, r); h < r) {
        solve_upper(i, j, h, i_below, m);
        subtract(m, r - h, h, matrix_.at(i_below, j), matrix_.at(i, j + h),
                 matrix_.at(i_below, j + h));
        solve_upper(i + h, j + h, r - h, i_below, m);
        return;
    }
    SmallBlock inverse;
    for (std::int64_t k = 0; k < r; ++k) {
        std::copy_n(matrix_.at(i, j + k), k + 1, inverse.column(k));
    }
    blas::gemm('N', 'N', m, r, r, 1.0, matrix_.at(i_below, j), matrix_.stride(), inverse.column(0),
               kSmall, 0.0, workspace_.data(), m);
    for (std::int64_t k = 0; k < r; ++k) {
        reduce(workspace_.data() + k * m, size(m), modulus_, matrix_.at(i_below, j + k));
    }
}

std::int64_t Elimination::first_leaves(std::int64_t i, std::int64_t r) const {
    std::int64_t first = orders_of_leaves[size(i)];
    while (2 * first < r && first + orders_of_leaves[size(i + first)] < r) {
        first += orders_of_leaves[size(i + first)];
    }
    return first;
}

// C -= A B.
void Elimination::subtract(std::int64_t m, std::int64_t n, std::int64_t k, const double* a,
                           const double* b, double* c) {
    if (m == 0 || n == 0 || k == 0) {
        return;
    }
    const double multiplications_of_column = static_cast<double>(m) * static_cast<double>(k);
    const std::int64_t stride = matrix_.stride();
    in_pieces(n, multiplications_of_column, interrupt_, [&](std::int64_t j, std::int64_t count) {
        subtract_product('N', 'N', m, count, k, a, stride, b + j * stride, stride, c + j * stride,
                         stride, modulus_);
    });
}

void Elimination::swap_columns(std::int64_t j, std::int64_t other) {
    if (j != other) {
        std::swap_ranges(matrix_.at(0, j), matrix_.at(0, j) + matrix_.n_rows(),
                         matrix_.at(0, other));
        std::swap(columns[size(j)], columns[size(other)]);
    }
}

void Elimination::exchange_rows(std::int64_t begin, std::int64_t middle, std::int64_t end) {
    if (begin == middle || middle == end) {
        return;
    }
    std::vector<std::int64_t> order(size(end - begin));
    std::iota(order.begin(), order.end(), begin);
    std::rotate(order.begin(), order.begin() + (middle - begin), order.end());
    reorder_rows(begin, order);
}

// The columns of the first range need not keep their order.
void Elimination::exchange_columns(std::int64_t begin, std::int64_t middle, std::int64_t end) {
    const std::int64_t gap = middle - begin;
    if (gap == 0) {
        return;
    }
    for (std::int64_t j = middle; j < end; ++j) {
        swap_columns(j - gap, j);
    }
}

void Elimination::reorder_rows(std::int64_t begin, const std::vector<std::int64_t>& order) {
    std::vector<double> old(order.size());
    std::vector<std::size_t> from(order.size());
    for (std::size_t k = 0; k < order.size(); ++k) {
        from[k] = size(order[k] - begin);
    }
    const auto move = [&](auto* values, auto* copy) {
        std::copy_n(values, order.size(), copy);
        for (std::size_t k = 0; k < order.size(); ++k) {
            values[k] = copy[from[k]];
        }
    };
    for (std::int64_t j = 0; j < matrix_.n_columns(); ++j) {
        move(matrix_.at(begin, j), old.data());
    }
    std::vector<std::int64_t> old_numbers(order.size());
    move(rows.data() + begin, old_numbers.data());
    move(orders_of_leaves.data() + begin, old_numbers.data());
}

}  // namespace relufast::modular
