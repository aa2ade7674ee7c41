#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "relufast/activity.hpp"
#include "relufast/column_ops.hpp"
#include "relufast/normals.hpp"

namespace {

using relufast::activity_words;

std::vector<double> normals(std::uint64_t layer, std::size_t count) {
    std::vector<double> weights(count);
    std::vector<double> bias(1);
    relufast::fill_layer(7, layer, 0, 1, static_cast<std::int64_t>(count), 1.0, 1.0, weights.data(),
                         bias.data());
    return weights;
}

bool bit(const std::vector<std::uint64_t>& pattern, std::size_t neuron) {
    return ((pattern[neuron / 64] >> (neuron % 64)) & 1) != 0;
}

}  // namespace

TEST_CASE("A sum of rows equals the plain loops at every width") {
    const std::vector<std::int32_t> index{4, 0, 3};
    const std::vector<double> factors{0.5, -3.0, 1.25};
    for (std::int64_t n = 1; n <= 70; ++n) {
        for (const std::int64_t stride : {n, n + 3}) {
            // The last row ends with its n-th entry, so that reading on is an error.
            const auto size = static_cast<std::size_t>(4 * stride + n);
            std::vector<double> matrix = normals(1, size);
            for (double& entry : matrix) {  // so that products and sums are exact
                entry = std::round(entry * 1024.0);
            }
            std::vector<double> out(static_cast<std::size_t>(n), 99.0);
            relufast::sum_multiples(matrix.data(), stride, index.data(), factors.data(), 3,
                                    out.data(), n);
            for (std::int64_t i = 0; i < n; ++i) {
                double sum = 0.0;
                for (std::size_t c = 0; c < index.size(); ++c) {
                    sum += factors[c] * matrix[static_cast<std::size_t>(index[c] * stride + i)];
                }
                CHECK(out[static_cast<std::size_t>(i)] == sum);
            }
            relufast::sum_multiples(matrix.data(), stride, index.data(), factors.data(), 0,
                                    out.data(), n);
            CHECK(std::count(out.begin(), out.end(), 0.0) == n);
        }
    }
}

TEST_CASE("What a column sends is listed by sender") {
    for (const std::size_t n : {1, 7, 8, 9, 50, 63, 64, 65, 130}) {
        std::vector<double> z = normals(3, n);
        if (n > 100) {  // eight that all send, and some that do not
            std::fill_n(z.begin() + 16, 8, 1.0);
            std::fill_n(z.begin() + 24, 40, -1.0);
        }
        std::vector<std::uint64_t> active(activity_words(static_cast<std::int64_t>(n)));
        relufast::mark_active(z.data(), static_cast<std::int64_t>(n), active.data());
        for (const double slope : {0.0, -0.5}) {
            std::vector<std::int32_t> senders(n + 1, -7);
            std::vector<double> sent(n + 1, -7.0);
            const std::int64_t n_sent =
                relufast::gather_senders(z.data(), active.data(), static_cast<std::int64_t>(n),
                                         slope, senders.data(), sent.data());
            std::int64_t n_expected = 0;
            for (std::size_t i = 0; i < n; ++i) {
                if (z[i] > 0.0 || slope != 0.0) {
                    const auto c = static_cast<std::size_t>(n_expected++);
                    CHECK(senders[c] == static_cast<std::int32_t>(i));
                    CHECK(sent[c] == (z[i] > 0.0 ? z[i] : slope * z[i]));
                }
            }
            CHECK(n_sent == n_expected);
            CHECK(senders[n] == -7);
            CHECK(sent[n] == -7.0);
        }
    }
}

