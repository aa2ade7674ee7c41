#include "relufast/spare_arrays.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdlib>
#include <future>
#include <thread>
#include <vector>

using relufast::SpareArrays;

namespace {

void* array(std::size_t n_bytes) { return std::malloc(n_bytes); }

}  // namespace

TEST_CASE("A spare array is the smallest that is large enough, and no more than twice so") {
    SpareArrays spare(10000);
    void* const large = array(1000);
    void* const middle = array(700);
    void* const small = array(400);
    REQUIRE(spare.keep(large, 1000));
    REQUIRE(spare.keep(middle, 700));
    REQUIRE(spare.keep(small, 400));
    CHECK(spare.take(600) == middle);
    CHECK(spare.take(600) == large);
    CHECK(spare.take(400) == small);
    for (void* const memory : {large, middle, small}) {
        std::free(memory);
    }
}

TEST_CASE("An array that nobody takes for long makes room for one that there is not") {
    SpareArrays spare(10000);
    void* const old = array(3000);
    REQUIRE(spare.keep(old, 3000));
    CHECK(spare.take(500) == nullptr);  // far too large
    for (int i = 0; i < 50; ++i) {
        void* const busy = array(100);
        REQUIRE(spare.keep(busy, 100));
        REQUIRE(spare.take(100) == busy);
        std::free(busy);
    }
    CHECK(spare.take(500) == nullptr);
    CHECK(spare.take(3000) == old);  // not for long yet

    REQUIRE(spare.keep(old, 3000));
    void* const newer = array(2000);
    for (int i = 0; i < 60; ++i) {
        CHECK(spare.take(500) == nullptr);
    }
    REQUIRE(spare.keep(newer, 2000));
    for (int i = 0; i < 10; ++i) {
        CHECK(spare.take(500) == nullptr);
    }
    CHECK(spare.take(2999) == nullptr);  // the old one is gone
    CHECK(spare.take(2000) == newer);
    std::free(newer);
}

TEST_CASE("No more is kept than the limit allows, and the oldest go first") {
    SpareArrays spare(2500);
    void* const beyond = array(3000);
    CHECK_FALSE(spare.keep(beyond, 3000));
    std::free(beyond);
    void* const oldest = array(1000);
    void* const newer = array(1100);
    void* const newest = array(1200);
    REQUIRE(spare.keep(oldest, 1000));
    REQUIRE(spare.keep(newer, 1100));
    REQUIRE(spare.keep(newest, 1200));
    CHECK(spare.take(1000) == newer);
    CHECK(spare.take(1000) == newest);
    std::free(newer);
    std::free(newest);

    SpareArrays none(0);
    void* const any = array(8);
    CHECK_FALSE(none.keep(any, 8));
    std::free(any);
}

TEST_CASE("Many small arrays are not kept without end") {
    SpareArrays spare(1 << 20);
    for (int i = 0; i < 500; ++i) {
        REQUIRE(spare.keep(array(16), 16));
    }
    std::size_t n_kept = 0;
    while (void* const memory = spare.take(16)) {
        std::free(memory);
        ++n_kept;
    }
    CHECK(n_kept == 256);
}

TEST_CASE("Threads never get one array at the same time") {
    SpareArrays spare(1 << 20);
    std::vector<std::future<bool>> all_own;
    for (int t = 0; t < 4; ++t) {
        all_own.push_back(std::async(std::launch::async, [&spare, t] {
            bool is_own = true;
            for (int i = 0; i < 2000; ++i) {
                void* memory = spare.take(sizeof(int));
                memory = memory == nullptr ? array(sizeof(int)) : memory;
                auto* const mark = static_cast<volatile int*>(memory);
                *mark = t;
                std::this_thread::yield();
                is_own = is_own && *mark == t;
                if (!spare.keep(memory, sizeof(int))) {
                    std::free(memory);
                }
            }
            return is_own;
        }));
    }
    for (std::future<bool>& own : all_own) {
        CHECK(own.get());
    }
}
