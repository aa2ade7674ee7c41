#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "relufast/breakpoints.hpp"
#include "relufast/buffer.hpp"
#include "relufast/column_error.hpp"
#include "relufast/knot.hpp"
#include "relufast/line.hpp"
#include "relufast/narrow_layer.hpp"
#include "relufast/network.hpp"
#include "relufast/root.hpp"

namespace relufast {

// A network whose layers have few neurons, along a line: all knots at once, layer by layer.
//
// It does what tiles do, with the same error bounds, in a fraction of the time that these take to
// get going. But float64 must decide everything: as soon as a sign, an order or a reach is too
// close to call, or something is zero, the answer is none, and tiles start from the beginning.
class NarrowSolver {
 public:
    static bool is_narrow(const Network& network);

    std::optional<Breakpoints> find(const Network& network, const Line& line);
    // Only how many of each hidden layer there are: counts has room for depth numbers. Whether
    // there is an answer.
    bool count(const Network& network, const Line& line, std::int64_t* counts);

 private:
    // A breakpoint, or with layer 0 an end of the line.
    struct NarrowKnot : Place {
        Crossing crossing;
    };

    // The values of a layer at all knots of the layers below.
    struct Columns {
        std::int64_t stride = 0;
        Buffer<double> z;  // (knots, stride)
        std::vector<std::uint64_t> active;
        std::vector<EntryBound> entry_bounds;
        std::vector<ColumnBounds> bounds;

        void resize(std::size_t n_knots, std::int64_t n_neurons);
        double* at(std::size_t k) { return z.data() + k * static_cast<std::size_t>(stride); }
    };

    // A layer's columns at the knots of the layers below, without its biases: the most terms of a
    // sum, or none where norms are out of range.
    int send_first_layer(const Network& network);
    std::optional<int> multiply_at_knots(const Network& network, int layer);
    void bend_at_roots(const Network& network, int layer, double rounding);
    void begin_last_gradient(const Network& network);
    void follow_last_gradient(const Network& network);
    // Each: whether all is certain.
    bool solve(const Network& network, const Line& line, bool counts_only);
    bool take_first_layer(const Network& network, const Line& line);
    bool find_first_roots(const Line& line);
    bool order_first_roots(const Line& line);
    bool bound_first_layer(const Network& network, const Line& line);
    bool carry_up(const Network& network, int layer);
    bool decide_signs(const Network& network, int layer);
    bool find_roots(const Network& network, int layer);
    bool order_roots();
    bool refine(int layer);
    bool all_apart() const;
    bool decide_reaches(const Network& network);
    static bool sends_to_output(const Network& network, std::int32_t neuron);
    std::optional<bool> reaches(const Network& network, const Crossing& crossing);
    // Of a layer at the knot that is looked at.
    std::uint64_t active(int layer) const {
        const auto l = static_cast<std::size_t>(layer);
        return activity_[l][column_[l]];
    }

    std::vector<NarrowKnot> knots_;
    std::vector<NarrowKnot> coarser_;      // what knots_ were before the roots came in between
    std::vector<Root> roots_;              // of the layer whose columns are there, by segment
    std::vector<std::size_t> first_root_;  // by segment, and one past the end
    Columns below_;
    Columns columns_;
    std::vector<ColumnError> errors_;
    std::vector<NarrowKnot> first_roots_;  // of the first layer, by neuron
    std::uint64_t active_at_start_ = 0;
    Buffer<double> slopes_;  // of the first layer along the line, filled up to the most
    Buffer<double> intercepts_;
    std::array<Buffer<double>, 2> sent_{Buffer<double>(kMostNarrow), Buffer<double>(kMostNarrow)};
    Buffer<double> output_weights_;                     // of the first output
    std::vector<std::vector<std::uint64_t>> activity_;  // by layer and column
    std::vector<std::size_t> column_;                   // by layer: where a knot's activity is
    std::vector<std::uint8_t> reaches_;
    Buffer<double> last_gradient_;
    double last_error_ = 0.0;  // per unit of the last layer's norms
    Buffer<double> gradient_;
    Buffer<double> masked_;
};

}  // namespace relufast
