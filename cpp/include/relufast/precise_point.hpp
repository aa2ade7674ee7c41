#pragma once

#include <cstdint>
#include <vector>

#include "relufast/layer_bound.hpp"
#include "relufast/network.hpp"

namespace relufast {

// One point's way up the layers in double-double, with an error bound; the signs of the layers
// passed are given.
class PrecisePoint {
 public:
    PrecisePoint(const Network& network, const double* point);

    // The layer whose preactivations these are; 0 at the start.
    int layer() const { return layer_; }
    // To the next layer. `active` are the true signs of this one; unused at layer 0.
    void advance(const std::uint8_t* active, const std::vector<double>& spectral_norms);
    // How many signs its error bound leaves open.
    std::int64_t n_open() const;
    // The preactivations rounded to float64, and a bound on the 2-norm of their error.
    const std::vector<double>& values() const { return hi_; }
    double error() const;

 private:
    const Network& network_;
    int layer_ = 0;
    std::vector<double> hi_;  // z = hi + lo; the point itself at layer 0
    std::vector<double> lo_;
    LayerBound bound_;  // of z
    double bias_rounding_ = 0.0;
};

}  // namespace relufast
