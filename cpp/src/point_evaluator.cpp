#include "relufast/point_evaluator.hpp"

#include <algorithm>
#include <cmath>

#include "relufast/column_ops.hpp"
#include "relufast/norms.hpp"
#include "relufast/point_store.hpp"
#include "relufast/rounding.hpp"

namespace relufast {

PointEvaluator::PointEvaluator(const Network& network, const Line& line, PointStore* store)
    : network_(network),
      line_(line),
      store_(store),
      values_(static_cast<std::size_t>(network.depth() + 2)) {}

bool PointEvaluator::evaluate(double x, bool is_direction, int top) {
    if (store_ != nullptr) {
        const PointEvaluator* known = store_->find_or_ask({x, is_direction, top});
        if (known == nullptr) {
            return false;
        }
        values_ = known->values_;
        first_entry_errors_ = known->first_entry_errors_;
        first_slope_errors_ = known->first_slope_errors_;
        return true;
    }
    evaluate_first(x, is_direction);
    for (int layer = 2; layer <= top; ++layer) {
        evaluate_next(layer, {this}, 1, {});
    }
    return true;
}

void PointEvaluator::evaluate_first(double x, bool is_direction) {
    is_direction_ = is_direction;
    Values& values = values_[1];
    const std::size_t n = line_.slopes.size();
    values.hi.resize(n);
    values.lo.resize(n);
    values.slope.resize(n);
    first_entry_errors_.resize(n);
    first_slope_errors_.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
        const DoubleDouble slope = line_.slopes[i];
        DoubleDouble z;
        double error;
        if (is_direction) {
            z = x > 0.0 ? slope : -slope;
            error = line_.slope_errors[i];
        } else {
            const DoubleDouble product = slope * x;
            z = product + line_.intercepts[i];
            const double terms = std::fabs(product.hi) + std::fabs(line_.intercepts[i].hi);
            error = line_.slope_errors[i] * std::fabs(x) + line_.intercept_errors[i] +
                    16.0 * kRoundoff2 * terms + (terms > 0.0 ? underflow(1) : 0.0);
        }
        values.hi[i] = z.hi;
        values.lo[i] = z.lo;
        first_entry_errors_[i] = error * kInflate;
        values.slope[i] = is_direction ? 0.0 : slope.hi;
        first_slope_errors_[i] =
            (line_.slope_errors[i] + kRoundoff * std::fabs(slope.hi)) * kInflate;
    }
    values.error = working_norm_bound(first_entry_errors_);
    values.slope_error = working_norm_bound(first_slope_errors_);
}

void PointEvaluator::evaluate_next(int layer, const std::vector<PointEvaluator*>& points,
                                   int n_threads, const Interrupt& interrupt) {
    if (points.empty()) {
        return;
    }
    const Layer& parameters = points.front()->network_.layer(layer);
    // Neurons and points whose sums stay in the first-level cache together.
    constexpr std::int64_t kStretch = 256;
    constexpr std::size_t kTogether = 8;
    for (PointEvaluator* point : points) {
        point->begin_next(layer);
    }
    const auto add = [&](std::size_t stretch, std::size_t first, std::size_t last) {
        const std::int64_t i = static_cast<std::int64_t>(stretch) * kStretch;
        const auto at = static_cast<std::size_t>(i);
        const std::int64_t count = std::min(kStretch, parameters.n_out - i);
        for (std::size_t j = 0; j < static_cast<std::size_t>(parameters.n_in); ++j) {
            const double* weights = parameters.outgoing(static_cast<std::int64_t>(j)) + i;
            for (std::size_t p = first; p < last; ++p) {
                const Sent& sent = points[p]->sent_;
                Values& values = points[p]->values_[static_cast<std::size_t>(layer)];
                if (sent.hi[j] != 0.0) {
                    add_multiple2(sent.hi[j], sent.lo[j], weights, &values.hi[at], &values.lo[at],
                                  count);
                }
                if (sent.slope[j] != 0.0) {
                    add_multiple(sent.slope[j], weights, &values.slope[at], count);
                }
            }
        }
    };
    const auto n_stretches = static_cast<std::size_t>((parameters.n_out + kStretch - 1) / kStretch);
    const auto add_all = [&](std::size_t stretch, int) {
        for (std::size_t first = 0; first < points.size(); first += kTogether) {
            add(stretch, first, std::min(first + kTogether, points.size()));
        }
    };
    if (n_threads == 1) {
        for (std::size_t stretch = 0; stretch < n_stretches; ++stretch) {
            add_all(stretch, 0);
        }
    } else {
        parallel_for(n_threads, n_stretches, interrupt, add_all);
    }
    for (PointEvaluator* point : points) {
        point->bound_next(layer);
    }
}

