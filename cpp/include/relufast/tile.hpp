#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "relufast/activity.hpp"
#include "relufast/buffer.hpp"
#include "relufast/column_error.hpp"
#include "relufast/decided_sum.hpp"
#include "relufast/gathered_product.hpp"
#include "relufast/knot.hpp"
#include "relufast/layer_one.hpp"
#include "relufast/line.hpp"
#include "relufast/line_norms.hpp"
#include "relufast/network.hpp"
#include "relufast/point_evaluator.hpp"
#include "relufast/root.hpp"
#include "relufast/rounding.hpp"
#include "relufast/threads.hpp"
#include "relufast/tile_pool.hpp"

namespace relufast {

// Neurons of a layer that are looked at one by one, where the signs of all others are known along a
// whole tile.
struct Selection {
    Layer parameters;                   // with a row for each
    std::vector<std::int32_t> neurons;  // their numbers in the layer, rising
    bool others_send = false;           // something to the output
};

// A stretch of the line at one layer: preactivations at the knots of the layers below, and the
// knots that the layer's own crossings add.
//
// Values belong to the float64 numbers x, and are affine in between: an interpolant. The error
// bounds hold for it along the whole stretch, at a point between two knots with the bounds of
// these two interpolated. They know that true kinks lie beside x, not at it.
struct Tile {
    int layer = 0;
    std::int64_t n = 0;  // neurons looked at, or as many of the outputs as are watched
    std::shared_ptr<const Selection> selection;  // of these neurons, if not all
    Grid grid;
    std::shared_ptr<const Tile> below;  // of layer 2 on; its refined knots from first_below on
    std::size_t first_below = 0;        // are this tile's grid
    Buffer<double> z;                   // (knots, n)

    // By knot: error bounds (see docs/exactness.md) and the norms they are made of.
    std::vector<double> error;          // |z - true z|, 2-norm
    std::vector<double> beta;           // entry i errs by row_norm_i beta + |b_i| rounding + floor
    std::vector<double> norm;           // |z|
    std::vector<double> relu_norm;      // |relu(z)|
    std::vector<std::uint8_t> silent;   // certainly no neuron is active
    std::vector<std::uint64_t> active;  // by knot: the activity of the layer
    std::vector<std::uint8_t> refined_column;  // evaluated in double-double
    double bias_rounding = 0.0;
    std::vector<double> entry_errors;  // (knots, n), where they are not to be had from beta

    struct ExactZero {
        std::int32_t knot;
        std::int32_t neuron;
    };
    std::vector<ExactZero> zeros;  // entries that are zero beyond doubt, sorted
    std::vector<Undecided> undecided;

    std::vector<Root> roots;               // by segment, in order along the line
    std::vector<std::int32_t> first_root;  // by segment, and one past the end
    Grid refined;                          // grid and roots merged
    std::vector<std::int32_t> source;      // of refined's knots: a column k, or ~root

