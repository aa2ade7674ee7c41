// Which knots of a finished tile reach the output, as far as its slopes on both sides of a knot
// tell. What is needed to follow the others through the layers is put down: see trace.hpp.

#include <algorithm>
#include <cmath>

#include "relufast/activity.hpp"
#include "relufast/rounding.hpp"
#include "relufast/tile.hpp"

namespace relufast {
namespace {

bool differ(const Slope& before, const Slope& after) {
    return std::fabs(after.value - before.value) * (1.0 - 0x1p-50) >
           (before.error + after.error) * kInflate;
}

// The slopes of a tile's outputs.
class Slopes {
 public:
    // errors: of the outputs, by knot.
    Slopes(const Tile& tile, std::vector<double> errors)
        : tile_(tile), errors_(std::move(errors)) {}

    // Between a knot and the next, for a knot in question that has `neighbour` at the other end.
    Slope between(std::size_t k, std::size_t output, const Knot& neighbour) const {
        const std::vector<Knot>& knots = tile_.grid.knots;
        const auto n = static_cast<std::size_t>(tile_.n);
        const double lo = tile_.column(k)[output];
        const double hi = tile_.column(k + 1)[output];
        const double lo_error = errors_[k * n + output];
        const double hi_error = errors_[(k + 1) * n + output];
        if (knots[k].is_direction) {
            return {-lo, lo_error};
        }
        if (knots[k + 1].is_direction) {
            return {hi, hi_error};
        }
        const double run = knots[k + 1].x - knots[k].x;
        // Were there no kink at the knot in question, the output would be affine as far as the
        // true position of its neighbour.
        const double affine_run = run * (1.0 - 2.0 * kRoundoff) - neighbour.x_error;
        if (!(affine_run > 0.0)) {
            return {};
        }
        const double value = (hi - lo) / run;
        const double error =
            (hi_error + lo_error + std::max(hi_error, lo_error) + kRoundoff * std::fabs(hi - lo)) /
                affine_run +
            4.0 * kRoundoff * std::fabs(value);
        return {value, error};
    }

    // On a knot's left, and on its right.
    Slope before(std::size_t k, std::size_t output) const {
        return between(k - 1, output, tile_.grid.knots[k - 1]);
    }
    Slope after(std::size_t k, std::size_t output) const {
        return between(k, output, tile_.grid.knots[k + 1]);
    }

    // Whether one output's slope certainly changes at a knot between two others.
    bool change_at(std::size_t k) const {
        for (std::size_t output = 0; output < static_cast<std::size_t>(tile_.n); ++output) {
            if (differ(before(k, output), after(k, output))) {
                return true;
            }
        }
        return false;
    }

 private:
    const Tile& tile_;
    std::vector<double> errors_;
};

// Where the tile below holds a knot of a tile's grid: a column k, or ~root.
std::int32_t source_of(const Tile& tile, std::size_t knot) {
    return tile.below->source[tile.first_below + knot];
}

}  // namespace

bool differ(const std::vector<Slope>& before, const std::vector<Slope>& after) {
    for (std::size_t output = 0; output < before.size(); ++output) {
        if (differ(before[output], after[output])) {
            return true;
        }
    }
    return false;
}

Stretch TileSolver::finish(Tile& tile) const {
    const std::vector<Knot>& knots = tile.grid.knots;
    std::vector<double> errors;
    errors.reserve(knots.size() * static_cast<std::size_t>(tile.n));
    for (std::size_t k = 0; k < knots.size(); ++k) {
        for (std::int32_t output = 0; output < tile.n; ++output) {
            errors.push_back(entry_error(tile, k, output));
        }
    }
    const Slopes slopes(tile, std::move(errors));

    Stretch stretch;
    for (std::size_t output = 0; output < static_cast<std::size_t>(tile.n); ++output) {
        stretch.first_slopes.push_back(slopes.after(0, output));
        stretch.last_slopes.push_back(slopes.before(knots.size() - 1, output));
    }
    stretch.reaches.assign(knots.size(), Reach::no);
    for (std::size_t k = 0; k < knots.size(); ++k) {
        if (knots[k].crossings.empty() || knots[k].silent) {
            continue;
        }
        const bool is_inner = k > 0 && k + 1 < knots.size();
        if (is_inner && slopes.change_at(k)) {
            stretch.reaches[k] = Reach::yes;
            continue;
        }
        stretch.reaches[k] = Reach::open;
        // A knot between two tiles is the right one's to bring.
        const bool is_worthwhile = (k == 0 || !tile.grid.open_after[k - 1]) &&
                                   k + 1 < knots.size() && !tile.grid.open_after[k];
        if (is_worthwhile && certify_ && points_ == nullptr && knots[k].crossings.size() == 1 &&
            knots[k].x_error > 0.0) {
            stretch.traced.push_back(traced(tile, k));
        }
    }
    stretch.grid = std::move(tile.grid);
    return stretch;
}

Traced TileSolver::traced(const Tile& tile, std::size_t knot) const {
    Traced result{knot, tile.grid.knots[knot].crossings.front(), {}};
    const Tile* above = &tile;
    std::size_t column = knot;
    while (above->layer - 1 > result.crossing.layer) {
        column = static_cast<std::size_t>(source_of(*above, column));
        above = above->below.get();
        std::vector<std::uint64_t>& active =
            result.active.emplace_back(activity_words(network_.layer(above->layer).n_out));
        add_active(*above, column, active.data());
    }
    std::reverse(result.active.begin(), result.active.end());
    return result;
}

}  // namespace relufast
