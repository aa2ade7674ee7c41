#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include "../src/narrow_columns.hpp"
#include "gaussian_network.hpp"
#include "reference_blas.hpp"
#include "relufast/breakpoints.hpp"
#include "relufast/buffer.hpp"
#include "relufast/narrow_solver.hpp"
#include "relufast/rounding.hpp"

namespace {

using relufast::Breakpoints;
using relufast::Buffer;
using relufast::Line;
using relufast::NarrowSolver;
using relufast::Network;
using relufast::testing::build;
using relufast::testing::gaussian;
using relufast::testing::Parameters;

constexpr double kInf = std::numeric_limits<double>::infinity();

// By tiles, which an explicit size asks for.
Breakpoints by_tiles(Network& network, const Line& line) {
    relufast::blas::set_functions(relufast::testing::reference_blas_lp64());
    relufast::BreakpointOptions options;
    options.tile_size = 4096;
    return relufast::find_breakpoints(network, line, options);
}

std::optional<Breakpoints> by_narrow(const Network& network, const Line& line) {
    return NarrowSolver().find(network, line);
}

void check_same(const Breakpoints& a, const Breakpoints& b) {
    REQUIRE(a.x.size() == b.x.size());
    CHECK(a.reaches_output == b.reaches_output);
    CHECK(a.open_after == b.open_after);
    CHECK(a.first_crossing == b.first_crossing);
    CHECK(a.layers == b.layers);
    CHECK(a.neurons == b.neurons);
    for (std::size_t k = 0; k < a.x.size(); ++k) {
        const bool is_near =
            a.x[k] == b.x[k] || std::fabs(a.x[k] - b.x[k]) <= a.x_error[k] + b.x_error[k];
        CHECK(is_near);
    }
}

std::vector<std::int64_t> counts_of(const Breakpoints& found, int depth) {
    std::vector<std::int64_t> counts(static_cast<std::size_t>(depth), 0);
    for (const std::int32_t layer : found.layers) {
        ++counts[static_cast<std::size_t>(layer - 1)];
    }
    return counts;
}

Buffer<double> normals(std::uint64_t layer, std::int64_t count) {
    Buffer<double> values(static_cast<std::size_t>(count));
    double bias = 0.0;
    relufast::fill_layer(7, layer, 0, 1, count, 1.0, 1.0, values.data(), &bias);
    return values;
}

double gap(double a, double b) { return std::fabs(a - b); }

}  // namespace

TEST_CASE("narrow networks have the knots that tiles find") {
    int n_answers = 0;
    int n_networks = 0;
    const std::vector<std::vector<std::int64_t>> shapes{
        {1, 1, 1},          {1, 64, 1},         {1, 7, 9, 1},          {1, 8, 16, 1},
        {1, 50, 50, 50, 1}, {1, 33, 64, 2, 3},  {1, 64, 63, 17, 1},    {1, 5, 5, 5, 5, 5, 5, 1},
        {1, 3, 40, 3, 1},   {1, 2, 2, 2, 2, 1}, {1, 20, 20, 20, 20, 2}};
    for (const double slope : {0.0, 0.25, -0.5}) {
        for (const auto& shape : shapes) {
            for (std::uint64_t seed = 0; seed < 12; ++seed) {
                const auto network = build(gaussian(shape, seed, 0.5, slope));
                for (const double end : {2.0, 1000.0, kInf}) {
                    const Line line = relufast::axis_line(network->layer(1), -end, end);
                    const Breakpoints expected = by_tiles(*network, line);
                    ++n_networks;
                    const std::optional<Breakpoints> found = by_narrow(*network, line);
                    CAPTURE(shape.size());
                    CAPTURE(seed);
                    CAPTURE(slope);
                    if (found) {
                        ++n_answers;
                        check_same(*found, expected);
                        NarrowSolver counter;
                        std::vector<std::int64_t> counts(shape.size() - 2);
                        CHECK(counter.count(*network, line, counts.data()));
                        CHECK(counts == counts_of(expected, network->depth()));
                    }
                }
            }
        }
    }
    // Without an answer are those where something is zero beyond doubt, along a whole stretch.
    CHECK(n_answers > n_networks * 3 / 4);
}

