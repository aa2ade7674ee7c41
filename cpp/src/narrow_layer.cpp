#include "relufast/narrow_layer.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "relufast/network.hpp"

namespace relufast {

void NarrowLayer::resize(std::int64_t n_in, std::int64_t n_out) {
    stride = narrow_stride(n_out);
    weights.resize(static_cast<std::size_t>(n_in * stride));
    for (AlignedArray* const array : {&biases, &bias_sizes, &norms}) {
        array->resize(static_cast<std::size_t>(stride));
    }
}

void NarrowLayer::set(const Layer& layer) {
    resize(layer.n_in, layer.n_out);
    const auto fill = [&](const double* from, double* to, double rest) {
        std::fill(std::copy_n(from, layer.n_out, to), to + stride, rest);
    };
    for (std::int64_t j = 0; j < layer.n_in; ++j) {
        fill(layer.outgoing(j), weights.data() + j * stride, 0.0);
    }
    fill(layer.biases.data(), biases.data(), 0.0);
    fill(layer.biases.data(), bias_sizes.data(), -1.0);
    std::transform(bias_sizes.data(), bias_sizes.data() + layer.n_out, bias_sizes.data(),
                   [](double bias) { return std::fabs(bias); });
    fill(layer.decision_norms.data(), norms.data(), -1.0);
}

void NarrowLayer::set(const std::vector<DoubleDouble>& slopes,
                      const std::vector<DoubleDouble>& intercepts) {
    resize(1, static_cast<std::int64_t>(slopes.size()));
    std::fill_n(weights.data(), stride, 0.0);
    std::fill_n(biases.data(), stride, 0.0);
    std::fill_n(bias_sizes.data(), stride, -1.0);
    std::fill_n(norms.data(), stride, -1.0);
    const auto leading = [](DoubleDouble value) { return value.hi; };
    std::transform(slopes.begin(), slopes.end(), weights.data(), leading);
    std::transform(intercepts.begin(), intercepts.end(), biases.data(), leading);
}

}  // namespace relufast
