// Where the compiler lets a file do so (GCC), this one allows the fused multiply-adds that the
// build forbids: the frozen bits below then show that portable_math.hpp does not depend on that
// flag.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

// Another name than the library's, because the linker keeps only one of equal inline functions.
#define relufast relufast_fused
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC optimize("fp-contract=fast")
#ifdef __x86_64__
#pragma GCC target("fma")
#endif
#include "../src/portable_math.hpp"
#pragma GCC pop_options
#else
#include "../src/portable_math.hpp"
#endif
#undef relufast

namespace portable = relufast_fused::portable;

namespace {

bool can_run() {
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
    return __builtin_cpu_supports("fma");
#else
    return true;
#endif
}

template <class Function>
std::uint64_t hash_of_values(Function function) {
    std::uint64_t hash = 0;
    for (int i = 1; i < 100'000; ++i) {
        const double value = function(static_cast<double>(i) / 100'000.0);
        hash = (hash ^ std::bit_cast<std::uint64_t>(value)) * 0x100000001b3;
    }
    return hash;
}

}  // namespace

TEST_CASE("the bits of the portable exp and log are frozen") {
    if (!can_run()) return;
    CHECK(hash_of_values([](double x) { return portable::exp_nonpositive(-8.0 * x); }) ==
          116958048115399145u);
    CHECK(hash_of_values([](double x) { return portable::log_positive(x); }) ==
          16200628840476044629u);
    CHECK(portable::exp_nonpositive(0.0) == 1.0);
    CHECK(portable::log_positive(1.0) == 0.0);
}

TEST_CASE("the portable exp is as accurate as it says") {
    if (!can_run()) return;
    double worst = 0.0;
    for (double x = -700.0; x < -1e-9; x *= 0.9993) {
        const double exact = std::exp(x);
        worst = std::max(worst, std::abs(portable::exp_nonpositive(x) - exact) / exact);
    }
    CHECK(worst < 0x1p-51);
}

TEST_CASE("the portable log is as accurate as it says") {
    if (!can_run()) return;
    double worst = 0.0;
    for (double x = 0x1p-1022; x < 0x1p1000; x *= 1.00137) {
        const double exact = std::log(x);
        worst =
            std::max(worst, std::abs(portable::log_positive(x) - exact) / (1 + std::abs(exact)));
    }
    CHECK(worst < 0x1p-51);
}
