#pragma once

#include <cstdint>
#include <vector>

#include "relufast/activity.hpp"
#include "relufast/aligned_array.hpp"
#include "relufast/double_double.hpp"

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

struct Layer;

// A layer's parameters once more, filled up.
struct NarrowLayer {
    std::int64_t stride = 0;
    AlignedArray weights;  // (n_in, stride): W transposed, zeros at the end
    AlignedArray biases;
    // For deciding signs: a neuron's is known if |z_i| > norms_i beta + bias_sizes_i rounding +
    // floor. What fills them up is negative, which is always less.
    AlignedArray bias_sizes;
    AlignedArray norms;

    // From a layer of at most kMostNarrow inputs and outputs.
    void set(const Layer& layer);
    // The first layer along a line: its one row of weights are the slopes, and no sign is asked
    // for.
    void set(const std::vector<DoubleDouble>& slopes, const std::vector<DoubleDouble>& intercepts);

 private:
    void resize(std::int64_t n_in, std::int64_t n_out);
};

}  // namespace relufast
