// The values of a layer at the knots of a tile, with their error bounds.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "relufast/column_ops.hpp"
#include "relufast/norms.hpp"
#include "relufast/rounding.hpp"
#include "relufast/tile.hpp"
#include "relufast/tile_product.hpp"

namespace relufast {
namespace {

double relu_norm(const double* z, std::int64_t n, double negative_slope) {
    double square = 0.0;
    double largest = 0.0;
    for (std::int64_t i = 0; i < n; ++i) {
        const double relu = z[i] > 0.0 ? z[i] : negative_slope * z[i];
        square += relu * relu;
        largest = std::max(largest, std::fabs(relu));
    }
    return norm_from_square(square, largest);
}

}  // namespace

TileSolver::TileSolver(const Network& network, const Line& line, std::int64_t tile_size,
                       std::int64_t chunk_size, bool certify, bool counts_only, PointStore* points)
    : network_(network),
      line_(line),
      tile_size_(tile_size),
      chunk_size_(chunk_size),
      certify_(certify),
      counts_only_(counts_only),
      points_(points),
      line_norms_(line) {}

std::shared_ptr<Tile> TileSolver::new_tile(int layer, std::int64_t n, const Grid& below,
                                           std::size_t first, std::size_t last,
                                           Workspace& workspace) const {
    std::shared_ptr<Tile> tile = workspace.tiles.take();
    tile->layer = layer;
    tile->n = n;
    tile->selection.reset();
    tile->entry_errors.clear();
    const auto begin = static_cast<std::ptrdiff_t>(first);
    const auto end = static_cast<std::ptrdiff_t>(last);
    tile->grid.knots.assign(below.knots.begin() + begin, below.knots.begin() + end + 1);
    tile->grid.open_after.assign(below.open_after.begin() + begin, below.open_after.begin() + end);
    tile->z.resize(tile->grid.size() * static_cast<std::size_t>(tile->n));
    tile->bias_rounding = 4.0 * kRoundoff;  // biases are added last
    tile->zeros.clear();
    tile->undecided.clear();
    workspace.errors.resize(tile->grid.size());
    return tile;
}

std::shared_ptr<Tile> TileSolver::next_layer(std::shared_ptr<const Tile> below, std::size_t first,
                                             std::size_t last, Workspace& workspace) const {
    const int layer = below->layer + 1;
    const auto make = looks_at_few(layer)          ? &TileSolver::last_layer
                      : leaves_out_inactive(layer) ? &TileSolver::inner_layer
                                                   : &TileSolver::whole_layer;
    return (this->*make)(std::move(below), first, last, workspace);
}

bool TileSolver::may_cut(const Tile& below, std::size_t knot) const {
    const int layer = below.layer + 1;
    const bool is_told_by_chunks = looks_at_few(layer) || leaves_out_inactive(layer);
    return below.refined.knots[knot].x_error != 0.0 &&
           (!is_told_by_chunks || below.source[knot] >= 0);
}

std::shared_ptr<Tile> TileSolver::whole_layer(std::shared_ptr<const Tile> shared, std::size_t first,
                                              std::size_t last, Workspace& workspace) const {
    const int layer = shared->layer + 1;
    const Layer& parameters = network_.layer(layer);
    const std::int64_t n =
        is_output(layer) ? std::min(parameters.n_out, kWatchedOutputs) : parameters.n_out;
    std::shared_ptr<Tile> tile = new_tile(layer, n, shared->refined, first, last, workspace);
    carry_up({parameters, n}, *shared, first, last, tile->z.data(), workspace);
    tile->below = std::move(shared);
    tile->first_below = first;
    add_biases_and_bound(*tile, workspace);
    return tile;
}

void TileSolver::carry_up(const Rows& rows, const Tile& below, std::size_t first, std::size_t last,
                          double* columns, Workspace& workspace) const {
    const auto n = static_cast<std::size_t>(rows.n);
    const double a = network_.negative_slope();

    const auto segment_of = [&](std::size_t m) {
        return static_cast<std::size_t>(
            below.roots[static_cast<std::size_t>(~below.source[m])].segment);
    };
    const std::size_t lo = below.source[first] >= 0 ? static_cast<std::size_t>(below.source[first])
                                                    : segment_of(first);
    const std::size_t hi = below.source[last] >= 0 ? static_cast<std::size_t>(below.source[last])
                                                   : segment_of(last) + 1;

    // Correcting q chords for q flips costs q^2 additions of columns: past this many, a product
    // of its own for each new knot is cheaper.
    const auto is_dense = [&](std::size_t segment) {
        const std::int64_t count = below.first_root[segment + 1] - below.first_root[segment];
        return count > std::max<std::int64_t>(8, below.n / 16);
    };
    std::vector<std::size_t>& dense = workspace.dense;
    dense.clear();
    for (std::size_t m = first; m <= last; ++m) {
        if (below.source[m] < 0 && is_dense(segment_of(m))) {
            dense.push_back(static_cast<std::size_t>(~below.source[m]));
        }
    }

    const auto n_in = static_cast<std::size_t>(below.n);
    workspace.points.resize(dense.size() * n_in);
    workspace.point_activity.resize(dense.size() * activity_words(below.n));
    std::vector<double>& dense_norms = workspace.dense_norms;
    dense_norms.clear();
    for (std::size_t d = 0; d < dense.size(); ++d) {
        const Root& root = below.roots[dense[d]];
        const auto segment = static_cast<std::size_t>(root.segment);
        const Weights at =
            weights_at(below.grid.knots[segment], below.grid.knots[segment + 1], root.x);
        double* point = workspace.points.data() + d * n_in;
        combine(at.lo, below.column(segment), at.hi, below.column(segment + 1), point, below.n);
        mark_active(point, below.n, workspace.point_activity.data() + d * activity_words(below.n));
        dense_norms.push_back(relu_norm(point, below.n, a));
    }
    workspace.columns.resize(hi - lo + 1);
    std::iota(workspace.columns.begin(), workspace.columns.end(), lo);
    const std::int64_t n_terms = multiply_relu(rows, a, below, dense.size(), workspace);
    const Sent sent(rows, below, lo, hi, workspace);
    const auto product = [&](std::size_t slot) { return workspace.products.data() + slot * n; };

    const double rounding = gamma(n_terms + 2);

    std::size_t next_dense = 0;
    for (std::size_t m = first; m <= last; ++m) {
        double* z = columns + (m - first) * n;
        ColumnError& error = workspace.errors[m - first];
        error = {};
        if (below.source[m] >= 0) {
            const auto k = static_cast<std::size_t>(below.source[m]);
            std::copy(product(k - lo), product(k - lo) + n, z);
            error = error_at_knot(network_, below.bounds(k), rounding);
            if (below.silent[k]) {
                error.carried = 0.0;
            }
            continue;
        }
        const Root& root = below.roots[static_cast<std::size_t>(~below.source[m])];
        const auto k = static_cast<std::size_t>(root.segment);
        const Weights at = weights_at(below.grid.knots[k], below.grid.knots[k + 1], root.x);
        std::span<const Root> turning;  // of whom the product does not know
        if (!is_dense(k)) {
            combine(at.lo, product(k - lo), at.hi, product(k + 1 - lo), z, rows.n);
            turning = std::span(below.roots.begin() + below.first_root[k],
                                below.roots.begin() + below.first_root[k + 1]);
        }
        const Bend bend = bend_at(root, turning, at, below.column(k), below.column(k + 1), a,
                                  [&](double deviation, std::int32_t neuron) {
                                      add_multiple(deviation, sent.by(neuron), z, rows.n);
                                  });
        error = error_at_root(network_, below.bounds(k), below.bounds(k + 1), at, bend, rounding);
        if (is_dense(k)) {
            const std::size_t slot = hi - lo + 1 + next_dense;
            std::copy(product(slot), product(slot) + n, z);
            error.rounding = rounding * dense_norms[next_dense];
            error.sent = dense_norms[next_dense];
            ++next_dense;
        }
    }
}

void TileSolver::add_biases_and_bound(Tile& tile, Workspace& workspace) const {
    const std::vector<ColumnError>& errors = workspace.errors;
    const Layer& parameters = parameters_of(tile);
    const bool others_send = tile.selection && tile.selection->others_send;
    const double a = network_.negative_slope();
    const std::size_t n_knots = tile.grid.size();
    tile.error.resize(n_knots);
    tile.beta.resize(n_knots);
    tile.norm.resize(n_knots);
    tile.relu_norm.resize(n_knots);
    tile.silent.assign(n_knots, 0);
    tile.active.resize(n_knots * activity_words(tile.n));

    std::vector<OpenColumn>& open = workspace.open;
    open.clear();
    for (std::size_t k = 0; k < n_knots; ++k) {
        const double bias_factor = tile.grid.knots[k].is_direction ? 0.0 : 1.0;
        const EntryBound bound =
            bound_entries(parameters, errors[k], bias_factor * tile.bias_rounding);
        const ColumnScan scan = add_biases_and_scan(tile.column(k), parameters.biases.data(),
                                                    bias_factor, a, tile.n, tile.activity(k));
        tile.beta[k] = bound.beta;
        tile.error[k] = bound.error;
        // Mostly, no entry is anywhere near its bound, or near the ends of float64's range.
        const bool all_decided =
            scan.least > parameters.largest_decision_norm * bound.beta +
                             (parameters.largest_bias * bound.bias_rounding + bound.floor);
        if (all_decided && is_safe_square(scan.relu_square) && is_safe_square(scan.square)) {
            tile.norm[k] = norm_from_square(scan.square);
            tile.relu_norm[k] = norm_from_square(scan.relu_square);
            continue;
        }
        const bool overflowed = !(scan.square < kInfinity);
        if (overflowed) {  // the sign of an infinity may be that of a partial sum alone
            tile.beta[k] = tile.error[k] = kInfinity;
        }
        const ColumnExtremes extremes = column_extremes(
            tile.column(k), parameters.biases.data(), parameters.decision_norms.data(),
            tile.beta[k], bound.bias_rounding, bound.floor, tile.n);
        tile.norm[k] = norm_from_square(scan.square, extremes.largest);
        const double largest_relu = a == 0.0 ? std::max(extremes.highest, 0.0) : extremes.largest;
        tile.relu_norm[k] = norm_from_square(scan.relu_square, largest_relu);

        if (is_output(tile.layer)) {
            continue;
        }
        std::int64_t n_open = overflowed ? tile.n : extremes.n_open;
        if (n_open > 0 && tile.beta[k] == 0.0) {
            for (std::int32_t i = 0; i < tile.n; ++i) {
                const bool is_zero = tile.column(k)[i] == 0.0 && entry_error(tile, k, i) == 0.0;
                if (is_zero) {
                    tile.zeros.push_back({static_cast<std::int32_t>(k), i});
                    --n_open;
                }
            }
        }
        if (n_open > 0) {
            open.push_back({k, n_open});
        } else if (a == 0.0 && !(extremes.highest > 0.0)) {
            tile.silent[k] = 1;
            if (extremes.highest < 0.0 && !others_send) {
                tile.grid.knots[k].silent = true;
            }
        }
    }
    if (is_output(tile.layer)) {
        return;
    }
    tile.refined_column.assign(n_knots, 0);
    if (certify_) {
        decide_open_signs(tile, open);
    }
    find_roots(tile, workspace);
}

double TileSolver::entry_error(const Tile& tile, std::size_t knot, std::int32_t neuron) const {
    const Layer& parameters = parameters_of(tile);
    const auto i = static_cast<std::size_t>(neuron);
    if (!tile.entry_errors.empty()) {
        return tile.entry_errors[knot * static_cast<std::size_t>(tile.n) + i];
    }
    const double beta = tile.beta[knot];
    const double bias_factor = tile.grid.knots[knot].is_direction ? 0.0 : 1.0;
    return relufast::entry_error(parameters, i,
                                 {beta, bias_factor * tile.bias_rounding,
                                  beta > 0.0 ? underflow(parameters.n_in) : 0.0, tile.error[knot]});
}

}  // namespace relufast