TEST_CASE("a narrow segment's knots are those of tiles") {
    int n_answers = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const auto network = build(gaussian({5, 30, 30, 30, 2}, seed));
        const std::vector<double> start{0.5, -1.0, 2.0, 0.0, 1.0};
        const std::vector<double> stop{-1.0, 1.5, 0.25, 3.0, -0.5};
        for (const double end : {1.0, kInf}) {
            const Line line = relufast::segment_line(network->layer(1), start.data(), stop.data(),
                                                     end == 1.0 ? 0.0 : -end, end);
            const std::optional<Breakpoints> found = by_narrow(*network, line);
            if (found) {
                ++n_answers;
                check_same(*found, by_tiles(*network, line));
            }
        }
    }
    CHECK(n_answers > 30);
}

TEST_CASE("a first-layer neuron whose slope is not known to differ from zero has no root") {
    Parameters parameters = gaussian({2, 4, 4, 1}, 1);
    const std::vector<double> start{0.0, 0.0};
    const std::vector<double> stop{1.0, -1.0};
    const auto answer = [&] {
        const auto network = build(parameters);
        return by_narrow(*network, relufast::segment_line(network->layer(1), start.data(),
                                                          stop.data(), -1.0, 1.0));
    };
    REQUIRE(answer());
    parameters.biases[0][2] = 0.0;
    const std::optional<Breakpoints> at_zero = answer();
    REQUIRE(at_zero);
    CHECK(std::count(at_zero->x.begin(), at_zero->x.end(), 0.0) == 1);
    // Its terms cancel, and their errors do not.
    parameters.weights[0][4] = parameters.weights[0][5] = 0.75;
    CHECK_FALSE(answer());
}

TEST_CASE("what is too close to call has no answer from a narrow network") {
    Parameters parameters = gaussian({1, 6, 6, 6, 1}, 3);
    const auto has_answer = [&] {
        const auto network = build(parameters);
        return by_narrow(*network, relufast::axis_line(network->layer(1), -kInf, kInf)).has_value();
    };
    REQUIRE(has_answer());
    SUBCASE("two neurons of the first layer that turn together") {
        parameters.weights[0][1] = parameters.weights[0][0];
        parameters.biases[0][1] = parameters.biases[0][0];
    }
    // A neuron of the second layer that turns.
    const auto network = build(parameters);
    const Breakpoints found =
        by_tiles(*network, relufast::axis_line(network->layer(1), -kInf, kInf));
    const auto at = std::find(found.layers.begin(), found.layers.end(), 2);
    REQUIRE(at != found.layers.end());
    const auto turns = static_cast<std::size_t>(
        found.neurons[static_cast<std::size_t>(at - found.layers.begin())]);
    const std::size_t other = (turns + 1) % 6;
    SUBCASE("two neurons of another layer") {
        for (std::size_t j = 0; j < 6; ++j) {
            parameters.weights[1][6 * other + j] = parameters.weights[1][6 * turns + j];
        }
        parameters.biases[1][other] = parameters.biases[1][turns];
    }
    SUBCASE("a neuron that is zero wherever another one is inactive") {
        std::fill_n(parameters.weights[2].begin(), 6, 0.0);
        parameters.weights[2][turns] = 1.0;
        parameters.biases[2][0] = 0.0;
    }
    SUBCASE("a share in the output that cancels") {
        std::copy_n(parameters.weights[2].begin(), 6, parameters.weights[2].begin() + 6);
        parameters.biases[2][1] = parameters.biases[2][0];
        parameters.weights[3] = {1.0, -1.0, 0.0, 0.0, 0.0, 0.0};
    }
    SUBCASE("an overflow") { parameters.weights[1][3] = 1e300; }
    CHECK_FALSE(has_answer());
}

TEST_CASE("where shares in the output cancel, narrow networks do not see one") {
    int n_cancelled = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        Parameters parameters = gaussian({1, 8, 8, 4, 1}, seed);
        // Two neurons of the last layer that turn apart, and otherwise undo each other; the two
        // others leave roundings behind.
        std::copy_n(parameters.weights[2].begin(), 8, parameters.weights[2].begin() + 8);
        parameters.biases[2][0] = 1.0;
        parameters.biases[2][1] = 1.5;
        parameters.weights[3][1] = -parameters.weights[3][0];
        const auto network = build(parameters);
        const Line line = relufast::axis_line(network->layer(1), -kInf, kInf);
        const Breakpoints expected = by_tiles(*network, line);
        const bool is_cancelled = std::count(expected.reaches_output.begin() + 1,
                                             expected.reaches_output.end() - 1, 0) > 0;
        n_cancelled += is_cancelled ? 1 : 0;
        if (const std::optional<Breakpoints> found = by_narrow(*network, line)) {
            check_same(*found, expected);
        }
    }
    CHECK(n_cancelled > 20);
}

