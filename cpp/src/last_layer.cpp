// The last hidden layer of a wide network, where most neurons have one sign along most of the line.
//
// In a short chunk of the line the layer below strays little from the chord between the chunk's
// ends. A neuron whose values there have one sign, and exceed what straying and errors can do to
// it, has that sign all along. The others, a few in a hundred, are evaluated at the knots in
// between. What those of known sign send to the outputs is one affine function of the layer below.
// docs/exactness.md has the proof.

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "relufast/column_ops.hpp"
#include "relufast/decided_sum.hpp"
#include "relufast/norms.hpp"
#include "relufast/rounding.hpp"
#include "relufast/tile.hpp"
#include "relufast/tile_product.hpp"

namespace relufast {
namespace {

// Longer chunks have fewer ends, where all neurons are evaluated, and more open neurons.
constexpr std::size_t kChunkSize = 32;

// The norms of parameters whose rows are known.
void bound(Layer& layer) {
    for (std::size_t i = 0; i < layer.row_norms.size(); ++i) {
        layer.largest_decision_norm =
            std::max(layer.largest_decision_norm, layer.decision_norms[i]);
        layer.largest_bias = std::max(layer.largest_bias, std::fabs(layer.biases[i]));
    }
    layer.bias_norm = norm_bound(layer.biases.data(), layer.n_out);
    layer.frobenius_norm = norm_bound(layer.row_norms.data(), layer.n_out);
    layer.spectral_norm = layer.frobenius_norm;
}

}  // namespace

// Whether the last hidden layer is worth the trouble.
bool TileSolver::looks_at_few(int layer) const {
    return layer == network_.depth() && layer >= 3 &&
           (chunk_size_ > 0 || !network_.layer(layer).rows.empty());
}

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
        between = std::max(between, square);
    }
    if (!(between < kLargestSquare)) {
        return kInfinity;
    }
    return (at_knots +
            std::fabs(network_.kink()) * norm_from_square(std::max(between, kSmallestSquare))) *
           kInflate;
}

// The signs of the last hidden layer's neurons between two columns of the layer below, where its
// values are known without biases and n_terms were summed up.
std::vector<KnownSign> TileSolver::signs_between(const Tile& below, std::size_t lo, std::size_t hi,
                                                 const double* z_lo, const double* z_hi,
                                                 std::int64_t n_terms) const {
    const Layer& hidden = network_.layer(network_.depth());
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
    const double rounding = gamma(n_terms + 2) * std::max(below.relu_norm[lo], below.relu_norm[hi]);
    const double beta = (straying(below, lo, hi) + carried + rounding) * kInflate;
    if (!(beta < 0x1p450)) {
        return signs;
    }
    const double floor = underflow(hidden.n_in);
    for (std::size_t i = 0; i < signs.size(); ++i) {
        const double bias = hidden.biases[i];
        const double bound =
            hidden.decision_norms[i] * beta + (std::fabs(bias) * (4.0 * kRoundoff) + floor);
        const double left = z_lo[i] + bias;
        const double right = z_hi[i] + bias;
        if (left > 0.0 && right > 0.0 && left > bound && right > bound) {
            signs[i] = KnownSign::positive;
        } else if (left <= 0.0 && right <= 0.0 && -left > bound && -right > bound) {
            signs[i] = KnownSign::negative;
        }
    }
    return signs;
}