TEST_CASE("Products of rows with vectors are those of the definition, within their bound") {
    for (const std::int64_t n : {1, 3, 4, 7, 8, 9, 255, 256, 257, 1000}) {
        const auto size = static_cast<std::size_t>(n);
        const std::vector<double> matrix = normals(4, 3 * size);
        // In no order, and one of them twice.
        const std::vector<const double*> rows{&matrix[size], &matrix[0], &matrix[2 * size],
                                              &matrix[size]};
        for (std::int64_t n_vectors = 0; n_vectors <= 9; ++n_vectors) {
            const std::vector<double> vectors =
                normals(5, static_cast<std::size_t>(n * n_vectors + 1));
            const auto n_products = static_cast<std::size_t>(n_vectors);
            for (std::size_t n_rows = 0; n_rows <= rows.size(); ++n_rows) {
                std::vector<double> products(n_rows * n_products + 1, 7.0);
                relufast::dot_products(rows.data(), static_cast<std::int64_t>(n_rows),
                                       vectors.data(), n, n_vectors, products.data());
                CHECK(products.back() == 7.0);
                const double bound = static_cast<double>(relufast::roundings_of_dot(n)) * 0x1p-53;
                for (std::size_t p = 0; p < n_rows * n_products; ++p) {
                    const double* const row = rows[p / n_products];
                    const double* const vector = &vectors[p % n_products * size];
                    long double sum = 0.0;
                    double magnitudes = 0.0;
                    for (std::size_t i = 0; i < size; ++i) {
                        sum += static_cast<long double>(row[i]) * vector[i];
                        magnitudes += std::fabs(row[i] * vector[i]);
                    }
                    CHECK(std::fabs(static_cast<double>(products[p] - sum)) <=
                          1.01 * bound * magnitudes);
                }
            }
        }
    }
}

TEST_CASE("A scan adds the biases and tells signs, squares and the least magnitude") {
    for (const std::size_t n : {1, 2, 5, 63, 64, 65, 130}) {
        for (const double slope : {0.0, 0.25, -2.0}) {
            std::vector<double> z = normals(2, n);
            const std::vector<double> biases = normals(3, n);
            z[0] = -biases[0];
            std::vector<double> expected(n);
            double least = HUGE_VAL;
            double square = 0.0;
            double relu_square = 0.0;
            for (std::size_t i = 0; i < n; ++i) {
                expected[i] = z[i] + biases[i];
                least = std::min(least, std::fabs(expected[i]));
                square += expected[i] * expected[i];
                const double relu = expected[i] > 0.0 ? expected[i] : slope * expected[i];
                relu_square += relu * relu;
            }
            std::vector<std::uint64_t> active(activity_words(static_cast<std::int64_t>(n)));
            std::vector<std::uint64_t> marked(active.size());
            const relufast::ColumnScan scan = relufast::add_biases_and_scan(
                z.data(), biases.data(), 1.0, slope, static_cast<std::int64_t>(n), active.data());
            relufast::mark_active(z.data(), static_cast<std::int64_t>(n), marked.data());
            CHECK(z == expected);
            CHECK(scan.least == least);
            CHECK(scan.square == doctest::Approx(square).epsilon(1e-14));
            CHECK(scan.relu_square == doctest::Approx(relu_square).epsilon(1e-14));
            CHECK(active == marked);
            for (std::size_t i = 0; i < 64 * active.size(); ++i) {
                CHECK(bit(active, i) == (i < n && expected[i] > 0.0));
            }
        }
    }
}

TEST_CASE("A NaN counts as active, as open, and leaves its mark on the squares") {
    std::vector<double> z{-1.0, std::numeric_limits<double>::quiet_NaN(), 2.0};
    const std::vector<double> zeros(3, 0.0);
    std::uint64_t active = 0;
    const relufast::ColumnScan scan =
        relufast::add_biases_and_scan(z.data(), zeros.data(), 1.0, 0.0, 3, &active);
    CHECK(active == 6);
    CHECK(!(scan.square < HUGE_VAL));
    const relufast::ColumnExtremes extremes = relufast::column_extremes(
        z.data(), zeros.data(), std::vector<double>(3, 1.0).data(), 1.5, 0.0, 0.0, 3);
    CHECK(extremes.n_open == 2);
    CHECK(extremes.largest == 2.0);
    CHECK(extremes.highest == 2.0);
}

TEST_CASE("Flips and senders are read off the patterns") {
    const std::vector<std::uint64_t> a{0b1011, 1};
    const std::vector<std::uint64_t> b{0b0010, 2};
    std::vector<std::int32_t> flips;
    relufast::for_each_flip(a.data(), b.data(), 2, [&](std::int32_t i) { flips.push_back(i); });
    CHECK(flips == std::vector<std::int32_t>{0, 3, 64, 65});
    const auto pattern = [&](std::size_t p) { return p == 0 ? a.data() : b.data(); };
    std::vector<std::int32_t> senders;
    relufast::list_senders(66, 0.0, 2, pattern, senders);
    CHECK(senders == std::vector<std::int32_t>{0, 1, 3, 64, 65});
    relufast::list_senders(66, 0.1, 2, pattern, senders);
    CHECK(senders.size() == 66);
}
