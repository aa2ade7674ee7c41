#pragma once

#include <cstdint>
#include <vector>

#include "relufast/activity.hpp"
#include "relufast/buffer.hpp"

namespace relufast {

// Layers of so few neurons that one word holds their activity. Rows and columns are filled up to
// whole vectors of eight, a stride, so that no loop over them has a remainder.

inline constexpr std::int64_t kMostNarrow = kNeuronsPerWord;

inline std::int64_t narrow_stride(std::int64_t n) { return (n + 7) / 8 * 8; }

// Activity of a narrow layer.
inline std::uint64_t all_neurons(std::int64_t n) {
    return ~std::uint64_t{0} >> (kNeuronsPerWord - n);
}

// Those that send something on.
inline std::uint64_t senders(std::uint64_t active, std::int64_t n, double negative_slope) {
    return negative_slope == 0.0 ? active : all_neurons(n);
}

inline bool sends_nothing(std::uint64_t active, double negative_slope) {
    return negative_slope == 0.0 && active == 0;
}

// What signs of a narrow layer are decided by, filled up: a neuron's is known if |z_i| > norms_i
// beta + bias_sizes_i rounding + floor. What fills up the two is negative, which is always less.
class NarrowBiases {
 public:
    void set(const std::vector<double>& biases, const std::vector<double>& norms);

    std::int64_t stride() const { return stride_; }
    const double* biases() const { return rows_.data(); }
    const double* bias_sizes() const { return rows_.data() + stride_; }
    const double* norms() const { return rows_.data() + 2 * stride_; }

 private:
    std::int64_t stride_ = 0;
    Buffer<double> rows_;
};

}  // namespace relufast
