#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "reference_blas.hpp"
#include "relufast/activation_residues.hpp"
#include "relufast/activation_signs.hpp"
#include "relufast/blas.hpp"
#include "relufast/capacitated_matching.hpp"
#include "relufast/error.hpp"
#include "relufast/rank_bounds.hpp"

using namespace relufast;

namespace {

CapacitatedGraph random_graph(std::mt19937& random, std::int64_t n_sources, std::int64_t n_sinks) {
    CapacitatedGraph graph;
    graph.n_sinks = n_sinks;
    graph.reach.assign(static_cast<std::size_t>(n_sources) * graph.words(), 0);
    for (std::int64_t i = 0; i < n_sources; ++i) {
        graph.capacities.push_back(static_cast<std::int64_t>(random() % 4));
        for (std::int64_t j = 0; j < n_sinks; ++j) {
            if (random() % 3 == 0) {
                graph.reach[static_cast<std::size_t>(i) * graph.words() +
                            static_cast<std::size_t>(j / 64)] |= std::uint64_t{1} << (j % 64);
            }
        }
    }
    return graph;
}

bool reaches(const CapacitatedGraph& graph, std::size_t source, std::int64_t sink) {
    const std::uint64_t word =
        graph.reach[source * graph.words() + static_cast<std::size_t>(sink / 64)];
    return (word >> (sink % 64) & 1) != 0;
}

// The least cut, over all sets of sources that are paid for.
std::int64_t minimum_cut(const CapacitatedGraph& graph) {
    std::int64_t least = graph.n_sinks;
    const std::size_t n_sources = graph.capacities.size();
    for (std::size_t paid = 0; paid < std::size_t{1} << n_sources; ++paid) {
        std::int64_t cost = 0;
        for (std::size_t i = 0; i < n_sources; ++i) {
            cost += (paid >> i & 1) != 0 ? graph.capacities[i] : 0;
        }
        for (std::int64_t j = 0; j < graph.n_sinks; ++j) {
            bool reached = false;
            for (std::size_t i = 0; i < n_sources; ++i) {
                reached = reached || ((paid >> i & 1) == 0 && reaches(graph, i, j));
            }
            cost += reached ? 1 : 0;
        }
        least = std::min(least, cost);
    }
    return least;
}

// A network with three inputs and two layers of four neurons, of small integers.
struct Example {
    std::vector<double> first = {1, -2, 1, 2, 1, -1, -1, 0, 2, 1, 1, 1};
    std::vector<double> second = {1, 0, -1, 2, 0, 1, 1, -1, -1, -1, 2, 0, 1, 1, 1, 1};
    std::vector<double> last = {1, 1, 1, 1};
    std::vector<double> biases = {1, 0, -1, 2};
    std::vector<double> points = {1, 2, -1, 0, 0, 0, 2, -1, 1, 1, 2, -1, 3, 1, 0};  // five

    Network network(double slope) const {
        return {{3, 4, 4, 1},
                {first.data(), second.data(), last.data()},
                {biases.data(), biases.data(), biases.data()},
                slope};
    }
};

}  // namespace

TEST_CASE("a maximum flow is a minimum cut") {
    std::mt19937 random(1);
    for (int i = 0; i < 300; ++i) {
        const auto n_sources = static_cast<std::int64_t>(random() % 8);
        const auto n_sinks = static_cast<std::int64_t>(random() % (i % 10 == 0 ? 130 : 10));
        const CapacitatedGraph graph = random_graph(random, n_sources, n_sinks);
        CHECK(maximum_flow(graph) == minimum_cut(graph));
    }
}

TEST_CASE("signs, ranks and bounds of a small network") {
    blas::set_functions(testing::reference_blas_lp64());
    const Example example;
    for (const double slope : {0.0, 0.5, 1.0}) {
        Network network = example.network(slope);
        int asked = 0;
        const ExactPreactivations exact = [&](int, std::int64_t, double*) {
            ++asked;
            return false;
        };
        const ActivationSigns signs =
            activation_signs(network, example.points.data(), 5, true, exact, {});
        REQUIRE(signs.active.size() == 2);
        CHECK(signs.active[0].size() == 20);
        // Ties are open, as `exact` refuses.
        const auto n_open = std::count_if(signs.open_from.begin(), signs.open_from.end(),
                                          [](std::int32_t layer) { return layer <= 2; });
        CHECK(asked == n_open);
        const modular::Modulus modulus(7340033);
        const auto lower = activation_ranks_modulo(network, example.points.data(), signs, modulus,
                                                   {true, true}, {});
        const auto upper = rank_upper_bounds(network, signs, 3, lower, {});
        for (std::size_t l = 0; l < 2; ++l) {
            CHECK(lower[l] <= upper[l]);
            CHECK(upper[l] <= 4);
        }
        const auto second = activation_ranks_modulo(network, example.points.data(), signs, modulus,
                                                    {false, true}, {});
        CHECK(second == std::vector<std::int64_t>{-1, lower[1]});
    }
}

TEST_CASE("no points, and an interrupt") {
    blas::set_functions(testing::reference_blas_lp64());
    const Example example;
    Network network = example.network(0.0);
    const ActivationSigns none = activation_signs(network, nullptr, 0, true, {}, {});
    const modular::Modulus modulus(7340033);
    const auto lower = activation_ranks_modulo(network, nullptr, none, modulus, {true, true}, {});
    CHECK(lower == std::vector<std::int64_t>{0, 0});
    CHECK(rank_upper_bounds(network, none, 0, lower, {}) == lower);
    const Interrupt stop = [] { return true; };
    CHECK_THROWS_AS(activation_signs(network, example.points.data(), 5, true, {}, stop),
                    Interrupted);
}
