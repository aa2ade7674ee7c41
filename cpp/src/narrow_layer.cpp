#include "relufast/narrow_layer.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace relufast {

void NarrowBiases::set(const std::vector<double>& biases, const std::vector<double>& norms) {
    stride_ = narrow_stride(static_cast<std::int64_t>(biases.size()));
    rows_.resize(static_cast<std::size_t>(3 * stride_));
    double* const sizes = rows_.data() + stride_;
    std::fill(std::copy(biases.begin(), biases.end(), rows_.data()), sizes, 0.0);
    std::fill_n(sizes, 2 * stride_, -1.0);
    std::transform(biases.begin(), biases.end(), sizes,
                   [](double bias) { return std::fabs(bias); });
    std::copy(norms.begin(), norms.end(), sizes + stride_);
}

}  // namespace relufast
