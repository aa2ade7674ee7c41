// The points of a set that reach furthest in given directions, and in the opposite ones.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "relufast/point_tiles.hpp"
#include "relufast/threads.hpp"

namespace relufast {

// Takes a set part by part. A product in float32 with a bound of its error leaves a few candidates
// for each direction; these are compared as exact arithmetic would. The memory does not grow with
// the number of points.
class DirectionalExtremes {
 public:
    // Finite row-major directions, n of them, of dimension d; copied.
    DirectionalExtremes(const double* directions, std::int64_t n, std::int64_t d);

    std::int64_t n_directions() const { return n_; }
    std::int64_t dimension() const { return d_; }

    // The next part of the set, with the centre of all others. Throws std::invalid_argument for a
    // part of another dimension or centre.
    void take(const PointTiles& points, int n_threads, const Interrupt& interrupt);

    // max <g, x> - min <g, x> over the points so far, at least one: the nearest float64.
    void widths(double* out) const;

    // The same for max <g, x> and min <g, x> alone, and the lowest index of a point that has it.
    void maxima(double* values, std::int64_t* indices) const;
    void minima(double* values, std::int64_t* indices) const;

 private:
    // The furthest point so far one way.
    struct Side {
        double floor = -1.0 / 0.0;  // a lower bound of what it reaches
        std::int64_t best = -1;
    };

    enum class Way { kUp, kDown };
    struct Candidate;
    struct Scratch;

    Side& side(std::int64_t direction, Way way);
    double* best_point(std::int64_t direction, Way way);
    const double* best_point(std::int64_t direction, Way way) const;

    void search(const PointTiles& points, std::int64_t begin, std::int64_t end, Scratch& scratch);
    double bound_of_products(const PointTile& tile, std::int64_t direction) const;
    void look(const PointTiles& points, const PointTile& tile, std::int64_t direction, Way way,
              float furthest, double bound, const float* values, Scratch& scratch);
    void settle(const PointTiles& points, Scratch& scratch);
    void results(Way way, double* values, std::int64_t* indices) const;

    std::int64_t n_;
    std::int64_t d_;
    double relative_bound_;  // of products in float32
    std::vector<double> directions_;
    std::vector<float> scaled_;  // each to entries below 1, by a power of two
    std::vector<double> norms_;  // upper bounds of the scaled ones'
    std::vector<Side> sides_;    // up and down for each direction
    std::vector<double> best_points_;
    std::vector<double> centre_;
    int unit_ = 0;  // reaches are in units of 2^unit_ times the direction's own power of two
    std::int64_t n_taken_ = 0;
};

}  // namespace relufast
