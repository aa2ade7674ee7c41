#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "gaussian_network.hpp"
#include "reference_blas.hpp"
#include "relufast/breakpoints.hpp"
#include "relufast/double_double.hpp"
#include "relufast/error.hpp"
#include "relufast/line.hpp"
#include "relufast/normals.hpp"
#include "relufast/sweep.hpp"

namespace {

using relufast::BreakpointOptions;
using relufast::Breakpoints;
using relufast::testing::build;
using relufast::testing::gaussian;
using relufast::testing::Parameters;

constexpr double kInf = std::numeric_limits<double>::infinity();

Breakpoints solve(const Parameters& parameters, double lo, double hi,
                  const BreakpointOptions& options = {}) {
    relufast::blas::set_functions(relufast::testing::reference_blas_lp64());
    const auto network = build(parameters);
    return relufast::find_breakpoints(*network, relufast::axis_line(network->layer(1), lo, hi),
                                      options);
}

// All activities at a point, evaluated in long double, layer after layer.
std::vector<bool> activities(const Parameters& parameters, double x) {
    std::vector<bool> active;
    std::vector<long double> h{x};
    for (std::size_t l = 0; l + 1 < parameters.weights.size(); ++l) {
        std::vector<long double> next(parameters.biases[l].begin(), parameters.biases[l].end());
        for (std::size_t i = 0; i < next.size(); ++i) {
            for (std::size_t j = 0; j < h.size(); ++j) {
                next[i] += static_cast<long double>(parameters.weights[l][i * h.size() + j]) * h[j];
            }
            active.push_back(next[i] > 0.0L);
            next[i] = next[i] > 0.0L
                          ? next[i]
                          : static_cast<long double>(parameters.negative_slope) * next[i];
        }
        h = std::move(next);
    }
    return active;
}

bool is_proven(const Breakpoints& found) {
    return std::none_of(found.open_after.begin(), found.open_after.end(),
                        [](std::uint8_t open) { return open != 0; });
}

// Between two knots nothing changes, and at each knot what it says changes.
void check_activities(const Parameters& parameters, const Breakpoints& found) {
    std::vector<std::size_t> offset(parameters.widths.size(), 0);
    for (std::size_t l = 1; l < parameters.widths.size(); ++l) {
        offset[l] =
            offset[l - 1] + (l > 1 ? static_cast<std::size_t>(parameters.widths[l - 1]) : 0);
    }
    const auto middle = [&](std::size_t k) {
        const double a = found.x[k];
        const double b = found.x[k + 1];
        return std::isinf(a) ? b - 1.0 - std::fabs(b)
                             : (std::isinf(b) ? a + 1.0 + std::fabs(a) : a + 0.5 * (b - a));
    };
    std::vector<bool> state = activities(parameters, middle(0));
    for (std::size_t k = 1; k + 1 < found.x.size(); ++k) {
        for (auto c = static_cast<std::size_t>(found.first_crossing[k]);
             c < static_cast<std::size_t>(found.first_crossing[k + 1]); ++c) {
            const std::size_t neuron = offset[static_cast<std::size_t>(found.layers[c])] +
                                       static_cast<std::size_t>(found.neurons[c]);
            state[neuron] = !state[neuron];
        }
        const double gap = found.x[k + 1] - found.x[k];
        if (gap > 4.0 * (found.x_error[k] + found.x_error[k + 1])) {
            CHECK(activities(parameters, middle(k)) == state);
        }
    }
}

}  // namespace

TEST_CASE("double-double holds sums and products") {
    using relufast::DoubleDouble;
    const DoubleDouble third = DoubleDouble(1.0) / DoubleDouble(3.0);
    const DoubleDouble rest = third * DoubleDouble(3.0) - DoubleDouble(1.0);
    CHECK(std::fabs(rest.hi) < 0x1p-100);
    const DoubleDouble sum = relufast::two_sum(1.0, 0x1p-80);
    CHECK(sum.hi == 1.0);
    CHECK(sum.lo == 0x1p-80);
    const DoubleDouble product = relufast::two_product(1.0 + 0x1p-30, 1.0 - 0x1p-30);
    CHECK(product.hi == 1.0);
    CHECK(product.lo == -0x1p-60);
}

