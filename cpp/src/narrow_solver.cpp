#include "relufast/narrow_solver.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "narrow_columns.hpp"
#include "relufast/activity.hpp"
#include "relufast/line_norms.hpp"
#include "relufast/norms.hpp"
#include "relufast/rounding.hpp"

namespace relufast {
namespace {

// Whether all signs are decided, and norms can be had from the sums of squares.
bool is_certain(const NarrowScan& scan, double negative_slope) {
    return is_safe_square(scan.square) &&
           (is_safe_square(scan.relu_square) || sends_nothing(scan.active, negative_slope));
}

ColumnBounds bounds_from(const NarrowScan& scan, double error) {
    return {error, norm_from_square(scan.square),
            scan.relu_square == 0.0 ? 0.0 : norm_from_square(scan.relu_square)};
}

}  // namespace

bool NarrowSolver::is_narrow(const Network& network) {
    for (int l = 1; l <= network.depth(); ++l) {
        if (network.layer(l).n_out > kMostNarrow) {
            return false;
        }
    }
    return !network.is_lazy();
}

void NarrowSolver::Columns::resize(std::size_t n_knots, std::int64_t n_neurons) {
    stride = narrow_stride(n_neurons);
    z.resize(n_knots * static_cast<std::size_t>(stride));
    active.resize(n_knots);
    entry_bounds.resize(n_knots);
    bounds.resize(n_knots);
}

bool NarrowSolver::solve(const Network& network, const Line& line, const LayerOne& first) {
    activity_.resize(static_cast<std::size_t>(network.depth()) + 1);
    bool all_certain = take_first_layer(network, line, first);
    for (int layer = 2; layer <= network.depth() && all_certain; ++layer) {
        all_certain = carry_up(network, layer) && find_roots(network, layer) && refine(layer);
    }
    return all_certain;
}

bool NarrowSolver::take_first_layer(const Network& network, const Line& line,
                                    const LayerOne& first) {
    const Grid& grid = first.grid;
    if (std::find(grid.open_after.begin(), grid.open_after.end(), 1) != grid.open_after.end()) {
        return false;
    }
    knots_.clear();
    for (const Knot& knot : grid.knots) {
        if (knot.crossings.size() > 1 || !(knot.x_error < kInfinity)) {
            return false;
        }
        knots_.push_back({knot, knot.crossings.empty() ? Crossing{} : knot.crossings.front()});
    }
    const std::int64_t n = network.layer(1).n_out;
    columns_.resize(knots_.size(), n);
    roots_.clear();
    first_root_.assign(knots_.size(), 0);
    first_layer_.set(line.slopes, line.intercepts);
    const LineNorms norms(line);
    const double a = network.negative_slope();
    for (std::size_t k = 0; k < knots_.size(); ++k) {
        const NarrowKnot& knot = knots_[k];
        const double x = knot.is_direction ? std::copysign(1.0, knot.x) : knot.x;
        const double* const slopes = first_layer_.weights.data();
        combine_narrow(x, slopes, 0.0, slopes, columns_.at(k), columns_.stride);
        const NarrowScan scan = add_biases_and_decide(
            columns_.at(k), first_layer_, knot.is_direction ? 0.0 : 1.0, 1.0, 0.0, 0.0, a);
        if (!is_certain(scan, a)) {
            return false;
        }
        columns_.active[k] = scan.active;
        // The parameters' low halves are left out, and three operations are rounded.
        const FirstLayerSize size = norms.at(knot);
        const double error = size.parameters_error + 5.0 * kRoundoff * size.values + underflow(n) +
                             norms.misplaced(knot, network.kink());
        columns_.bounds[k] = bounds_from(scan, error * kInflate);
        if (!(error < 0x1p450)) {
            return false;
        }
    }
    return true;
}

// The next layer's columns at the refined knots, up to the decisions about their signs.
bool NarrowSolver::carry_up(const Network& network, int layer) {
    const Layer& parameters = network.layer(layer);
    const double a = network.negative_slope();
    const double* const weights = parameters.narrow.weights.data();
    std::swap(below_, columns_);
    const std::size_t n_knots = knots_.size();
    columns_.resize(n_knots, parameters.n_out);
    errors_.resize(n_knots);
    const std::int64_t stride = columns_.stride;

    const std::size_t n_below = n_knots - roots_.size();
    int most_terms = 0;
    for (std::size_t k = 0; k < n_below; ++k) {
        most_terms =
            std::max(most_terms, std::popcount(senders(below_.active[k], parameters.n_in, a)));
    }
    const double rounding = gamma(most_terms + 2);
    hidden_.resize(static_cast<std::size_t>(below_.stride));
    for (std::size_t k = 0; k < n_below; ++k) {
        const std::size_t m = k + first_root_[k];
        const double* sent = below_.at(k);
        if (a != 0.0) {
            mask_narrow(below_.active[k], a, sent, hidden_.data(), below_.stride);
            sent = hidden_.data();
        }
        sum_rows(weights, stride, senders(below_.active[k], parameters.n_in, a), sent,
                 columns_.at(m));
        errors_[m] = error_at_knot(network, below_.bounds[k], rounding);
        // The first layer's signs are not decided at its knots.
        if (layer > 2 && sends_nothing(below_.active[k], a)) {
            errors_[m].carried = 0.0;
        }
    }

    const auto relu = [a](double value) { return value > 0.0 ? value : a * value; };
    for (std::size_t r = 0; r < roots_.size(); ++r) {
        const Root& root = roots_[r];
        const auto k = static_cast<std::size_t>(root.segment);
        const std::size_t begin = first_root_[k];
        const std::size_t end = first_root_[k + 1];
        const std::size_t m = k + r + 1;
        const std::size_t left = k + begin;
        const std::size_t right = k + 1 + end;
        const Weights at = weights_at(knots_[left], knots_[right], root.x);
        const double* const z_lo = below_.at(k);
        const double* const z_hi = below_.at(k + 1);
        const auto inside = [&](std::int32_t neuron) {
            return at.lo * z_lo[neuron] + at.hi * z_hi[neuron];
        };
        double* const z = columns_.at(m);
        combine_narrow(at.lo, columns_.at(left), at.hi, columns_.at(right), z, stride);
        // ReLU bends the chord for those neurons only that flip in this segment.
        Bend bend{inside(root.neuron), end - begin};
        for (std::size_t q = begin; q < end; ++q) {
            const std::int32_t neuron = roots_[q].neuron;
            const double deviation =
                relu(inside(neuron)) - (at.lo * relu(z_lo[neuron]) + at.hi * relu(z_hi[neuron]));
            add_narrow(deviation, weights + neuron * stride, z, stride);
            bend.deviations += std::fabs(deviation);
        }
        errors_[m] =
            error_at_root(network, below_.bounds[k], below_.bounds[k + 1], at, bend, rounding);
    }

    for (std::size_t m = 0; m < n_knots; ++m) {
        const double bias_factor = knots_[m].is_direction ? 0.0 : 1.0;
        const EntryBound bound =
            bound_entries(parameters, errors_[m], bias_factor * 4.0 * kRoundoff);
        const NarrowScan scan =
            add_biases_and_decide(columns_.at(m), parameters.narrow, bias_factor, bound.beta,
                                  bound.bias_rounding, bound.floor, a);
        if (!is_certain(scan, a)) {
            return false;
        }
        columns_.active[m] = scan.active;
        columns_.entry_bounds[m] = bound;
        columns_.bounds[m] = bounds_from(scan, bound.error);
    }
    activity_[static_cast<std::size_t>(layer)] = columns_.active;
    return true;
}

bool NarrowSolver::find_roots(const Network& network, int layer) {
    const Layer& parameters = network.layer(layer);
    roots_.clear();
    first_root_.clear();
    bool all_certain = true;
    for (std::size_t k = 0; k + 1 < knots_.size(); ++k) {
        const std::size_t begin = roots_.size();
        first_root_.push_back(begin);
        for_each_neuron(columns_.active[k] ^ columns_.active[k + 1], 0, [&](std::int32_t neuron) {
            const auto i = static_cast<std::size_t>(neuron);
            const auto value_at = [&](std::size_t end) {
                return EndValue{columns_.at(end)[i],
                                entry_error(parameters, i, columns_.entry_bounds[end])};
            };
            Root root{root_between(knots_[k], knots_[k + 1], value_at(k), value_at(k + 1))};
            root.segment = static_cast<std::int32_t>(k);
            root.neuron = neuron;
            all_certain = all_certain && !root.is_open && root.x_error < kInfinity;
            roots_.push_back(root);
        });
        std::sort(roots_.begin() + static_cast<std::ptrdiff_t>(begin), roots_.end(), is_before);
        for (std::size_t r = begin + 1; r < roots_.size(); ++r) {
            const Root& before = roots_[r - 1];
            const Root& root = roots_[r];
            all_certain =
                all_certain && root.order - root.order_error > before.order + before.order_error;
        }
    }
    first_root_.push_back(roots_.size());
    return all_certain;
}

// The knots and the roots in between.
bool NarrowSolver::refine(int layer) {
    refined_.clear();
    refined_.reserve(knots_.size() + roots_.size());
    for (std::size_t k = 0; k < knots_.size(); ++k) {
        refined_.push_back(knots_[k]);
        for (std::size_t r = first_root_[k]; k + 1 < knots_.size() && r < first_root_[k + 1]; ++r) {
            const Root& root = roots_[r];
            refined_.push_back({{root.x, root.x_error, false}, {layer, root.neuron}});
        }
    }
    std::swap(knots_, refined_);
    return std::adjacent_find(knots_.begin(), knots_.end(),
                              [](const Place& left, const Place& right) {
                                  return !are_apart(left, right);
                              }) == knots_.end();
}

std::optional<Breakpoints> NarrowSolver::find(const Network& network, const Line& line,
                                              const LayerOne& first) {
    if (!solve(network, line, first) || !decide_reaches(network)) {
        return std::nullopt;
    }
    Breakpoints result;
    const std::size_t n_knots = knots_.size();
    result.x.reserve(n_knots);
    result.x_error.reserve(n_knots);
    result.first_crossing.reserve(n_knots + 1);
    result.layers.reserve(n_knots);
    result.neurons.reserve(n_knots);
    for (const NarrowKnot& knot : knots_) {
        result.x.push_back(knot.x);
        result.x_error.push_back(knot.x_error);
        result.first_crossing.push_back(static_cast<std::int32_t>(result.layers.size()));
        if (knot.crossing.layer > 0) {
            result.layers.push_back(knot.crossing.layer);
            result.neurons.push_back(knot.crossing.neuron);
        }
    }
    result.first_crossing.push_back(static_cast<std::int32_t>(result.layers.size()));
    result.open_after.assign(n_knots - 1, 0);
    result.reaches_output = reaches_;
    return result;
}

bool NarrowSolver::count(const Network& network, const Line& line, const LayerOne& first,
                         std::int64_t* counts) {
    if (!solve(network, line, first)) {
        return false;
    }
    std::fill(counts, counts + network.depth(), 0);
    for (const NarrowKnot& knot : knots_) {
        if (knot.crossing.layer > 0) {
            ++counts[knot.crossing.layer - 1];
        }
    }
    return true;
}

}  // namespace relufast
