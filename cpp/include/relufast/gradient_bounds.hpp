#pragma once

#include <cmath>
#include <cstdint>

#include "relufast/network.hpp"
#include "relufast/rounding.hpp"

namespace relufast {

// Bounds on the 2-norms of a gradient with respect to a layer's preactivations, and of what it may
// be off, on its way back through the layers.
struct GradientBounds {
    double size = 0.0;
    double error = 0.0;
};

// Through the activity of a layer; `size` is that of the gradient behind it.
inline GradientBounds passed(const Network& network, const GradientBounds& before, double size) {
    return {size, network.lipschitz() * before.error +
                      kRoundoff * std::fabs(network.negative_slope()) * size};
}

// What products of a gradient's entries may lose to underflow.
inline double underflow_of(const GradientBounds& gradient, const Layer& layer) {
    return gradient.size > 0.0 ? underflow(layer.n_out) : 0.0;
}

// How far it is off below the weights of a layer.
inline double error_below(const Layer& layer, const GradientBounds& gradient,
                          std::int64_t n_roundings) {
    return (layer.spectral_norm * gradient.error +
            layer.frobenius_norm * gamma(n_roundings + 2) * gradient.size +
            underflow_of(gradient, layer) * std::sqrt(static_cast<double>(layer.n_in))) *
           kInflate;
}

// The same of one entry, a sum of so many terms.
inline double error_below(const Layer& layer, const GradientBounds& gradient, std::int64_t n_terms,
                          std::int32_t neuron) {
    const double norm = layer.column_norms[static_cast<std::size_t>(neuron)];
    return (norm * (gradient.error + gamma(n_terms + 2) * gradient.size) +
            underflow_of(gradient, layer)) *
           kInflate;
}

}  // namespace relufast
