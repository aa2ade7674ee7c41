#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "relufast/network.hpp"
#include "relufast/normals.hpp"

namespace relufast::testing {

struct Parameters {
    std::vector<std::int64_t> widths;
    std::vector<std::vector<double>> weights;
    std::vector<std::vector<double>> biases;
    double negative_slope = 0.0;
};

inline Parameters gaussian(const std::vector<std::int64_t>& widths, std::uint64_t seed,
                           double bias_scale = 0.5, double negative_slope = 0.0) {
    Parameters network{widths, {}, {}, negative_slope};
    for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
        const auto n_out = static_cast<std::size_t>(widths[l + 1]);
        const auto n_in = static_cast<std::size_t>(widths[l]);
        network.weights.emplace_back(n_out * n_in);
        network.biases.emplace_back(n_out);
        fill_layer(seed, l + 1, 0, n_out, widths[l], std::sqrt(2.0 / static_cast<double>(n_in)),
                   bias_scale, network.weights.back().data(), network.biases.back().data());
    }
    return network;
}

inline std::unique_ptr<Network> build(const Parameters& parameters) {
    std::vector<const double*> weights;
    std::vector<const double*> biases;
    for (std::size_t l = 0; l < parameters.weights.size(); ++l) {
        weights.push_back(parameters.weights[l].data());
        biases.push_back(parameters.biases[l].data());
    }
    return std::make_unique<Network>(parameters.widths, weights, biases, parameters.negative_slope);
}

}  // namespace relufast::testing
