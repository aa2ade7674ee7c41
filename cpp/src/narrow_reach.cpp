// Which knots reach the output: by the first output's gradient with respect to the neuron that
// turns.

#include <algorithm>
#include <cmath>

#include "narrow_columns.hpp"
#include "relufast/activity.hpp"
#include "relufast/column_ops.hpp"
#include "relufast/gradient_bounds.hpp"
#include "relufast/narrow_solver.hpp"
#include "relufast/norms.hpp"
#include "relufast/rounding.hpp"

namespace relufast {

// The last hidden layer's knots are told apart from the others by where they stand: which layer
// comes next is hard to foresee, for CPUs too.
bool NarrowSolver::decide_reaches(const Network& network) {
    const int depth = network.depth();
    reaches_.assign(knots_.size(), 0);
    column_.assign(static_cast<std::size_t>(depth) + 1, 0);
    if (depth == 1) {
        for (std::size_t k = 1; k + 1 < knots_.size(); ++k) {
            reaches_[k] = sends_to_output(network, knots_[k].crossing.neuron);
        }
        return true;
    }
    for (std::size_t r = 0; r < roots_.size(); ++r) {
        const auto k = static_cast<std::size_t>(roots_[r].segment);
        reaches_[k + r + 1] = sends_to_output(network, roots_[r].neuron);
    }
    begin_last_gradient(network);
    for (std::size_t k = 0; k + 1 < coarser_.size(); ++k) {
        const Crossing& crossing = coarser_[k].crossing;
        if (crossing.layer > 0) {
            const std::optional<bool> answer = reaches(network, crossing);
            if (!answer) {
                return false;
            }
            reaches_[k + first_root_[k]] = *answer;
        }
        // It is a knot of the layers above its own.
        for (int layer = crossing.layer + 1; layer <= depth; ++layer) {
            ++column_[static_cast<std::size_t>(layer)];
        }
        follow_last_gradient(network);
    }
    return true;
}

// Of a neuron of the last hidden layer.
bool NarrowSolver::sends_to_output(const Network& network, std::int32_t neuron) {
    const Layer& output = network.layer(network.depth() + 1);
    return network.kink() != 0.0 && output.column_norms[static_cast<std::size_t>(neuron)] != 0.0;
}

// The first output's gradient with respect to what the last but one hidden layer sends.
void NarrowSolver::begin_last_gradient(const Network& network) {
    const Layer& last = network.layer(network.depth());
    const Layer& output = network.layer(network.depth() + 1);
    for (Buffer<double>* const array : {&output_weights_, &last_gradient_, &gradient_, &masked_}) {
        array->assign(kMostNarrow, 0.0);
    }
    double* const weights = output_weights_.data();
    for (std::int64_t j = 0; j < output.n_in; ++j) {
        weights[j] = output.outgoing(j)[0];
    }
    const std::int64_t stride = last.stride();
    mask_narrow(active(network.depth()), network.negative_slope(), weights, masked_.data(), stride);
    multiply_rows(last.weights.data(), stride, all_neurons(last.n_in), masked_.data(),
                  last_gradient_.data());
    // One neuron of the last layer after the other enters and leaves it: a term of each sum.
    const double size = network.lipschitz() * working_norm_bound(weights, last.n_out);
    const std::int64_t n_roundings = last.n_out + 8 * static_cast<std::int64_t>(roots_.size()) + 8;
    last_error_ = size * gamma(n_roundings);
}

// Past the last layer's crossings between the knot before and the one that comes.
void NarrowSolver::follow_last_gradient(const Network& network) {
    const auto depth = static_cast<std::size_t>(network.depth());
    const std::size_t k = column_[depth];
    const Layer& last = network.layer(network.depth());
    for_each_neuron(activity_[depth][k - 1] ^ activity_[depth][k], 0, [&](std::int32_t neuron) {
        const double kink = is_active(&activity_[depth][k], static_cast<std::size_t>(neuron))
                                ? network.kink()
                                : -network.kink();
        const double factor = kink * output_weights_.data()[neuron];
        double* const gradient = last_gradient_.data();
        if (last.rows != nullptr) {  // what is added lies together
            add_multiple(factor, last.rows + neuron * last.n_in, gradient, last.n_in);
            return;
        }
        const double* weight = last.weights.data() + neuron;
        for (std::int64_t i = 0; i < last.n_in; ++i, weight += last.stride()) {
            gradient[i] += factor * *weight;
        }
    });
}

// Whether the first output's gradient with respect to a neuron below the last hidden layer is not
// zero; for all outputs, if nothing passes the layers in between.
std::optional<bool> NarrowSolver::reaches(const Network& network, const Crossing& crossing) {
    const int depth = network.depth();
    const double a = network.negative_slope();
    const double norm =
        network.layer(crossing.layer + 1).column_norms[static_cast<std::size_t>(crossing.neuron)];
    if (network.kink() == 0.0 || norm == 0.0) {
        return false;
    }
    for (int layer = crossing.layer + 1; layer <= depth; ++layer) {
        if (sends_nothing(active(layer), a)) {
            return false;
        }
    }
    const auto is_not_zero = [](double share, double error) {
        return std::fabs(share) > error ? std::optional<bool>(true) : std::nullopt;
    };
    const Layer& last = network.layer(depth);
    const double floor = underflow(last.n_out);
    if (crossing.layer == depth - 1) {
        return is_not_zero(last_gradient_.data()[crossing.neuron],
                           (norm * last_error_ + floor) * kInflate);
    }
    const double* gradient = last_gradient_.data();
    GradientBounds bounds;
    bounds.error =
        (last.frobenius_norm * last_error_ + floor * std::sqrt(static_cast<double>(last.n_in))) *
        kInflate;
    for (int layer = depth - 1;; --layer) {
        const Layer& parameters = network.layer(layer);
        const double* const weights = parameters.weights.data();
        const std::int64_t stride = parameters.stride();
        if (layer == crossing.layer + 1) {
            const MaskedProduct share = multiply_masked(active(layer), a, gradient,
                                                        weights + crossing.neuron * stride, stride);
            if (!is_safe_square(share.square)) {
                return std::nullopt;
            }
            bounds = passed(network, bounds, norm_from_square(share.square));
            return is_not_zero(share.product,
                               error_below(parameters, bounds, parameters.n_out, crossing.neuron));
        }
        const double square = mask_narrow(active(layer), a, gradient, masked_.data(), stride);
        if (!is_safe_square(square)) {
            return std::nullopt;
        }
        bounds = passed(network, bounds, norm_from_square(square));
        multiply_rows(weights, stride, senders(active(layer - 1), parameters.n_in, a),
                      masked_.data(), gradient_.data());
        bounds.error = error_below(parameters, bounds, parameters.n_out);
        gradient = gradient_.data();
    }
}

}  // namespace relufast
