#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "reference_blas.hpp"
#include "relufast/breakpoints.hpp"
#include "relufast/capi.h"
#include "relufast/line.hpp"

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

using Random = std::unique_ptr<relufast_random, decltype(&relufast_random_free)>;
using Counter =
    std::unique_ptr<relufast_breakpoint_counter, decltype(&relufast_breakpoint_counter_free)>;

void use_reference_blas() {
    const relufast_blas blas = relufast::testing::reference_blas_of_c();
    REQUIRE(relufast_set_blas(&blas) == RELUFAST_OK);
    REQUIRE(relufast_blas_ready() == 1);
}

Random seeded(std::uint64_t seed) {
    std::vector<std::uint64_t> words(RELUFAST_SEED_WORDS);
    for (std::uint64_t& word : words) {  // SplitMix64
        seed += 0x9e3779b97f4a7c15;
        std::uint64_t mixed = seed;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
        word = mixed ^ (mixed >> 31);
    }
    return {relufast_random_new(words.data()), relufast_random_free};
}

Counter counter(const std::vector<std::int64_t>& widths, double slope, double lo, double hi) {
    return {relufast_breakpoint_counter_new(widths.data(), static_cast<std::int64_t>(widths.size()),
                                            slope, lo, hi),
            relufast_breakpoint_counter_free};
}

std::size_t n_parameters(const std::vector<std::int64_t>& widths) {
    std::int64_t n = 0;
    for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
        n += (widths[l] + 1) * widths[l + 1];
    }
    return static_cast<std::size_t>(n);
}

// By the C++ interface, from a network of its own.
std::vector<std::int64_t> expected_counts(const std::vector<std::int64_t>& widths,
                                          const std::vector<double>& parameters, double slope,
                                          double lo, double hi) {
    std::vector<const double*> weights;
    std::vector<const double*> biases;
    const double* next = parameters.data();
    for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
        weights.push_back(next);
        next += widths[l] * widths[l + 1];
        biases.push_back(next);
        next += widths[l + 1];
    }
    relufast::Network network(widths, weights, biases, slope);
    const auto line = relufast::axis_line(network.layer(1), lo, hi);
    const auto found = relufast::find_breakpoints(network, line, {});
    std::vector<std::int64_t> counts(widths.size() - 2, 0);
    for (const std::int32_t layer : found.layers) {
        ++counts[static_cast<std::size_t>(layer - 1)];
    }
    return counts;
}

}  // namespace

TEST_CASE("a counter gives what find_breakpoints finds, one network after the other") {
    use_reference_blas();
    const Random random = seeded(1);
    const struct {
        std::vector<std::int64_t> widths;
        double slope, lo, hi;
    } cases[] = {{{1, 7, 1}, 0.0, -kInf, kInf},
                 {{1, 5, 9, 2}, 0.0, -1.0, 1.0},
                 {{1, 20, 20, 20, 1}, 0.1, -kInf, 0.5},
                 {{1, 3, 1, 4, 2, 1}, -0.5, -kInf, kInf}};
    for (const auto& c : cases) {
        const Counter handle = counter(c.widths, c.slope, c.lo, c.hi);
        REQUIRE(handle);
        std::vector<double> parameters(n_parameters(c.widths));
        std::vector<std::int64_t> counts(c.widths.size() - 2);
        for (int network = 0; network < 20; ++network) {
            relufast_random_normals(random.get(), parameters.data(),
                                    static_cast<std::int64_t>(parameters.size()));
            CHECK(relufast_breakpoint_counter_count(handle.get(), parameters.data(),
                                                    counts.data()) == RELUFAST_OK);
            CHECK(counts == expected_counts(c.widths, parameters, c.slope, c.lo, c.hi));
        }
    }
}

TEST_CASE("a decision that stays open is told") {
    use_reference_blas();
    // Two equal neurons that cancel: the next layer is zero along the line, beyond any float64.
    const std::vector<std::int64_t> widths{1, 2, 1, 1};
    const Counter handle = counter(widths, 0.0, -kInf, kInf);
    const std::vector<double> parameters{0.1, 0.1, 0.3, 0.3, 0.7, -0.7, 0.0, 1.0, 0.0};
    std::vector<std::int64_t> counts(2);
    CHECK(relufast_breakpoint_counter_count(handle.get(), parameters.data(), counts.data()) ==
          RELUFAST_OPEN);
}

