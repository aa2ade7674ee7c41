#include "relufast/arrangement.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "gaussian.hpp"
#include "relufast/error.hpp"
#include "relufast/exact_minors.hpp"
#include "relufast/injectivity.hpp"

namespace {

using relufast::Arrangement;
using relufast::ExactMinors;
using relufast::ReluLayer;
using relufast::RowBits;
using relufast::RowSet;
using relufast::testing::gaussian;

std::int64_t binomial(std::int64_t n, std::int64_t k) {
    std::int64_t result = 1;
    for (std::int64_t i = 0; i < k; ++i) {
        result = result * (n - i) / (i + 1);
    }
    return result;
}

// x_i = 0, x_i = x_j and x_i = -x_j: 2^d d! cells, all rows but few on flats of many.
std::vector<double> reflections(std::int64_t d) {
    std::vector<double> rows;
    const auto add = [&](std::int64_t i, std::int64_t j, double sign) {
        std::vector<double> row(static_cast<std::size_t>(d), 0.0);
        row[static_cast<std::size_t>(i)] = 1.0;
        if (j != i) {
            row[static_cast<std::size_t>(j)] = sign;
        }
        rows.insert(rows.end(), row.begin(), row.end());
    };
    for (std::int64_t i = 0; i < d; ++i) {
        add(i, i, 0.0);
        for (std::int64_t j = 0; j < i; ++j) {
            add(i, j, 1.0);
            add(i, j, -1.0);
        }
    }
    return rows;
}

// Cells and their negatives as sets, and their number by the sums over ranks.
std::pair<std::size_t, std::int64_t> counts(const std::vector<double>& rows, std::int64_t d) {
    const std::int64_t m = static_cast<std::int64_t>(rows.size()) / d;
    Arrangement arrangement(rows.data(), m, d);
    std::set<RowSet> cells;
    std::vector<std::int64_t> by_rank(static_cast<std::size_t>(d), 0);
    arrangement.for_each_cell(
        [&](RowBits positive, std::size_t rank) {
            RowSet cell(positive.begin(), positive.end());
            RowSet negative(cell.size());
            for (std::size_t word = 0; word < cell.size(); ++word) {
                negative[word] = ~cell[word];
            }
            if (m % 64 != 0) {
                negative.back() &= (std::uint64_t{1} << (m % 64)) - 1;
            }
            cells.insert(std::move(cell));
            cells.insert(std::move(negative));
            by_rank[rank] += 2;
            return true;
        },
        {}, {});
    return {cells.size(), Arrangement::sum_over_cells(by_rank)};
}

ReluLayer without_bias(const std::vector<double>& rows, std::int64_t n) {
    ReluLayer layer;
    layer.normals = rows;
    layer.dimension = layer.n_inputs = n;
    layer.n_rows = static_cast<std::int64_t>(rows.size()) / n;
    layer.n_above.assign(static_cast<std::size_t>(layer.n_rows), 1);
    layer.n_below.assign(static_cast<std::size_t>(layer.n_rows), 0);
    return layer;
}

}  // namespace

TEST_CASE("signs of minors, exactly") {
    // The second row is the first, but for a last bit; the others are out of the range of products.
    const double next = 1.0 + 0x1p-52;
    const std::vector<double> matrix = {1.0, next,     next,   next * next, 1.0, next,
                                        2.0, 2 * next, 1e-310, 1e300,       0.0, 0.0};
    ExactMinors minors(matrix.data(), 6, 2);
    const auto sign = [&minors](int a, int b) {
        return minors.sign(std::vector<int>{a, b}, std::vector<int>{0, 1});
    };
    CHECK(sign(0, 1) == -1);  // fl(next^2) is less than next^2
    CHECK(sign(1, 0) == 1);
    CHECK(sign(0, 2) == 0);
    CHECK(sign(0, 3) == 0);
    CHECK(sign(0, 4) == 1);
    CHECK(sign(4, 0) == -1);
    CHECK(sign(0, 5) == 0);
    CHECK(minors.sign(std::vector<int>{4}, std::vector<int>{0}) == 1);
    CHECK(minors.basis(std::vector<int>{0, 2, 3, 1}, 2).size() == 2);
    CHECK(minors.basis(std::vector<int>{0, 2, 3, 5}, 2).size() == 1);
    CHECK(minors.basis(std::vector<int>{0, 1, 4}, 1).size() == 1);
    const std::vector<double> infinite = {1.0, HUGE_VAL};
    CHECK_THROWS_AS(ExactMinors(infinite.data(), 1, 2), std::invalid_argument);
}

