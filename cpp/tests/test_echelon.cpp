#include "relufast/echelon.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <vector>

#include "reference_blas.hpp"
#include "relufast/error.hpp"

namespace {

using namespace relufast::modular;

const std::int64_t kPrime = 7340033;

// Rows of integers modulo kPrime.
using Rows = std::vector<std::vector<std::int64_t>>;

std::int64_t in_range(std::int64_t x) { return (x % kPrime + kPrime) % kPrime; }

Rows random_rows(std::int64_t m, std::int64_t n, std::int64_t r, std::mt19937_64& random) {
    const auto draw = [&random] { return static_cast<std::int64_t>(random() % 19) - 9; };
    Rows left(static_cast<std::size_t>(m), std::vector<std::int64_t>(static_cast<std::size_t>(r)));
    Rows right(static_cast<std::size_t>(r), std::vector<std::int64_t>(static_cast<std::size_t>(n)));
    for (Rows* rows : {&left, &right}) {
        for (auto& row : *rows) {
            std::generate(row.begin(), row.end(), draw);
        }
    }
    Rows product(static_cast<std::size_t>(m),
                 std::vector<std::int64_t>(static_cast<std::size_t>(n)));
    for (std::size_t i = 0; i < product.size(); ++i) {
        for (std::size_t k = 0; k < right.size(); ++k) {
            for (std::size_t j = 0; j < product[i].size(); ++j) {
                product[i][j] = in_range(product[i][j] + left[i][k] * right[k][j]);
            }
        }
    }
    return product;
}

// Row after row, by those before it that are not zero: the rows that stay.
std::vector<std::int64_t> independent_rows(const Rows& rows, const Modulus& modulus) {
    std::vector<std::int64_t> found;
    std::vector<std::size_t> places;
    Rows basis;  // each with 1 at its place
    for (std::size_t i = 0; i < rows.size(); ++i) {
        auto row = rows[i];
        for (std::size_t k = 0; k < basis.size(); ++k) {
            const std::int64_t factor = row[places[k]];
            for (std::size_t j = 0; j < row.size(); ++j) {
                row[j] = in_range(row[j] - factor * basis[k][j]);
            }
        }
        const auto pivot = std::find_if(row.begin(), row.end(), [](auto x) { return x != 0; });
        if (pivot == row.end()) {
            continue;
        }
        const auto inverse =
            static_cast<std::int64_t>(modulus.inverse(static_cast<double>(*pivot)));
        places.push_back(static_cast<std::size_t>(pivot - row.begin()));
        for (std::int64_t& x : row) {
            x = in_range(x * in_range(inverse) % kPrime);
        }
        basis.push_back(row);
        found.push_back(static_cast<std::int64_t>(i));
    }
    return found;
}

double residue(std::int64_t x) { return static_cast<double>(x > kPrime / 2 ? x - kPrime : x); }

Matrix as_matrix(const Rows& rows, bool transposed) {
    const auto m = static_cast<std::int64_t>(rows.size());
    const auto n = static_cast<std::int64_t>(rows.front().size());
    Matrix matrix(transposed ? n : m, transposed ? m : n);
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
            const std::int64_t x = rows[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
            *(transposed ? matrix.at(j, i) : matrix.at(i, j)) = residue(x);
        }
    }
    return matrix;
}

std::vector<double> row_major(const Rows& rows) {
    std::vector<double> values;
    for (const auto& row : rows) {
        std::transform(row.begin(), row.end(), std::back_inserter(values), residue);
    }
    return values;
}

}  // namespace

TEST_CASE("ranks and profiles are those of elimination row by row") {
    relufast::blas::set_functions(relufast::testing::reference_blas_lp64());
    const Modulus modulus(kPrime);
    std::mt19937_64 random(1);
    struct Shape {
        std::int64_t m, n, r;
    };
    for (const auto [m, n, r] :
         {Shape{1, 1, 1}, Shape{1, 1, 0}, Shape{5, 3, 2}, Shape{1, 130, 1}, Shape{130, 1, 1},
          Shape{32, 32, 32}, Shape{33, 33, 33}, Shape{64, 65, 20}, Shape{70, 70, 69},
          Shape{40, 150, 40}, Shape{150, 40, 37}, Shape{100, 100, 100}, Shape{97, 101, 1}}) {
        CAPTURE(m);
        CAPTURE(n);
        CAPTURE(r);
        Rows rows = random_rows(m, n, r, random);
        for (const bool with_gaps : {false, true}) {
            if (with_gaps) {  // zero rows and columns, and a row that comes twice
                for (std::size_t i = 0; i < rows.size(); ++i) {
                    if (i % 3 == 1) {
                        rows[i] = rows[i - 1];
                    } else if (i % 7 == 0) {
                        std::fill(rows[i].begin(), rows[i].end(), 0);
                    }
                    for (std::size_t j = 0; j < rows[i].size(); j += 5) {
                        rows[i][j] = 0;
                    }
                }
            }
            const auto expected = independent_rows(rows, modulus);
            const auto count = static_cast<std::int64_t>(expected.size());
            for (const bool transposed : {false, true}) {
                Matrix matrix = as_matrix(rows, transposed);
                CHECK(rank(matrix, modulus, {}) == count);
            }
            Matrix matrix = as_matrix(rows, false);
            const Pivots found = pivots(matrix, modulus, {});
            CHECK(found.rows == expected);
            CHECK(found.columns.size() == expected.size());

            for (const std::int64_t step : {std::int64_t{1}, std::int64_t{50}, m}) {
                Echelon echelon(n, modulus);
                std::vector<std::int64_t> taken;
                const auto values = row_major(rows);
                for (std::int64_t i = 0; i < m; i += step) {
                    const auto begin = values.data() + i * n;
                    for (const std::int64_t row :
                         echelon.append(std::min(step, m - i), begin, {})) {
                        taken.push_back(i + row);
                    }
                }
                CHECK(taken == expected);
                CHECK(echelon.rank() == count);
            }
        }
    }
}

TEST_CASE("an echelon form that was interrupted goes on as if it had not been") {
    relufast::blas::set_functions(relufast::testing::reference_blas_lp64());
    const Modulus modulus(kPrime);
    std::mt19937_64 random(2);
    Rows rows = random_rows(120, 90, 80, random);
    for (auto& row : rows) {  // so that columns change places
        std::fill(row.begin(), row.begin() + 40, 0);
    }
    const auto expected = independent_rows(rows, modulus);
    const auto values = row_major(rows);
    int interrupted = 0;
    for (int polls = 0; polls == interrupted; ++polls) {
        Echelon echelon(90, modulus);
        auto taken = echelon.append(35, values.data(), {});
        int polled = 0;
        const auto interrupt = [&] { return polled++ == polls; };
        std::vector<std::int64_t> later;
        try {
            later = echelon.append(85, values.data() + 35 * 90, interrupt);
        } catch (const relufast::Interrupted&) {
            ++interrupted;
            later = echelon.append(85, values.data() + 35 * 90, {});
        }
        for (const std::int64_t row : later) {
            taken.push_back(35 + row);
        }
        CHECK(taken == expected);
    }
    CHECK(interrupted >= 3);
}
