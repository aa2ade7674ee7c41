// The second layer, along the whole line: the first layer's neurons enter and leave two running
// sums.

#include <algorithm>
#include <cmath>

#include "relufast/column_ops.hpp"
#include "relufast/rounding.hpp"
#include "relufast/tile.hpp"
#include "relufast/tile_product.hpp"

namespace relufast {
namespace {

// Through a knot of the first layer.
void cross(const Knot& knot, std::vector<std::uint8_t>& active) {
    for (const Crossing& crossing : knot.crossings) {
        active[static_cast<std::size_t>(crossing.neuron)] ^= 1;
    }
}

}  // namespace

// Calls body(outputs) for all of n outputs, to which `n_terms` vectors are added: in parts whose
// sums stay in the first-level cache, one after the other or on all threads.
template <class Body>
void TileSolver::in_parts(std::size_t n_terms, std::size_t n, int n_threads,
                          const Interrupt& interrupt, Body body) const {
    constexpr double kWorthThreads = 2e6;  // multiplications
    constexpr std::size_t kPart = 512;
    const bool is_small = static_cast<double>(n_terms) * static_cast<double>(n) < kWorthThreads;
    parallel_for(is_small ? 1 : n_threads, (n + kPart - 1) / kPart, interrupt,
                 [&](std::size_t p, int) { body({p * kPart, std::min((p + 1) * kPart, n)}); });
}

SecondLayerForm TileSolver::begin_second_layer(const LayerOne& below, std::size_t first,
                                               int n_threads, const Interrupt& interrupt) const {
    const auto n = static_cast<std::size_t>(network_.layer(2).n_out);
    SecondLayerForm form;
    for (std::vector<double>* sum :
         {&form.slope, &form.slope_lo, &form.intercept, &form.intercept_lo}) {
        sum->resize(n);
    }
    form.active = below.active_at_start;
    for (std::size_t k = 1; k <= first; ++k) {
        cross(below.grid.knots[k], form.active);
    }
    in_parts(form.active.size(), n, n_threads, interrupt,
             [&](const Range& outputs) { sum_afresh(form, form.active, outputs); });
    return form;
}

std::shared_ptr<Tile> TileSolver::second_layer_values(const LayerOne& below, std::size_t first,
                                                      std::size_t last, SecondLayerForm& form,
                                                      int n_threads, const Interrupt& interrupt,
                                                      Workspace& workspace) const {
    const std::shared_ptr<Tile> tile =
        new_tile(2, network_.layer(2).n_out, below.grid, first, last, workspace);
    in_parts(tile->grid.size(), static_cast<std::size_t>(tile->n), n_threads, interrupt,
             [&](const Range& outputs) { carry_sums(form, *tile, outputs); });
    for (std::size_t k = 1; k < tile->grid.size(); ++k) {
        cross(tile->grid.knots[k], form.active);
    }
    return tile;
}

void TileSolver::complete_second_layer(const LayerOne& below, Tile& tile,
                                       Workspace& workspace) const {
    const double lipschitz = network_.lipschitz();
    // Every term enters a running sum at most twice, through n_in additions and one a knot.
    const double n_additions = static_cast<double>(line_.slopes.size() + below.grid.size() + 8);
    const double sums =
        n_additions * (is_sharp() ? 64.0 * kRoundoff2 : 4.0 * kRoundoff) * lipschitz;
    const double rounding = sums + 8.0 * kRoundoff * lipschitz;
    workspace.errors.resize(tile.grid.size());
    for (std::size_t k = 0; k < tile.grid.size(); ++k) {
        const Knot& knot = tile.grid.knots[k];
        const FirstLayerSize first_layer = line_norms_.at(knot);
        workspace.errors[k].carried =
            lipschitz * first_layer.parameters_error + line_norms_.misplaced(knot, network_.kink());
        workspace.errors[k].rounding = rounding * first_layer.values;
    }
    add_biases_and_bound(tile, workspace);
}

// Later layers multiply the errors of the two sums; if these layers are few and narrow, float64
// does.
bool TileSolver::is_sharp() const {
    constexpr int kShallow = 4;  // hidden layers
    return network_.depth() > kShallow ||
           !is_small(network_.layer(2).n_in, network_.layer(2).n_out);
}

void TileSolver::add_to(SecondLayerForm& form, std::size_t neuron, double factor,
                        const Range& outputs) const {
    const std::size_t at = outputs.begin;
    const auto n = static_cast<std::int64_t>(outputs.end - outputs.begin);
    const double* sent = network_.layer(2).outgoing(static_cast<std::int64_t>(neuron)) + at;
    const DoubleDouble s = line_.slopes[neuron] * factor;
    const DoubleDouble c = line_.intercepts[neuron] * factor;
    if (is_sharp()) {
        add_multiple2(s.hi, s.lo, sent, &form.slope[at], &form.slope_lo[at], n);
        add_multiple2(c.hi, c.lo, sent, &form.intercept[at], &form.intercept_lo[at], n);
    } else {
        add_multiple(s.hi, sent, &form.slope[at], n);
        add_multiple(c.hi, sent, &form.intercept[at], n);
    }
}

void TileSolver::sum_afresh(SecondLayerForm& form, const std::vector<std::uint8_t>& active,
                            const Range& outputs) const {
    for (std::vector<double>* sum :
         {&form.slope, &form.slope_lo, &form.intercept, &form.intercept_lo}) {
        std::fill(sum->begin() + static_cast<std::ptrdiff_t>(outputs.begin),
                  sum->begin() + static_cast<std::ptrdiff_t>(outputs.end), 0.0);
    }
    for (std::size_t i = 0; i < active.size(); ++i) {
        const double factor = active[i] ? 1.0 : network_.negative_slope();
        if (factor != 0.0) {
            add_to(form, i, factor, outputs);
        }
    }
}

// z = A x + B between two knots, where A = W D s and B = W D c + b for the first layer's slopes s
// and intercepts c: one crossing changes both by one column of W.
void TileSolver::carry_sums(SecondLayerForm& form, Tile& tile, const Range& outputs) const {
    const std::size_t at = outputs.begin;
    const auto n = static_cast<std::int64_t>(outputs.end - outputs.begin);
    std::vector<std::uint8_t> active = form.active;
    for (std::size_t k = 0; k < tile.grid.size(); ++k) {
        const Knot& knot = tile.grid.knots[k];
        if (k > 0) {  // the left end is the end of the tile before
            for (const Crossing& crossing : knot.crossings) {
                const auto i = static_cast<std::size_t>(crossing.neuron);
                add_to(form, i, active[i] ? -network_.kink() : network_.kink(), outputs);
            }
            cross(knot, active);
        }
        double* const z = tile.column(k) + at;
        if (knot.is_direction && k > 0) {
            // A slope that is zero must not be what running sums left over.
            sum_afresh(form, active, outputs);
        }
        const double x = knot.is_direction ? std::copysign(1.0, knot.x) : knot.x;
        const double factor = knot.is_direction ? 0.0 : 1.0;
        if (is_sharp()) {
            combine2(x, &form.slope[at], &form.slope_lo[at], factor, &form.intercept[at],
                     &form.intercept_lo[at], z, n);
        } else {
            combine(x, &form.slope[at], factor, &form.intercept[at], z, n);
        }
    }
}

}  // namespace relufast