namespace {

// Rows of the last hidden layer for the neurons whose sign is open, and after them one for each
// output, of what all others send.
Layer rows_to_multiply(const Layer& hidden, const std::vector<std::int32_t>& neurons,
                       const DecidedSum& others, std::size_t n_outputs) {
    Layer result;
    result.n_in = hidden.n_in;
    result.n_out = static_cast<std::int64_t>(neurons.size() + n_outputs);
    const auto n = static_cast<std::size_t>(result.n_out);
    const auto n_in = static_cast<std::size_t>(hidden.n_in);
    result.weights.resize(n_in * n);
    for (std::size_t r = 0; r < n; ++r) {
        double* const to = result.weights.data() + r;
        if (r >= neurons.size() || !hidden.rows.empty()) {
            const double* from =
                r >= neurons.size()
                    ? others.weights(r - neurons.size())
                    : hidden.rows.data() + static_cast<std::size_t>(neurons[r]) * n_in;
            for (std::size_t j = 0; j < n_in; ++j) {
                to[j * n] = from[j];
            }
        } else {
            for (std::size_t j = 0; j < n_in; ++j) {
                to[j * n] = hidden.outgoing(static_cast<std::int64_t>(j))[neurons[r]];
            }
        }
    }
    return result;
}

std::shared_ptr<Selection> select(const Layer& hidden, std::vector<std::int32_t> neurons,
                                  bool others_send) {
    auto selection = std::make_shared<Selection>();
    Layer& layer = selection->parameters;
    layer.n_in = hidden.n_in;
    layer.n_out = static_cast<std::int64_t>(neurons.size());
    for (const std::int32_t neuron : neurons) {
        const auto i = static_cast<std::size_t>(neuron);
        layer.biases.push_back(hidden.biases[i]);
        layer.row_norms.push_back(hidden.row_norms[i]);
        layer.decision_norms.push_back(hidden.decision_norms[i]);
    }
    bound(layer);
    layer.spectral_norm = std::min(layer.frobenius_norm, hidden.spectral_norm);
    selection->neurons = std::move(neurons);
    selection->others_send = others_send;
    return selection;
}

// The outputs as functions of the selected neurons alone.
std::shared_ptr<Selection> outputs_of(const Layer& output, const std::vector<std::int32_t>& neurons,
                                      std::size_t n_outputs) {
    auto selection = std::make_shared<Selection>();
    Layer& layer = selection->parameters;
    layer.n_in = static_cast<std::int64_t>(neurons.size());
    layer.n_out = static_cast<std::int64_t>(n_outputs);
    layer.biases.assign(output.biases.begin(),
                        output.biases.begin() + static_cast<std::ptrdiff_t>(n_outputs));
    for (const std::int32_t neuron : neurons) {
        const double* sent = output.outgoing(neuron);
        layer.weights.insert(layer.weights.end(), sent, sent + n_outputs);
    }
    for (std::size_t o = 0; o < n_outputs; ++o) {
        std::vector<double> row;
        for (std::size_t j = 0; j < neurons.size(); ++j) {
            row.push_back(layer.weights[j * n_outputs + o]);
        }
        const double norm = norm_bound(row.data(), layer.n_in);
        layer.row_norms.push_back(norm > 0.0 ? std::max(norm, 0x1p-500) : 0.0);
    }
    layer.decision_norms = layer.row_norms;
    bound(layer);
    return selection;
}

// What the decided neurons send, and its error, by knot and output.
struct SentAtKnots {
    std::vector<double> values;
    std::vector<double> errors;
};

}  // namespace

