#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace relufast {

// Activity of (layer, neuron) changes here. Hidden layers count from 1.
struct Crossing {
    std::int32_t layer = 0;
    std::int32_t neuron = -1;

    auto operator<=>(const Crossing&) const = default;
};

// A point of the line, or the direction of an infinite end of it.
//
// A direction is written in homogeneous coordinates: where a finite knot holds values
// z = W h + b, a direction holds their slopes along the ray, W h + 0 b. ReLU maps both alike.
struct Knot {
    double x = 0.0;        // -inf or inf for a direction
    double x_error = 0.0;  // |x - true position| is no larger
    bool is_direction = false;
    bool silent = false;              // certainly nothing of its crossings reaches the output
    std::vector<Crossing> crossings;  // none at the ends of the line; rarely more than one
};

// Consecutive knots. The network up to some layer is affine between them.
struct Grid {
    std::vector<Knot> knots;
    // open_after[k]: between knots k and k + 1 lies, or may lie, something not certified.
    std::vector<std::uint8_t> open_after;

    std::size_t size() const { return knots.size(); }
};

// Decisions that no arithmetic tried so far could make, in the open segments around x.
struct Undecided {
    double x = 0.0;
    std::int64_t count = 0;
};

}  // namespace relufast
