#include "relufast/gathered_product.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "gaussian.hpp"
#include "relufast/rounding.hpp"

using relufast::PackedBlock;
using relufast::testing::gaussian;

namespace {

struct Case {
    std::int64_t n_rows;
    std::int64_t n_terms;
    std::int64_t n_columns;
};

// a: column-major (n_rows, n_terms).
template <class Number>
std::vector<Number> product(const Case& size, const std::vector<Number>& a,
                            const std::vector<Number>& columns) {
    relufast::ProductMemory<Number> memory;
    std::vector<Number> products(static_cast<std::size_t>(size.n_rows * size.n_columns),
                                 std::numeric_limits<Number>::quiet_NaN());
    relufast::multiply_gathered<Number>(
        size.n_rows, size.n_terms,
        [&](std::int64_t first_row, std::int64_t first_column, const PackedBlock<Number>& block) {
            for (std::int64_t c = 0; c < block.n_columns(); ++c) {
                const Number* from = a.data() + (first_column + c) * size.n_rows + first_row;
                block.for_each_panel([&](std::int64_t row, std::int64_t count) {
                    std::copy_n(from + row, count, block.at(row, c));
                });
            }
        },
        columns.data(), size.n_columns, products.data(), memory);
    return products;
}

template <class Number>
std::vector<Number> rounded(const std::vector<double>& values) {
    std::vector<Number> result;
    for (const double value : values) {
        result.push_back(static_cast<Number>(value));
    }
    return result;
}

}  // namespace

TEST_CASE_TEMPLATE("Products of gathered blocks are those of the definition, within their bound",
                   Number, double, float) {
    for (const Case size : {Case{1, 1, 1}, Case{23, 5, 7}, Case{24, 256, 8}, Case{25, 257, 9},
                            Case{144, 3, 1}, Case{145, 600, 17}, Case{301, 513, 40}}) {
        CAPTURE(size.n_rows);
        const auto a = rounded<Number>(gaussian(size.n_rows * size.n_terms, 1));
        const auto columns = rounded<Number>(gaussian(size.n_terms * size.n_columns, 2));
        const std::vector<Number> products = product(size, a, columns);
        const double bound =
            relufast::gamma_of<Number>(relufast::roundings_of_gathered(size.n_terms));
        for (std::int64_t j = 0; j < size.n_columns; ++j) {
            for (std::int64_t i = 0; i < size.n_rows; ++i) {
                long double sum = 0.0;
                double magnitudes = 0.0;
                for (std::int64_t t = 0; t < size.n_terms; ++t) {
                    const auto x =
                        static_cast<long double>(a[static_cast<std::size_t>(t * size.n_rows + i)]);
                    const auto y = static_cast<long double>(
                        columns[static_cast<std::size_t>(j * size.n_terms + t)]);
                    sum += x * y;
                    magnitudes += static_cast<double>(std::fabs(x * y));
                }
                const auto found = static_cast<long double>(
                    products[static_cast<std::size_t>(j * size.n_rows + i)]);
                REQUIRE(std::fabs(found - sum) <= static_cast<long double>(bound * magnitudes));
            }
        }
    }
}

TEST_CASE_TEMPLATE("A column's product does not depend on the columns beside it", Number, double,
                   float) {
    const Case size{100, 700, 21};
    const auto a = rounded<Number>(gaussian(size.n_rows * size.n_terms, 3));
    auto columns = rounded<Number>(gaussian(size.n_terms * size.n_columns, 4));
    for (std::int64_t j = 0; j < size.n_columns; ++j) {
        for (std::int64_t t = 0; t < size.n_terms; ++t) {
            // So that of the terms which others leave out it has some, and lacks some that they
            // have.
            if (((t + 2 * j) / (5 + 9 * (j % 3))) % 2 == 0) {
                columns[static_cast<std::size_t>(j * size.n_terms + t)] = Number(0);
            }
        }
    }
    const std::vector<Number> together = product(size, a, columns);
    for (std::int64_t j = 0; j < size.n_columns; ++j) {
        const auto begin = columns.begin() + j * size.n_terms;
        const std::vector<Number> alone = product({size.n_rows, size.n_terms, 1}, a,
                                                  std::vector<Number>(begin, begin + size.n_terms));
        for (std::int64_t i = 0; i < size.n_rows; ++i) {
            REQUIRE(alone[static_cast<std::size_t>(i)] ==
                    together[static_cast<std::size_t>(j * size.n_rows + i)]);
        }
    }
}

TEST_CASE("Terms that are zero in neighbouring columns change nothing") {
    // In some panels a few terms are left out, in others all, or all of a block.
    const Case size{50, 600, 43};
    const std::vector<double> a = gaussian(size.n_rows * size.n_terms, 5);
    std::vector<double> columns = gaussian(size.n_terms * size.n_columns, 6);
    for (std::int64_t j = 0; j < size.n_columns; ++j) {
        for (std::int64_t t = 0; t < size.n_terms; ++t) {
            const std::int64_t panel = j / 8;
            if (panel == 1 || (panel == 2 && t < 256) || (t + 3 * panel + j % 8 / 4) % 5 < 3) {
                columns[static_cast<std::size_t>(j * size.n_terms + t)] = j % 2 == 0 ? 0.0 : -0.0;
            }
        }
    }
    const std::vector<double> together = product(size, a, columns);
    for (std::int64_t j = 0; j < size.n_columns; ++j) {
        // Only the terms that are not zero, in the same blocks.
        for (std::int64_t i = 0; i < size.n_rows; ++i) {
            double expected = 0.0;
            double magnitudes = 0.0;
            for (std::int64_t t = 0; t < size.n_terms; ++t) {
                const double term = a[static_cast<std::size_t>(t * size.n_rows + i)] *
                                    columns[static_cast<std::size_t>(j * size.n_terms + t)];
                expected += term;
                magnitudes += std::fabs(term);
            }
            const double found = together[static_cast<std::size_t>(j * size.n_rows + i)];
            REQUIRE(std::fabs(found - expected) <= 1200 * 0x1p-53 * magnitudes);
        }
    }
}
