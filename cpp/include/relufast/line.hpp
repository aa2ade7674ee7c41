#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "relufast/double_double.hpp"
#include "relufast/network.hpp"

namespace relufast {

// The first layer along a line: z_i(x) = slope_i x + intercept_i, exact real numbers known to
// within the errors beside them. In one dimension the errors are zero.
struct Line {
    std::vector<DoubleDouble> slopes;
    std::vector<DoubleDouble> intercepts;
    std::vector<double> slope_errors;
    std::vector<double> intercept_errors;
    bool exact = true;  // slopes and intercepts are the float64 parameters themselves
    double lo = 0.0;    // the open interval of x; either end may be infinite
    double hi = 0.0;
};

// Whether a number that is known to within an error certainly is not zero.
inline bool is_not_zero(DoubleDouble value, double error) {
    return std::fabs(value.hi) * (1.0 - 0x1p-50) > error;
}

// How far the errors of its parameters may shift a neuron's root, `size` away from zero, where its
// slope is not zero.
inline double root_shift(const Line& line, std::size_t i, double size) {
    const double room = std::fabs(line.slopes[i].hi) * (1.0 - 0x1p-50) - line.slope_errors[i];
    return (line.intercept_errors[i] + size * line.slope_errors[i]) / room;
}

// x is the input of a network with one input.
Line axis_line(const Layer& first, double lo, double hi);
// The same into a line whose memory is there.
void set_axis_line(Line& line, const Layer& first, double lo, double hi);

// The input is start + x (stop - start), without rounding.
Line segment_line(const Layer& first, const double* start, const double* stop, double lo,
                  double hi);

}  // namespace relufast
