// How far relu(L x) is from relu(A x) on the unit sphere, which is as far as it gets in the unit
// ball.
#pragma once

#include <cstdint>
#include <vector>

#include "relufast/threads.hpp"

namespace relufast {

// Two matrices of shape (m, n), row-major.
struct LayerPair {
    std::int64_t m;
    std::int64_t n;
    const double* a;
    const double* l;
};

// Moves each of `count` unit vectors (a row of `points`, in place) to where the error is larger,
// until neither the gradient nor random great circles lead further. A step goes to the largest
// error on a great circle, which is found exactly, kinks included. Gives the squared errors
// reached. A point's way depends on itself and the seed only.
void ascend_on_sphere(const LayerPair& layers, std::int64_t count, double* points, double* squares,
                      std::uint64_t seed, int n_threads, const Interrupt& interrupt);

struct SphereBound {
    double upper_square;     // no squared error on the sphere is larger
    double reached_square;   // the largest one that was met
    std::vector<double> at;  // where; empty if `known_square` was not exceeded
    std::int64_t n_cells;    // looked at
    bool is_tight;           // the two bounds are as near as asked for
};

// A cell has 2^(n - 1) corners, and far too many cells are needed long before that is many.
inline constexpr std::int64_t kMostBoundedDimension = 8;

// Branch and bound over cells of the sphere, n at most kMostBoundedDimension, the most promising
// first, until the bound is at most
// (1 + rtol)^2 times what was met or `known_square`, or `most_cells` have been looked at.
SphereBound bound_on_sphere(const LayerPair& layers, double known_square, double rtol,
                            std::int64_t most_cells, const Interrupt& interrupt);

}  // namespace relufast
