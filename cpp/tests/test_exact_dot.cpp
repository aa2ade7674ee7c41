#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "relufast/exact_dot.hpp"

using relufast::compare_dots;
using relufast::rounded_dot_difference;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kLeast = std::numeric_limits<double>::denorm_min();

using Vector = std::vector<double>;

double difference(const Vector& g, const Vector& x, const Vector& y) {
    return rounded_dot_difference(g.data(), x.data(), y.data(),
                                  static_cast<std::int64_t>(g.size()));
}

int compare(const Vector& g, const Vector& x, const Vector& y) {
    return compare_dots(g.data(), x.data(), y.data(), static_cast<std::int64_t>(g.size()));
}

}  // namespace

TEST_CASE("Differences of dot products are those of integers, times any powers of two") {
    std::mt19937_64 random(1);
    std::uniform_int_distribution<std::int64_t> entries(-(1 << 24), 1 << 24);
    for (int round = 0; round < 200; ++round) {
        Vector g(9), x(9), y(9);
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < g.size(); ++i) {
            const std::int64_t a = entries(random);
            const std::int64_t b = entries(random);
            // Near to each other every now and then.
            const std::int64_t c = round % 2 == 0 ? entries(random) : b + (i == 4 ? round % 3 : 0);
            sum += a * (b - c);
            g[i] = std::ldexp(static_cast<double>(a), -500);
            x[i] = std::ldexp(static_cast<double>(b), 520);
            y[i] = std::ldexp(static_cast<double>(c), 520);
        }
        // Below 2^53, so that this is exact.
        CHECK(difference(g, x, y) == std::ldexp(static_cast<double>(sum), 20));
        CHECK(compare(g, x, y) == (sum > 0) - (sum < 0));
    }
}

TEST_CASE("They are rounded once, ties to even, in all of float64") {
    // 1 + 2^-53 is a tie; a little more is not.
    CHECK(difference({1.0, 1.0}, {1.0, 0x1p-53}, {0.0, 0.0}) == 1.0);
    CHECK(difference({1.0, 1.0, 1.0}, {1.0, 0x1p-53, 0x1p-1000}, {0.0, 0.0, 0.0}) == 1.0 + 0x1p-52);
    CHECK(difference({1.0, 1.0, 1.0}, {1.0, 0x1p-53, -0x1p-1000}, {0.0, 0.0, 0.0}) == 1.0);
    CHECK(difference({1.0, 1.0}, {1.0 + 0x1p-52, 0x1p-53}, {0.0, 0.0}) == 1.0 + 0x1p-51);
    CHECK(difference({-1.0, -1.0}, {1.0 + 0x1p-52, 0x1p-53}, {0.0, 0.0}) == -1.0 - 0x1p-51);
    // What cancels is exact.
    CHECK(difference({0x1p600, 1.0}, {0x1p600, 0x1p-1074}, {0x1p600, 0.0}) == 0x1p-1074);
    CHECK(difference({1e300, 0.5, 1e300}, {1e300, 3.0, -1e300}, {0.0, 0.0, 0.0}) == 1.5);
    // Subnormal results, and such as are too small or too large for one.
    CHECK(difference({kLeast, 0.5}, {1.0, kLeast}, {0.0, 0.0}) == 2.0 * kLeast);
    CHECK(difference({kLeast}, {0.5}, {0.0}) == 0.0);
    CHECK(difference({kLeast}, {0.75}, {0.0}) == kLeast);
    CHECK(difference({kLeast}, {kLeast}, {0.0}) == 0.0);
    CHECK(difference({0x1p1023}, {2.0}, {0.0}) == kInf);
    CHECK(difference({-0x1p1023}, {0x1p1023}, {0.0}) == -kInf);
    CHECK(difference({0x1p1023, 1.0}, {1.0, 1.0}, {-0x1p-52, 0.0}) == 0x1p1023 * (1.0 + 0x1p-52));
    CHECK(difference({}, {}, {}) == 0.0);
}

TEST_CASE("Signs are exact where float64 and double-double are not") {
    CHECK(compare({1.0, 1.0}, {1.0, 0x1p-200}, {1.0, 0.0}) == 1);
    CHECK(compare({1.0, 1.0}, {1.0, -0x1p-200}, {1.0, 0.0}) == -1);
    CHECK(compare({kLeast}, {kLeast}, {0.0}) == 1);
    CHECK(compare({1e308, -1e308}, {1e308, 1e308}, {-1e308, -1e308}) == 0);
    CHECK(compare({1e308, -1e308, kLeast}, {1e308, 1e308, kLeast}, {-1e308, -1e308, 0.0}) == 1);
    CHECK(compare({3.0, -1.0}, {1.0, 3.0}, {-1.0, -3.0}) == 0);
    CHECK(compare({1.0, 2.0}, {0.0, -0.0}, {-0.0, 0.0}) == 0);
    CHECK(compare({3.0, -1.0, -1.0}, {0x1p-1074, 0x1p-1074, 0x1p-1074}, {0.0, 0.0, 0.0}) == 1);
}
