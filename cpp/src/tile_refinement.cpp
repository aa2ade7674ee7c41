// Double-double for the columns of a tile whose signs float64 leaves open.

#include <algorithm>

#include "relufast/column_ops.hpp"
#include "relufast/norms.hpp"
#include "relufast/point_evaluator.hpp"
#include "relufast/rounding.hpp"
#include "relufast/tile.hpp"

namespace relufast {

namespace {

// Leaves only some neurons in, numbered in rising order.
void select(const std::vector<std::int32_t>& neurons, PointEvaluator::Refined& refined) {
    for (std::size_t i = 0; i < neurons.size(); ++i) {
        refined.z[i] = refined.z[static_cast<std::size_t>(neurons[i])];
    }
    refined.z.resize(neurons.size());
    std::erase_if(refined.undecided, [&](std::int32_t neuron) {
        return !std::binary_search(neurons.begin(), neurons.end(), neuron);
    });
}

}  // namespace

// Evaluates one column anew in double-double; returns the neurons that stay undecided.
std::vector<std::int32_t> TileSolver::refine_column(Tile& tile, std::size_t k) const {
    PointEvaluator evaluator(network_, line_, points_);
    PointEvaluator::Refined refined = evaluator.refine(tile.grid.knots[k], tile.layer);
    if (!refined.is_known) {
        return {};  // the tile will be made again
    }
    tile.grid.knots[k].x_error = refined.x_error;
    if (tile.selection) {
        select(tile.selection->neurons, refined);
    }
    std::copy(refined.z.begin(), refined.z.end(), tile.column(k));
    mark_active(tile.column(k), tile.n, tile.activity(k));
    tile.error[k] = refined.error;
    tile.beta[k] = kInfinity;  // the error alone now bounds every entry
    tile.refined_column[k] = 1;
    tile.norm[k] = working_norm_bound(refined.z);
    for (double& value : refined.z) {
        value = value > 0.0 ? value : network_.negative_slope() * value;
    }
    tile.relu_norm[k] = working_norm_bound(refined.z);
    return refined.undecided;
}

void TileSolver::decide_open_signs(Tile& tile, const std::vector<OpenColumn>& open) const {
    Grid& grid = tile.grid;
    // What lies between two open segments would not be certain even with its own signs known.
    const auto is_worthwhile = [&](std::size_t k) {
        return (k > 0 && !grid.open_after[k - 1]) || (k + 1 < grid.size() && !grid.open_after[k]);
    };
    const auto n_worthwhile = static_cast<std::size_t>(
        std::count_if(open.begin(), open.end(),
                      [&](const OpenColumn& column) { return is_worthwhile(column.knot); }));
    const bool is_affordable = n_worthwhile <= affordable_refinements(tile);
    for (const OpenColumn& column : open) {
        const std::size_t k = column.knot;
        std::int64_t n_undecided = column.n_open;
        if (is_affordable && is_worthwhile(k)) {
            n_undecided = static_cast<std::int64_t>(refine_column(tile, k).size());
        }
        if (n_undecided == 0) {
            continue;
        }
        if (k > 0) {
            grid.open_after[k - 1] = 1;
        }
        if (k + 1 < grid.size()) {
            grid.open_after[k] = 1;
        }
        // A knot between two tiles is the left one's to count.
        if (k > 0 || grid.knots[k].crossings.empty()) {
            tile.undecided.push_back({grid.knots[k].x, n_undecided});
        }
    }
}

// Columns of one tile that may be evaluated in double-double. Each costs as much as many columns of
// the tile's own matrix product, and once the bounds have outgrown the values there is no end of
// them: proofs may take a few times as long as the computation, and a few milliseconds.
std::size_t TileSolver::affordable_refinements(const Tile& tile) const {
    constexpr double kShare = 4.0;
    constexpr double kAnyway = 4e8;  // multiplications
    constexpr double kDoubleDouble = 30.0;
    const auto products = [&](int layer) {
        return static_cast<double>(network_.layer(layer).n_in) *
               static_cast<double>(network_.layer(layer).n_out);
    };
    double each = 0.0;
    for (int l = 2; l <= tile.layer; ++l) {
        each += kDoubleDouble * products(l);
    }
    const double own = static_cast<double>(tile.grid.size()) * products(tile.layer);
    const auto affordable = static_cast<std::size_t>(std::max(kAnyway, kShare * own) / each);
    // In a wide network, a few of many chunks' columns may cost more than the chunks have.
    constexpr std::size_t kFew = 64;
    return points_ == nullptr ? affordable : std::max(affordable, kFew);
}

}  // namespace relufast