    ColumnBounds bounds(std::size_t k) const { return {error[k], norm[k], relu_norm[k]}; }
    const double* column(std::size_t k) const { return &z[k * static_cast<std::size_t>(n)]; }
    double* column(std::size_t k) { return &z[k * static_cast<std::size_t>(n)]; }
    const std::uint64_t* activity(std::size_t k) const { return &active[k * activity_words(n)]; }
    std::uint64_t* activity(std::size_t k) { return &active[k * activity_words(n)]; }
};

// The number in its layer of the i-th neuron that a tile looks at.
inline std::int32_t neuron_of(const Tile& tile, std::int32_t i) {
    return tile.selection ? tile.selection->neurons[static_cast<std::size_t>(i)] : i;
}

// Adds the neurons that are active at a knot of a tile to a pattern of its whole layer.
inline void add_active(const Tile& tile, std::size_t knot, std::uint64_t* pattern) {
    for (std::size_t w = 0; w < activity_words(tile.n); ++w) {
        for_each_neuron(tile.activity(knot)[w], static_cast<std::int64_t>(w) * kNeuronsPerWord,
                        [&](std::int32_t i) {
                            set_active(pattern, static_cast<std::size_t>(neuron_of(tile, i)));
                        });
    }
}

// From numbers in a tile to those in its layer.
inline void renumber(const Tile& tile, std::vector<std::int32_t>& neurons) {
    for (std::int32_t& neuron : neurons) {
        neuron = neuron_of(tile, neuron);
    }
}

// Outputs whose slopes are compared to see which breakpoints reach them; the others are looked at
// only where these do not tell.
inline constexpr std::int64_t kWatchedOutputs = 8;

// Whether the slope of the output changes at a knot. A knot that is open may still be.
enum class Reach : std::uint8_t { no, yes, open };

// The slope of an output along a segment.
struct Slope {
    double value = 0.0;
    double error = kInfinity;
};

// A knot whose neuron's share in the output is to be followed through the layers above it.
struct Traced {
    std::size_t knot = 0;  // of a stretch
    Crossing crossing;
    // The activity of these layers, the lowest first.
    std::vector<std::vector<std::uint64_t>> active;
};

// Consecutive knots, through with all layers.
struct Stretch {
    Grid grid;
    std::vector<Reach> reaches;  // by knot
    std::vector<Traced> traced;  // of the open ones, in order
    // By output, on the only side that the first and the last knot have here.
    std::vector<Slope> first_slopes;
    std::vector<Slope> last_slopes;
};

// Whether a knot with these slopes on its sides is shown to reach an output.
bool differ(const std::vector<Slope>& before, const std::vector<Slope>& after);

struct OpenColumn {
    std::size_t knot = 0;
    std::int64_t n_open = 0;
};

// What a thread works with, kept from tile to tile and from trial to trial.
struct Workspace {
    TilePool tiles;
    Buffer<double> hidden;
    Buffer<double> weights;
    Buffer<double> products;
    ProductMemory<double> packed;
    Buffer<float> rough_hidden;
    Buffer<float> rough_products;
    ProductMemory<float> rough_packed;
    Buffer<double> points;  // columns that are no knot of a tile
    Buffer<std::uint64_t> point_activity;
    std::vector<std::size_t> columns;  // of a tile: those to multiply
    std::vector<std::int32_t> alive;
    std::vector<std::size_t> dense;  // roots that get a product of their own, and their norms
    std::vector<double> dense_norms;
    std::vector<ColumnError> errors;
    std::vector<OpenColumn> open;
    std::vector<std::uint8_t> has_zeros;
};

class PointStore;
struct RoughValues;
struct Rows;

// The second layer on a segment of the first layer's grid: slope x + intercept, each in
// double-double (the low parts are zero where float64 does). It goes from knot to knot.
struct SecondLayerForm {
    std::vector<double> slope;
    std::vector<double> slope_lo;
    std::vector<double> intercept;
    std::vector<double> intercept_lo;
    std::vector<std::uint8_t> active;  // of the first layer
};

// Carries tiles from layer to layer.
class TileSolver {
 public:
    // With `counts_only` the last hidden layer's crossings are found, but neither ordered nor put
    // into a grid.
    //
    // With a store of points the network's layers need not all be there: what is asked of the store
    // in vain leaves a tile to be made again. Which knots reach the output is then not proven, as
    // that goes back through all layers.
    TileSolver(const Network& network, const Line& line, std::int64_t tile_size,
               std::int64_t chunk_size, bool certify, bool counts_only,
               PointStore* points = nullptr);

    // Right of a knot of the first layer's grid.
    SecondLayerForm begin_second_layer(const LayerOne& below, std::size_t first, int n_threads,
                                       const Interrupt& interrupt) const;
    // Takes the form from one knot to another, and puts down the layer's values on the way.
    std::shared_ptr<Tile> second_layer_values(const LayerOne& below, std::size_t first,
                                              std::size_t last, SecondLayerForm& form,
                                              int n_threads, const Interrupt& interrupt,
                                              Workspace& workspace) const;
    // Does the rest for such a tile.
    void complete_second_layer(const LayerOne& below, Tile& tile, Workspace& workspace) const;
    // The layer above `below`, at its refined knots first..last, at both of which it may be cut;
    // for a wide last hidden layer the outputs, or with counts_only its crossings.
    std::shared_ptr<Tile> next_layer(std::shared_ptr<const Tile> below, std::size_t first,
                                     std::size_t last, Workspace& workspace) const;
    bool may_cut(const Tile& below, std::size_t knot) const;
    // Whether a layer is such a last one.
    bool looks_at_few(int layer) const;
    // What a tile of the output layer tells.
    Stretch finish(Tile& tile) const;

 private:
    std::shared_ptr<Tile> new_tile(int layer, std::int64_t n, const Grid& below, std::size_t first,
                                   std::size_t last, Workspace& workspace) const;
    // z = W relu(z below), still without biases, at the refined knots of `below` from `first` on,
    // and workspace.errors.
    void carry_up(const Rows& rows, const Tile& below, std::size_t first, std::size_t last,
                  double* z, Workspace& workspace) const;

