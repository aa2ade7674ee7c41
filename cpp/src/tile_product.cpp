// The matrix product that carries a tile one layer up.
//
// Where the weights lie in the first-level cache, each column sums up what its own active neurons
// send, about half of them. In larger layers it is what all neurons send that are active at some
// knot of the tile.

#include "relufast/tile_product.hpp"

#include <algorithm>
#include <cmath>

#include "relufast/column_ops.hpp"
#include "relufast/gathered_product.hpp"
#include "relufast/rounding.hpp"
#include "relufast/weight_blocks.hpp"

namespace relufast {
namespace {

// out = W relu(z) of a small layer's first n outputs; returns the number of neurons that send.
std::int64_t sum_sent(const Rows& rows, double negative_slope, const Tile& below, const double* z,
                      const std::uint64_t* active, double* out, Workspace& workspace) {
    std::vector<std::int32_t>& alive = workspace.alive;
    alive.resize(static_cast<std::size_t>(below.n));
    workspace.hidden.resize(alive.size());
    const std::int64_t n_sent =
        gather_senders(z, active, below.n, negative_slope, alive.data(), workspace.hidden.data());
    alive.resize(static_cast<std::size_t>(n_sent));
    renumber(below, alive);
    sum_multiples(rows.layer.weights.data(), rows.layer.stride(), alive.data(),
                  workspace.hidden.data(), n_sent, out, rows.n);
    return n_sent;
}

}  // namespace

Sent::Sent(const Rows& rows, const Tile& below, std::size_t lo, std::size_t hi,
           Workspace& workspace)
    : below_(below), layer_(rows.layer), weights_(workspace.weights), n_(rows.n) {
    if (rows.neurons == nullptr) {
        return;
    }
    for (std::int32_t r = below.first_root[lo]; r < below.first_root[hi]; ++r) {
        turning_.push_back(below.roots[static_cast<std::size_t>(r)].neuron);
    }
    std::sort(turning_.begin(), turning_.end());
    turning_.erase(std::unique(turning_.begin(), turning_.end()), turning_.end());
    weights_.resize(turning_.size() * static_cast<std::size_t>(n_));
    double* to = weights_.data();
    for (const std::int32_t neuron : turning_) {
        const std::int64_t sender = neuron_of(below, neuron);
        const double* const column = layer_.outgoing(sender);
        const std::size_t n_neurons = rows.neurons->size();
        for (std::size_t r = 0; r < n_neurons; ++r) {
            to[r] = column[(*rows.neurons)[r]];
        }
        for (std::size_t r = n_neurons; r < static_cast<std::size_t>(n_); ++r) {
            to[r] = rows.others->weights(r - n_neurons)[sender];
        }
        to += n_;
    }
    gathers_ = true;
}

const double* Sent::by(std::int32_t neuron) const {
    if (!gathers_) {
        return layer_.outgoing(neuron_of(below_, neuron));
    }
    const auto at = std::lower_bound(turning_.begin(), turning_.end(), neuron);
    return weights_.data() + (at - turning_.begin()) * n_;
}

std::int64_t multiply_relu(const Rows& rows, double negative_slope, const Tile& below,
                           std::size_t n_points, Workspace& workspace) {
    const std::int64_t n_below = below.n;
    const auto n = static_cast<std::size_t>(rows.n);
    const std::size_t n_knots = workspace.columns.size();
    const std::size_t n_columns = n_knots + n_points;
    const auto column = [&](std::size_t slot) {
        return slot < n_knots
                   ? below.column(workspace.columns[slot])
                   : workspace.points.data() + (slot - n_knots) * static_cast<std::size_t>(n_below);
    };
    const auto pattern = [&](std::size_t slot) {
        return slot < n_knots
                   ? below.activity(workspace.columns[slot])
                   : workspace.point_activity.data() + (slot - n_knots) * activity_words(n_below);
    };
    workspace.products.resize(n_columns * n);
    const auto product = [&](std::size_t slot) { return workspace.products.data() + slot * n; };

    if (rows.neurons == nullptr && is_small(n_below, rows.layer.n_out)) {
        std::int64_t longest = 0;
        for (std::size_t slot = 0; slot < n_columns; ++slot) {
            longest = std::max(longest, sum_sent(rows, negative_slope, below, column(slot),
                                                 pattern(slot), product(slot), workspace));
        }
        return longest;
    }

    std::vector<std::int32_t>& alive = workspace.alive;
    list_senders(n_below, negative_slope, n_knots, pattern, alive);
    const auto length = static_cast<std::int64_t>(alive.size());
    if (length == 0) {
        std::fill(workspace.products.begin(), workspace.products.end(), 0.0);
        return 0;
    }
    workspace.hidden.resize(n_columns * alive.size());
    for (std::size_t slot = 0; slot < n_columns; ++slot) {
        gather_relu(column(slot), alive.data(), length, negative_slope,
                    workspace.hidden.data() + slot * alive.size());
    }
    const double* const hidden = workspace.hidden.data();
    double* const products = workspace.products.data();
    const auto q = static_cast<std::int64_t>(n_columns);
    renumber(below, alive);
    multiply_gathered(rows.n, length, blocks_of_weights(rows, alive), hidden, q, products,
                      workspace.packed);
    return roundings_of_gathered(length);
}

RoughValues multiply_relu_roughly(const Layer& layer, double negative_slope, const Tile& below,
                                  Workspace& workspace) {
    const std::vector<std::size_t>& columns = workspace.columns;
    RoughValues rough;
    rough.n = static_cast<std::size_t>(layer.n_out);
    workspace.rough_products.resize(columns.size() * rough.n);
    rough.values = workspace.rough_products.data();

    std::vector<std::int32_t>& alive = workspace.alive;
    list_senders(
        below.n, negative_slope, columns.size(),
        [&](std::size_t slot) { return below.activity(columns[slot]); }, alive);
    const auto length = static_cast<std::int64_t>(alive.size());
    double largest = 0.0;
    for (const std::size_t k : columns) {
        largest = std::max(largest, below.relu_norm[k]);
    }
    if (length == 0 || largest == 0.0 || layer.largest_decision_norm <= 0.0) {
        std::fill(workspace.rough_products.begin(), workspace.rough_products.end(), 0.0F);
        return rough;
    }
    if (!(largest < 0x1p450) || !(layer.largest_decision_norm < 0x1p450)) {
        rough.rounding = kInfinity;  // nothing is known
        return rough;
    }
    // In these units no norm exceeds 2.
    const double unit_below = std::exp2(std::ilogb(largest));
    const double unit_of_weights = std::exp2(std::ilogb(layer.largest_decision_norm));
    workspace.hidden.resize(alive.size());
    workspace.rough_hidden.resize(columns.size() * alive.size());
    for (std::size_t slot = 0; slot < columns.size(); ++slot) {
        gather_relu(below.column(columns[slot]), alive.data(), length, negative_slope,
                    workspace.hidden.data());
        round_multiples(1.0 / unit_below, workspace.hidden.data(),
                        workspace.rough_hidden.data() + slot * alive.size(), length);
    }
    renumber(below, alive);
    multiply_gathered(layer.n_out, length,
                      rough_blocks_of_weights(layer, alive, 1.0 / unit_of_weights),
                      workspace.rough_hidden.data(), static_cast<std::int64_t>(columns.size()),
                      workspace.rough_products.data(), workspace.rough_packed);
    rough.unit = unit_below * unit_of_weights;
    // Besides the sum's own roundings those of relu(z) and of its two factors.
    rough.rounding = gamma_of<float>(roundings_of_gathered(length) + 3);
    // Numbers below 2^-126 are off by up to 2^-150: terms, and factors of numbers of which the sum
    // of squares is no more than 4.
    rough.lost = rough.unit * static_cast<double>(length) * 0x1p-146;
    return rough;
}

}  // namespace relufast