void PointEvaluator::begin_next(int layer) {
    const Values& below = values_[static_cast<std::size_t>(layer - 1)];
    Values& values = values_[static_cast<std::size_t>(layer)];
    const Layer& parameters = network_.layer(layer);
    const double a = network_.negative_slope();
    const auto n_in = static_cast<std::size_t>(parameters.n_in);
    sent_.hi.resize(n_in);
    sent_.lo.resize(n_in);
    sent_.slope.resize(n_in);
    for (std::size_t j = 0; j < n_in; ++j) {
        const bool active = below.hi[j] > 0.0;
        const DoubleDouble z(below.hi[j], below.lo[j]);
        const DoubleDouble value = active ? z : z * a;
        sent_.hi[j] = value.hi;
        sent_.lo[j] = value.lo;
        sent_.slope[j] = (active ? 1.0 : a) * below.slope[j];
    }
    values.hi.assign(static_cast<std::size_t>(parameters.n_out), 0.0);
    if (!is_direction_) {
        values.hi = parameters.biases;
    }
    values.lo.assign(values.hi.size(), 0.0);
    values.slope.assign(values.hi.size(), 0.0);
}

void PointEvaluator::bound_next(int layer) {
    const Values& below = values_[static_cast<std::size_t>(layer - 1)];
    Values& values = values_[static_cast<std::size_t>(layer)];
    const Layer& parameters = network_.layer(layer);
    const double a = network_.negative_slope();
    const double leak = a == 0.0 ? 0.0 : std::fabs(a);
    const double h_norm = working_norm_bound(sent_.hi);
    const double slope_norm = working_norm_bound(sent_.slope);
    const double carried = is_silent(layer - 1)
                               ? 0.0
                               : network_.lipschitz() * below.error +
                                     16.0 * kRoundoff2 * leak * working_norm_bound(below.hi);
    const double rounding = gamma2(parameters.n_in);
    values.beta = (carried + rounding * h_norm) * kInflate;
    values.bias_rounding = is_direction_ ? 0.0 : rounding;
    values.floor = values.beta > 0.0 ? underflow(parameters.n_in) : 0.0;
    const double root_n = std::sqrt(static_cast<double>(parameters.n_out));
    values.error =
        (parameters.spectral_norm * carried + parameters.frobenius_norm * rounding * h_norm +
         values.bias_rounding * parameters.bias_norm + values.floor * root_n) *
        kInflate;
    const double slope_carried = network_.lipschitz() * below.slope_error +
                                 kRoundoff * leak * working_norm_bound(below.slope);
    const double slope_rounding = gamma(parameters.n_in + 8) * slope_norm;
    values.slope_beta = (slope_carried + slope_rounding) * kInflate;
    values.slope_error =
        (parameters.spectral_norm * slope_carried + parameters.frobenius_norm * slope_rounding +
         (values.slope_beta > 0.0 ? underflow(parameters.n_in) * root_n : 0.0)) *
        kInflate;
}

double PointEvaluator::entry_error(int layer, std::size_t neuron) const {
    if (layer == 1) {
        return first_entry_errors_[neuron];
    }
    const Values& values = values_[static_cast<std::size_t>(layer)];
    const Layer& parameters = network_.layer(layer);
    if (parameters.row_norms[neuron] == 0.0) {
        return 0.0;  // the bias itself
    }
    return (parameters.row_norms[neuron] * values.beta +
            std::fabs(parameters.biases[neuron]) * values.bias_rounding + values.floor) *
           kInflate;
}

double PointEvaluator::slope_entry_error(int layer, std::size_t neuron) const {
    if (layer == 1) {
        return first_slope_errors_[neuron];
    }
    const Values& values = values_[static_cast<std::size_t>(layer)];
    if (network_.layer(layer).row_norms[neuron] == 0.0) {
        return 0.0;
    }
    const double floor = values.slope_beta > 0.0 ? underflow(network_.layer(layer).n_in) : 0.0;
    return (network_.layer(layer).row_norms[neuron] * values.slope_beta + floor) * kInflate;
}

bool PointEvaluator::is_silent(int layer) const {
    if (network_.negative_slope() != 0.0) {
        return false;
    }
    const Values& values = values_[static_cast<std::size_t>(layer)];
    for (std::size_t i = 0; i < values.hi.size(); ++i) {
        const double error = entry_error(layer, i);
        if (!(-values.hi[i] > error) && !(values.hi[i] == 0.0 && error == 0.0)) {
            return false;
        }
    }
    return true;
}

