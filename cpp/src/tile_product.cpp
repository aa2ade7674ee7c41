// The matrix product that carries a tile one layer up.
//
// Where the weights lie in the first-level cache, each column sums up what its own active neurons
// send, about half of them. In larger layers it is what all neurons send that are active at some
// knot of the tile.

#include "relufast/tile_product.hpp"

#include <algorithm>

#include "relufast/column_ops.hpp"
#include "relufast/gathered_product.hpp"
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

}  // namespace relufast
