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
std::int64_t sum_sent(const Layer& layer, std::int64_t n, double negative_slope, const double* z,
                      const std::uint64_t* active, double* out, Workspace& workspace) {
    workspace.hidden.resize(static_cast<std::size_t>(layer.n_in));
    list_senders(
        layer.n_in, negative_slope, 1, [&](std::size_t) { return active; }, workspace.alive);
    const auto n_sent = static_cast<std::int64_t>(workspace.alive.size());
    gather_relu(z, workspace.alive.data(), n_sent, negative_slope, workspace.hidden.data());
    sum_multiples(layer.weights.data(), layer.n_out, workspace.alive.data(),
                  workspace.hidden.data(), n_sent, out, n);
    return n_sent;
}

}  // namespace

std::int64_t multiply_relu(const Layer& above, std::int64_t n, double negative_slope,
                           const Tile& below, std::size_t n_points, Workspace& workspace) {
    const std::int64_t n_below = above.n_in;
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
    workspace.products.resize(n_columns * static_cast<std::size_t>(n));
    const auto product = [&](std::size_t slot) {
        return workspace.products.data() + slot * static_cast<std::size_t>(n);
    };

    if (is_small(above)) {
        std::int64_t longest = 0;
        for (std::size_t slot = 0; slot < n_columns; ++slot) {
            longest = std::max(longest, sum_sent(above, n, negative_slope, column(slot),
                                                 pattern(slot), product(slot), workspace));
        }
        return longest;
    }

    list_senders(n_below, negative_slope, n_knots, pattern, workspace.alive);
    const std::size_t n_alive = workspace.alive.size();
    const auto length = static_cast<std::int64_t>(n_alive);
    if (length == 0) {
        std::fill(workspace.products.begin(), workspace.products.end(), 0.0);
        return 0;
    }
    workspace.hidden.resize(n_columns * n_alive);
    for (std::size_t slot = 0; slot < n_columns; ++slot) {
        gather_relu(column(slot), workspace.alive.data(), length, negative_slope,
                    workspace.hidden.data() + slot * n_alive);
    }
    const double* weights = above.weights.data();
    std::int64_t stride = above.n_out;
    if (length < n_below) {
        workspace.weights.resize(n_alive * static_cast<std::size_t>(n));
        for (std::size_t c = 0; c < n_alive; ++c) {
            std::copy_n(above.outgoing(workspace.alive[c]), n,
                        workspace.weights.data() + c * static_cast<std::size_t>(n));
        }
        weights = workspace.weights.data();
        stride = n;
    }
    blas::gemm('N', 'N', n, static_cast<std::int64_t>(n_columns), length, 1.0, weights, stride,
               workspace.hidden.data(), length, 0.0, workspace.products.data(), n);
    return length;
}

}  // namespace relufast