TEST_CASE("narrow loops hold at every width") {
    constexpr std::int64_t kRows = 64;
    for (std::int64_t stride = 8; stride <= 64; stride += 8) {
        const Buffer<double> matrix = normals(1, kRows * stride);
        const Buffer<double> factors = normals(2, 64);
        Buffer<double> out(64);
        for (const std::uint64_t rows :
             {std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{0b1011},
              std::uint64_t{0x123456789abcdef0}, ~std::uint64_t{0}}) {
            std::fill_n(out.data(), 64, 99.0);
            relufast::multiply_rows(matrix.data(), stride, rows, factors.data(), out.data());
            for (std::int64_t j = 0; j < kRows; ++j) {
                const double* const row = matrix.data() + j * stride;
                double sum = 0.0;
                double size = 0.0;
                for (std::int64_t i = 0; i < stride; ++i) {
                    sum += row[i] * factors.data()[i];
                    size += std::fabs(row[i] * factors.data()[i]);
                }
                const double bound = 2.0 * relufast::gamma(stride + 1) * size;
                const relufast::MaskedProduct all =
                    relufast::multiply_masked(~std::uint64_t{0}, 0.0, factors.data(), row, stride);
                CHECK(gap(all.product, sum) <= bound);
                const bool is_asked_for = (rows >> j & 1) != 0;
                CHECK(gap(out.data()[j], is_asked_for ? sum : 99.0) <=
                      (is_asked_for ? bound : 0.0));
            }

            const double square =
                relufast::mask_narrow(rows, -0.5, factors.data(), out.data(), stride);
            double expected = 0.0;
            for (std::int64_t i = 0; i < stride; ++i) {
                const double masked =
                    (rows >> i & 1) != 0 ? factors.data()[i] : -0.5 * factors.data()[i];
                CHECK(out.data()[i] == masked);
                expected += masked * masked;
            }
            CHECK(square == doctest::Approx(expected).epsilon(1e-13));
            const relufast::MaskedProduct share =
                relufast::multiply_masked(rows, -0.5, factors.data(), matrix.data(), stride);
            CHECK(share.square == doctest::Approx(expected).epsilon(1e-13));
            CHECK(share.product ==
                  doctest::Approx(
                      std::inner_product(out.data(), out.data() + stride, matrix.data(), 0.0))
                      .epsilon(1e-12));
        }
    }
}

TEST_CASE("two sums of a narrow matrix's rows are those of one after the other") {
    constexpr std::int64_t kRows = 64;
    for (std::int64_t stride = 8; stride <= 64; stride += 8) {
        const Buffer<double> matrix = normals(1, kRows * stride);
        const Buffer<double> factors[] = {normals(2, kRows), normals(3, kRows)};
        Buffer<double> sums[] = {Buffer<double>(65), Buffer<double>(65)};
        for (const std::uint64_t rows :
             {std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{0b1011},
              std::uint64_t{0x123456789abcdef0}, ~std::uint64_t{0}}) {
            for (Buffer<double>& sum : sums) {
                std::fill_n(sum.data(), 65, 99.0);
            }
            const double* const from[] = {factors[0].data(), factors[1].data()};
            double* const out[] = {sums[0].data(), sums[1].data()};
            relufast::multiply_two(matrix.data(), stride, rows, from, out);
            for (std::size_t c = 0; c < 2; ++c) {
                for (std::int64_t i = 0; i < stride; ++i) {
                    double sum = 0.0;
                    double size = 0.0;
                    for (std::int64_t j = 0; j < kRows; ++j) {
                        if ((rows >> j & 1) != 0) {
                            const double term = from[c][j] * matrix.data()[j * stride + i];
                            sum += term;
                            size += std::fabs(term);
                        }
                    }
                    CHECK(gap(out[c][i], sum) <= 2.0 * relufast::gamma(kRows + 1) * size);
                }
                CHECK(out[c][stride] == 99.0);
            }
        }
    }
}

TEST_CASE("a linear form turns, and is evaluated") {
    for (std::int64_t stride = 8; stride <= 64; stride += 8) {
        const auto n = static_cast<std::size_t>(stride);
        const Buffer<double> slopes = normals(1, stride);
        const Buffer<double> intercepts = normals(2, stride);
        const Buffer<double> turning = normals(3, stride);
        relufast::LinearForm form;
        std::copy(slopes.begin(), slopes.end(), form.slopes);
        std::copy(intercepts.begin(), intercepts.end(), form.intercepts);
        Buffer<double> out(n + 1);
        out[n] = 99.0;
        relufast::turn_and_evaluate(form, 0.5, -2.0, turning.data(), 3.0, 1.0, out.data(), stride);
        for (std::size_t i = 0; i < n; ++i) {
            const double slope = slopes[i] + 0.5 * turning[i];
            const double intercept = intercepts[i] - 2.0 * turning[i];
            CHECK(gap(form.slopes[i], slope) <= 1e-15);
            CHECK(gap(form.intercepts[i], intercept) <= 1e-15);
            CHECK(gap(out[i], 3.0 * slope + intercept) <= 1e-14);
        }
        CHECK(out[n] == 99.0);
    }
}

