#include "relufast/selection.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "relufast/norms.hpp"

namespace relufast {
namespace {

// The norms of parameters whose rows are known.
void bound(Layer& layer) {
    for (std::size_t i = 0; i < layer.row_norms.size(); ++i) {
        layer.largest_decision_norm =
            std::max(layer.largest_decision_norm, layer.decision_norms[i]);
        layer.largest_bias = std::max(layer.largest_bias, std::fabs(layer.biases[i]));
    }
    layer.bias_norm = norm_bound(layer.biases.data(), layer.n_out);
    layer.frobenius_norm = norm_bound(layer.row_norms.data(), layer.n_out);
    layer.spectral_norm = layer.frobenius_norm;
}

}  // namespace

std::shared_ptr<Selection> select(const Layer& hidden, std::vector<std::int32_t> neurons,
                                  bool others_send) {
    auto selection = std::make_shared<Selection>();
    Layer& layer = selection->parameters;
    layer.n_in = hidden.n_in;
    layer.n_out = static_cast<std::int64_t>(neurons.size());
    for (const std::int32_t neuron : neurons) {
        const auto i = static_cast<std::size_t>(neuron);
        layer.biases.push_back(hidden.biases[i]);
        layer.row_norms.push_back(hidden.row_norms[i]);
        layer.decision_norms.push_back(hidden.decision_norms[i]);
    }
    bound(layer);
    layer.spectral_norm = std::min(layer.frobenius_norm, hidden.spectral_norm);
    selection->neurons = std::move(neurons);
    selection->others_send = others_send;
    return selection;
}

std::shared_ptr<Selection> outputs_of(const Layer& output, const std::vector<std::int32_t>& neurons,
                                      std::size_t n_outputs) {
    auto selection = std::make_shared<Selection>();
    Layer& layer = selection->parameters;
    layer.n_in = static_cast<std::int64_t>(neurons.size());
    layer.n_out = static_cast<std::int64_t>(n_outputs);
    layer.biases.assign(output.biases.begin(),
                        output.biases.begin() + static_cast<std::ptrdiff_t>(n_outputs));
    for (std::size_t o = 0; o < n_outputs; ++o) {
        std::vector<double> row;
        for (const std::int32_t neuron : neurons) {
            row.push_back(output.outgoing(neuron)[o]);
        }
        const double norm = norm_bound(row.data(), layer.n_in);
        layer.row_norms.push_back(norm > 0.0 ? std::max(norm, 0x1p-500) : 0.0);
    }
    layer.decision_norms = layer.row_norms;
    bound(layer);
    return selection;
}

}  // namespace relufast