    std::shared_ptr<Tile> whole_layer(std::shared_ptr<const Tile> below, std::size_t first,
                                      std::size_t last, Workspace& workspace) const;
    // Of a wide inner layer: without the neurons that are inactive between the two knots.
    std::shared_ptr<Tile> inner_layer(std::shared_ptr<const Tile> below, std::size_t first,
                                      std::size_t last, Workspace& workspace) const;
    bool leaves_out_inactive(int layer) const;
    // Of a wide last hidden layer: only those neurons are looked at whose signs are open.
    std::shared_ptr<Tile> last_layer(std::shared_ptr<const Tile> below, std::size_t first,
                                     std::size_t last, Workspace& workspace) const;
    bool is_sharp() const;
    struct Range {
        std::size_t begin = 0;
        std::size_t end = 0;
    };
    template <class Body>
    void in_parts(std::size_t n_terms, std::size_t n, int n_threads, const Interrupt& interrupt,
                  Body body) const;
    void add_to(SecondLayerForm& form, std::size_t neuron, double factor,
                const Range& outputs) const;
    void sum_afresh(SecondLayerForm& form, const std::vector<std::uint8_t>& active,
                    const Range& outputs) const;
    void carry_sums(SecondLayerForm& form, Tile& tile, const Range& outputs) const;
    // A stretch of the last hidden layer whose neurons' signs were settled together.
    struct Chunk {
        std::shared_ptr<Tile> hidden;   // with the neurons that are looked at
        std::shared_ptr<Tile> outputs;  // none where crossings are only counted
    };
    // What the neurons that are not looked at send, by knot and output.
    struct SentByOthers {
        std::vector<double> values;
        std::vector<double> errors;
    };

    Chunk chunk_of_few(const Tile& below, std::size_t begin, std::size_t end,
                       const std::vector<std::int32_t>& neurons, const DecidedSum& others,
                       bool others_send, Workspace& workspace) const;
    Chunk chunk_of_all(const std::shared_ptr<const Tile>& below, std::size_t begin, std::size_t end,
                       Workspace& workspace) const;
    void bound_outputs(Chunk& chunk, const SentByOthers* sent) const;
    std::vector<std::int32_t> possibly_active(const Tile& below, std::size_t first,
                                              std::size_t last, Workspace& workspace) const;
    double straying(const Tile& tile, std::size_t lo, std::size_t hi) const;
    std::vector<KnownSign> signs_between(const Tile& below, std::size_t lo, std::size_t hi,
                                         const RoughValues& values, std::size_t cut) const;
    void add_biases_and_bound(Tile& tile, Workspace& workspace) const;
    void decide_open_signs(Tile& tile, const std::vector<OpenColumn>& open) const;
    std::size_t affordable_refinements(const Tile& tile) const;
    std::vector<std::int32_t> refine_column(Tile& tile, std::size_t knot) const;
    void find_roots(Tile& tile, Workspace& workspace) const;
    void search_segments(Tile& tile, Workspace& workspace) const;
    void add_crossings_at_zeros(Tile& tile) const;
    void add_root(Tile& tile, std::size_t segment, std::int32_t neuron) const;
    void order_roots(Tile& tile, std::size_t begin) const;
    bool order_exactly(Tile& tile, std::size_t start, std::size_t stop) const;
    void open_segments(Tile& tile) const;
    void refine_grid(Tile& tile) const;
    Traced traced(const Tile& tile, std::size_t knot) const;
    double entry_error(const Tile& tile, std::size_t knot, std::int32_t neuron) const;
    const Layer& parameters_of(const Tile& tile) const {
        return tile.selection ? tile.selection->parameters : network_.layer(tile.layer);
    }
    std::int64_t n_watched_outputs() const {
        return counts_only_ ? 0
                            : std::min(network_.layer(network_.depth() + 1).n_out, kWatchedOutputs);
    }
    bool is_output(int layer) const { return layer > network_.depth(); }
    // Whether its crossings are counted and nothing else.
    bool is_counted(int layer) const { return counts_only_ && layer == network_.depth(); }

    const Network& network_;
    const Line& line_;
    std::int64_t tile_size_;
    std::int64_t chunk_size_;
    bool certify_;
    bool counts_only_;
    PointStore* points_;
    LineNorms line_norms_;
};

}  // namespace relufast
