#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "relufast/rounding.hpp"

namespace relufast {

// Activity of (layer, neuron) changes here. Hidden layers count from 1.
struct Crossing {
    std::int32_t layer = 0;
    std::int32_t neuron = -1;

    auto operator<=>(const Crossing&) const = default;
};

// The crossings at one knot: mostly one, which then needs no memory of its own.
class Crossings {
 public:
    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }
    const Crossing& front() const { return *begin(); }
    const Crossing* begin() const { return size_ > 1 ? many_.data() : &one_; }
    const Crossing* end() const { return begin() + size_; }

    void add(Crossing crossing) {
        if (size_ == 1) {
            many_.push_back(one_);
        }
        if (size_ == 0) {
            one_ = crossing;
        } else {
            many_.push_back(crossing);
        }
        ++size_;
    }

    void sort() { std::sort(many_.begin(), many_.end()); }

 private:
    Crossing one_;
    std::vector<Crossing> many_;  // all of them, if there are several
    std::size_t size_ = 0;
};

// A point of the line, or the direction of an infinite end of it.
//
// A direction is written in homogeneous coordinates: where a finite point has values
// z = W h + b, a direction has their slopes along the ray, W h + 0 b. ReLU maps both alike.
struct Place {
    double x = 0.0;        // -inf or inf for a direction
    double x_error = 0.0;  // |x - true position| is no larger
    bool is_direction = false;
};

// Whether the error bounds of neighbours keep them apart.
inline bool are_apart(const Place& left, const Place& right) {
    return left.is_direction || right.is_direction ||
           right.x - left.x > (left.x_error + right.x_error) * kInflate;
}

struct Knot : Place {
    bool silent = false;  // certainly nothing of its crossings reaches the output
    Crossings crossings;  // none at the ends of the line; rarely more than one
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

// Marks the segments around neighbours that their error bounds do not keep apart: a knot's bounds
// know that its own kink lies beside its x, not that a neighbour's may lie on the wrong side of it.
void open_clusters(Grid& grid, std::vector<Undecided>& undecided);

}  // namespace relufast
