// The first layer along the line: its neurons' roots, and what it sends to the second layer there.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "narrow_columns.hpp"
#include "relufast/activity.hpp"
#include "relufast/column_ops.hpp"
#include "relufast/line_norms.hpp"
#include "relufast/narrow_solver.hpp"
#include "relufast/rounding.hpp"

namespace relufast {
namespace {

// Whether the quotient of two double-doubles is good to a hundred bits.
bool is_far_from_underflow(double value) { return std::fabs(value) > 0x1p-900; }

// Where slope x + intercept is zero. The error is not a number or infinite where nothing is known.
Place root_of(const Line& line, std::size_t i) {
    const DoubleDouble slope = line.slopes[i];
    const DoubleDouble intercept = line.intercepts[i];
    if (!is_not_zero(slope, line.slope_errors[i])) {
        return {0.0, kInfinity};
    }
    if (intercept.hi == 0.0 && line.intercept_errors[i] == 0.0) {
        return {};
    }
    if (!line.exact && !is_far_from_underflow(intercept.hi)) {
        return {0.0, kInfinity};
    }
    const double x = line.exact ? -intercept.hi / slope.hi : (-intercept / slope).hi;
    const double size = std::fabs(x);
    return {x, (root_shift(line, i, size) + size * (kRoundoff + 0x1p-100) + 0x1p-1020) * kInflate};
}

Place end_of(double x) { return {x, 0.0, std::isinf(x)}; }

}  // namespace

bool NarrowSolver::take_first_layer(const Network& network, const Line& line) {
    return find_first_roots(line) && order_first_roots(line) && bound_first_layer(network, line);
}

bool NarrowSolver::find_first_roots(const Line& line) {
    first_roots_.clear();
    active_at_start_ = 0;
    for (std::size_t i = 0; i < line.slopes.size(); ++i) {
        const double slope = line.slopes[i].hi;
        bool is_active = slope < 0.0;  // as left of its root
        if (slope == 0.0 && line.slope_errors[i] == 0.0) {
            if (!is_not_zero(line.intercepts[i], line.intercept_errors[i])) {
                return false;
            }
            is_active = line.intercepts[i].hi > 0.0;
        } else {
            // Sums are rounded to the same side of a number as they are, or to it.
            const Place root = root_of(line, i);
            if (root.x + root.x_error < line.lo) {
                is_active = slope > 0.0;
            } else if (line.lo < root.x - root.x_error && root.x + root.x_error < line.hi) {
                first_roots_.push_back({root, {1, static_cast<std::int32_t>(i)}});
            } else if (!(line.hi < root.x - root.x_error)) {
                return false;
            }
        }
        active_at_start_ |= std::uint64_t{is_active} << i;
    }
    // Two rays need a point to start from.
    return !(first_roots_.empty() && std::isinf(line.lo) && std::isinf(line.hi));
}

bool NarrowSolver::order_first_roots(const Line& line) {
    const std::size_t n_roots = first_roots_.size();
    std::array<double, kMostNarrow> x;
    x.fill(kInfinity);
    for (std::size_t r = 0; r < n_roots; ++r) {
        x[r] = first_roots_[r].x;
    }
    std::int32_t ranks[kMostNarrow];
    rank_numbers(x.data(), static_cast<std::int64_t>(n_roots), ranks);
    knots_.resize(n_roots + 2);
    knots_.front() = {end_of(line.lo), {}};
    knots_.back() = {end_of(line.hi), {}};
    for (std::size_t r = 0; r < n_roots; ++r) {
        knots_[static_cast<std::size_t>(ranks[r]) + 1] = first_roots_[r];
    }
    return all_apart();
}

// Its values are nowhere needed: the second layer's are made of their slopes and intercepts.
bool NarrowSolver::bound_first_layer(const Network& network, const Line& line) {
    columns_.resize(knots_.size(), network.layer(1).n_out);
    roots_.clear();
    first_root_.assign(knots_.size(), 0);
    const LineNorms norms(line);
    for (std::size_t k = 0; k < knots_.size(); ++k) {
        const FirstLayerSize size = norms.at(knots_[k]);
        // The parameters' low halves are left out.
        const double error = size.parameters_error + kRoundoff * size.values +
                             norms.misplaced(knots_[k], network.kink());
        columns_.bounds[k] = {error * kInflate, size.values, network.lipschitz() * size.values};
        if (!(error < 0x1p450)) {
            return false;
        }
    }
    const auto set_leading = [&](Buffer<double>& leading, const std::vector<DoubleDouble>& values) {
        leading.assign(static_cast<std::size_t>(columns_.stride), 0.0);
        std::transform(values.begin(), values.end(), leading.begin(),
                       [](DoubleDouble value) { return value.hi; });
    };
    set_leading(slopes_, line.slopes);
    set_leading(intercepts_, line.intercepts);
    return true;
}

// x times what the first layer's slopes send, plus what its intercepts send: from knot to knot one
// of its neurons turns, a term of both sums. These begin anew now and then, for roundings add up;
// none of them is of more than what all neurons could send.
int NarrowSolver::send_first_layer(const Network& network) {
    constexpr std::size_t kTurns = 16;
    const Layer& parameters = network.layer(2);
    const double* const weights = parameters.weights.data();
    const std::int64_t stride = columns_.stride;
    const double a = network.negative_slope();
    std::uint64_t active = active_at_start_;
    LinearForm form;
    int most_terms = 0;
    for (std::size_t k = 0; k < knots_.size(); ++k) {
        const NarrowKnot& knot = knots_[k];
        const bool turns = knot.crossing.layer == 1;
        const auto i = static_cast<std::size_t>(turns ? knot.crossing.neuron : 0);
        if (turns) {
            active ^= kNeuronBits[i];
        }
        double kink = 0.0;
        if (k % kTurns == 0) {
            mask_narrow(active, a, slopes_.data(), sent_[0].data(), below_.stride);
            mask_narrow(active, a, intercepts_.data(), sent_[1].data(), below_.stride);
            const std::uint64_t sending = senders(active, parameters.n_in, a);
            const double* const sent[] = {sent_[0].data(), sent_[1].data()};
            double* const sums[] = {form.slopes, form.intercepts};
            multiply_two(weights, stride, sending, sent, sums);
            most_terms = std::max(most_terms, std::popcount(sending));
        } else if (turns) {
            kink = is_active(&active, i) ? network.kink() : -network.kink();
        }
        const double x = knot.is_direction ? std::copysign(1.0, knot.x) : knot.x;
        turn_and_evaluate(form, kink * slopes_[i], kink * intercepts_[i],
                          weights + static_cast<std::int64_t>(i) * stride, x,
                          knot.is_direction ? 0.0 : 1.0, columns_.at(k), stride);
    }
    // And the roundings of kinks, which are at most twice what a neuron may send, and of the value.
    return most_terms + static_cast<int>(kTurns) + 10;
}

}  // namespace relufast
