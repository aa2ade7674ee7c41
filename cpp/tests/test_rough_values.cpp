#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gaussian.hpp"
#include "gaussian_network.hpp"
#include "relufast/rounding.hpp"
#include "relufast/tile.hpp"
#include "relufast/tile_product.hpp"

namespace {

using relufast::Layer;
using relufast::RoughValues;
using relufast::Tile;
using relufast::Workspace;
using relufast::testing::build;
using relufast::testing::gaussian;
using relufast::testing::Parameters;

// Columns of a layer below, as a tile holds them.
Tile tile_of(const std::vector<double>& z, std::int64_t n, double negative_slope) {
    Tile tile;
    tile.n = n;
    tile.z.assign(z.begin(), z.end());
    const std::size_t n_columns = z.size() / static_cast<std::size_t>(n);
    tile.active.assign(n_columns * relufast::activity_words(n), 0);
    for (std::size_t k = 0; k < n_columns; ++k) {
        long double square = 0.0L;
        for (std::size_t j = 0; j < static_cast<std::size_t>(n); ++j) {
            const double value = tile.column(k)[j];
            if (value > 0.0) {
                relufast::set_active(tile.activity(k), j);
            }
            const long double relu = value > 0.0 ? value : negative_slope * value;
            square += relu * relu;
        }
        tile.relu_norm.push_back(static_cast<double>(std::sqrt(square)) * (1.0 + 0x1p-40));
    }
    return tile;
}

// How many of all values are off by more than claimed.
int count_wrong(const Layer& layer, double negative_slope, const Tile& tile,
                const std::vector<std::size_t>& columns) {
    Workspace workspace;
    workspace.columns = columns;
    const RoughValues rough =
        relufast::multiply_relu_roughly(layer, negative_slope, tile, workspace);
    int n_wrong = 0;
    for (std::size_t c = 0; c < columns.size(); ++c) {
        for (std::size_t i = 0; i < static_cast<std::size_t>(layer.n_out); ++i) {
            long double exact = 0.0L;
            for (std::int64_t j = 0; j < layer.n_in; ++j) {
                const double z = tile.column(columns[c])[j];
                const long double relu = z > 0.0 ? z : static_cast<long double>(negative_slope) * z;
                exact += relu * layer.outgoing(j)[i];
            }
            const double found = rough.unit * static_cast<double>(rough.at(c)[i]);
            const double bound =
                layer.row_norms[i] * tile.relu_norm[columns[c]] * rough.rounding + rough.lost;
            n_wrong += std::fabs(static_cast<double>(found - exact)) <= bound ? 0 : 1;
        }
    }
    return n_wrong;
}

}  // namespace

TEST_CASE("rough values are within their bounds, whatever the units") {
    for (const double scale : {1.0, 0x1p-400, 0x1p+400, 0x1p-149}) {
        for (const double slope : {0.0, 0.25}) {
            for (const std::int64_t n : {1, 7, 64, 65, 300}) {
                CAPTURE(scale);
                CAPTURE(n);
                Parameters parameters = gaussian({1, n, 90, 1}, 3, 0.5, slope);
                for (std::size_t w = 0; w < parameters.weights[1].size(); ++w) {
                    // Rows of very different lengths, and in some of them entries, too.
                    const int exponent = static_cast<int>(w / static_cast<std::size_t>(n) % 5) * 40;
                    parameters.weights[1][w] *=
                        scale * std::exp2(-exponent - (w % 7 == 0 ? 140 : 0));
                }
                const auto network = build(parameters);
                std::vector<double> z = gaussian(n * 11, 4);
                for (std::size_t i = 0; i < z.size(); ++i) {
                    z[i] *= std::exp2(i % 3 == 0 ? -130.0 : 0.0) / scale;
                }
                const Tile tile = tile_of(z, n, slope);
                const std::vector<std::size_t> columns{0, 3, 4, 10};
                CHECK(count_wrong(network->layer(2), slope, tile, columns) == 0);
            }
        }
    }
}

TEST_CASE("rough values are zero where nothing is sent, and unknown beyond all range") {
    Parameters parameters = gaussian({1, 5, 6, 1}, 3, 0.5, 0.0);
    const Tile silent = tile_of(std::vector<double>(10, -1.0), 5, 0.0);
    const auto network = build(parameters);
    CHECK(count_wrong(network->layer(2), 0.0, silent, {0, 1}) == 0);

    Workspace workspace;
    workspace.columns = {0, 1};
    const Tile tile = tile_of(std::vector<double>(10, 1.0), 5, 0.0);
    CHECK(relufast::multiply_relu_roughly(network->layer(2), 0.0, tile, workspace).rounding < 1e-5);
    parameters.weights[1][7] = 0x1p500;
    const auto large = build(parameters);
    CHECK(relufast::multiply_relu_roughly(large->layer(2), 0.0, tile, workspace).rounding ==
          relufast::kInfinity);
    std::fill(parameters.weights[1].begin(), parameters.weights[1].end(), 0.0);
    const auto zero = build(parameters);
    CHECK(count_wrong(zero->layer(2), 0.0, tile, {0, 1}) == 0);
}
