// The crossings of a tile's layer: roots between knots, in order, and the grid they refine.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "relufast/rounding.hpp"
#include "relufast/tile.hpp"

namespace relufast {
namespace {

bool apart(const Knot& knot, const Root& root) {
    return knot.is_direction || std::fabs(knot.x - root.x) > knot.x_error + root.x_error;
}

}  // namespace

void TileSolver::find_roots(Tile& tile, Workspace& workspace) const {
    add_crossings_at_zeros(tile);
    search_segments(tile, workspace);
    if (certify_) {
        // Roots too close to call are found again between columns known to double-double.
        std::vector<std::size_t> close;
        const auto add = [&](std::size_t k) {
            if (!tile.refined_column[k] && (close.empty() || close.back() != k)) {
                close.push_back(k);
            }
        };
        for (const Root& root : tile.roots) {
            const bool is_settled = tile.grid.open_after[static_cast<std::size_t>(root.segment)];
            if (!is_settled && (root.is_open || root.is_unordered)) {
                add(static_cast<std::size_t>(root.segment));
                add(static_cast<std::size_t>(root.segment) + 1);
            }
        }
        if (!close.empty() && close.size() <= affordable_refinements(tile)) {
            for (const std::size_t k : close) {
                refine_column(tile, k);
            }
            search_segments(tile, workspace);
        }
        for (const Root& root : tile.roots) {
            if (root.is_open || root.is_unordered) {
                tile.undecided.push_back({root.x, 1});
            }
        }
    }
    open_segments(tile);
    if (!is_counted(tile.layer)) {
        refine_grid(tile);
    }
}

void TileSolver::search_segments(Tile& tile, Workspace& workspace) const {
    tile.roots.clear();
    tile.first_root.clear();
    tile.first_root.reserve(tile.grid.size());
    tile.roots.reserve(static_cast<std::size_t>(tile.n));  // about as many as that, mostly
    const auto is_zero = [&](std::size_t knot, std::int32_t neuron) {
        return std::any_of(tile.zeros.begin(), tile.zeros.end(), [&](const Tile::ExactZero& zero) {
            return zero.knot == static_cast<std::int32_t>(knot) && zero.neuron == neuron;
        });
    };
    std::vector<std::uint8_t>& has_zeros = workspace.has_zeros;
    has_zeros.assign(tile.grid.size(), 0);
    for (const Tile::ExactZero& zero : tile.zeros) {
        has_zeros[static_cast<std::size_t>(zero.knot)] = 1;
    }

    const std::size_t n_words = activity_words(tile.n);
    for (std::size_t k = 0; k + 1 < tile.grid.size(); ++k) {
        const std::size_t begin = tile.roots.size();
        tile.first_root.push_back(static_cast<std::int32_t>(begin));
        const auto visit = [&](std::int32_t neuron) {
            // Along a ray without slope the sign is that of its finite end.
            const bool is_constant =
                (tile.grid.knots[k].is_direction && tile.column(k)[neuron] == 0.0) ||
                (tile.grid.knots[k + 1].is_direction && tile.column(k + 1)[neuron] == 0.0);
            const bool ends_at_zero = (has_zeros[k] && is_zero(k, neuron)) ||
                                      (has_zeros[k + 1] && is_zero(k + 1, neuron));
            if (!ends_at_zero && !is_constant) {
                add_root(tile, k, neuron);
            }
        };
        for_each_flip(tile.activity(k), tile.activity(k + 1), n_words, visit);
        if (tile.roots.size() > begin + 1 && !is_counted(tile.layer)) {
            order_roots(tile, begin);
        }
    }
    tile.first_root.push_back(static_cast<std::int32_t>(tile.roots.size()));
}

// A neuron that is zero at a knot beyond doubt crosses there if its neighbours' activity differs.
void TileSolver::add_crossings_at_zeros(Tile& tile) const {
    const Layer& next = network_.layer(tile.layer + 1);
    for (const Tile::ExactZero& zero : tile.zeros) {
        const auto k = static_cast<std::size_t>(zero.knot);
        if (k == 0 || k + 1 == tile.grid.size()) {
            continue;
        }
        const bool left = tile.column(k - 1)[zero.neuron] > 0.0;
        const bool right = tile.column(k + 1)[zero.neuron] > 0.0;
        if (left != right) {
            Knot& knot = tile.grid.knots[k];
            const std::int32_t neuron = neuron_of(tile, zero.neuron);
            const bool quiet = next.column_norms[static_cast<std::size_t>(neuron)] == 0.0 ||
                               network_.kink() == 0.0;
            knot.silent = quiet && (knot.crossings.empty() || knot.silent);
            knot.crossings.add({tile.layer, neuron});
        }
    }
}

void TileSolver::add_root(Tile& tile, std::size_t segment, std::int32_t neuron) const {
    const auto value_at = [&](std::size_t k) {
        return EndValue{tile.column(k)[neuron], entry_error(tile, k, neuron)};
    };
    Root root{root_between(tile.grid.knots[segment], tile.grid.knots[segment + 1],
                           value_at(segment), value_at(segment + 1))};
    root.segment = static_cast<std::int32_t>(segment);
    root.neuron = neuron;
    tile.roots.push_back(root);
}

// Sorts the roots of one segment, from `begin` to the last one found.
void TileSolver::order_roots(Tile& tile, std::size_t begin) const {
    const auto first = tile.roots.begin() + static_cast<std::ptrdiff_t>(begin);
    std::sort(first, tile.roots.end(), is_before);
    const auto reach = [](const Root& root) { return root.order + root.order_error; };
    // Runs of roots whose uncertainties overlap.
    std::size_t start = certify_ ? begin : tile.roots.size();
    while (start < tile.roots.size()) {
        double furthest = reach(tile.roots[start]);
        std::size_t stop = start + 1;
        while (stop < tile.roots.size() &&
               !(tile.roots[stop].order - tile.roots[stop].order_error > furthest)) {
            furthest = std::max(furthest, reach(tile.roots[stop]));
            ++stop;
        }
        const bool is_settled =
            tile.grid.open_after[static_cast<std::size_t>(tile.roots[start].segment)];
        if (stop - start > 1 && (is_settled || !order_exactly(tile, start, stop))) {
            for (std::size_t r = start + 1; r < stop; ++r) {
                tile.roots[r].is_unordered = true;
            }
        }
        start = stop;
    }
    // Where rounding turned round what the order tells, one float64 number stands for both.
    for (std::size_t r = begin + 1; r < tile.roots.size(); ++r) {
        Root& root = tile.roots[r];
        const double before = tile.roots[r - 1].x;
        if (root.x < before) {
            root.x_error += before - root.x;
            root.x = before;
        }
    }
}

// Orders roots start..stop of one segment in double-double, if both its ends are known so well and
// the roots can be told apart.
bool TileSolver::order_exactly(Tile& tile, std::size_t start, std::size_t stop) const {
    constexpr std::size_t kLongestRun = 64;
    const auto segment = static_cast<std::size_t>(tile.roots[start].segment);
    if (stop - start > kLongestRun || !tile.refined_column[segment] ||
        !tile.refined_column[segment + 1]) {
        return false;
    }
    const double x = tile.roots[start].x;
    double radius = 0.0;
    std::vector<std::int32_t> neurons;
    for (std::size_t r = start; r < stop; ++r) {
        const Root& root = tile.roots[r];
        radius = std::max(radius, std::fabs(root.x - x) + root.x_error);
        neurons.push_back(neuron_of(tile, root.neuron));
    }
    if (!std::isfinite(x) || !std::isfinite(radius)) {
        return false;
    }
    PointEvaluator evaluator(network_, line_, points_);
    const auto offsets = evaluator.roots_near(x, radius * kInflate, tile.layer, neurons);
    if (!offsets) {
        return false;
    }
    std::vector<std::size_t> order(stop - start);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) {
        return (*offsets)[i].value < (*offsets)[j].value;
    });
    std::vector<Root> sorted;
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (i > 0) {
            const auto& left = (*offsets)[order[i - 1]];
            const auto& right = (*offsets)[order[i]];
            if (!(right.value - left.value > (left.error + right.error) * (1.0 + 0x1p-20))) {
                return false;
            }
        }
        sorted.push_back(tile.roots[start + order[i]]);
    }
    std::copy(sorted.begin(), sorted.end(),
              tile.roots.begin() + static_cast<std::ptrdiff_t>(start));
    return true;
}