TEST_CASE("what is out of range gets a null handle and a reason") {
    const auto refused = [](const std::vector<std::int64_t>& widths, double slope, double lo,
                            double hi, const char* reason) {
        CHECK(!counter(widths, slope, lo, hi));
        CHECK(std::strstr(relufast_last_error(), reason) != nullptr);
    };
    refused({1, 5}, 0.0, -1.0, 1.0, "at least 3 entries");
    refused({1, 0, 1}, 0.0, -1.0, 1.0, "at least 1");
    constexpr std::int64_t kWide = std::int64_t{1} << 62;  // squared it would overflow
    refused({1, kWide, kWide, 1}, 0.0, -1.0, 1.0, "below 2^31");
    refused({2, 5, 1}, 0.0, -1.0, 1.0, "widths[0] must be 1");
    refused({1, 5, 1}, std::nan(""), -1.0, 1.0, "negative_slope");
    refused({1, 5, 1}, 0.0, 1.0, 1.0, "lo < hi");
    refused({1, 5, 1}, 0.0, std::nan(""), 1.0, "lo < hi");
    const relufast_blas nothing{};
    CHECK(relufast_set_blas(&nothing) == RELUFAST_ERROR);
    CHECK(std::strlen(relufast_last_error()) > 0);
}

TEST_CASE("what is missing or not finite is an error, and the handle stays good") {
    use_reference_blas();
    const auto failed_with = [](const char* reason) {
        return std::strstr(relufast_last_error(), reason) != nullptr;
    };
    CHECK(relufast_set_blas(nullptr) == RELUFAST_ERROR);
    CHECK(failed_with("functions is null"));
    CHECK(relufast_random_new(nullptr) == nullptr);
    CHECK(failed_with("words is null"));
    relufast_random_free(nullptr);
    relufast_breakpoint_counter_free(nullptr);

    const Counter handle = counter({1, 2, 1}, 0.0, -kInf, kInf);
    const std::vector<double> parameters{1.0, -1.0, 0.5, 0.5, 1.0, 1.0, 0.0};
    std::int64_t count = 0;
    const auto counted = [&](relufast_breakpoint_counter* used, const double* given,
                             std::int64_t* counts) {
        return relufast_breakpoint_counter_count(used, given, counts);
    };
    CHECK(counted(nullptr, parameters.data(), &count) == RELUFAST_ERROR);
    CHECK(failed_with("counter is null"));
    CHECK(counted(handle.get(), nullptr, &count) == RELUFAST_ERROR);
    CHECK(failed_with("parameters is null"));
    CHECK(counted(handle.get(), parameters.data(), nullptr) == RELUFAST_ERROR);
    CHECK(failed_with("counts is null"));
    for (const double value : {std::nan(""), kInf, -kInf}) {
        for (std::size_t i = 0; i < parameters.size(); ++i) {
            std::vector<double> broken = parameters;
            broken[i] = value;
            CHECK(counted(handle.get(), broken.data(), &count) == RELUFAST_ERROR);
            CHECK(failed_with("parameters must be finite"));
        }
    }
    CHECK(counted(handle.get(), parameters.data(), &count) == RELUFAST_OK);
    CHECK(count == 2);
}

TEST_CASE("random numbers only depend on the seed, and go on where a call ended") {
    const Random one = seeded(7);
    const Random other = seeded(7);
    const Random different = seeded(8);
    std::vector<double> a(1000);
    std::vector<double> b(1000);
    std::vector<double> c(1000);
    relufast_random_normals(one.get(), a.data(), 1000);
    relufast_random_normals(other.get(), b.data(), 1000);
    relufast_random_normals(different.get(), c.data(), 1000);
    CHECK(a == b);
    CHECK(a != c);
    relufast_random_normals(one.get(), b.data(), 1000);
    CHECK(a != b);
    double sum = 0.0;
    double square = 0.0;
    for (int call = 0; call < 1000; ++call) {
        relufast_random_normals(one.get(), a.data(), 1000);
        for (const double value : a) {
            sum += value;
            square += value * value;
        }
    }
    CHECK(std::fabs(sum / 1e6) < 5.0 * 1e-3);
    CHECK(std::fabs(square / 1e6 - 1.0) < 5.0 * std::sqrt(2.0) * 1e-3);
    relufast_random_normals(one.get(), nullptr, 0);
}

TEST_CASE("a state of zeros does not stand still") {
    const std::vector<std::uint64_t> zeros(RELUFAST_SEED_WORDS, 0);
    const Random random{relufast_random_new(zeros.data()), relufast_random_free};
    std::vector<double> values(10'000);
    relufast_random_normals(random.get(), values.data(), 10'000);
    double square = 0.0;
    for (const double value : values) {
        square += value * value;
    }
    CHECK(std::fabs(square / 1e4 - 1.0) < 0.1);
}

TEST_CASE("a program can tell whether it was built for this library") {
    CHECK(relufast_capi_version() == RELUFAST_CAPI_VERSION);
}