TEST_CASE("columns are combined, and bent by any number of neurons") {
    constexpr std::int64_t kMost = 64;
    const Buffer<double> outgoing = normals(3, kMost * kMost);
    for (std::int64_t stride = 8; stride <= kMost; stride += 8) {
        const auto n = static_cast<std::size_t>(stride);
        const Buffer<double> a = normals(1, stride);
        const Buffer<double> b = normals(2, stride);
        for (const std::int64_t n_turning : {0, 1, 2, 7, 64}) {
            std::vector<relufast::Deviation> deviations;
            for (std::int64_t t = 0; t < n_turning; ++t) {
                deviations.push_back(
                    {0.25 * static_cast<double>(t - 1), outgoing.data() + t * stride});
            }
            Buffer<double> out(n + 1);
            out[n] = 99.0;
            relufast::combine_and_bend(0.75, a.data(), -0.5, b.data(), deviations, out.data(),
                                       stride);
            for (std::size_t i = 0; i < n; ++i) {
                double sum = 0.75 * a[i] - 0.5 * b[i];
                double size = std::fabs(0.75 * a[i]) + std::fabs(0.5 * b[i]);
                for (const relufast::Deviation& deviation : deviations) {
                    sum += deviation.factor * deviation.outgoing[i];
                    size += std::fabs(deviation.factor * deviation.outgoing[i]);
                }
                CHECK(gap(out[i], sum) <= 2.0 * relufast::gamma(n_turning + 2) * size);
            }
            CHECK(out[n] == 99.0);
        }
    }
}

TEST_CASE("ranks of numbers, equal ones in their order") {
    const std::vector<double> numbers{3.0, -1.0, 3.0, -kInf, 0.0, -1.0, 7.0, 2.0, 3.0};
    for (std::size_t n = 0; n <= numbers.size(); ++n) {
        std::vector<double> filled(numbers.begin(),
                                   numbers.begin() + static_cast<std::ptrdiff_t>(n));
        filled.resize(16, kInf);
        std::vector<std::int32_t> ranks(n);
        relufast::rank_numbers(filled.data(), static_cast<std::int64_t>(n), ranks.data());
        std::vector<std::size_t> order(n);
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return numbers[a] < numbers[b]; });
        for (std::size_t k = 0; k < n; ++k) {
            CHECK(ranks[order[k]] == static_cast<std::int32_t>(k));
        }
    }
}

TEST_CASE("a narrow scan decides each neuron by its own bound") {
    for (const std::int64_t n : {1, 7, 8, 50, 64}) {
        const Parameters parameters = gaussian({n, n, 1}, 5);
        const auto network = build(parameters);
        const relufast::Layer& layer = network->layer(1);
        const auto scan = [&](std::vector<double> z, double beta) {
            z.resize(64, 0.0);
            return relufast::add_biases_and_decide(z.data(), layer.narrow_biases, 1.0, beta, 0.0,
                                                   0.0);
        };
        std::vector<double> z(static_cast<std::size_t>(n));
        double least = kInf;  // the beta from which on a sign is open
        double square = 0.0;
        std::uint64_t active = 0;
        for (std::size_t i = 0; i < z.size(); ++i) {
            z[i] = (i % 2 == 0 ? 1.0 : -1.0) * (2.0 + static_cast<double>(i));
            const double value = z[i] + layer.biases[i];
            least = std::min(least, std::fabs(value) / layer.row_norms[i]);
            square += value * value;
            active |= std::uint64_t{value > 0.0} << i;
        }
        const relufast::NarrowScan decided = scan(z, least * (1.0 - 0x1p-40));
        CHECK(decided.active == active);
        CHECK(decided.square == doctest::Approx(square).epsilon(1e-13));
        CHECK(scan(z, least * (1.0 + 0x1p-40)).square == kInf);
        z.back() = std::numeric_limits<double>::quiet_NaN();
        CHECK(scan(z, 0.0).square == kInf);
    }
}
