#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "relufast/buffer.hpp"
#include "relufast/network.hpp"
#include "relufast/threads.hpp"

namespace relufast {

// Which hidden neurons are active at each of a batch of points, in exact arithmetic.
struct ActivationSigns {
    std::int64_t n_points = 0;
    // By layer, row-major (n_points, n_l): 1 where z > 0.
    std::vector<Buffer<std::uint8_t>> active;
    // By layer: neurons that are active at some point, or all if the others send something, too.
    std::vector<std::vector<std::int32_t>> alive;
    std::vector<std::int64_t> n_open;     // by layer: signs that are not proven
    std::vector<std::int32_t> open_from;  // by point: the first such layer, or depth + 1
};

// Writes a layer's preactivations at a point, each rounded to a float64 of the right sign; false if
// that would take too long.
using ExactPreactivations = std::function<bool(int layer, std::int64_t point, double* z)>;

// Points are row-major (n_points, n_0). Where float64 with a running error bound leaves a sign open
// its point is evaluated in double-double, and then by `exact`. Without `certify` the signs are
// those of float64, none of them counted as open. Throws Interrupted.
ActivationSigns activation_signs(Network& network, const double* points, std::int64_t n_points,
                                 bool certify, const ExactPreactivations& exact,
                                 const Interrupt& interrupt);

// All of them 1, without a look: where the negative slope is 1 no sign changes an activation.
ActivationSigns signs_of_linear_network(const Network& network, std::int64_t n_points);

}  // namespace relufast
