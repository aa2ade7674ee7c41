#pragma once

#include "relufast/knot.hpp"
#include "relufast/line.hpp"

namespace relufast {

// Bounds on 2-norms of the first layer at a place of a line: of the terms of its values, and of
// what their parameters may be off.
struct FirstLayerSize {
    double values = 0.0;
    double parameters_error = 0.0;
};

class LineNorms {
 public:
    explicit LineNorms(const Line& line);

    FirstLayerSize at(const Place& place) const;
    // What is left of a first-layer knot's neurons at its x, and of neighbours that rounding may
    // have put on its wrong side; times how far the slope of a neuron's output jumps there.
    double misplaced(const Place& knot, double kink) const;

 private:
    double slope_norm_;
    double intercept_norm_;
    double slope_error_norm_;
    double intercept_error_norm_;
};

}  // namespace relufast
