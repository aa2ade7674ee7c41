#pragma once

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

// x is the input of a network with one input.
Line axis_line(const Layer& first, double lo, double hi);
// The same into a line whose memory is there.
void set_axis_line(Line& line, const Layer& first, double lo, double hi);

// The input is start + x (stop - start), without rounding.
Line segment_line(const Layer& first, const double* start, const double* stop, double lo,
                  double hi);

}  // namespace relufast
