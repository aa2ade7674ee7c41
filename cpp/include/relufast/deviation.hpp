#pragma once

#include <span>

namespace relufast {

// A rigorous upper bound on the largest distance |g - f| of two piecewise linear functions that
// begin and end at the same x; f through (x[i], y[i]), g through (knots[j], values[j]).
double largest_deviation(std::span<const double> x, std::span<const double> y,
                         std::span<const double> knots, std::span<const double> values);

}  // namespace relufast
