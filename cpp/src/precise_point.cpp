#include "relufast/precise_point.hpp"

#include <algorithm>
#include <cmath>

#include "relufast/column_ops.hpp"
#include "relufast/double_double.hpp"
#include "relufast/norms.hpp"
#include "relufast/rounding.hpp"

namespace relufast {

PrecisePoint::PrecisePoint(const Network& network, const double* point)
    : network_(network), hi_(point, point + network.layer(1).n_in), lo_(hi_.size(), 0.0) {}

void PrecisePoint::advance(const std::uint8_t* active, const std::vector<double>& spectral_norms) {
    const double a = network_.negative_slope();
    double carried = 0.0;
    if (layer_ > 0) {
        bool is_silent = a == 0.0;
        carried = network_.lipschitz() * bound_.error;
        for (std::size_t j = 0; j < hi_.size(); ++j) {
            if (active[j]) {
                is_silent = false;
                continue;
            }
            const DoubleDouble value = a == 0.0 ? 0.0 : DoubleDouble(hi_[j], lo_[j]) * a;
            hi_[j] = value.hi;
            lo_[j] = value.lo;
        }
        if (is_silent) {
            carried = 0.0;
        } else if (a != 0.0) {
            // Products with the slope are rounded.
            carried += 16.0 * kRoundoff2 * working_norm_bound(hi_) +
                       underflow(static_cast<std::int64_t>(hi_.size()));
        }
    }

    const Layer& next = network_.layer(++layer_);
    std::vector<double> z = next.biases;
    std::vector<double> z_lo(z.size(), 0.0);
    constexpr std::int64_t kStretch = 256;  // neurons that stay in the first-level cache
    for (std::int64_t i = 0; i < next.n_out; i += kStretch) {
        const std::int64_t count = std::min(kStretch, next.n_out - i);
        for (std::size_t j = 0; j < hi_.size(); ++j) {
            if (hi_[j] != 0.0) {
                add_multiple2(hi_[j], lo_[j], next.outgoing(static_cast<std::int64_t>(j)) + i,
                              &z[static_cast<std::size_t>(i)], &z_lo[static_cast<std::size_t>(i)],
                              count);
            }
        }
    }

    const double rounding = gamma2(next.n_in);
    bias_rounding_ = rounding;
    bound_ = layer_bound(next, spectral_norms[static_cast<std::size_t>(layer_)], carried,
                         rounding * working_norm_bound(hi_), bias_rounding_);
    hi_ = std::move(z);
    lo_ = std::move(z_lo);
}

std::int64_t PrecisePoint::n_open() const {
    if (bound_.beta == 0.0) {
        return 0;  // nothing comes from below: these are the biases themselves
    }
    const Layer& layer = network_.layer(layer_);
    std::int64_t count = 0;
    for (std::size_t i = 0; i < hi_.size(); ++i) {
        const double bound = layer.decision_norms[i] * bound_.beta +
                             std::fabs(layer.biases[i]) * bias_rounding_ + bound_.floor;
        count += std::fabs(hi_[i]) * (1.0 - 0x1p-50) > bound * kInflate ? 0 : 1;
    }
    return count;
}

double PrecisePoint::error() const {
    return (bound_.error + kRoundoff * working_norm_bound(hi_)) * kInflate;
}

}  // namespace relufast
