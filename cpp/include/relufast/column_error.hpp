#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "relufast/network.hpp"
#include "relufast/root.hpp"
#include "relufast/rounding.hpp"

namespace relufast {

// How rounding and misplaced kinks of the layer below carry over to a column, the values of a layer
// at one point of the line: docs/exactness.md derives these bounds.

// 2-norms of a column, bounded.
struct ColumnBounds {
    double error = 0.0;  // |z - true z|
    double norm = 0.0;   // |z|
    double relu_norm = 0.0;
};

// How far a column's inputs, and its own evaluation, may be off.
struct ColumnError {
    double carried = 0.0;
    double rounding = 0.0;
    double sent = 0.0;  // a bound on |relu| of the column below
};

// At a knot of the layer below. `rounding`: of a sum of that many terms, per unit of their size.
inline ColumnError error_at_knot(const Network& network, const ColumnBounds& below,
                                 double rounding) {
    const double leak = std::fabs(network.negative_slope()) * kRoundoff;
    return {network.lipschitz() * below.error + leak * below.norm, rounding * below.relu_norm,
            below.relu_norm};
}

// What happens at a root of the layer below.
struct Bend {
    double value = 0.0;         // what is computed of its own neuron, whose true value is zero
    std::size_t n_turning = 0;  // neurons that turn in its segment,
    double deviations = 0.0;    // and by how much these deviate from their chords, in sum
};

// Between two columns of the layer below, ReLU bends the chord for those neurons only that turn in
// between: calls add(deviation, neuron) for each of them.
template <class Add>
Bend bend_at(const Root& root, std::span<const Root> turning, Weights at, const double* z_lo,
             const double* z_hi, double negative_slope, Add add) {
    const auto relu = [&](double value) { return value > 0.0 ? value : negative_slope * value; };
    const auto inside = [&](std::int32_t neuron) {
        return at.lo * z_lo[neuron] + at.hi * z_hi[neuron];
    };
    Bend bend{inside(root.neuron), turning.size()};
    for (const Root& turn : turning) {
        const std::int32_t neuron = turn.neuron;
        const double deviation =
            relu(inside(neuron)) - (at.lo * relu(z_lo[neuron]) + at.hi * relu(z_hi[neuron]));
        add(deviation, neuron);
        bend.deviations += std::fabs(deviation);
    }
    return bend;
}

// At a root between two knots of the layer below.
inline ColumnError error_at_root(const Network& network, const ColumnBounds& lo,
                                 const ColumnBounds& hi, Weights at, const Bend& bend,
                                 double rounding) {
    const double rounded = 8.0 * kRoundoff * (at.lo * lo.norm + at.hi * hi.norm);
    // The knot stands at a float64 number beside the interpolant's root: the kink is misplaced by
    // what is left of the neuron there.
    const double misplaced = std::fabs(network.kink()) * (std::fabs(bend.value) + rounded);
    ColumnError error;
    error.carried =
        network.lipschitz() * (at.lo * lo.error + at.hi * hi.error + 2.0 * rounded) + misplaced;
    error.sent = at.lo * lo.relu_norm + at.hi * hi.relu_norm;
    error.rounding = rounding * error.sent + (8.0 + static_cast<double>(bend.n_turning)) *
                                                 kRoundoff * (error.sent + bend.deviations);
    return error;
}

// Bounds on the errors of a column's own values: of entry i
// row_norm_i beta + |b_i| bias_rounding + floor, and of all of them in the 2-norm.
struct EntryBound {
    double beta = 0.0;
    double bias_rounding = 0.0;
    double floor = 0.0;
    double error = 0.0;
};

// bias_rounding: of biases, per unit of them; zero for a direction, which has none.
inline EntryBound bound_entries(const Layer& layer, const ColumnError& from, double bias_rounding) {
    EntryBound bound;
    bound.bias_rounding = bias_rounding;
    bound.beta = (from.carried + from.rounding) * kInflate;
    if (!(bound.beta < 0x1p450)) {  // not a number, or near overflow: nothing is certain
        bound.beta = bound.error = kInfinity;
        return bound;
    }
    bound.floor = bound.beta > 0.0 ? underflow(layer.n_in) : 0.0;
    bound.error =
        (layer.spectral_norm * from.carried + layer.frobenius_norm * from.rounding +
         bias_rounding * layer.bias_norm + bound.floor * static_cast<double>(layer.n_out)) *
        kInflate;
    return bound;
}

// The same for one entry. An infinite beta leaves the bound on all of them.
inline double entry_error(const Layer& layer, std::size_t neuron, const EntryBound& bound) {
    if (layer.row_norms[neuron] == 0.0) {
        return 0.0;  // the bias itself
    }
    if (bound.beta == kInfinity) {
        return bound.error;
    }
    const double entry = layer.row_norms[neuron] * bound.beta +
                         std::fabs(layer.biases[neuron]) * bound.bias_rounding + bound.floor;
    return std::min(entry * kInflate, bound.error);
}

}  // namespace relufast
