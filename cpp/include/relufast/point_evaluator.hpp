#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "relufast/double_double.hpp"
#include "relufast/knot.hpp"
#include "relufast/line.hpp"
#include "relufast/network.hpp"
#include "relufast/threads.hpp"

namespace relufast {

class PointStore;

// Decides in double-double what float64 left open, at one knot at a time.
//
// The network is evaluated at the float64 number x that stands for a knot, together with its slope
// there. Where the true position matters, which is a root beside x, its offset from x follows from
// the one neuron that is nearly zero; every other neuron is shown to keep its sign in between.
class PointEvaluator {
 public:
    // With a store the points' values are taken from there, or else asked for: what needs them is
    // then undecided.
    PointEvaluator(const Network& network, const Line& line, PointStore* store = nullptr);

    // Step by step, where the layers' weights come one after the other: many points at once, so
    // that each weight is read once for several.
    void evaluate_first(double x, bool is_direction);
    static void evaluate_next(int layer, const std::vector<PointEvaluator*>& points, int n_threads,
                              const Interrupt& interrupt);

    struct Refined {
        bool is_known = false;  // or only asked for
        std::vector<double> z;  // preactivations at the knot's x, rounded
        double x_error = 0.0;   // a bound on the knot's, no larger than the one it came with
        // 2-norm of their error, and of what the knot's kinks, which lie beside x, add nearby.
        double error = 0.0;
        std::vector<std::int32_t> undecided;  // neurons whose sign stays open
    };
    // The given layer at a knot.
    Refined refine(const Knot& knot, int layer);

    struct Offset {
        double value = 0.0;
        double error = 0.0;
    };
    // The roots of neurons of one layer within a radius of x, as offsets from x.
    std::optional<std::vector<Offset>> roots_near(double x, double radius, int layer,
                                                  const std::vector<std::int32_t>& neurons);

    // Whether the slope of the network's output changes at this knot.
    std::optional<bool> reaches_output(const Knot& knot);

 private:
    struct Values {
        std::vector<double> hi;  // z = hi + lo
        std::vector<double> lo;
        std::vector<double> slope;  // dz/dx
        double error = 0.0;         // 2-norm bounds on the errors of z and slope
        double slope_error = 0.0;
        double beta = 0.0;  // entry i of z errs by row_norm_i beta + |b_i| bias_rounding
        double bias_rounding = 0.0;
        double slope_beta = 0.0;
        double floor = 0.0;
    };

    // What a point sends to the next layer.
    struct Sent {
        std::vector<double> hi;
        std::vector<double> lo;
        std::vector<double> slope;
    };

    void begin_next(int layer);
    void bound_next(int layer);
    // Whether the values are there.
    bool evaluate(double x, bool is_direction, int top);
    double entry_error(int layer, std::size_t neuron) const;
    double slope_entry_error(int layer, std::size_t neuron) const;
    // Certainly no neuron of the layer is active, so that no error passes it.
    bool is_silent(int layer) const;
    std::optional<Offset> offset_of_root(int layer, std::size_t neuron) const;
    std::optional<Offset> offset_of(const Knot& knot) const;
    double distance_to_root(const Knot& knot) const;
    // No neuron of these layers, but the excepted one, changes sign within the distance of x.
    bool signs_hold(int bottom, int top, double distance, const Crossing& except) const;
    // Layers up to the top are affine between x and the knot's true position.
    bool is_affine_to_root(const Knot& knot, double distance, int top) const;

    const Network& network_;
    const Line& line_;
    PointStore* store_;
    bool is_direction_ = false;
    Sent sent_;
    std::vector<Values> values_;  // by layer
    std::vector<double> first_entry_errors_;
    std::vector<double> first_slope_errors_;
};

}  // namespace relufast
