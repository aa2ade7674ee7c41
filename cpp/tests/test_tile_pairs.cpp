#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <thread>
#include <vector>

#include "relufast/error.hpp"
#include "relufast/tile_pairs.hpp"

namespace {

using Order = std::vector<std::vector<std::int64_t>>;  // whom each block met, in order

// A block in two calls at once would be a race here, which the thread sanitizer sees, and lose
// entries.
Order meetings(std::int64_t n_blocks, int n_threads) {
    Order met(static_cast<std::size_t>(n_blocks));
    relufast::for_each_pair(n_blocks, n_threads, {}, [&](std::int64_t i, std::int64_t j, int) {
        met[static_cast<std::size_t>(i)].push_back(j);
        if (i != j) {
            met[static_cast<std::size_t>(j)].push_back(i);
        }
    });
    return met;
}

}  // namespace

TEST_CASE("Every block meets itself first and every other one once, in an order that is fixed") {
    for (const std::int64_t n_blocks : {0, 1, 2, 3, 4, 5, 8, 13, 40}) {
        const Order met = meetings(n_blocks, 1);
        for (std::int64_t i = 0; i < n_blocks; ++i) {
            std::vector<std::int64_t> others = met[static_cast<std::size_t>(i)];
            REQUIRE(static_cast<std::int64_t>(others.size()) == n_blocks);
            CHECK(others[0] == i);
            std::sort(others.begin(), others.end());
            for (std::int64_t j = 0; j < n_blocks; ++j) {
                CHECK(others[static_cast<std::size_t>(j)] == j);
            }
        }
        for (const int n_threads : {2, 3, 7}) {
            CHECK(meetings(n_blocks, n_threads) == met);
        }
    }
}

TEST_CASE("The work on pairs stops at an exception and at an interrupt") {
    for (const int n_threads : {1, 2, 7}) {
        CHECK_THROWS_AS(relufast::for_each_pair(9, n_threads, {},
                                                [](std::int64_t i, std::int64_t j, int) {
                                                    if (i == 2 && j == 5) {
                                                        throw std::invalid_argument("2 and 5");
                                                    }
                                                }),
                        std::invalid_argument);
        std::atomic<bool> stop = false;
        CHECK_THROWS_AS(relufast::for_each_pair(
                            400, n_threads, [&] { return stop.load(); },
                            [&](std::int64_t, std::int64_t, int) {
                                stop = true;
                                // All calls would take seconds.
                                std::this_thread::sleep_for(std::chrono::microseconds(100));
                            }),
                        relufast::Interrupted);
    }
}
