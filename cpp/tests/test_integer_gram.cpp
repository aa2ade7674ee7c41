#include "relufast/integer_gram.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gaussian.hpp"

namespace {

using Integers = std::vector<std::vector<std::int64_t>>;

// Rows one after the other.
struct Rows {
    std::int64_t n_rows;
    std::int64_t length;
    std::vector<double> entries;

    double entry(std::int64_t i, std::int64_t k) const {
        return entries[static_cast<std::size_t>(i * length + k)];
    }
    double largest_norm() const {
        double largest = 0.0;
        for (std::int64_t i = 0; i < n_rows; ++i) {
            double square = 0.0;
            for (std::int64_t k = 0; k < length; ++k) square += entry(i, k) * entry(i, k);
            largest = std::max(largest, std::sqrt(square));
        }
        return largest * (1.0 + 1e-12);
    }
};

// Checks every product against a sum of 64-bit integers.
void check_products(const Rows& rows, int n_threads) {
    relufast::IntegerRows rounded(rows.n_rows, rows.length, rows.largest_norm());
    for (std::int64_t i = 0; i < rows.n_rows; ++i) {
        rounded.set(i, &rows.entries[static_cast<std::size_t>(i * rows.length)], 1);
    }
    relufast::Buffer<float> gram;
    rounded.products(gram, n_threads, {});

    Integers integers;
    double taken = 0.0;  // by rounding: the square of it
    std::int64_t n_outside = 0;
    for (std::int64_t i = 0; i < rows.n_rows; ++i) {
        integers.emplace_back();
        for (std::int64_t k = 0; k < rows.length; ++k) {
            const double scaled = rows.entry(i, k) * rounded.scale();
            integers.back().push_back(std::llrint(scaled));
            n_outside += std::abs(integers.back().back()) > 32767 ? 1 : 0;
            taken += std::pow(scaled - std::rint(scaled), 2.0);
        }
    }
    CHECK(std::sqrt(taken) <= rounded.rounding());
    std::int64_t n_wrong = 0;
    for (std::int64_t j = 0; j < rows.n_rows; ++j) {
        for (std::int64_t i = 0; i <= j; ++i) {
            std::int64_t sum = 0;
            for (std::int64_t k = 0; k < rows.length; ++k) {
                sum += integers[static_cast<std::size_t>(i)][static_cast<std::size_t>(k)] *
                       integers[static_cast<std::size_t>(j)][static_cast<std::size_t>(k)];
            }
            n_outside += std::abs(sum) > 2147483647 ? 1 : 0;
            const float found = gram[static_cast<std::size_t>(j * rows.n_rows + i)];
            n_wrong += found == static_cast<float>(sum) ? 0 : 1;
        }
    }
    CHECK(n_wrong == 0);
    CHECK(n_outside == 0);
}

}  // namespace

TEST_CASE("Products of rounded rows are those of integers") {
    for (const std::int64_t n_rows : {1, 4, 47, 48, 49, 100}) {
        for (const std::int64_t length : {1, 31, 32, 33, 1024, 1061}) {
            for (const double scale : {1e-9, 1.0, 1e9}) {
                Rows rows{n_rows, length, {}};
                for (const double g : relufast::testing::gaussian(n_rows * length, 7)) {
                    rows.entries.push_back(g * scale);
                }
                check_products(rows, 2);
            }
        }
    }
}

TEST_CASE("Products of rounded rows hold at the ends of the integers' range") {
    // All of a row's norm in one entry, in two that make one pair, or spread over all.
    constexpr std::int64_t kLength = 2085;
    Rows rows{6, kLength, std::vector<double>(static_cast<std::size_t>(6 * kLength), 0.0)};
    const auto at = [&](std::int64_t i, std::int64_t k) -> double& {
        return rows.entries[static_cast<std::size_t>(i * kLength + k)];
    };
    at(0, 17) = 1.0;
    at(1, 17) = -1.0;
    at(2, 16) = at(2, 17) = -std::sqrt(0.5);
    at(3, 16) = std::sqrt(0.5);
    at(3, 17) = -std::sqrt(0.5);
    for (std::int64_t k = 0; k < kLength; ++k) {
        at(4, k) = 1.0 / std::sqrt(static_cast<double>(kLength));
        at(5, k) = -at(4, k);
    }
    check_products(rows, 1);
}

TEST_CASE("Rows may lie across memory") {
    const std::vector<double> entries = relufast::testing::gaussian(70 * 50, 3);
    relufast::IntegerRows across(50, 70, 20.0);
    relufast::IntegerRows along(50, 70, 20.0);
    for (std::int64_t i = 0; i < 50; ++i) {
        across.set(i, entries.data() + i, 50);
        std::vector<double> row;
        for (std::size_t k = 0; k < 70; ++k)
            row.push_back(entries[k * 50 + static_cast<std::size_t>(i)]);
        along.set(i, row.data(), 1);
    }
    relufast::Buffer<float> first;
    relufast::Buffer<float> second;
    across.products(first, 1, {});
    along.products(second, 3, {});
    std::int64_t n_different = 0;
    for (std::size_t j = 0; j < 50; ++j) {
        for (std::size_t i = 0; i <= j; ++i) {
            n_different += first[j * 50 + i] == second[j * 50 + i] ? 0 : 1;
        }
    }
    CHECK(n_different == 0);
}
