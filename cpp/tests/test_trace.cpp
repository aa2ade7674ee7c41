#include "relufast/trace.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gaussian.hpp"
#include "relufast/activity.hpp"
#include "relufast/network.hpp"

using relufast::Network;
using relufast::Traced;
using relufast::testing::gaussian;

namespace {

constexpr std::int64_t kWidth = 70;
constexpr int kDepth = 4;

// Of its neurons few are active, so that gradients often come to an end: exactly zero.
Network sparse_network(double negative_slope) {
    std::vector<std::int64_t> widths{1};
    std::vector<std::vector<double>> weights;
    std::vector<std::vector<double>> biases;
    for (int l = 1; l <= kDepth + 1; ++l) {
        widths.push_back(l <= kDepth ? kWidth : 1);
        const std::int64_t n_in = widths[widths.size() - 2];
        weights.push_back(gaussian(n_in * widths.back(), static_cast<std::uint64_t>(l)));
        // All but a few outgoing weights of each neuron are zero.
        for (std::size_t i = 0; i < weights.back().size() && l > 1; ++i) {
            if ((i * 7) % 31 > 2) {
                weights.back()[i] = 0.0;
            }
        }
        biases.push_back(gaussian(widths.back(), static_cast<std::uint64_t>(100 + l)));
    }
    std::vector<const double*> of_weights;
    std::vector<const double*> of_biases;
    for (std::size_t l = 0; l < weights.size(); ++l) {
        of_weights.push_back(weights[l].data());
        of_biases.push_back(biases[l].data());
    }
    return Network(widths, of_weights, of_biases, negative_slope);
}

// Neurons of all layers, under patterns of activity drawn at random.
std::vector<Traced> random_knots(std::size_t count) {
    std::vector<Traced> knots;
    for (std::size_t k = 0; k < count; ++k) {
        Traced knot;
        knot.crossing.layer = static_cast<std::int32_t>(k % kDepth + 1);
        knot.crossing.neuron = static_cast<std::int32_t>((13 * k) % kWidth);
        for (int l = knot.crossing.layer + 1; l <= kDepth; ++l) {
            const std::vector<double> z = gaussian(kWidth, 1000 * k + static_cast<std::size_t>(l));
            knot.active.emplace_back(relufast::activity_words(kWidth), 0);
            for (std::size_t i = 0; i < z.size(); ++i) {
                if (z[i] > -0.5) {
                    relufast::set_active(knot.active.back().data(), i);
                }
            }
        }
        knots.push_back(knot);
    }
    return knots;
}

// Whether there is a way from the neuron to the output: with Gaussian weights, if any, the sum over
// all ways is not zero.
bool has_a_way(const Network& network, const Traced& knot) {
    std::vector<bool> reached(kWidth, false);
    reached[static_cast<std::size_t>(knot.crossing.neuron)] = true;
    for (int l = knot.crossing.layer + 1; l <= kDepth + 1; ++l) {
        const relufast::Layer& layer = network.layer(l);
        std::vector<bool> next(static_cast<std::size_t>(layer.n_out), false);
        for (std::int64_t j = 0; j < layer.n_in; ++j) {
            for (std::int64_t i = 0; i < layer.n_out; ++i) {
                const auto to = static_cast<std::size_t>(i);
                const std::size_t at = static_cast<std::size_t>(l - knot.crossing.layer - 1);
                const bool passes = l > kDepth || network.negative_slope() != 0.0 ||
                                    relufast::is_active(knot.active[at].data(), to);
                if (reached[static_cast<std::size_t>(j)] && layer.outgoing(j)[i] != 0.0 && passes) {
                    next[to] = true;
                }
            }
        }
        reached = next;
    }
    return reached[0];
}

}  // namespace

TEST_CASE("Gradients are traced back alike by rows, by a product, and on any number of threads") {
    for (const double negative_slope : {0.0, 0.5}) {
        const Network network = sparse_network(negative_slope);
        const std::vector<Traced> knots = random_knots(150);
        std::vector<const Traced*> all;
        for (const Traced& knot : knots) all.push_back(&knot);
        const std::vector<std::uint8_t> together = relufast::trace_back(network, all, 1, {});
        CHECK(together == relufast::trace_back(network, all, 3, {}));
        std::size_t n_reaching = 0;
        for (std::size_t k = 0; k < knots.size(); ++k) {
            const bool reaches = has_a_way(network, knots[k]);
            n_reaching += reaches ? 1 : 0;
            CHECK((together[k] != 0) == reaches);
            CHECK(relufast::trace_back(network, {all[k]}, 2, {}).front() == together[k]);
        }
        CHECK(n_reaching > 20);
        CHECK(n_reaching < 150);
    }
}
