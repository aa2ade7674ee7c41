#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <thread>
#include <vector>

#include "../src/ziggurat_tables.hpp"
#include "relufast/normals.hpp"
#include "relufast/philox.hpp"

namespace {

std::vector<double> stream(std::uint64_t seed, std::uint64_t layer, std::uint64_t row,
                           std::int64_t count) {
    std::vector<double> values(static_cast<std::size_t>(count));
    relufast::normals(seed, layer, row, values.data(), count);
    return values;
}

}  // namespace

TEST_CASE("Philox gives the known answers of Random123") {
    using relufast::philox4x64;
    constexpr std::uint64_t kOnes = ~std::uint64_t{0};
    CHECK(philox4x64({0, 0, 0, 0}, {0, 0}) ==
          relufast::PhiloxCounter{0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b,
                                  0x7e68b68aec7ba23b});
    CHECK(philox4x64({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}) ==
          relufast::PhiloxCounter{0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6,
                                  0xa09caebf594f0ba0});
    CHECK(
        philox4x64({0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
                   {0x452821e638d01377, 0xbe5466cf34e90c6c}) ==
        relufast::PhiloxCounter{0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5,
                                0x57bd43b5e52b7fe6});
}

TEST_CASE("all layers of the ziggurat have the same area") {
    using relufast::ziggurat::kDensity;
    using relufast::ziggurat::kLayers;
    const auto right_edge = [](std::size_t i) { return kLayers[i].step * 0x1p52; };
    CHECK(right_edge(1) == relufast::ziggurat::kTailStart);
    const double area = right_edge(0) * kDensity[0];
    for (std::size_t i = 1; i < kLayers.size(); ++i) {
        const double height = kDensity[i + 1] - kDensity[i];
        // The subtraction loses up to 8 bits of a height near 1/256.
        CHECK(right_edge(i) * height == doctest::Approx(area).epsilon(1e-13));
    }
}

TEST_CASE("a shorter call gives the beginning of a longer one") {
    const std::vector<double> longest = stream(7, 3, 5, 2000);
    for (const std::int64_t count : {0, 1, 2, 3, 4, 5, 127, 128, 129, 1024, 1999}) {
        const std::vector<double> values = stream(7, 3, 5, count);
        CHECK(std::equal(values.begin(), values.end(), longest.begin()));
    }
}

TEST_CASE("the bits of a stream are frozen") {
    // Seed, layer and row use all their bits; the stream is long enough to reach the tail about
    // 250 times. Changed values would break every seed that anybody has written down.
    const std::vector<double> values =
        stream(0xfedcba9876543210, 0x8000000000000001, 0xffffffffffffffff, 1'000'000);
    std::uint64_t hash = 0;
    for (const double value : values) {
        hash = (hash ^ std::bit_cast<std::uint64_t>(value)) * 0x100000001b3;
    }
    CHECK(values[0] == -0x1.69fa5e8bd668cp-4);
    CHECK(values[999'999] == 0x1.8ccf285104cdep+0);
    CHECK(hash == 15977881440879928619u);
}

TEST_CASE("a layer's rows are streams: the bias, then the weights") {
    constexpr std::int64_t kFanIn = 37;
    constexpr std::uint64_t kRows = 9;
    std::vector<double> weights(kRows * kFanIn);
    std::vector<double> biases(kRows);
    relufast::fill_layer(11, 2, 0, kRows, kFanIn, 0.3, 0.7, weights.data(), biases.data());

    for (std::uint64_t row = 0; row < kRows; ++row) {
        const std::vector<double> values = stream(11, 2, row, 1 + kFanIn);
        CHECK(biases[row] == 0.7 * values[0]);
        for (std::size_t j = 0; j < kFanIn; ++j) {
            CHECK(weights[row * kFanIn + j] == 0.3 * values[1 + j]);
        }
        std::vector<double> row_weights(kFanIn);
        double bias = 0.0;
        relufast::fill_layer(11, 2, row, row + 1, kFanIn, 0.3, 0.7, row_weights.data(), &bias);
        CHECK(bias == biases[row]);
        CHECK(std::equal(row_weights.begin(), row_weights.end(), weights.begin() + row * kFanIn));
    }

    std::vector<double> biases_alone(kRows);
    relufast::fill_layer(11, 2, 0, kRows, 0, 0.3, 0.7, nullptr, biases_alone.data());
    CHECK(biases_alone == biases);
}

TEST_CASE("a zero scale gives positive zeros") {
    std::vector<double> weights(1);
    std::vector<double> biases(64);
    for (std::uint64_t row = 0; row < biases.size(); ++row) {
        relufast::fill_layer(1, 1, row, row + 1, 1, 1.0, 0.0, weights.data(), &biases[row]);
        CHECK(std::bit_cast<std::uint64_t>(biases[row]) == 0);
    }
}

TEST_CASE("threads may fill rows of one layer") {
    constexpr std::int64_t kFanIn = 50;
    constexpr std::uint64_t kRows = 40;
    std::vector<double> expected(kRows * kFanIn);
    std::vector<double> weights(kRows * kFanIn);
    std::vector<double> biases(kRows);
    relufast::fill_layer(5, 1, 0, kRows, kFanIn, 1.0, 1.0, expected.data(), biases.data());
    std::vector<std::thread> threads;
    for (std::uint64_t row = 0; row < kRows; row += 10) {
        threads.emplace_back([&, row] {
            relufast::fill_layer(5, 1, row, row + 10, kFanIn, 1.0, 1.0, &weights[row * kFanIn],
                                 &biases[row]);
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(weights == expected);
}

TEST_CASE("a layer that does not exist is refused") {
    double value = 0.0;
    CHECK_THROWS_WITH_AS(relufast::fill_layer(0, 0, 0, 1, 1, 1.0, 1.0, &value, &value),
                         "layer is 0, but layers count from 1", std::invalid_argument);
    CHECK_THROWS_WITH_AS(relufast::fill_layer(0, 1, 2, 1, 1, 1.0, 1.0, &value, &value),
                         "row_begin is greater than row_end", std::invalid_argument);
    CHECK_THROWS_WITH_AS(relufast::fill_layer(0, 1, 0, 1, -1, 1.0, 1.0, &value, &value),
                         "fan_in is negative", std::invalid_argument);
}
