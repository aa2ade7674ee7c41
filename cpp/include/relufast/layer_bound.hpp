#pragma once

#include <cmath>

#include "relufast/network.hpp"
#include "relufast/rounding.hpp"

namespace relufast {

// How far preactivations z = W h + b of one point may be off.
struct LayerBound {
    double beta = 0.0;   // entry i errs by row_norm_i beta + |b_i| bias_rounding + floor
    double floor = 0.0;  // what underflow may take
    double error = 0.0;  // their 2-norm
};

// From what h carries, and the rounding of the sums in units of |h|, both 2-norms. If both are zero
// nothing comes from below, and z is the biases.
inline LayerBound layer_bound(const Layer& layer, double spectral_norm, double carried,
                              double rounding, double bias_rounding) {
    LayerBound bound;
    bound.beta = (carried + rounding) * kInflate;
    if (bound.beta == 0.0) {
        return bound;
    }
    bound.floor = underflow(layer.n_in);
    bound.error = (spectral_norm * carried + layer.frobenius_norm * rounding +
                   bias_rounding * layer.bias_norm +
                   bound.floor * std::sqrt(static_cast<double>(layer.n_out))) *
                  kInflate;
    return bound;
}

}  // namespace relufast