TEST_CASE("knots tell the activities, for any tiles and threads") {
    for (const double slope : {0.0, 0.1, -0.5}) {
        const Parameters parameters = gaussian({1, 40, 30, 30, 25, 2}, 5, 0.5, slope);
        BreakpointOptions options;
        options.worth_threads = 0.0;
        const Breakpoints reference = solve(parameters, -kInf, kInf, options);
        REQUIRE(is_proven(reference));
        CHECK(reference.layers.size() > 60);
        check_activities(parameters, reference);
        for (const std::int64_t tile_size : {1, 3, 16}) {
            options.tile_size = tile_size;
            options.n_threads = 1;
            const Breakpoints one = solve(parameters, -kInf, kInf, options);
            options.n_threads = 3;
            const Breakpoints three = solve(parameters, -kInf, kInf, options);
            CHECK(one.x == three.x);
            CHECK(one.x_error == three.x_error);
            CHECK(one.layers == reference.layers);
            CHECK(one.neurons == reference.neurons);
            CHECK(one.reaches_output == reference.reaches_output);
            CHECK(three.reaches_output == reference.reaches_output);
        }
    }
}

TEST_CASE("nothing reaches the output past a layer that sends nothing") {
    for (const std::size_t silent : {1, 2, 3}) {
        Parameters parameters = gaussian({1, 12, 9, 7, 1}, 11, 0.5, 0.0);
        std::fill(parameters.weights[silent].begin(), parameters.weights[silent].end(), 0.0);
        std::fill(parameters.biases[silent].begin(), parameters.biases[silent].end(), 0.0);
        for (const std::int64_t tile_size : {0, 2, 5}) {
            BreakpointOptions options;
            options.tile_size = tile_size;
            const Breakpoints found = solve(parameters, -kInf, kInf, options);
            CAPTURE(silent);
            CAPTURE(tile_size);
            REQUIRE(is_proven(found));
            CHECK(found.layers.size() > 5);
            CHECK(std::count(found.reaches_output.begin(), found.reaches_output.end(), 1) == 0);
        }
    }
}

TEST_CASE("many threads and a wide network") {
    BreakpointOptions options;
    options.n_threads = 4;
    options.tile_size = 24;
    const Parameters parameters = gaussian({1, 160, 160, 160, 160, 1}, 2);
    const Breakpoints found = solve(parameters, -100.0, 100.0, options);
    CHECK(is_proven(found));
    options.n_threads = 1;
    const Breakpoints alone = solve(parameters, -100.0, 100.0, options);
    CHECK(found.x == alone.x);
    CHECK(found.neurons == alone.neurons);
}

TEST_CASE("without biases all meet at zero") {
    const Parameters parameters = gaussian({1, 20, 20, 20, 1}, 3, 0.0);
    const Breakpoints found = solve(parameters, -kInf, kInf);
    CHECK(is_proven(found));
    CHECK(found.x == std::vector<double>{-kInf, 0.0, kInf});
    check_activities(parameters, found);
}

TEST_CASE("equal neurons leave their order open, and nothing else") {
    Parameters parameters = gaussian({1, 12, 12, 1}, 4);
    std::copy_n(&parameters.weights[1][12], 12, &parameters.weights[1][24]);
    parameters.biases[1][2] = parameters.biases[1][1];
    const Breakpoints found = solve(parameters, -kInf, kInf);
    const auto ties = std::count(found.neurons.begin(), found.neurons.end(), 2);
    CHECK(ties > 0);
    CHECK_FALSE(is_proven(found));
    CHECK_FALSE(found.undecided_x.empty());
}

TEST_CASE("extreme parameters are survived") {
    for (const double scale : {1e-300, 1e-160, 1e160, 1e300}) {
        Parameters parameters = gaussian({1, 6, 6, 6, 2}, 6);
        for (std::vector<double>& weights : parameters.weights) {
            std::transform(weights.begin(), weights.end(), weights.begin(),
                           [scale](double w) { return w * scale; });
        }
        const Breakpoints found = solve(parameters, -kInf, kInf);
        CHECK(found.x.size() >= 2);
        CHECK(found.x.front() == -kInf);
        CHECK(found.x.back() == kInf);
        CHECK(std::none_of(found.x.begin(), found.x.end(), [](double x) { return std::isnan(x); }));
        CHECK(std::is_sorted(found.x.begin(), found.x.end()));
    }
}

