#pragma once

#include <cstdint>

#include "relufast/knot.hpp"

namespace relufast {

// A point of a segment: its values are lo times those of the left knot plus hi times those of the
// right one. A direction's weight is a length.
struct Weights {
    double lo = 0.0;
    double hi = 0.0;
};

inline Weights weights_at(const Place& lo, const Place& hi, double x) {
    if (lo.is_direction) {
        return {hi.x - x, 1.0};
    }
    if (hi.is_direction) {
        return {1.0, x - lo.x};
    }
    const double width = hi.x - lo.x;
    return width > 0.0 ? Weights{(hi.x - x) / width, (x - lo.x) / width} : Weights{1.0, 0.0};
}

// What a preactivation is at the end of a segment, and how far it may be off.
struct EndValue {
    double value = 0.0;
    double error = 0.0;
};

// Where a preactivation is zero between the ends of a segment.
struct RootPlace {
    double order = 0.0;  // rises with x within the segment: a share of it, or a length
    double order_error = 0.0;
    double x = 0.0;
    double x_error = 0.0;
    bool is_open = false;  // may lie beyond an end of its segment
};

// Of values whose signs differ.
RootPlace root_between(const Place& left, const Place& right, EndValue at_left, EndValue at_right);

// A crossing found between two knots.
struct Root : RootPlace {
    std::int32_t segment = 0;
    std::int32_t neuron = 0;
    bool is_unordered = false;  // may lie before the root in front of it
};

// From left to right, as far as float64 tells.
inline bool is_before(const Root& a, const Root& b) {
    return a.order < b.order || (a.order == b.order && a.neuron < b.neuron);
}

}  // namespace relufast