std::shared_ptr<Tile> TileSolver::last_layer(std::shared_ptr<const Tile> shared, std::size_t first,
                                             std::size_t last, Workspace& workspace) const {
    const Tile& below = *shared;
    const int depth = network_.depth();
    const Layer& hidden = network_.layer(depth);
    const Layer& output = network_.layer(depth + 1);
    const auto n = static_cast<std::size_t>(hidden.n_out);
    const std::int64_t n_outputs = counts_only_ ? 0 : std::min(output.n_out, kWatchedOutputs);
    const auto q = static_cast<std::size_t>(n_outputs);
    const std::size_t chunk_size =
        chunk_size_ > 0 ? static_cast<std::size_t>(chunk_size_) : kChunkSize;

    std::vector<std::size_t> cuts{first};
    for (std::size_t m = first + 1; m < last; ++m) {
        if (m - cuts.back() >= chunk_size && may_cut(below, m)) {
            cuts.push_back(m);
        }
    }
    cuts.push_back(last);
    const auto column_at = [&](std::size_t m) { return static_cast<std::size_t>(below.source[m]); };

    workspace.columns.clear();
    for (const std::size_t m : cuts) {
        workspace.columns.push_back(column_at(m));
    }
    const std::int64_t n_terms =
        multiply_relu(hidden, hidden.n_out, network_.negative_slope(), below, 0, workspace);
    const Buffer<double> at_cuts = workspace.products;

    // One tile for all chunks: the outputs at their refined knots, and below it one that has only
    // what `finish` asks for.
    std::shared_ptr<Tile> hidden_tile = workspace.tiles.take();
    hidden_tile->layer = depth;
    hidden_tile->n = hidden.n_out;
    hidden_tile->selection.reset();
    hidden_tile->first_below = first;
    hidden_tile->active.clear();
    hidden_tile->source.clear();
    hidden_tile->roots.clear();
    std::shared_ptr<Tile> result = counts_only_ ? hidden_tile : workspace.tiles.take();
    result->grid.knots.clear();
    result->grid.open_after.clear();
    result->undecided.clear();
    const std::size_t n_words = activity_words(hidden.n_out);
    if (!counts_only_) {
        result->layer = depth + 1;
        result->n = n_outputs;
        result->selection.reset();
        result->first_below = 0;
        result->z.clear();
        result->entry_errors.clear();
    }

    DecidedSum others(hidden, output, n_outputs, network_.negative_slope());
    for (std::size_t c = 0; c + 1 < cuts.size(); ++c) {
        const std::size_t begin = cuts[c];
        const std::size_t end = cuts[c + 1];
        std::vector<KnownSign> signs(n, KnownSign::open);
        const bool is_open =
            std::find(below.refined.open_after.begin() + static_cast<std::ptrdiff_t>(begin),
                      below.refined.open_after.begin() + static_cast<std::ptrdiff_t>(end),
                      1) != below.refined.open_after.begin() + static_cast<std::ptrdiff_t>(end);
        if (!is_open) {
            signs = signs_between(below, column_at(begin), column_at(end), &at_cuts[c * n],
                                  &at_cuts[(c + 1) * n], n_terms);
        }
        std::vector<std::int32_t> neurons;
        bool others_send = false;
        for (std::size_t i = 0; i < n; ++i) {
            if (signs[i] == KnownSign::open) {
                neurons.push_back(static_cast<std::int32_t>(i));
            } else if (signs[i] == KnownSign::positive || network_.negative_slope() != 0.0) {
                others_send = true;
            }
        }
        if (neurons.empty()) {  // tiles have at least one
            neurons.push_back(0);
            signs[0] = KnownSign::open;
        }
        const bool looks_at_all = 2 * neurons.size() > n;
        std::shared_ptr<Tile> tile;
        std::shared_ptr<Tile> outputs;
        SentAtKnots sent;
        if (looks_at_all) {
            tile = next_layer(shared, begin, end, workspace);
            if (!counts_only_) {
                outputs = next_layer(tile, 0, tile->refined.size() - 1, workspace);
            }
        } else {
            others.follow(signs);
            tile = new_tile(depth, static_cast<std::int64_t>(neurons.size()), below.refined, begin,
                            end, workspace);
            const std::size_t n_rows = neurons.size() + q;
            const std::size_t n_knots = tile->grid.size();
            Buffer<double> rows(n_rows * n_knots);
            carry_up(rows_to_multiply(hidden, neurons, others, q),
                     static_cast<std::int64_t>(n_rows), below, begin, end, rows.data(), workspace);
            for (std::size_t k = 0; k < n_knots; ++k) {
                const double* from = rows.data() + k * n_rows;
                std::copy_n(from, neurons.size(), tile->column(k));
                const ColumnError& error = workspace.errors[k];
                for (std::size_t o = 0; o < q; ++o) {
                    const double value = from[neurons.size() + o] + others.bias(o);
                    sent.values.push_back(value);
                    sent.errors.push_back(
                        (others.norm(o) * (error.carried + error.rounding) +
                         others.weights_error(o) * (error.sent + error.carried) +
                         others.bias_error(o) +
                         2.0 * kRoundoff * (std::fabs(value) + std::fabs(others.bias(o))) +
                         underflow(hidden.n_in)) *
                        kInflate);
                }
            }
            tile->selection = select(hidden, neurons, others_send);
            add_biases_and_bound(*tile, workspace);
            if (!counts_only_) {
                const std::size_t n_refined = tile->refined.size();
                outputs =
                    new_tile(depth + 1, n_outputs, tile->refined, 0, n_refined - 1, workspace);
                outputs->selection = outputs_of(output, neurons, q);
                carry_up(outputs->selection->parameters, n_outputs, *tile, 0, n_refined - 1,
                         outputs->z.data(), workspace);
                add_biases_and_bound(*outputs, workspace);
            }
        }

        result->undecided.insert(result->undecided.end(), tile->undecided.begin(),
                                 tile->undecided.end());
        if (counts_only_) {
            if (c > 0) {
                result->grid.knots.pop_back();
            }
            result->grid.knots.insert(result->grid.knots.end(), tile->grid.knots.begin(),
                                      tile->grid.knots.end());
            result->grid.open_after.insert(result->grid.open_after.end(),
                                           tile->grid.open_after.begin(),
                                           tile->grid.open_after.end());
            result->roots.insert(result->roots.end(), tile->roots.begin(), tile->roots.end());
            continue;
        }
        if (c > 0) {  // the right one of two neighbours brings the knot that they share
            result->grid.knots.pop_back();
            result->z.resize(result->z.size() - q);
            result->entry_errors.resize(result->entry_errors.size() - q);
            hidden_tile->source.pop_back();
            hidden_tile->active.resize(hidden_tile->active.size() - n_words);
        }
        for (std::size_t m = 0; m < outputs->grid.size(); ++m) {
            const std::int32_t source = tile->source[m];
            for (std::size_t o = 0; o < q; ++o) {
                double value = outputs->column(m)[o];
                double error = entry_error(*outputs, m, static_cast<std::int32_t>(o));
                if (!looks_at_all && source >= 0) {
                    const std::size_t k = static_cast<std::size_t>(source) * q + o;
                    value += sent.values[k];
                    error += sent.errors[k];
                } else if (!looks_at_all) {
                    const Root& root = tile->roots[static_cast<std::size_t>(~source)];
                    const auto segment = static_cast<std::size_t>(root.segment);
                    const Weights at = weights_at(tile->grid, segment, root.x);
                    const std::size_t k = segment * q + o;
                    value += at.lo * sent.values[k] + at.hi * sent.values[k + q];
                    error +=
                        at.lo * (sent.errors[k] + 8.0 * kRoundoff * std::fabs(sent.values[k])) +
                        at.hi *
                            (sent.errors[k + q] + 8.0 * kRoundoff * std::fabs(sent.values[k + q]));
                }
                result->z.push_back(value);
                result->entry_errors.push_back((error + 2.0 * kRoundoff * std::fabs(value)) *
                                               kInflate);
            }
            hidden_tile->source.push_back(
                source >= 0 ? source + static_cast<std::int32_t>(begin - first) : -1);
        }
        result->grid.knots.insert(result->grid.knots.end(), outputs->grid.knots.begin(),
                                  outputs->grid.knots.end());
        result->grid.open_after.insert(result->grid.open_after.end(),
                                       outputs->grid.open_after.begin(),
                                       outputs->grid.open_after.end());
        for (std::size_t k = 0; k < tile->grid.size(); ++k) {
            hidden_tile->active.resize(hidden_tile->active.size() + n_words, 0);
            std::uint64_t* pattern = &hidden_tile->active[hidden_tile->active.size() - n_words];
            std::fill(pattern, pattern + n_words, 0);
            for (std::size_t i = 0; i < n; ++i) {
                if (signs[i] == KnownSign::positive) {
                    set_active(pattern, i);
                }
            }
            for (std::int32_t i = 0; i < tile->n; ++i) {
                if (is_active(tile->activity(k), static_cast<std::size_t>(i))) {
                    set_active(pattern, static_cast<std::size_t>(neuron_of(*tile, i)));
                }
            }
        }
    }
    hidden_tile->below = std::move(shared);
    if (!counts_only_) {
        result->below = std::move(hidden_tile);
    }
    return result;
}

}  // namespace relufast
