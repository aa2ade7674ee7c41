// Signs that the neurons of a wide layer keep along a chunk of the line.
//
// There the layer below strays little from the chord between the chunk's ends. A neuron whose
// values at the ends have one sign, and exceed what straying and errors can do to it, has that sign
// all along. docs/exactness.md has the proof.

#include <algorithm>
#include <cmath>

#include "relufast/column_ops.hpp"
#include "relufast/multiversion.hpp"
#include "relufast/norms.hpp"
#include "relufast/rounding.hpp"
#include "relufast/tile.hpp"
#include "relufast/tile_product.hpp"

namespace relufast {
namespace {

// What decides signs at the ends of a chunk: of neuron i by more than norms_i beta + |biases_i|
// rounding + floor.
struct Bounds {
    const double* norms;
    const double* biases;
    double beta;
    double rounding;
    double floor;
};

// Without branches: which sign comes next is hard to foresee.
RELUFAST_MULTIVERSION
void mark_signs(const float* __restrict z_lo, const float* __restrict z_hi, double unit,
                const Bounds& bounds, std::int64_t n, KnownSign* __restrict signs) {
    for (std::int64_t i = 0; i < n; ++i) {
        const double bias = bounds.biases[i];
        const double bound =
            bounds.norms[i] * bounds.beta + (std::fabs(bias) * bounds.rounding + bounds.floor);
        const double left = unit * static_cast<double>(z_lo[i]) + bias;
        const double right = unit * static_cast<double>(z_hi[i]) + bias;
        const bool is_positive = (left > 0.0) & (right > 0.0) & (left > bound) & (right > bound);
        const bool is_negative =
            (left <= 0.0) & (right <= 0.0) & (-left > bound) & (-right > bound);
        const KnownSign unless_positive = is_negative ? KnownSign::negative : KnownSign::open;
        signs[i] = is_positive ? KnownSign::positive : unless_positive;
    }
}

}  // namespace

// How far relu of a layer strays from its chord between two of its columns, anywhere in between, in
// the 2-norm. Infinite where that is not known.
double TileSolver::straying(const Tile& tile, std::size_t lo, std::size_t hi) const {
    const Knot& left = tile.grid.knots[lo];
    const Knot& right = tile.grid.knots[hi];
    const double width = right.x - left.x;
    if (left.is_direction || right.is_direction || !(width > 0.0)) {
        return kInfinity;
    }
    const double ends = tile.relu_norm[lo] + tile.relu_norm[hi];
    double at_knots = 0.0;
    for (std::size_t k = lo + 1; k < hi; ++k) {
        const double x = tile.grid.knots[k].x;
        const double square = relu_distance_square(
            tile.column(k), (right.x - x) / width, tile.column(lo), (x - left.x) / width,
            tile.column(hi), network_.negative_slope(), tile.n);
        if (!(square < kLargestSquare)) {
            return kInfinity;
        }
        const double distance = norm_from_square(std::max(square, kSmallestSquare)) +
                                16.0 * kRoundoff * (tile.relu_norm[k] + ends);
        at_knots = std::max(at_knots, distance);
    }
    // Between knots it bends only for the neurons that turn there, and most at their roots.
    double between = 0.0;
    for (std::size_t k = lo; k < hi; ++k) {
        double square = 0.0;
        for (std::int32_t r = tile.first_root[k]; r < tile.first_root[k + 1]; ++r) {
            const std::int32_t neuron = tile.roots[static_cast<std::size_t>(r)].neuron;
            const double from = std::fabs(tile.column(k)[neuron]);
            const double to = std::fabs(tile.column(k + 1)[neuron]);
            const double bend = from * (to / (from + to));
            square += bend * bend;
        }
        if (!(square <= between)) {  // NaN stays
            between = square;
        }
    }
    if (!(between < kLargestSquare)) {
        return kInfinity;
    }
    return (at_knots +
            std::fabs(network_.kink()) * norm_from_square(std::max(between, kSmallestSquare))) *
           kInflate;
}

// The signs of a layer's neurons between two columns of the layer below, `cut` and `cut` + 1 of
// those where its values are known roughly.
std::vector<KnownSign> TileSolver::signs_between(const Tile& below, std::size_t lo, std::size_t hi,
                                                 const RoughValues& values, std::size_t cut) const {
    const Layer& hidden = network_.layer(below.layer + 1);
    std::vector<KnownSign> signs(static_cast<std::size_t>(hidden.n_out), KnownSign::open);
    double carried = 0.0;
    for (std::size_t k = lo; k <= hi; ++k) {
        carried =
            std::max(carried, network_.lipschitz() * below.error[k] +
                                  std::fabs(network_.negative_slope()) * kRoundoff * below.norm[k]);
        if (!(below.error[k] < kInfinity)) {
            return signs;
        }
    }
    const double rounding =
        (values.rounding + gamma(2)) * std::max(below.relu_norm[lo], below.relu_norm[hi]);
    const double beta = (straying(below, lo, hi) + carried + rounding) * kInflate;
    if (!(beta < 0x1p450)) {
        return signs;
    }
    const double floor = underflow(hidden.n_in) + values.lost;
    mark_signs(values.at(cut), values.at(cut + 1), values.unit,
               {hidden.decision_norms.data(), hidden.biases.data(), beta, 4.0 * kRoundoff, floor},
               hidden.n_out, signs.data());
    return signs;
}

}  // namespace relufast
