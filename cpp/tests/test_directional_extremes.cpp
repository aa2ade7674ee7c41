#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <vector>

#include "reference_blas.hpp"
#include "relufast/blas.hpp"
#include "relufast/directional_extremes.hpp"
#include "relufast/error.hpp"
#include "relufast/point_tiles.hpp"

using relufast::DirectionalExtremes;
using relufast::PointTiles;

namespace {

struct Found {
    std::vector<double> highest, lowest, widths;
    std::vector<std::int64_t> at_highest, at_lowest;

    bool operator==(const Found&) const = default;
};

Found results(const DirectionalExtremes& extremes) {
    const auto n = static_cast<std::size_t>(extremes.n_directions());
    Found found{std::vector<double>(n), std::vector<double>(n), std::vector<double>(n),
                std::vector<std::int64_t>(n), std::vector<std::int64_t>(n)};
    extremes.maxima(found.highest.data(), found.at_highest.data());
    extremes.minima(found.lowest.data(), found.at_lowest.data());
    extremes.widths(found.widths.data());
    return found;
}

template <class T>
Found furthest(const std::vector<double>& directions, const std::vector<T>& points, std::int64_t d,
               int n_threads, std::int64_t n_parts) {
    const std::int64_t n = static_cast<std::int64_t>(points.size()) / d;
    DirectionalExtremes extremes(directions.data(),
                                 static_cast<std::int64_t>(directions.size()) / d, d);
    std::vector<double> centre;
    for (std::int64_t part = 0; part < n_parts; ++part) {
        const std::int64_t begin = part * n / n_parts;
        const std::int64_t end = (part + 1) * n / n_parts;
        const PointTiles tiles(points.data() + begin * d, end - begin, d, centre, n_threads, {});
        centre = tiles.centre();
        extremes.take(tiles, n_threads, {});
    }
    return results(extremes);
}

// Of integers so small that float64 sums them exactly.
Found plain(const std::vector<double>& directions, const std::vector<double>& points,
            std::int64_t d, double scale) {
    Found found;
    const auto width = static_cast<std::size_t>(d);
    for (std::size_t g = 0; g < directions.size(); g += width) {
        double highest = 0.0;
        double lowest = 0.0;
        std::int64_t at_highest = -1;
        std::int64_t at_lowest = -1;
        for (std::size_t x = 0; x < points.size(); x += width) {
            double dot = 0.0;
            for (std::size_t i = 0; i < width; ++i) {
                dot += directions[g + i] * (points[x + i] / scale);
            }
            const auto index = static_cast<std::int64_t>(x / width);
            if (at_highest < 0 || dot > highest) {
                highest = dot;
                at_highest = index;
            }
            if (at_lowest < 0 || dot < lowest) {
                lowest = dot;
                at_lowest = index;
            }
        }
        found.highest.push_back(highest * scale);
        found.lowest.push_back(lowest * scale);
        found.widths.push_back((highest - lowest) * scale);
        found.at_highest.push_back(at_highest);
        found.at_lowest.push_back(at_lowest);
    }
    return found;
}

std::vector<double> integers(std::mt19937_64& random, std::int64_t count, int largest) {
    std::uniform_int_distribution<int> entries(-largest, largest);
    std::vector<double> values(static_cast<std::size_t>(count));
    for (double& value : values) {
        value = entries(random);
    }
    return values;
}

}  // namespace

