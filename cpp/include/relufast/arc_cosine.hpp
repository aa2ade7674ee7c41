// The angle functions of the arc-cosine kernels (Cho and Saul, NIPS 2009, section 2.1), of the
// cosine c of an angle t:
//
//   degree 0: pi - t
//   degree 1: sin t + (pi - t) cos t
#pragma once

#include <cstddef>

namespace relufast {

enum class ArcCosineDegree { kZero, kOne };

// Puts the function in the place of each cosine. A cosine that rounding has carried beyond +-1
// counts as +-1; NaN stays NaN. The absolute error, given the cosine, is below 4 * 2^-52, and in
// single precision below 4 * 2^-23.
void apply_arc_cosine(ArcCosineDegree degree, double* cosines, std::size_t n);
void apply_arc_cosine(ArcCosineDegree degree, float* cosines, std::size_t n);

}  // namespace relufast