std::optional<PointEvaluator::Offset> PointEvaluator::offset_of_root(int layer,
                                                                     std::size_t neuron) const {
    const Values& values = values_[static_cast<std::size_t>(layer)];
    const double z = values.hi[neuron];
    const double slope = values.slope[neuron];
    const double error = entry_error(layer, neuron);
    const double room = std::fabs(slope) - slope_entry_error(layer, neuron);
    // An undecided sign at x would leave open on which side of the root x lies.
    if (!(room > 0.0) || !(std::fabs(z) > error)) {
        return std::nullopt;
    }
    Offset offset;
    offset.value = -z / slope;
    const double size = std::fabs(offset.value);
    offset.error =
        ((error + kRoundoff * std::fabs(z) + size * slope_entry_error(layer, neuron)) / room +
         4.0 * kRoundoff * size + 0x1p-1020) *
        kInflate;
    return std::isfinite(offset.error) ? std::optional(offset) : std::nullopt;
}

std::optional<PointEvaluator::Offset> PointEvaluator::offset_of(const Knot& knot) const {
    if (knot.crossings.empty() || knot.x_error == 0.0) {
        return Offset{};
    }
    if (knot.crossings.size() > 1) {
        return std::nullopt;
    }
    const Crossing& root = knot.crossings.front();
    return offset_of_root(root.layer, static_cast<std::size_t>(root.neuron));
}

bool PointEvaluator::signs_hold(int bottom, int top, double distance,
                                const Crossing& except) const {
    for (int layer = bottom; layer <= top; ++layer) {
        const Values& values = values_[static_cast<std::size_t>(layer)];
        for (std::size_t i = 0; i < values.hi.size(); ++i) {
            if (layer == except.layer && static_cast<std::int32_t>(i) == except.neuron) {
                continue;
            }
            const double travel =
                distance * (std::fabs(values.slope[i]) + slope_entry_error(layer, i));
            if (!(std::fabs(values.hi[i]) > (entry_error(layer, i) + travel) * (1.0 + 0x1p-40))) {
                // Zero along a whole stretch is a sign that holds, too; zero at the root alone
                // is not, unless the neuron has no inputs.
                const bool is_zero =
                    values.hi[i] == 0.0 && entry_error(layer, i) == 0.0 && travel == 0.0;
                const bool is_stretch =
                    distance > 0.0 || (layer > 1 && network_.layer(layer).row_norms[i] == 0.0);
                if (!is_zero || !is_stretch) {
                    return false;
                }
            }
        }
    }
    return true;
}

bool PointEvaluator::is_affine_to_root(const Knot& knot, double distance, int top) const {
    const Crossing& root = knot.crossings.front();
    // Below the root's layer all the way to the knot's error: then the root found is the knot's.
    return signs_hold(1, root.layer - 1, std::max(distance, knot.x_error), Crossing{}) &&
           signs_hold(root.layer, top, distance, root);
}

// A bound on the knot's error from where its neuron's root is found to lie.
double PointEvaluator::distance_to_root(const Knot& knot) const {
    if (knot.crossings.size() != 1 || knot.is_direction || knot.x_error == 0.0) {
        return knot.x_error;
    }
    const std::optional<Offset> offset = offset_of(knot);
    if (!offset) {
        return knot.x_error;
    }
    const double distance = (std::fabs(offset->value) + offset->error) * kInflate;
    // Affine that far, the root's layer has no other root of this neuron in which the knot may lie.
    const bool is_the_knot = signs_hold(1, knot.crossings.front().layer - 1,
                                        std::max(distance, knot.x_error), Crossing{});
    return is_the_knot ? std::min(distance, knot.x_error) : knot.x_error;
}

PointEvaluator::Refined PointEvaluator::refine(const Knot& knot, int layer) {
    if (!evaluate(knot.x, knot.is_direction, layer)) {
        return {};
    }
    const Values& values = values_[static_cast<std::size_t>(layer)];
    // The knot's kinks lie beside x: what is left of their neurons there, carried up.
    double misplaced = 0.0;
    for (const Crossing& root : knot.crossings) {
        const auto neuron = static_cast<std::size_t>(root.neuron);
        if (root.layer == layer || knot.x_error == 0.0) {
            continue;
        }
        const double left = std::fabs(values_[static_cast<std::size_t>(root.layer)].hi[neuron]) +
                            entry_error(root.layer, neuron);
        double carried = std::fabs(network_.kink()) * left;
        for (int l = root.layer + 1; l <= layer; ++l) {
            carried *= network_.lipschitz() * network_.layer(l).spectral_norm;
        }
        misplaced += carried;
    }
    misplaced *= 1.0 + 0x1p-30;

    Refined refined;
    refined.is_known = true;
    refined.x_error = distance_to_root(knot);
    refined.z = values.hi;
    for (std::size_t i = 0; i < refined.z.size(); ++i) {
        const bool constant = layer > 1 && network_.layer(layer).row_norms[i] == 0.0;
        const double error = entry_error(layer, i) + (constant ? 0.0 : misplaced);
        const double size = std::fabs(refined.z[i]);
        const bool is_zero = size == 0.0 && error == 0.0;
        if (!(size * (1.0 - 0x1p-50) > error) && !is_zero) {
            refined.undecided.push_back(static_cast<std::int32_t>(i));
        }
    }
    refined.error =
        (values.error + kRoundoff * working_norm_bound(refined.z) + misplaced) * kInflate;
    return refined;
}

