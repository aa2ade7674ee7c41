#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "relufast/threads.hpp"
#include "relufast/tube.hpp"

namespace relufast {

// A line through two points of the tube's boundary, by their codes.
struct CornerLine {
    std::int64_t from;
    std::int64_t to;
};

// A continuous piecewise linear function in a tube that has as few pieces as any.
struct MinimalPieces {
    std::int64_t count = 0;
    std::int64_t n_open = 0;  // decisions taken from float64 as they are: 0 if the count is proven
    // Pieces but the last lie on the lines of their exits; the last is halfway between two.
    std::vector<TubeExit> exits;
    CornerLine last[2];
    // The function's knots, count + 1 of each, rounded.
    std::vector<double> knots;
    std::vector<double> values;
};

// Of the function through (x[i], y[i]), at least two finite points with x rising, for a positive
// tolerance. Linear time. Throws Interrupted.
MinimalPieces minimal_pieces(std::span<const double> x, std::span<const double> y, double tolerance,
                             const ExactOrientation& exact, const Interrupt& interrupt);

// The vertices at which the slope of the function changes, and both ends.
struct Bends {
    std::vector<std::int64_t> vertices;
    std::int64_t n_open = 0;
};
Bends bends(std::span<const double> x, std::span<const double> y, const ExactOrientation& exact,
            const Interrupt& interrupt);

}  // namespace relufast
