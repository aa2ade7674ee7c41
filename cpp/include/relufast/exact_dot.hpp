// Dot products of float64 vectors as exact arithmetic has them: compared, and rounded once.
#pragma once

#include <cstdint>

namespace relufast {

// The sign of <g, x> - <g, y>. In float64 where a bound of its error proves it, else exactly.
int compare_dots(const double* g, const double* x, const double* y, std::int64_t n);

// The float64 nearest to <g, x> - <g, y>, ties to even; infinite beyond float64. By double-double
// where that leaves no doubt, else exactly.
double rounded_dot_difference(const double* g, const double* x, const double* y, std::int64_t n);

}  // namespace relufast
