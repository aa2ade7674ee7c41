#include "relufast/panel_norm.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include "gaussian.hpp"
#include "reference_blas.hpp"
#include "relufast/blas.hpp"
#include "relufast/network.hpp"

namespace {

// A network whose second layer has the weights: row-major (n_out, n_in).
std::unique_ptr<relufast::Network> network_with(const std::vector<double>& weights,
                                                std::int64_t n_out, std::int64_t n_in) {
    relufast::blas::set_functions(relufast::testing::reference_blas_lp64());
    const auto ones = [](std::int64_t n) {
        return std::vector<double>(static_cast<std::size_t>(n), 1.0);
    };
    const std::vector<double> first = ones(n_in);
    const std::vector<double> last = ones(n_out);
    const std::vector<double> biases = ones(std::max(n_in, n_out));
    return std::make_unique<relufast::Network>(
        std::vector<std::int64_t>{1, n_in, n_out, 1},
        std::vector<const double*>{first.data(), weights.data(), last.data()},
        std::vector<const double*>{biases.data(), biases.data(), biases.data()}, 0.0);
}

template <class T>
double bound(const std::vector<double>& weights, std::int64_t n_out, std::int64_t n_in,
             int n_threads = 1) {
    const auto network = network_with(weights, n_out, n_in);
    relufast::PanelNorm<T> norm;
    return std::sqrt(
        norm.squared_bound(network->layer(2), {2, 0, std::min(n_out, n_in)}, n_threads, {}));
}

// Rows of random numbers that are orthogonal to each other: of a Householder reflection, scaled.
std::vector<double> scaled_reflection(std::int64_t n, const std::vector<double>& scales) {
    const std::vector<double> v = relufast::testing::gaussian(n, 5);
    const double square = std::inner_product(v.begin(), v.end(), v.begin(), 0.0);
    std::vector<double> weights;
    for (std::size_t i = 0; i < v.size(); ++i) {
        for (std::size_t j = 0; j < v.size(); ++j) {
            weights.push_back(scales[i] * ((i == j ? 1.0 : 0.0) - 2.0 * v[i] * v[j] / square));
        }
    }
    return weights;
}

}  // namespace

TEST_CASE_TEMPLATE("Bounds on norms hold and are tight where the norm is known", T, float, double) {
    for (const double scale : {1e-4, 1.0, 37.0}) {
        // u v^T has the norm |u| |v|.
        std::vector<double> u;
        std::vector<double> v;
        for (int i = 0; i < 40; ++i) u.push_back(scale * std::sin(1.0 + i));
        for (int j = 0; j < 25; ++j) v.push_back(std::cos(2.0 * j));
        std::vector<double> outer;
        std::vector<double> transposed(u.size() * v.size());
        double square = 0.0;
        for (std::size_t i = 0; i < u.size(); ++i) {
            for (std::size_t j = 0; j < v.size(); ++j) {
                outer.push_back(u[i] * v[j]);
                transposed[j * u.size() + i] = u[i] * v[j];
                square += u[i] * v[j] * u[i] * v[j];
            }
        }
        for (const double found : {bound<T>(outer, 40, 25), bound<T>(transposed, 25, 40)}) {
            CHECK(found >= std::sqrt(square) * (1.0 - 1e-12));
            CHECK(found <= std::sqrt(square) * (1.0 + 1e-6));  // the Frobenius norm is as good
        }

        // Orthogonal rows: the longest one's length, here twice that of the others.
        std::vector<double> lengths(50, scale);
        lengths[17] = 2.0 * scale;
        const double reflected = bound<T>(scaled_reflection(50, lengths), 50, 50);
        CHECK(reflected >= 2.0 * scale * (1.0 - 1e-12));
        CHECK(reflected <= 2.0 * scale * 1.06);
    }
}

TEST_CASE_TEMPLATE("Bounds on norms hold for degenerate weights", T, float, double) {
    CHECK(bound<T>(std::vector<double>(12, 0.0), 3, 4) <= 1e-30);
    CHECK(bound<T>({1.0}, 1, 1) >= 1.0);
    std::vector<double> one(30, 0.0);
    one[7] = -3.0;
    CHECK(bound<T>(one, 5, 6) >= 3.0 * (1.0 - 1e-12));
    CHECK(bound<T>(one, 5, 6) <= 3.0 * (1.0 + 1e-6));
}

TEST_CASE("Bounds on the norms of large panels are the same for any number of threads") {
    // A scaled permutation of more rows than a tile of the Gram matrix has.
    constexpr std::int64_t kRank = 1030;
    std::vector<double> diagonal(static_cast<std::size_t>(kRank * kRank), 0.0);
    for (std::int64_t i = 0; i < kRank; ++i) {
        diagonal[static_cast<std::size_t>(i * kRank + (i * 7) % kRank)] = i == 1029 ? -2.0 : 1.0;
    }
    const auto network = network_with(diagonal, kRank, kRank);
    relufast::PanelNorm<float> norm;
    const relufast::Panel panel{2, 0, kRank};
    const double alone = norm.squared_bound(network->layer(2), panel, 1, {});
    const double shared = norm.squared_bound(network->layer(2), panel, 3, {});
    CHECK(alone == shared);
    CHECK(std::sqrt(alone) >= 2.0);
    CHECK(std::sqrt(alone) <= 2.0 * 1.06);
}