TEST_CASE("knots rise, and stay in the interval") {
    constexpr double kLargest = std::numeric_limits<double>::max();
    const auto check = [](const Parameters& parameters, double lo, double hi, bool certify) {
        BreakpointOptions options;
        options.certify = certify;
        const Breakpoints found = solve(parameters, lo, hi, options);
        CHECK(found.layers.size() > 0);
        CHECK(found.x.front() == lo);
        CHECK(found.x.back() == hi);
        CHECK(std::is_sorted(found.x.begin(), found.x.end()));
    };
    // A root beyond float64, or unknown, before a finite end.
    check({{1, 2, 1, 1},
           {{-0.5, -2.5}, {-1.5, -1.0}, {1.0}},
           {{0.6 * kLargest, -0.3 * kLargest}, {0.0}, {0.0}}},
          -kInf, kLargest, true);
    // One within reach of float64 beyond one that is not.
    check({{1, 2, 1, 1}, {{4e-301, -2e-301}, {-0.1, -1.0}, {1.0}}, {{7e18, -5e306}, {1.0}, {0.0}}},
          -kInf, kInf, true);
    // Roots that only rounding keeps apart, in an order that nothing proves.
    Parameters fan{{1, 1, 30, 1},
                   {{1.0}, std::vector<double>(30), std::vector<double>(30, 1.0)},
                   {{0.0}, std::vector<double>(30), {0.0}}};
    for (std::size_t i = 0; i < 30; ++i) {
        fan.weights[1][i] = 0.1 * static_cast<double>(i + 1);
        fan.biases[1][i] = -0.7 * fan.weights[1][i];
    }
    check(fan, -1.0, 0.95, false);
    check(fan, -1.0, 0.95, true);
}

TEST_CASE("a segment's knots are those of its line") {
    relufast::blas::set_functions(relufast::testing::reference_blas_lp64());
    const Parameters parameters = gaussian({3, 20, 20, 1}, 8);
    const auto network = build(parameters);
    const std::vector<double> start{0.5, -1.0, 2.0};
    const std::vector<double> stop{-1.0, 1.5, 0.25};
    const auto solve_between = [&](double lo, double hi) {
        return relufast::find_breakpoints(
            *network, relufast::segment_line(network->layer(1), start.data(), stop.data(), lo, hi),
            {});
    };
    const Breakpoints segment = solve_between(0.0, 1.0);
    const Breakpoints line = solve_between(-kInf, kInf);
    REQUIRE(is_proven(segment));
    REQUIRE(is_proven(line));
    const auto n_inside =
        std::count_if(line.x.begin(), line.x.end(), [](double x) { return x > 0.0 && x < 1.0; });
    CHECK(static_cast<std::ptrdiff_t>(segment.x.size()) == n_inside + 2);
}

TEST_CASE("windows follow one another, also where roots lie beyond float64") {
    // The first layer turns at 1.7e-36 and at the largest number, the others beyond it. The fuzzer
    // found it.
    for (const double side : {1.0, -1.0}) {
        const double largest = std::numeric_limits<double>::max();
        const Parameters parameters{
            {1, 2, 11, 1, 2},
            {{-1.1442237020340479e+36 * side, -side},
             {-0.75,
              0,
              6.7349918852978351e-97,
              -0.0009765625,
              2.9558577807620168e-12,
              2.899929447224411e-84,
              -1.776744531841793e+149,
              0.76492759089210161,
              0,
              2,
              -3.1190261509959458e+96,
              -928,
              1.668805393880401e-308,
              1048576,
              -0.3,
              -2.3283064365386963e-10,
              -1.869864923461487,
              0.1,
              -2,
              0.3,
              1e300,
              1},
             {-1.2835323328669131e+228, 0.5, -0.16666666666666666, 0.5, 0.15318726491434709, 1,
              -0.49999999999999994, -0.5, 0, -0.00048828125, -0.05},
             {47244640256, 2.2204460492503131e-16}},
            {{2, largest},
             {3, -1, 3.25, -2.75, -1, -1.4821969375237396e-323, -0.0, -3584, -3, 0.0035400390625,
              -4},
             {2},
             {3.5, 0.75}},
            0.0};
        const auto network = build(parameters);
        const double lo = side > 0.0 ? -1.0 : -kInf;
        const double hi = side > 0.0 ? kInf : 1.0;
        const relufast::Line line = relufast::axis_line(network->layer(1), lo, hi);
        for (const std::size_t n_windows : {2, 3}) {
            const relufast::Windows windows = relufast::cut_into_windows(*network, line, n_windows);
            double last = lo;
            for (std::size_t w = 0; w + 1 < windows.cuts.size(); ++w) {
                const Breakpoints part =
                    relufast::sweep_window(*network, line, windows, w, {}, 1e9);
                CHECK(std::is_sorted(part.x.begin(), part.x.end()));
                CHECK(last <= part.x.front());
                last = part.x.back();
            }
            CHECK(last == hi);
        }
    }
}

TEST_CASE("an interrupt stops the work") {
    BreakpointOptions options;
    options.interrupt = [] { return true; };
    // Longer than the kernel goes without asking, on any machine.
    std::vector<std::int64_t> widths(24, 300);
    widths.front() = widths.back() = 1;
    const Parameters parameters = gaussian(widths, 1);
    for (const int n_threads : {1, 3}) {
        options.n_threads = n_threads;
        CHECK_THROWS_AS(solve(parameters, -1000.0, 1000.0, options), relufast::Interrupted);
    }
}