TEST_CASE("minors of integers agree with their expansion") {
    std::mt19937_64 random(3);
    for (int trial = 0; trial < 200; ++trial) {
        std::vector<double> a(9);
        for (double& entry : a) {
            entry = static_cast<double>(random() % 5) - 2.0;
        }
        const double expected = a[0] * (a[4] * a[8] - a[5] * a[7]) -
                                a[1] * (a[3] * a[8] - a[5] * a[6]) +
                                a[2] * (a[3] * a[7] - a[4] * a[6]);
        ExactMinors minors(a.data(), 3, 3);
        const std::vector<int> all = {0, 1, 2};
        CHECK(minors.sign(all, all) == (expected > 0.0) - (expected < 0.0));
    }
}

TEST_CASE("cells of generic arrangements") {
    for (std::int64_t d = 1; d <= 6; ++d) {
        for (const std::int64_t m : {d, d + 1, d + 5}) {
            std::int64_t expected = 0;
            for (std::int64_t k = 0; k < d; ++k) {
                expected += 2 * binomial(m - 1, k);
            }
            const auto [distinct, counted] = counts(gaussian(m * d, 7), d);
            CHECK(static_cast<std::int64_t>(distinct) == expected);
            CHECK(counted == expected);
        }
    }
    const auto [distinct, counted] = counts(gaussian(70 * 2, 8), 2);  // two words
    CHECK(distinct == 140);
    CHECK(counted == 140);
}

TEST_CASE("cells of arrangements with many coincidences") {
    std::int64_t expected = 1;
    for (std::int64_t d = 1; d <= 4; ++d) {
        expected *= 2 * d;
        const auto [distinct, counted] = counts(reflections(d), d);
        CHECK(static_cast<std::int64_t>(distinct) == expected);
        CHECK(counted == expected);
    }
}

TEST_CASE("what is no arrangement") {
    const std::vector<double> flat = {1.0, 2.0, 2.0, 4.0};
    Arrangement arrangement(flat.data(), 2, 2);
    CHECK_THROWS_AS(arrangement.for_each_cell([](RowBits, std::size_t) { return true; }, {}, {}),
                    std::invalid_argument);
    const std::vector<double> zero = {1.0, 0.0, 0.0, 0.0};
    CHECK_THROWS_AS(Arrangement(zero.data(), 2, 2), std::invalid_argument);
    const std::vector<double> long_row(13, 1.0);
    CHECK_THROWS_AS(Arrangement(long_row.data(), 1, 13), std::invalid_argument);
}

TEST_CASE("cells of layers") {
    const std::vector<double> both = {1, 0, -1, 0, 0, 1, 0, -1};
    // As distinct hyperplanes, with a neuron on either side.
    ReluLayer layer = without_bias({1, 0, 0, 1}, 2);
    layer.n_below = {1, 1};
    relufast::CellsOfLayer cells = relufast::cells_of_layer(layer, false, {}, {});
    CHECK(cells.is_complete);
    CHECK(cells.n_cells == 4);
    CHECK(cells.n_deficient == 0);
    CHECK(cells.min_active == 2);
    CHECK(cells.deficient.empty());
    // Parallel rows are flats on more hyperplanes than their rank, and all right too.
    cells = relufast::cells_of_layer(without_bias(both, 2), false, {}, {});
    CHECK(cells.n_cells == 4);
    CHECK(cells.n_deficient == 0);
    layer.n_below = {1, 0};
    cells = relufast::cells_of_layer(layer, false, {}, {});
    CHECK(cells.n_deficient == 2);
    CHECK(cells.min_active == 1);
    CHECK_FALSE(relufast::cells_of_layer(layer, true, {}, {}).is_complete);
    layer.n_below = {3, 0, 0};
    CHECK_THROWS_AS(relufast::cells_of_layer(layer, false, {}, {}), std::invalid_argument);
}

TEST_CASE("rays of a cell") {
    const std::vector<double> rows = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    const std::vector<std::int64_t> rays = relufast::rays_of_cell(rows.data(), 3, 3, RowSet{5}, {});
    CHECK(rays.size() == 6);  // three of two rows each
    CHECK_THROWS_AS(relufast::rays_of_cell(rows.data(), 3, 3, RowSet{5, 0}, {}),
                    std::invalid_argument);
}

TEST_CASE("cells can be interrupted, and tell of their progress") {
    const std::vector<double> rows = gaussian(40 * 5, 9);
    const ReluLayer layer = without_bias(rows, 5);
    std::int64_t told = 0;
    relufast::cells_of_layer(layer, false, [&told](std::int64_t n) { told = n; }, {});
    CHECK(told > 50'000);
    CHECK_THROWS_AS(relufast::cells_of_layer(layer, false, {}, [] { return true; }),
                    relufast::Interrupted);
    CHECK_THROWS_AS(relufast::rays_of_cell(rows.data(), 40, 5, RowSet{1}, [] { return true; }),
                    relufast::Interrupted);
}