std::optional<std::vector<PointEvaluator::Offset>> PointEvaluator::roots_near(
    double x, double radius, int layer, const std::vector<std::int32_t>& neurons) {
    if (!evaluate(x, false, layer)) {
        return std::nullopt;
    }
    std::vector<Offset> offsets;
    double distance = radius;
    for (const std::int32_t neuron : neurons) {
        const std::optional<Offset> offset =
            offset_of_root(layer, static_cast<std::size_t>(neuron));
        if (!offset) {
            return std::nullopt;
        }
        offsets.push_back(*offset);
        distance = std::max(distance, std::fabs(offset->value) + offset->error);
    }
    if (!signs_hold(1, layer - 1, distance * kInflate, Crossing{})) {
        return std::nullopt;
    }
    return offsets;
}

std::optional<bool> PointEvaluator::reaches_output(const Knot& knot) {
    const int depth = network_.depth();
    if (knot.crossings.size() != 1 || knot.is_direction) {
        return std::nullopt;
    }
    const Crossing root = knot.crossings.front();
    if (!evaluate(knot.x, false, depth)) {
        return std::nullopt;
    }
    const std::optional<Offset> offset = offset_of(knot);
    if (!offset ||
        !is_affine_to_root(knot, (std::fabs(offset->value) + offset->error) * kInflate, depth)) {
        return std::nullopt;
    }
    // What one unit of the root neuron's kink adds to the slope of every layer above.
    std::vector<double> jump(static_cast<std::size_t>(network_.layer(root.layer).n_out), 0.0);
    jump[static_cast<std::size_t>(root.neuron)] = 1.0;
    double carried = 0.0;
    for (int layer = root.layer + 1; layer <= depth + 1; ++layer) {
        const Layer& parameters = network_.layer(layer);
        std::vector<double> next(static_cast<std::size_t>(parameters.n_out), 0.0);
        for (std::size_t j = 0; j < jump.size(); ++j) {
            if (jump[j] != 0.0) {
                add_multiple(jump[j], parameters.outgoing(static_cast<std::int64_t>(j)),
                             next.data(), parameters.n_out);
            }
        }
        const double size = working_norm_bound(jump);
        const double rounding = gamma(parameters.n_in + 8) * size;
        const double floor = size > 0.0 || carried > 0.0 ? underflow(parameters.n_in) : 0.0;
        if (layer == depth + 1) {
            bool is_zero = true;
            for (std::size_t i = 0; i < next.size(); ++i) {
                const double norm = parameters.row_norms[i];
                const double error =
                    norm == 0.0 ? 0.0 : (norm * (carried + rounding) + floor) * kInflate;
                if (std::fabs(next[i]) > error) {
                    return true;
                }
                is_zero = is_zero && next[i] == 0.0 && error == 0.0;
            }
            return is_zero ? std::optional(false) : std::nullopt;
        }
        const double root_n = std::sqrt(static_cast<double>(parameters.n_out));
        carried = (parameters.spectral_norm * carried + parameters.frobenius_norm * rounding +
                   floor * root_n) *
                  kInflate;
        const Values& values = values_[static_cast<std::size_t>(layer)];
        const double a = network_.negative_slope();
        double largest = 0.0;
        for (std::size_t i = 0; i < next.size(); ++i) {
            next[i] *= values.hi[i] > 0.0 ? 1.0 : a;
            largest = std::max(largest, std::fabs(next[i]));
        }
        if (a != 0.0) {
            carried =
                (network_.lipschitz() * carried + kRoundoff * working_norm_bound(next)) * kInflate;
        } else if (largest == 0.0) {
            const bool all_inactive =
                std::none_of(values.hi.begin(), values.hi.end(), [](double z) { return z > 0.0; });
            carried = all_inactive ? 0.0 : carried;
        }
        jump = std::move(next);
    }
    return std::nullopt;
}

}  // namespace relufast