// Marks the segments with roots of which something is not known.
void TileSolver::open_segments(Tile& tile) const {
    for (std::size_t k = 0; k + 1 < tile.grid.size(); ++k) {
        const auto begin = tile.roots.begin() + tile.first_root[k];
        const auto end = tile.roots.begin() + tile.first_root[k + 1];
        for (auto root = begin; root != end; ++root) {
            // A root that may lie beyond the end of its segment opens the next one, too.
            if (root->is_open || root->is_unordered) {
                tile.grid.open_after[k] = 1;
            }
            if (root->is_open && k > 0 && !apart(tile.grid.knots[k], *root)) {
                tile.grid.open_after[k - 1] = 1;
            }
            if (root->is_open && k + 2 < tile.grid.size() &&
                !apart(tile.grid.knots[k + 1], *root)) {
                tile.grid.open_after[k + 1] = 1;
            }
        }
    }
}

// The grid with the roots in between.
void TileSolver::refine_grid(Tile& tile) const {
    const Layer& next = network_.layer(tile.layer + 1);
    Grid& refined = tile.refined;
    const std::size_t n_knots = tile.grid.size() + tile.roots.size();
    refined.knots.clear();
    refined.open_after.clear();
    tile.source.clear();
    refined.knots.reserve(n_knots);
    refined.open_after.reserve(n_knots);
    tile.source.reserve(n_knots);
    for (std::size_t k = 0; k < tile.grid.size(); ++k) {
        refined.knots.push_back(tile.grid.knots[k]);
        tile.source.push_back(static_cast<std::int32_t>(k));
        if (k + 1 == tile.grid.size()) {
            break;
        }
        refined.open_after.push_back(tile.grid.open_after[k]);
        for (std::int32_t r = tile.first_root[k]; r < tile.first_root[k + 1]; ++r) {
            const Root& root = tile.roots[static_cast<std::size_t>(r)];
            Knot knot;
            knot.x = root.x;
            knot.x_error = root.x_error;
            const std::int32_t neuron = neuron_of(tile, root.neuron);
            knot.silent = next.column_norms[static_cast<std::size_t>(neuron)] == 0.0 ||
                          network_.kink() == 0.0;
            knot.crossings.add({tile.layer, neuron});
            refined.knots.push_back(std::move(knot));
            tile.source.push_back(~r);
            refined.open_after.push_back(tile.grid.open_after[k]);
        }
    }
    if (certify_) {
        open_clusters(refined, tile.undecided);
    }
}

}  // namespace relufast
