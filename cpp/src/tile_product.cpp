// The matrix product that carries a tile one layer up.
//
// Two ways. Where the weights lie in the first-level cache, each column sums up what its own active
// neurons send, about half of them. Larger layers go through BLAS, for all neurons that are active
// at some knot of the tile.

#include "relufast/tile_product.hpp"

#include <algorithm>

#include "relufast/blas.hpp"
#include "relufast/column_ops.hpp"

namespace relufast {
namespace {

// out = W relu(z) of a small layer's first n outputs; returns the number of neurons that send.
std::int64_t sum_sent(const Rows& rows, double negative_slope, const Tile& below, const double* z,
                      const std::uint64_t* active, double* out, Workspace& workspace) {
    std::vector<std::int32_t>& alive = workspace.alive;
    workspace.hidden.resize(static_cast<std::size_t>(below.n));
    list_senders(below.n, negative_slope, 1, [&](std::size_t) { return active; }, alive);
    const auto n_sent = static_cast<std::int64_t>(alive.size());
    gather_relu(z, alive.data(), n_sent, negative_slope, workspace.hidden.data());
    renumber(below, alive);
    sum_multiples(rows.layer.weights.data(), rows.layer.n_out, alive.data(),
                  workspace.hidden.data(), n_sent, out, rows.n);
    return n_sent;
}

// Column r of an array n_rows wide: what one row takes from the alive neurons.
template <class Weight>
void gather_row(std::size_t r, std::size_t n_rows, std::size_t n_alive, Weight weight, double* to) {
    for (std::size_t c = 0; c < n_alive; ++c) {
        to[c * n_rows + r] = weight(c);
    }
}

// (alive, n): what the alive neurons of a tile send to the rows.
void gather_weights(const Rows& rows, const Tile& below, const std::vector<std::int32_t>& alive,
                    double* to) {
    const Layer& layer = rows.layer;
    const auto n = static_cast<std::size_t>(rows.n);
    const auto sender = [&](std::size_t c) { return neuron_of(below, alive[c]); };
    if (rows.neurons == nullptr) {
        for (std::size_t c = 0; c < alive.size(); ++c) {
            std::copy_n(layer.outgoing(sender(c)), n, to + c * n);
        }
        return;
    }
    const std::vector<std::int32_t>& neurons = *rows.neurons;
    if (layer.rows.empty()) {
        for (std::size_t c = 0; c < alive.size(); ++c) {
            const double* from = layer.outgoing(sender(c));
            for (std::size_t r = 0; r < neurons.size(); ++r) {
                to[c * n + r] = from[neurons[r]];
            }
        }
    } else {
        for (std::size_t r = 0; r < neurons.size(); ++r) {
            const double* from = layer.rows.data() + neurons[r] * layer.n_in;
            gather_row(r, n, alive.size(), [&](std::size_t c) { return from[sender(c)]; }, to);
        }
    }
    for (std::size_t r = neurons.size(); r < n; ++r) {
        const double* from = rows.others->weights(r - neurons.size());
        gather_row(r, n, alive.size(), [&](std::size_t c) { return from[sender(c)]; }, to);
    }
}

// products = W hidden, k terms each; returns how many roundings a term meets at most. Bounds on
// roundings grow with the length of a sum, which is why long ones are made of the sums of blocks.
std::int64_t multiply(std::int64_t n, std::int64_t n_columns, std::int64_t k, const double* weights,
                      std::int64_t stride, Workspace& workspace) {
    constexpr std::int64_t kLong = 4096;
    constexpr std::int64_t kBlock = 128;
    constexpr std::int64_t kRows = 1024;  // whose part of the products is in the cache
    const double* hidden = workspace.hidden.data();
    double* products = workspace.products.data();
    if (k <= kLong) {
        blas::gemm('N', 'N', n, n_columns, k, 1.0, weights, stride, hidden, k, 0.0, products, n);
        return k;
    }
    workspace.part.resize(static_cast<std::size_t>(kRows * n_columns));
    for (std::int64_t row = 0; row < n; row += kRows) {
        const std::int64_t n_rows = std::min(kRows, n - row);
        blas::gemm('N', 'N', n_rows, n_columns, kBlock, 1.0, weights + row, stride, hidden, k, 0.0,
                   products + row, n);
        for (std::int64_t at = kBlock; at < k; at += kBlock) {
            blas::gemm('N', 'N', n_rows, n_columns, std::min(kBlock, k - at), 1.0,
                       weights + at * stride + row, stride, hidden + at, k, 0.0,
                       workspace.part.data(), n_rows);
            for (std::int64_t c = 0; c < n_columns; ++c) {
                add_multiple(1.0, workspace.part.data() + c * n_rows, products + c * n + row,
                             n_rows);
            }
        }
    }
    return kBlock + (k + kBlock - 1) / kBlock;
}

}  // namespace

const double* Sent::by(std::int32_t neuron) const {
    if (alive_ == nullptr) {
        return layer_.outgoing(neuron_of(below_, neuron));
    }
    return weights_ +
           (std::lower_bound(alive_->begin(), alive_->end(), neuron) - alive_->begin()) * n_;
}

Product multiply_relu(const Rows& rows, double negative_slope, const Tile& below,
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
        return {longest, {below, rows.layer}};
    }

    std::vector<std::int32_t>& alive = workspace.alive;
    list_senders(n_below, negative_slope, n_knots, pattern, alive);
    const auto length = static_cast<std::int64_t>(alive.size());
    if (length == 0) {
        std::fill(workspace.products.begin(), workspace.products.end(), 0.0);
        return {0, {below, rows.layer, alive, nullptr, 0}};
    }
    // Gathering weights for a few columns takes longer than multiplying zeros.
    constexpr std::size_t kFewColumns = 64;
    const Layer& layer = rows.layer;
    const bool is_whole =
        rows.neurons == nullptr && (n_columns <= kFewColumns || length == layer.n_in);
    const std::int64_t k = is_whole ? layer.n_in : length;
    workspace.hidden.resize(n_columns * static_cast<std::size_t>(k));
    for (std::size_t slot = 0; slot < n_columns; ++slot) {
        double* const hidden = workspace.hidden.data() + slot * static_cast<std::size_t>(k);
        if (k == length) {
            gather_relu(column(slot), alive.data(), length, negative_slope, hidden);
            continue;
        }
        std::fill_n(hidden, k, 0.0);
        for (const std::int32_t neuron : alive) {
            const double z = column(slot)[neuron];
            hidden[neuron_of(below, neuron)] = z > 0.0 ? z : negative_slope * z;
        }
    }
    if (!is_whole) {
        workspace.weights.resize(alive.size() * n);
        gather_weights(rows, below, alive, workspace.weights.data());
    }
    const double* weights = is_whole ? layer.weights.data() : workspace.weights.data();
    const std::int64_t n_terms = multiply(rows.n, static_cast<std::int64_t>(n_columns), k, weights,
                                          is_whole ? layer.n_out : rows.n, workspace);
    return {std::min(n_terms, length),
            is_whole ? Sent{below, layer} : Sent{below, layer, alive, weights, rows.n}};
}

}  // namespace relufast
