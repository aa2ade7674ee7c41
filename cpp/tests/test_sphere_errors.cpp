#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "relufast/great_circle.hpp"
#include "relufast/normals.hpp"
#include "relufast/sphere_errors.hpp"

namespace {

std::vector<double> random_numbers(std::int64_t count, std::uint64_t seed) {
    std::vector<double> values(static_cast<std::size_t>(count));
    relufast::normals(seed, 1, 0, values.data(), count);
    return values;
}

double relu(double z) { return std::max(z, 0.0); }

}  // namespace

TEST_CASE("The maximum on a great circle is that of many angles, at kinks and between") {
    relufast::GreatCircle circle;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const std::int64_t m = 1 + static_cast<std::int64_t>(seed % 7);
        const auto ax = random_numbers(m, 4 * seed);
        const auto ad = random_numbers(m, 4 * seed + 1);
        const auto lx = random_numbers(m, 4 * seed + 2);
        const auto ld = random_numbers(m, 4 * seed + 3);
        const auto square = [&](double cosine, double sine) {
            double sum = 0.0;
            for (std::size_t j = 0; j < ax.size(); ++j) {
                sum += std::pow(
                    relu(cosine * ax[j] + sine * ad[j]) - relu(cosine * lx[j] + sine * ld[j]), 2.0);
            }
            return sum;
        };
        const auto found = circle.maximise(m, ax.data(), ad.data(), lx.data(), ld.data());
        CHECK(found.square == doctest::Approx(square(found.cosine, found.sine)).epsilon(1e-9));
        double best = 0.0;
        for (int i = 0; i < 2000; ++i) {
            best = std::max(best, square(std::cos(i * 0.0031416), std::sin(i * 0.0031416)));
        }
        CHECK(found.square >= best * (1.0 - 1e-12));
        CHECK(found.square <= best * 1.02);
    }
}

TEST_CASE("Climbs stay on the sphere and below the bound of branch and bound") {
    for (std::int64_t n = 1; n <= 4; ++n) {
        const auto a = random_numbers(3 * n, 1);
        const auto l = random_numbers(3 * n, 2);
        const relufast::LayerPair layers{3, n, a.data(), l.data()};
        std::vector<double> points = random_numbers(20 * n, 3);
        for (std::int64_t i = 0; i < 20; ++i) {
            double square = 0.0;
            for (std::int64_t j = 0; j < n; ++j) {
                square += std::pow(points[static_cast<std::size_t>(i * n + j)], 2.0);
            }
            for (std::int64_t j = 0; j < n; ++j) {
                points[static_cast<std::size_t>(i * n + j)] /= std::sqrt(square);
            }
        }
        auto again = points;
        std::vector<double> squares(20);
        auto squares_again = squares;
        relufast::ascend_on_sphere(layers, 20, points.data(), squares.data(), 0, 1, {});
        relufast::ascend_on_sphere(layers, 20, again.data(), squares_again.data(), 0, 3, {});
        CHECK(points == again);
        CHECK(squares == squares_again);
        const auto bound = relufast::bound_on_sphere(layers, 0.0, 0.01, 1000000, {});
        const double top = *std::max_element(squares.begin(), squares.end());
        CHECK(bound.is_tight);
        CHECK(top <= bound.upper_square);
        CHECK(bound.upper_square <= 1.0202 * top);
    }
}

TEST_CASE("Branch and bound refuses dimensions that it could never finish") {
    const auto a = random_numbers(9, 1);
    CHECK_THROWS_AS(relufast::bound_on_sphere({1, 9, a.data(), a.data()}, 0.0, 0.1, 10, {}),
                    std::invalid_argument);
}