TEST_CASE("The furthest points are those of plain loops, the first of many that tie") {
    relufast::blas::set_functions(relufast::testing::reference_blas_lp64());
    std::mt19937_64 random(2);
    struct Size {
        std::int64_t n, d, directions;
    };
    for (const Size size : {Size{1, 1, 3}, Size{33, 2, 20}, Size{700, 3, 40}, Size{1100, 64, 5},
                            Size{300, 65, 20}, Size{20, 1500, 3}}) {
        // Few values: ties abound.
        for (const int largest : {1, 1000}) {
            const std::vector<double> g = integers(random, size.directions * size.d, largest);
            std::vector<double> points = integers(random, size.n * size.d, largest);
            for (const double scale : {1.0, 0x1p-1060, 0x1p900}) {
                std::vector<double> scaled = points;
                for (double& entry : scaled) {
                    entry *= scale;
                }
                const Found expected = plain(g, scaled, size.d, scale);
                CHECK(furthest(g, scaled, size.d, 1, 1) == expected);
                CHECK(furthest(g, scaled, size.d, 7, 1) == expected);
                CHECK(furthest(g, scaled, size.d, 2, std::min<std::int64_t>(3, size.n)) ==
                      expected);
            }
            const std::vector<float> floats(points.begin(), points.end());
            CHECK(furthest(g, floats, size.d, 2, 1) == plain(g, points, size.d, 1.0));
        }
    }
}

TEST_CASE("Parts of any scale, and points that the filter cannot tell apart") {
    relufast::blas::set_functions(relufast::testing::reference_blas_lp64());
    const std::vector<double> g{1.0, -1.0, 2.0, 1.0};
    for (const double far : {1e300, 1e-300, 1.0}) {
        for (const double near : {1e300, 1e-300, 1e-5}) {
            const std::vector<double> points{
                near, 0.0, near * (1.0 + 0x1p-52), 0.0, near, 0.0, far, -far, far * 0.5, far,
                far,  -far};
            DirectionalExtremes extremes(g.data(), 2, 2);
            std::vector<double> centre;
            for (std::size_t i = 0; i < points.size(); i += 2) {
                const PointTiles tiles(points.data() + i, 1, 2, centre, 1, {});
                centre = tiles.centre();
                extremes.take(tiles, 1, {});
            }
            CHECK(results(extremes) == furthest(g, points, 2, 1, 1));
            const Found found = results(extremes);
            for (std::size_t direction = 0; direction < 2; ++direction) {
                for (std::size_t i = 0; i < points.size(); i += 2) {
                    const double dot =
                        g[2 * direction] * points[i] + g[2 * direction + 1] * points[i + 1];
                    CHECK(found.highest[direction] >= dot);
                    CHECK(found.lowest[direction] <= dot);
                }
            }
        }
    }
    // Thousands of equal points, and one that reaches further by the last bit.
    std::vector<double> points(3000, 0.1);
    points[2 * 1234] = std::nextafter(0.1, 1.0);
    const Found found = furthest({1.0, 0.0, 0.0, 1.0}, points, 2, 2, 2);
    CHECK(found.at_highest == std::vector<std::int64_t>{1234, 0});
    CHECK(found.at_lowest == std::vector<std::int64_t>{0, 0});
}

TEST_CASE("A direction of zeros ties all points") {
    const Found found =
        furthest(std::vector<double>{0.0, 0.0}, std::vector<double>{1, 2, 3, 4}, 2, 1, 2);
    const Found expected{{0.0}, {0.0}, {0.0}, {0}, {0}};
    CHECK(found == expected);
}

TEST_CASE("Differences beyond float64 pass the filter") {
    const double huge = 1.7e308;
    const std::vector<double> points{huge, 0.0, -huge, 0.0, huge, 1.0};
    const Found found = furthest(std::vector<double>{0.25, 1.0}, points, 2, 1, 1);
    CHECK(found.at_highest[0] == 2);  // by 1.0, which float64 loses in the sum
    CHECK(found.at_lowest[0] == 1);
}

TEST_CASE("Parts that do not fit are refused") {
    const std::vector<double> g{1.0, 2.0};
    const std::vector<double> points{1.0, 2.0, 3.0, 4.0, 5.0, 6.0};
    DirectionalExtremes extremes(g.data(), 1, 2);
    const PointTiles other(points.data(), 2, 3, {}, 1, {});
    CHECK_THROWS_AS(extremes.take(other, 1, {}), std::invalid_argument);
    extremes.take(PointTiles(points.data(), 2, 2, {}, 1, {}), 1, {});
    CHECK_THROWS_AS(extremes.take(PointTiles(points.data(), 1, 2, {}, 1, {}), 1, {}),
                    std::invalid_argument);
}
