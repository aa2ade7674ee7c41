// Which knots of a finished tile reach the output.
//
// First by the output's slopes on both sides of a knot, at no further cost. Where their errors do
// not tell them apart, by the output's gradient with respect to the neuron that crosses, carried
// back through the layers for all such knots together; this costs a matrix product a layer.

#include <algorithm>
#include <cmath>
#include <optional>

#include "relufast/activity.hpp"
#include "relufast/blas.hpp"
#include "relufast/column_ops.hpp"
#include "relufast/norms.hpp"
#include "relufast/rounding.hpp"
#include "relufast/tile.hpp"

namespace relufast {
namespace {

struct Slope {
    double value = 0.0;
    double error = 0.0;
};

// A knot on its way back through the layers.
struct Traced {
    std::size_t knot = 0;    // of the finished tile
    std::size_t column = 0;  // where the present tile holds it
    Crossing crossing;
    double error = 0.0;  // 2-norm of the gradient's error
};

// gradients[t][j] = W[alive, j] . passed[t] for the neurons j that are wanted of the layer below,
// where workspace.hidden holds what passes the alive ones: n_gradients rows.
void carry_back(const Layer& parameters, const std::vector<std::int32_t>& alive,
                const std::vector<std::int32_t>& wanted, std::size_t n_gradients,
                std::vector<double>& gradients, Workspace& workspace) {
    const std::size_t length = alive.size();
    const auto n_below = static_cast<std::size_t>(parameters.n_in);
    constexpr std::size_t kFew = 16;  // for which a product of matrices is not worth its packing
    if (n_gradients < kFew) {
        const auto n = static_cast<std::size_t>(parameters.n_out);
        std::vector<double> passed(n_gradients * n, 0.0);
        for (std::size_t t = 0; t < n_gradients; ++t) {
            for (std::size_t c = 0; c < length; ++c) {
                passed[t * n + static_cast<std::size_t>(alive[c])] =
                    workspace.hidden[t * length + c];
            }
        }
        for (const std::int32_t neuron : wanted) {
            for (std::size_t t = 0; t < n_gradients; ++t) {
                gradients[t * n_below + static_cast<std::size_t>(neuron)] =
                    dot(parameters.outgoing(neuron), passed.data() + t * n, parameters.n_out);
            }
        }
        return;
    }
    workspace.weights.resize(wanted.size() * length);
    for (std::size_t r = 0; r < wanted.size(); ++r) {
        const double* sent = parameters.outgoing(wanted[r]);
        for (std::size_t c = 0; c < length; ++c) {
            workspace.weights[r * length + c] = sent[alive[c]];
        }
    }
    workspace.products.resize(wanted.size() * n_gradients);
    if (wanted.empty() || alive.empty()) {
        return;
    }
    const auto n_wanted = static_cast<std::int64_t>(wanted.size());
    const auto k = static_cast<std::int64_t>(length);
    blas::gemm('T', 'N', n_wanted, static_cast<std::int64_t>(n_gradients), k, 1.0,
               workspace.weights.data(), k, workspace.hidden.data(), k, 0.0,
               workspace.products.data(), n_wanted);
    for (std::size_t t = 0; t < n_gradients; ++t) {
        for (std::size_t r = 0; r < wanted.size(); ++r) {
            gradients[t * n_below + static_cast<std::size_t>(wanted[r])] =
                workspace.products[t * wanted.size() + r];
        }
    }
}

}  // namespace

Stretch TileSolver::finish(Tile& tile, Workspace& workspace) const {
    const std::vector<Knot>& knots = tile.grid.knots;
    const auto n = static_cast<std::size_t>(tile.n);
    std::vector<double> errors;  // of the outputs, by knot
    errors.reserve(knots.size() * n);
    for (std::size_t k = 0; k < knots.size(); ++k) {
        for (std::int32_t output = 0; output < tile.n; ++output) {
            errors.push_back(entry_error(tile, k, output));
        }
    }
    const auto slope_between = [&](std::size_t k, std::int32_t output,
                                   const Knot& neighbour) -> std::optional<Slope> {
        const double lo = tile.column(k)[output];
        const double hi = tile.column(k + 1)[output];
        const double lo_error = errors[k * n + static_cast<std::size_t>(output)];
        const double hi_error = errors[(k + 1) * n + static_cast<std::size_t>(output)];
        if (knots[k].is_direction) {
            return Slope{-lo, lo_error};
        }
        if (knots[k + 1].is_direction) {
            return Slope{hi, hi_error};
        }
        const double run = knots[k + 1].x - knots[k].x;
        // Were there no kink at the knot in question, the output would be affine as far as the
        // true position of its neighbour.
        const double affine_run = run * (1.0 - 2.0 * kRoundoff) - neighbour.x_error;
        if (!(affine_run > 0.0)) {
            return std::nullopt;
        }
        Slope slope;
        slope.value = (hi - lo) / run;
        slope.error =
            (hi_error + lo_error + std::max(hi_error, lo_error) + kRoundoff * std::fabs(hi - lo)) /
                affine_run +
            4.0 * kRoundoff * std::fabs(slope.value);
        return slope;
    };
    const auto slope_changes = [&](std::size_t k) {
        for (std::int32_t output = 0; output < tile.n; ++output) {
            const auto before = slope_between(k - 1, output, knots[k - 1]);
            const auto after = slope_between(k, output, knots[k + 1]);
            if (before && after &&
                std::fabs(after->value - before->value) * (1.0 - 0x1p-50) >
                    (before->error + after->error) * kInflate) {
                return true;
            }
        }
        return false;
    };

    std::vector<Reach> reaches(knots.size(), Reach::no);
    std::vector<std::size_t> open;
    for (std::size_t k = 0; k < knots.size(); ++k) {
        if (knots[k].crossings.empty() || knots[k].silent) {
            continue;
        }
        const bool is_inner = k > 0 && k + 1 < knots.size();
        if (is_inner && slope_changes(k)) {
            reaches[k] = Reach::yes;
        } else {
            reaches[k] = Reach::open;
            const bool is_worthwhile = (k == 0 || !tile.grid.open_after[k - 1]) &&
                                       (k + 1 == knots.size() || !tile.grid.open_after[k]);
            if (is_worthwhile) {
                open.push_back(k);
            }
        }
    }
    if (certify_ && points_ == nullptr) {
        trace_back(tile, open, reaches, workspace);
    }
    return {std::move(tile.grid), std::move(reaches)};
}

void TileSolver::trace_back(const Tile& tile, const std::vector<std::size_t>& knots,
                            std::vector<Reach>& reaches, Workspace& workspace) const {
    std::vector<Traced> traced;
    for (const std::size_t k : knots) {
        if (tile.grid.knots[k].crossings.size() == 1 && tile.grid.knots[k].x_error > 0.0) {
            traced.push_back({k, k, tile.grid.knots[k].crossings.front(), 0.0});
        }
    }
    const double a = network_.negative_slope();
    // By knot: the gradient of the first output with respect to what the present layer sends on.
    std::vector<double> gradients;
    const Tile* above = &tile;
    for (int layer = network_.depth(); layer >= 1 && !traced.empty(); --layer) {
        const Layer& sends = network_.layer(layer + 1);
        const auto n = static_cast<std::size_t>(sends.n_in);
        if (layer == network_.depth()) {
            gradients.resize(n * traced.size());
            for (std::size_t t = 0; t < traced.size(); ++t) {
                for (std::size_t j = 0; j < n; ++j) {
                    gradients[t * n + j] = sends.outgoing(static_cast<std::int64_t>(j))[0];
                }
            }
        }
        // Those of the last hidden layer are decided here, all others one layer above their own.
        const Tile* below = above->below.get();
        std::size_t kept = 0;
        for (std::size_t t = 0; t < traced.size(); ++t) {
            Traced knot = traced[t];
            const double* gradient = &gradients[t * n];
            if (knot.crossing.layer == layer) {
                if (gradient[knot.crossing.neuron] != 0.0) {
                    reaches[knot.knot] = Reach::yes;
                }
                continue;
            }
            if (layer == network_.depth()) {
                knot.column =
                    static_cast<std::size_t>(below->source[above->first_below + knot.column]);
            }
            std::copy(gradient, gradient + n, &gradients[kept * n]);
            traced[kept++] = knot;
        }
        traced.resize(kept);
        if (traced.empty() || layer == 1) {
            break;
        }

        // One layer back: through the activity of this layer at each knot, and its weights.
        const Layer& parameters = network_.layer(layer);
        const auto n_below = static_cast<std::size_t>(parameters.n_in);
        std::vector<std::int32_t>& alive = workspace.alive;
        const auto pattern = [&](std::size_t t) { return below->activity(traced[t].column); };
        list_senders(below->n, a, traced.size(), pattern, alive);
        const auto n_alive = static_cast<std::int64_t>(alive.size());
        workspace.hidden.resize(alive.size() * traced.size());
        std::size_t further = 0;
        for (std::size_t t = 0; t < traced.size(); ++t) {
            const std::uint64_t* active = below->activity(traced[t].column);
            double square = 0.0;
            double largest = 0.0;
            for (std::size_t c = 0; c < alive.size(); ++c) {
                const auto i = static_cast<std::size_t>(alive[c]);
                const auto j = static_cast<std::size_t>(neuron_of(*below, alive[c]));
                const double passed = gradients[t * n + j] * (is_active(active, i) ? 1.0 : a);
                workspace.hidden[further * alive.size() + c] = passed;
                square += passed * passed;
                largest = std::max(largest, std::fabs(passed));
            }
            const double size = norm_from_square(square, largest);
            const double carried =
                network_.lipschitz() * traced[t].error + kRoundoff * std::fabs(a) * size;
            traced[t].error =
                (parameters.spectral_norm * carried +
                 parameters.frobenius_norm * gamma(n_alive + 2) * size +
                 (size > 0.0 ? underflow(parameters.n_out) * std::sqrt(n_below) : 0.0)) *
                kInflate;
            // Those born one layer below need one entry of their gradient only.
            if (traced[t].crossing.layer == layer - 1) {
                const auto neuron = static_cast<std::size_t>(traced[t].crossing.neuron);
                const double* sent = parameters.outgoing(traced[t].crossing.neuron);
                double entry = 0.0;
                for (std::size_t c = 0; c < alive.size(); ++c) {
                    entry += workspace.hidden[further * alive.size() + c] *
                             sent[neuron_of(*below, alive[c])];
                }
                const double error =
                    (parameters.column_norms[neuron] * (carried + gamma(n_alive + 2) * size) +
                     (size > 0.0 ? underflow(parameters.n_out) : 0.0)) *
                    kInflate;
                if (std::fabs(entry) > error) {
                    reaches[traced[t].knot] = Reach::yes;
                }
                continue;
            }
            Traced knot = traced[t];
            knot.column =
                static_cast<std::size_t>(below->below->source[below->first_below + knot.column]);
            traced[further++] = knot;
        }
        traced.resize(further);
        if (traced.empty()) {
            break;
        }
        renumber(*below, alive);
        // Of the gradient one layer down only what is active there is ever asked for.
        std::vector<std::int32_t> wanted;
        const Tile& next = *below->below;
        list_senders(
            next.n, a, traced.size(),
            [&](std::size_t t) { return next.activity(traced[t].column); }, wanted);
        renumber(next, wanted);
        gradients.assign(n_below * traced.size(), 0.0);
        carry_back(parameters, alive, wanted, traced.size(), gradients, workspace);
        above = below;
    }
}

}  // namespace relufast
