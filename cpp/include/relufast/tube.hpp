// The tube of a tolerance around a piecewise linear function, and exact orientations of its
// corners.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace relufast {

// Where a line leaves the tube: the line from corner `from` to corner `to`, each by its code, meets
// the boundary of side `side` between the vertices `segment` - 1 and `segment`.
struct TubeExit {
    std::int64_t from;
    std::int64_t to;
    std::int64_t segment;
    std::int64_t side;
};

// A point of the tube's boundary, rounded. The true point is no further away than `along_error`
// times (1, slope), the direction of the boundary, and `y_error` up or down: an exit is known far
// better across the boundary than along it. Its code is 2 i + (side > 0) for vertex i of the
// boundary, and -1 - k for exit k.
struct TubePoint {
    double x = 0.0;
    double y = 0.0;
    double y_error = 0.0;
    double along_error = 0.0;
    double slope = 0.0;
    std::int64_t code = 0;

    bool is_vertex() const { return code >= 0; }
};

// The exact orientation of three points given by their codes: -1, 0 or 1, or kUndecided.
using ExactOrientation =
    std::function<int(std::int64_t, std::int64_t, std::int64_t, std::span<const TubeExit> exits)>;
inline constexpr int kUndecided = 2;

// All points within `tolerance`, up and down, of the function through (x[i], y[i]), x rising.
class Tube {
 public:
    // All that is given has to outlive the tube; `exact` may be empty.
    Tube(std::span<const double> x, std::span<const double> y, double tolerance,
         const ExactOrientation& exact)
        : x_(x), y_(y), tolerance_(tolerance), exact_(exact) {}

    std::int64_t size() const { return static_cast<std::int64_t>(x_.size()); }
    double x(std::int64_t i) const { return x_[static_cast<std::size_t>(i)]; }
    double y(std::int64_t i) const { return y_[static_cast<std::size_t>(i)]; }
    const double* x_data() const { return x_.data(); }
    const double* y_data() const { return y_.data(); }
    double tolerance() const { return tolerance_; }

    // The upper (side 1) or lower (side -1) boundary at vertex i.
    TubePoint corner(std::int64_t i, int side) const;

    // Where the line through two points of the boundary leaves the tube; appended to exits().
    TubePoint exit(const TubePoint& from, const TubePoint& to, std::int64_t segment, int side);

    const std::vector<TubeExit>& exits() const { return exits_; }

    // 1 where c lies above the line from a to b, -1 below, 0 on it; a.x <= b.x <= c.x or any other
    // order in which a.x < b.x. Decided in float64 against an error bound, then exactly.
    int orientation(const TubePoint& a, const TubePoint& b, const TubePoint& c);

    // Orientations that stayed open, and were taken from float64 as they are.
    std::int64_t n_open() const { return n_open_; }

 private:
    int orientation_without_rounding(std::int64_t a, std::int64_t b, std::int64_t c) const;
    int orientation_of_vertices(std::int64_t a, std::int64_t b, std::int64_t c) const;

    std::span<const double> x_;
    std::span<const double> y_;
    double tolerance_;
    const ExactOrientation& exact_;
    std::vector<TubeExit> exits_;
    std::int64_t n_open_ = 0;
};

// A line through two points of the boundary, evaluated to the right of the second.
class TubeLine {
 public:
    TubeLine() = default;
    TubeLine(const TubePoint& from, const TubePoint& to);

    // y + slope (x' - x) at x', and a bound on its error made in the same way.
    struct Coefficients {
        double x = 0.0;
        double y = 0.0;
        double slope = 0.0;
        double error = 0.0;
        double error_slope = 0.0;
    };

    const TubePoint& from() const { return from_; }
    const TubePoint& to() const { return to_; }
    const Coefficients& coefficients() const { return line_; }
    double at(double x) const { return line_.y + line_.slope * (x - line_.x); }
    // A bound on the error of at(x), and on the rounding of a difference from it, x >= to().x.
    double error(double x) const { return line_.error + line_.error_slope * (x - line_.x); }

 private:
    TubePoint from_;
    TubePoint to_;
    Coefficients line_;
};

}  // namespace relufast
