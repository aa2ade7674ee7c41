#include "relufast/active_search.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <vector>

#include "relufast/error.hpp"

namespace {

using relufast::FewActive;
using relufast::search_few_active;
using relufast::SearchedLayer;

std::vector<std::uint64_t> words(std::size_t n_starts) {
    std::mt19937_64 random(5);
    std::vector<std::uint64_t> result(n_starts * relufast::TrialRandom::kStateWords);
    for (std::uint64_t& word : result) {
        word = random();
    }
    return result;
}

std::vector<double> gaussian(std::size_t count) {
    std::mt19937_64 random(6);
    std::normal_distribution<double> normal;
    std::vector<double> values(count);
    for (double& value : values) {
        value = normal(random);
    }
    return values;
}

std::int64_t count(const std::vector<double>& rows, std::size_t n, const double* x,
                   const std::vector<double>& bias) {
    std::int64_t n_active = 0;
    for (std::size_t i = 0; i < rows.size() / n; ++i) {
        double z = bias.empty() ? 0.0 : bias[i];
        for (std::size_t k = 0; k < n; ++k) {
            z += rows[i * n + k] * x[k];
        }
        n_active += z > 0.0;
    }
    return n_active;
}

}  // namespace

TEST_CASE("a search counts what is active at its points, on any number of threads") {
    constexpr std::size_t kRows = 45;
    constexpr std::size_t kInputs = 5;
    const std::vector<double> rows = gaussian(kRows * kInputs);
    for (const std::vector<double>& bias : {std::vector<double>{}, gaussian(kRows)}) {
        const SearchedLayer layer(rows.data(), kRows, kInputs, bias);
        const FewActive one = search_few_active(layer, words(6), 3000, 1, {}, {});
        REQUIRE(one.n_active.size() == 6);
        REQUIRE(one.points.size() == 6 * kInputs);
        for (std::size_t start = 0; start < 6; ++start) {
            CHECK(one.n_active[start] ==
                  count(rows, kInputs, one.points.data() + start * kInputs, bias));
            CHECK(one.n_active[start] < 18);
        }
        for (const int n_threads : {2, 7}) {
            const FewActive many = search_few_active(layer, words(6), 3000, n_threads, {}, {});
            CHECK(many.n_active == one.n_active);
            CHECK(many.points == one.points);
        }
    }
}

TEST_CASE("rows and their negatives leave half, and steps are told") {
    const std::vector<double> rows = {1, 0, -1, 0, 0, 1, 0, -1};
    const SearchedLayer layer(rows.data(), 4, 2, {});
    std::int64_t told = 0;
    const FewActive found =
        search_few_active(layer, words(2), 500, 1, [&told](std::int64_t n) { told = n; }, {});
    CHECK(found.n_active == std::vector<std::int64_t>{2, 2});
    CHECK(told == 1000);
    CHECK_THROWS_AS(search_few_active(layer, words(2), 500, 1, {}, [] { return true; }),
                    relufast::Interrupted);
    CHECK_THROWS_AS(SearchedLayer(rows.data(), 0, 2, {}), std::invalid_argument);
    CHECK_THROWS_AS(SearchedLayer(rows.data(), 4, 2, std::vector<double>{1.0}),
                    std::invalid_argument);
}
