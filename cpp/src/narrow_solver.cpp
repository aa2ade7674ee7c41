#include "relufast/narrow_solver.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include "narrow_columns.hpp"
#include "relufast/activity.hpp"
#include "relufast/norms.hpp"
#include "relufast/rounding.hpp"

namespace relufast {

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

bool NarrowSolver::solve(const Network& network, const Line& line, bool counts_only) {
    activity_.resize(static_cast<std::size_t>(network.depth()) + 1);
    bool all_certain = take_first_layer(network, line);
    for (int layer = 2; layer <= network.depth() && all_certain; ++layer) {
        const bool is_counted = counts_only && layer == network.depth();
        all_certain = carry_up(network, layer) && decide_signs(network, layer) &&
                      find_roots(network, layer) &&
                      (is_counted || (order_roots() && refine(layer)));
    }
    return all_certain;
}

// The next layer's columns at the refined knots.
bool NarrowSolver::carry_up(const Network& network, int layer) {
    std::swap(below_, columns_);
    columns_.resize(knots_.size(), network.layer(layer).n_out);
    errors_.resize(knots_.size());
    const std::optional<int> most_terms =
        layer == 2 ? send_first_layer(network) : multiply_at_knots(network, layer);
    if (!most_terms) {
        return false;
    }
    const double rounding = gamma(*most_terms + 2);
    for (std::size_t k = 0; k < below_.active.size(); ++k) {
        ColumnError& error = errors_[k + first_root_[k]];
        error = error_at_knot(network, below_.bounds[k], rounding);
        // The first layer's signs are not decided at its knots.
        if (layer > 2 && sends_nothing(below_.active[k], network.negative_slope())) {
            error.carried = 0.0;
        }
    }
    bend_at_roots(network, layer, rounding);
    return true;
}

// Of two knots at a time: neighbours send nearly the same.
std::optional<int> NarrowSolver::multiply_at_knots(const Network& network, int layer) {
    const Layer& parameters = network.layer(layer);
    const double a = network.negative_slope();
    int most_terms = 0;
    bool all_certain = true;
    const std::size_t n = below_.active.size();
    for (std::size_t k = 0; k < n; k += 2) {
        const std::size_t of_two[] = {k, std::min(k + 1, n - 1)};
        std::uint64_t of_both = 0;
        double* out[2];
        for (std::size_t c = 0; c < 2; ++c) {
            const std::size_t knot = of_two[c];
            const std::uint64_t active = below_.active[knot];
            const double square =
                mask_narrow(active, a, below_.at(knot), sent_[c].data(), below_.stride);
            all_certain = all_certain && (is_safe_square(square) || sends_nothing(active, a));
            below_.bounds[knot].relu_norm = square == 0.0 ? 0.0 : norm_from_square(square);
            const std::uint64_t own = senders(active, parameters.n_in, a);
            most_terms = std::max(most_terms, std::popcount(own));
            of_both |= own;
            out[c] = columns_.at(knot + first_root_[knot]);
        }
        const double* const sent[] = {sent_[0].data(), sent_[1].data()};
        multiply_two(parameters.weights.data(), columns_.stride, of_both, sent, out);
    }
    return all_certain ? std::optional(most_terms) : std::nullopt;
}

void NarrowSolver::bend_at_roots(const Network& network, int layer, double rounding) {
    const double* const weights = network.layer(layer).weights.data();
    const std::int64_t stride = columns_.stride;
    for (std::size_t r = 0; r < roots_.size(); ++r) {
        const Root& root = roots_[r];
        const auto k = static_cast<std::size_t>(root.segment);
        const std::span turning(roots_.begin() + static_cast<std::ptrdiff_t>(first_root_[k]),
                                roots_.begin() + static_cast<std::ptrdiff_t>(first_root_[k + 1]));
        const std::size_t left = k + first_root_[k];
        const std::size_t right = k + 1 + first_root_[k + 1];
        const std::size_t m = k + r + 1;
        const Weights at = weights_at(knots_[left], knots_[right], root.x);
        std::array<Deviation, kMostNarrow> deviations;
        std::size_t n_deviations = 0;
        const Bend bend =
            bend_at(root, turning, at, below_.at(k), below_.at(k + 1), network.negative_slope(),
                    [&](double deviation, std::int32_t neuron) {
                        deviations[n_deviations++] = {deviation, weights + neuron * stride};
                    });
        combine_and_bend(at.lo, columns_.at(left), at.hi, columns_.at(right),
                         {deviations.data(), n_deviations}, columns_.at(m), stride);
        errors_[m] =
            error_at_root(network, below_.bounds[k], below_.bounds[k + 1], at, bend, rounding);
    }
}

bool NarrowSolver::decide_signs(const Network& network, int layer) {
    const Layer& parameters = network.layer(layer);
    for (std::size_t m = 0; m < knots_.size(); ++m) {
        const double bias_factor = knots_[m].is_direction ? 0.0 : 1.0;
        const EntryBound bound =
            bound_entries(parameters, errors_[m], bias_factor * 4.0 * kRoundoff);
        const NarrowScan scan =
            add_biases_and_decide(columns_.at(m), parameters.narrow_biases, bias_factor, bound.beta,
                                  bound.bias_rounding, bound.floor);
        if (!is_safe_square(scan.square)) {
            return false;
        }
        columns_.active[m] = scan.active;
        columns_.entry_bounds[m] = bound;
        columns_.bounds[m] = {bound.error, norm_from_square(scan.square)};
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
        first_root_.push_back(roots_.size());
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
    }
    first_root_.push_back(roots_.size());
    return all_certain;
}

bool NarrowSolver::order_roots() {
    const auto is_unclear = [](const Root& a, const Root& b) {
        return !(b.order - b.order_error > a.order + a.order_error);
    };
    for (std::size_t k = 0; k + 1 < first_root_.size(); ++k) {
        if (first_root_[k + 1] - first_root_[k] > 1) {
            const auto begin = roots_.begin() + static_cast<std::ptrdiff_t>(first_root_[k]);
            const auto end = roots_.begin() + static_cast<std::ptrdiff_t>(first_root_[k + 1]);
            std::sort(begin, end, is_before);
            if (std::adjacent_find(begin, end, is_unclear) != end) {
                return false;
            }
        }
    }
    return true;
}

// The knots and the roots in between.
bool NarrowSolver::refine(int layer) {
    coarser_.swap(knots_);
    knots_.resize(coarser_.size() + roots_.size());
    NarrowKnot* to = knots_.data();
    auto root = roots_.begin();
    for (std::size_t k = 0; k < coarser_.size(); ++k) {
        *to++ = coarser_[k];
        for (; root != roots_.end() && root->segment == static_cast<std::int32_t>(k); ++root) {
            *to++ = {{root->x, root->x_error, false}, {layer, root->neuron}};
        }
    }
    return all_apart();
}

bool NarrowSolver::all_apart() const {
    return std::adjacent_find(knots_.begin(), knots_.end(),
                              [](const Place& left, const Place& right) {
                                  return !are_apart(left, right);
                              }) == knots_.end();
}

std::optional<Breakpoints> NarrowSolver::find(const Network& network, const Line& line) {
    if (!solve(network, line, false) || !decide_reaches(network)) {
        return std::nullopt;
    }
    Breakpoints result;
    const std::size_t n_knots = knots_.size();
    const std::size_t n_crossings = n_knots - 2;  // one at each but the ends
    result.x.resize(n_knots);
    result.x_error.resize(n_knots);
    result.first_crossing.resize(n_knots + 1);
    result.layers.resize(n_crossings);
    result.neurons.resize(n_crossings);
    for (std::size_t k = 0; k < n_knots; ++k) {
        result.x[k] = knots_[k].x;
        result.x_error[k] = knots_[k].x_error;
    }
    for (std::size_t c = 0; c < n_crossings; ++c) {
        result.layers[c] = knots_[c + 1].crossing.layer;
        result.neurons[c] = knots_[c + 1].crossing.neuron;
    }
    std::iota(result.first_crossing.begin() + 1, result.first_crossing.end() - 1, 0);
    result.first_crossing.back() = static_cast<std::int32_t>(n_crossings);
    result.open_after.assign(n_knots - 1, 0);
    result.reaches_output = reaches_;
    return result;
}

bool NarrowSolver::count(const Network& network, const Line& line, std::int64_t* counts) {
    if (!solve(network, line, true)) {
        return false;
    }
    std::fill(counts, counts + network.depth(), 0);
    for (const NarrowKnot& knot : knots_) {
        if (knot.crossing.layer > 0) {
            ++counts[knot.crossing.layer - 1];
        }
    }
    counts[network.depth() - 1] += static_cast<std::int64_t>(roots_.size());
    return true;
}

}  // namespace relufast
