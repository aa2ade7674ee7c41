// The last hidden layer of a wide network, where most neurons have one sign along most of the line.
//
// It is cut into short chunks. Neurons whose sign is known along a chunk are not evaluated inside;
// what they send to the outputs is one affine function of the layer below. The others, a few in a
// hundred, go the way of every layer.

#include <algorithm>
#include <cmath>
#include <utility>

#include "relufast/decided_sum.hpp"
#include "relufast/norms.hpp"
#include "relufast/rounding.hpp"
#include "relufast/selection.hpp"
#include "relufast/tile.hpp"
#include "relufast/tile_product.hpp"

namespace relufast {
namespace {

// Longer chunks have fewer ends, where all neurons are evaluated, and more open neurons.
constexpr std::size_t kChunkSize = 32;

template <class Vector>
void append(Vector& to, const Vector& from) {
    to.insert(to.end(), from.begin(), from.end());
}

// Joins neighbours. The right one brings the knot that they share.
void append(Grid& to, const Grid& from) {
    if (!to.knots.empty()) {
        to.knots.pop_back();
    }
    append(to.knots, from.knots);
    append(to.open_after, from.open_after);
}
template <class Vector>
void drop_last(Vector& values, std::size_t number) {
    values.resize(values.size() - std::min(number, values.size()));
}

// A tile without knots.
std::shared_ptr<Tile> empty_tile(int layer, std::int64_t n, Workspace& workspace) {
    std::shared_ptr<Tile> tile = workspace.tiles.take();
    tile->layer = layer;
    tile->n = n;
    tile->selection.reset();
    tile->first_below = 0;
    tile->grid.knots.clear();
    tile->grid.open_after.clear();
    tile->z.clear();
    tile->entry_errors.clear();
    tile->active.clear();
    tile->undecided.clear();
    tile->roots.clear();
    tile->source.clear();
    return tile;
}

// The activity of the neurons that are known to be positive.
std::vector<std::uint64_t> activity_of(const std::vector<KnownSign>& signs) {
    std::vector<std::uint64_t> pattern(activity_words(static_cast<std::int64_t>(signs.size())));
    for (std::size_t i = 0; i < signs.size(); ++i) {
        const std::uint64_t bit = signs[i] == KnownSign::positive ? 1 : 0;
        pattern[i / kNeuronsPerWord] |= bit << (i % kNeuronsPerWord);
    }
    return pattern;
}

// The activity of all neurons at a knot, of those with known signs and of those in the tile.
void append_activity(const std::vector<std::uint64_t>& known, const Tile& from, std::size_t knot,
                     Tile& to) {
    to.active.insert(to.active.end(), known.begin(), known.end());
    std::uint64_t* const pattern = to.active.data() + to.active.size() - known.size();
    add_active(from, knot, pattern);
}

}  // namespace

// Whether the last hidden layer is worth the trouble.
bool TileSolver::looks_at_few(int layer) const {
    return layer == network_.depth() && layer >= 3 &&
           (chunk_size_ > 0 || network_.layer(layer).keeps_rows);
}

// A chunk whose neurons with open signs are looked at one by one.
TileSolver::Chunk TileSolver::chunk_of_few(const Tile& below, std::size_t begin, std::size_t end,
                                           const std::vector<std::int32_t>& neurons,
                                           const DecidedSum& others, bool others_send,
                                           Workspace& workspace) const {
    const Layer& hidden = network_.layer(network_.depth());
    const std::int64_t n_outputs = n_watched_outputs();
    const auto q = static_cast<std::size_t>(n_outputs);
    Chunk chunk;
    const auto n_open = static_cast<std::int64_t>(neurons.size());
    chunk.hidden = new_tile(network_.depth(), n_open, below.refined, begin, end, workspace);
    Tile& tile = *chunk.hidden;
    // Of each knot the open neurons, and after them a number for each output.
    const std::size_t n_rows = neurons.size() + q;
    Buffer<double> rows(n_rows * tile.grid.size());
    carry_up({hidden, static_cast<std::int64_t>(n_rows), &neurons, &others}, below, begin, end,
             rows.data(), workspace);
    SentByOthers sent;
    for (std::size_t k = 0; k < tile.grid.size(); ++k) {
        const double* const from = rows.data() + k * n_rows;
        std::copy_n(from, neurons.size(), tile.column(k));
        const ColumnError& error = workspace.errors[k];
        for (std::size_t o = 0; o < q; ++o) {
            const double value = from[neurons.size() + o] + others.bias(o);
            const double rounding =
                2.0 * kRoundoff * (std::fabs(value) + std::fabs(others.bias(o)));
            sent.values.push_back(value);
            sent.errors.push_back((others.norm(o) * (error.carried + error.rounding) +
                                   others.weights_error(o) * (error.sent + error.carried) +
                                   others.bias_error(o) + rounding + underflow(hidden.n_in)) *
                                  kInflate);
        }
    }
    tile.selection = select(hidden, neurons, others_send);
    add_biases_and_bound(tile, workspace);
    if (!counts_only_) {
        const std::size_t n_refined = tile.refined.size();
        chunk.outputs =
            new_tile(tile.layer + 1, n_outputs, tile.refined, 0, n_refined - 1, workspace);
        chunk.outputs->selection = outputs_of(network_.layer(tile.layer + 1), neurons, q);
        carry_up({network_.layer(tile.layer + 1), n_outputs}, tile, 0, n_refined - 1,
                 chunk.outputs->z.data(), workspace);
        add_biases_and_bound(*chunk.outputs, workspace);
        bound_outputs(chunk, &sent);
    }
    return chunk;
}

// A chunk of which nothing is known: as any other layer.
TileSolver::Chunk TileSolver::chunk_of_all(const std::shared_ptr<const Tile>& below,
                                           std::size_t begin, std::size_t end,
                                           Workspace& workspace) const {
    Chunk chunk;
    chunk.hidden = whole_layer(below, begin, end, workspace);
    if (!counts_only_) {
        chunk.outputs = whole_layer(chunk.hidden, 0, chunk.hidden->refined.size() - 1, workspace);
        bound_outputs(chunk, nullptr);
    }
    return chunk;
}

// Adds to a chunk's outputs what is not looked at sends, and sets the bounds of their errors.
void TileSolver::bound_outputs(Chunk& chunk, const SentByOthers* sent) const {
    const Tile& tile = *chunk.hidden;
    Tile& outputs = *chunk.outputs;
    const auto q = static_cast<std::size_t>(outputs.n);
    std::vector<double> errors;
    for (std::size_t m = 0; m < outputs.grid.size(); ++m) {
        for (std::size_t o = 0; o < q; ++o) {
            double& value = outputs.column(m)[o];
            double error = entry_error(outputs, m, static_cast<std::int32_t>(o));
            const auto add = [&](double weight, std::size_t knot) {
                const double sent_value = sent->values[knot * q + o];
                value += weight * sent_value;
                error += weight * (sent->errors[knot * q + o] +
                                   8.0 * kRoundoff * std::fabs(sent_value)) +
                         2.0 * kRoundoff * std::fabs(value);
            };
            const std::int32_t source = tile.source[m];
            if (sent != nullptr && source >= 0) {
                add(1.0, static_cast<std::size_t>(source));
            } else if (sent != nullptr) {
                const Root& root = tile.roots[static_cast<std::size_t>(~source)];
                const auto segment = static_cast<std::size_t>(root.segment);
                const Weights at =
                    weights_at(tile.grid.knots[segment], tile.grid.knots[segment + 1], root.x);
                add(at.lo, segment);
                add(at.hi, segment + 1);
            }
            errors.push_back(error * kInflate);
        }
    }
    outputs.entry_errors = std::move(errors);
}

std::shared_ptr<Tile> TileSolver::last_layer(std::shared_ptr<const Tile> shared, std::size_t first,
                                             std::size_t last, Workspace& workspace) const {
    const Tile& below = *shared;
    const int depth = network_.depth();
    const Layer& hidden = network_.layer(depth);
    const auto n = static_cast<std::size_t>(hidden.n_out);
    const std::int64_t n_outputs = n_watched_outputs();

    const std::size_t chunk_size =
        chunk_size_ > 0 ? static_cast<std::size_t>(chunk_size_) : kChunkSize;
    std::vector<std::size_t> cuts{first};
    for (std::size_t m = first + 1; m < last; ++m) {
        if (m - cuts.back() >= chunk_size && may_cut(below, m)) {
            cuts.push_back(m);
        }
    }
    cuts.push_back(last);
    workspace.columns.clear();
    for (const std::size_t m : cuts) {
        workspace.columns.push_back(static_cast<std::size_t>(below.source[m]));
    }
    const std::vector<std::size_t> columns = workspace.columns;
    const RoughValues at_cuts =
        multiply_relu_roughly(hidden, network_.negative_slope(), below, workspace);

    // One tile for all chunks; below its outputs a tile of only what `finish` asks for.
    const std::shared_ptr<Tile> joined = empty_tile(depth, hidden.n_out, workspace);
    const std::shared_ptr<Tile> outputs =
        counts_only_ ? nullptr : empty_tile(depth + 1, n_outputs, workspace);
    DecidedSum others(hidden, network_.layer(depth + 1), n_outputs, network_.negative_slope());
    for (std::size_t c = 0; c + 1 < cuts.size(); ++c) {
        const std::size_t begin = cuts[c];
        const std::size_t end = cuts[c + 1];
        std::vector<KnownSign> signs(n, KnownSign::open);
        const auto open = below.refined.open_after.begin();
        if (std::find(open + static_cast<std::ptrdiff_t>(begin),
                      open + static_cast<std::ptrdiff_t>(end),
                      1) == open + static_cast<std::ptrdiff_t>(end)) {
            signs = signs_between(below, columns[c], columns[c + 1], at_cuts, c);
        }
        std::vector<std::int32_t> neurons(n);
        std::size_t n_open = 0;  // the next one takes the place of one that is not
        bool others_send = false;
        for (std::size_t i = 0; i < n; ++i) {
            neurons[n_open] = static_cast<std::int32_t>(i);
            n_open += signs[i] == KnownSign::open ? 1 : 0;
            others_send |= signs[i] == KnownSign::positive;
        }
        others_send |= network_.negative_slope() != 0.0 && n_open < n;
        neurons.resize(n_open);
        if (neurons.empty()) {  // tiles have at least one
            neurons.push_back(0);
            signs[0] = KnownSign::open;
        }
        Chunk chunk;
        if (2 * neurons.size() > n) {
            chunk = chunk_of_all(shared, begin, end, workspace);
        } else {
            others.follow(signs);
            chunk = chunk_of_few(below, begin, end, neurons, others, others_send, workspace);
        }

        const Tile& tile = *chunk.hidden;
        append(joined->undecided, tile.undecided);
        if (counts_only_) {
            append(joined->grid, tile.grid);
            append(joined->roots, tile.roots);
            continue;
        }
        if (c > 0) {
            drop_last(joined->source, 1);
            drop_last(joined->active, activity_words(hidden.n_out));
            drop_last(outputs->z, static_cast<std::size_t>(n_outputs));
            drop_last(outputs->entry_errors, static_cast<std::size_t>(n_outputs));
        }
        append(outputs->grid, chunk.outputs->grid);
        append(outputs->z, chunk.outputs->z);
        append(outputs->entry_errors, chunk.outputs->entry_errors);
        for (const std::int32_t source : tile.source) {
            joined->source.push_back(
                source < 0 ? -1 : source + static_cast<std::int32_t>(begin - first));
        }
        const std::vector<std::uint64_t> known = activity_of(signs);
        for (std::size_t k = 0; k < tile.grid.size(); ++k) {
            append_activity(known, tile, k, *joined);
        }
    }
    if (counts_only_) {
        return joined;
    }
    joined->below = std::move(shared);
    joined->first_below = first;
    outputs->undecided = std::move(joined->undecided);
    outputs->below = joined;
    return outputs;
}

}  // namespace relufast
