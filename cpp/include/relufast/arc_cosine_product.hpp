// The matrix N of an angle function at the cosines between m directions, never whole: tiles of it
// are made, used and forgotten.
//
// A direction is a unit vector, or zero: a zero vector counts as orthogonal to all others and to
// itself, so that the caller has to leave its row and column out.
#pragma once

#include <cstdint>

#include "relufast/arc_cosine.hpp"
#include "relufast/threads.hpp"

namespace relufast {

// All matrices are row-major. The grid of tiles and every product depend on the sizes only, and the
// order in which a row of the result is added up is fixed: the bits do not depend on n_threads.

// y = N v: directions of shape (m, d), v and y of shape (m, k). Memory for one tile a thread.
void arc_cosine_product(ArcCosineDegree degree, std::int64_t m, std::int64_t d,
                        const double* directions, std::int64_t k, const double* v, double* y,
                        int n_threads, const Interrupt& interrupt);

// The same in single precision, for less than half of the time.
void arc_cosine_product(ArcCosineDegree degree, std::int64_t m, std::int64_t d,
                        const float* directions, std::int64_t k, const float* v, float* y,
                        int n_threads, const Interrupt& interrupt);

// N itself, of shape (m, m): symmetric to the bit.
void arc_cosine_gram(ArcCosineDegree degree, std::int64_t m, std::int64_t d,
                     const double* directions, double* gram, int n_threads,
                     const Interrupt& interrupt);

// The same between two sets of directions: of shape (m, n).
void arc_cosine_cross_gram(ArcCosineDegree degree, std::int64_t m, std::int64_t n, std::int64_t d,
                           const double* directions, const double* others, double* gram,
                           int n_threads, const Interrupt& interrupt);

}  // namespace relufast
