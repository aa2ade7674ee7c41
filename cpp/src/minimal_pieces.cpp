// The fewest pieces within a tolerance: a shortest link path in the tube (Imai and Iri, J. Inform.
// Process. 9, 1986), one extreme line after the other.
//
// Lines that stay in the tube up to some x form a convex set. The highest and the lowest of them at
// x are kept: the highest goes through a corner of the lower boundary and then through one of the
// upper boundary, and the lowest the other way round. Where the tube leaves the highest line
// behind, rising, no line goes further. From its last contact q with the upper boundary to its exit
// e through the lower one that line separates what was reached from what was not, so that the next
// piece has to cross it between q and e, from below to above. A line does so, and stays in the tube
// from there on, exactly if it passes below the corners of the upper boundary from q on, and above
// e and the corners of the lower boundary from e on: the same question again. q lies to the right
// of the exit before, so that every corner is looked at twice at the most, and time is linear.
#include "relufast/minimal_pieces.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "relufast/error.hpp"
#include "relufast/multiversion.hpp"
#include "relufast/rounding.hpp"

namespace relufast {

namespace {

constexpr std::int64_t kPollEvery = 1 << 16;  // vertices, about a millisecond
// So many vertices in a row that change nothing make it likely that dozens more will not.
constexpr std::int64_t kWorthSkipping = 8;

// How many of the vertices certainly lie within `limit` of two lines, up to the first of which that
// is not known, or somewhat fewer.
RELUFAST_MULTIVERSION
std::int64_t count_near(const double* __restrict x, const double* __restrict y, std::int64_t n,
                        const TubeLine::Coefficients& a, const TubeLine::Coefficients& b,
                        double limit) {
    constexpr std::int64_t kBlock = 32;
    std::int64_t start = 0;
    for (; start + kBlock <= n; start += kBlock) {
        double n_far = 0.0;
#pragma omp simd reduction(+ : n_far)
        for (std::int64_t i = start; i < start + kBlock; ++i) {
            const double from_a = x[i] - a.x;
            const double from_b = x[i] - b.x;
            const double rounding = 4.0 * kRoundoff * std::fabs(y[i]);
            const double to_a = std::fabs(a.y + a.slope * from_a - y[i]) +
                                (a.error + a.error_slope * from_a + rounding);
            const double to_b = std::fabs(b.y + b.slope * from_b - y[i]) +
                                (b.error + b.error_slope * from_b + rounding);
            n_far += to_a < limit && to_b < limit ? 0.0 : 1.0;
        }
        if (n_far > 0.0) {
            break;
        }
    }
    return start;
}

// The corners of one boundary that lines may yet touch: a convex chain, whose first corner is where
// the extreme line of the other side touches it.
class Chain {
 public:
    void clear() {
        points_.clear();
        first_ = 0;
    }
    const TubePoint& first() const { return points_[first_]; }

    // The corner that the extreme line of the other side through `right` touches becomes the first.
    void advance_to_tangent(Tube& tube, int side, const TubePoint& right) {
        while (points_.size() - first_ >= 2 &&
               side * tube.orientation(points_[first_], points_[first_ + 1], right) >= 0) {
            ++first_;
        }
    }

    void add(Tube& tube, int side, const TubePoint& point) {
        while (points_.size() - first_ >= 2 &&
               side * tube.orientation(points_[points_.size() - 2], points_.back(), point) <= 0) {
            points_.pop_back();
        }
        points_.push_back(point);
    }

 private:
    std::vector<TubePoint> points_;
    std::size_t first_ = 0;
};

// How a boundary's extreme line comes to the next vertex: in the tube; beyond this boundary, so
// that another line is the extreme one; or beyond the opposite boundary, and with it all lines.
enum class Step { kStays, kNarrows, kLeavesAll };

// One boundary: its corners, and the extreme line that touches this side last.
struct Boundary {
    int side = 0;
    Chain chain{};
    TubeLine extreme{};
    bool has_extreme = false;
    Step step = Step::kNarrows;
};

class PathFinder {
 public:
    PathFinder(Tube& tube, const Interrupt& interrupt) : tube_(tube), interrupt_(interrupt) {}

    struct Path {
        std::vector<TubeLine> lines;  // of all pieces, the last two the extreme ones of the last
        std::vector<double> exits;    // where pieces but the last leave the tube
    };

    Path run() {
        for (Boundary* boundary : {&lower_, &upper_}) {
            boundary->chain.add(tube_, boundary->side, tube_.corner(0, boundary->side));
        }
        Path path;
        std::int64_t n_stayed = 0;  // vertices in a row
        std::int64_t polled = 0;
        for (std::int64_t i = 1; i < tube_.size(); ++i) {
            if (i - polled >= kPollEvery) {
                polled = i;
                poll(interrupt_);
            }
            if (n_stayed >= kWorthSkipping) {
                i += count_staying(i);
                n_stayed = 0;
                if (i == tube_.size()) {
                    break;
                }
            }
            go_on_to(i);
            if (lower_.step == Step::kStays && upper_.step == Step::kStays) {
                ++n_stayed;
                continue;
            }
            n_stayed = 0;
            if (Boundary* const left_behind = boundary_left_behind()) {
                path.lines.push_back(left_behind->extreme);
                path.exits.push_back(begin_piece(i, *left_behind));
                go_on_to(i);  // which the new piece always reaches
            }
            narrow(i);
        }
        path.lines.push_back(lower_.extreme);
        path.lines.push_back(upper_.extreme);
        return path;
    }

 private:
    Boundary& opposite(const Boundary& boundary) { return &boundary == &lower_ ? upper_ : lower_; }

    // How many vertices from i on both extreme lines pass in the tube, or somewhat fewer.
    std::int64_t count_staying(std::int64_t i) const {
        const std::int64_t n = std::min(tube_.size() - i, kPollEvery);
        return count_near(tube_.x_data() + i, tube_.y_data() + i, n, lower_.extreme.coefficients(),
                          upper_.extreme.coefficients(),
                          tube_.tolerance() * (1.0 - 8.0 * kRoundoff));
    }

    void go_on_to(std::int64_t i) {
        lower_.step = step_of(lower_, i);
        upper_.step = step_of(upper_, i);
    }

    // The boundary whose extreme line the tube leaves behind: the upper one if the tube rises.
    Boundary* boundary_left_behind() {
        return lower_.step == Step::kLeavesAll   ? &lower_
               : upper_.step == Step::kLeavesAll ? &upper_
                                                 : nullptr;
    }

    Step step_of(const Boundary& boundary, std::int64_t i) {
        if (!boundary.has_extreme) {
            return Step::kNarrows;
        }
        const double x = tube_.x(i);
        const double y = tube_.y(i);
        const double outwards = boundary.side * (boundary.extreme.at(x) - y);
        const double error = boundary.extreme.error(x) + 4.0 * kRoundoff * std::abs(y) +
                             4.0 * kRoundoff * tube_.tolerance();
        if (std::abs(outwards) < tube_.tolerance() - error) {
            return Step::kStays;
        }
        if (std::abs(outwards) < kInfinity) {  // an overflow says nothing
            if (outwards > tube_.tolerance() + error) {
                return Step::kNarrows;
            }
            if (outwards < -tube_.tolerance() - error) {
                return Step::kLeavesAll;
            }
        }
        if (boundary.side * orientation(boundary, i, -boundary.side) > 0) {
            return Step::kLeavesAll;
        }
        return boundary.side * orientation(boundary, i, boundary.side) < 0 ? Step::kNarrows
                                                                           : Step::kStays;
    }

    int orientation(const Boundary& boundary, std::int64_t i, int side) {
        return tube_.orientation(boundary.extreme.from(), boundary.extreme.to(),
                                 tube_.corner(i, side));
    }

    // Keep the lines that pass vertex i in the tube. A corner that excludes none now never will,
    // because lines only get fewer.
    void narrow(std::int64_t i) {
        // Both lines first: a corner is no contact for the other corner above or below it.
        for (Boundary* boundary : {&lower_, &upper_}) {
            if (boundary->step == Step::kNarrows) {
                set_extreme(*boundary, tube_.corner(i, boundary->side));
            }
        }
        for (Boundary* boundary : {&lower_, &upper_}) {
            if (boundary->step == Step::kNarrows) {
                boundary->chain.add(tube_, boundary->side, tube_.corner(i, boundary->side));
            }
        }
    }

    void set_extreme(Boundary& boundary, const TubePoint& contact) {
        Boundary& other = opposite(boundary);
        other.chain.advance_to_tangent(tube_, other.side, contact);
        boundary.extreme = TubeLine(other.chain.first(), contact);
        boundary.has_extreme = true;
    }

    // The piece after the extreme line of `boundary`, which leaves the tube before vertex i, at the
    // x that is returned.
    double begin_piece(std::int64_t i, Boundary& boundary) {
        Boundary& other = opposite(boundary);
        const TubePoint contact = boundary.extreme.to();
        const TubePoint exit = tube_.exit(boundary.extreme.from(), contact, i, other.side);
        boundary.chain.clear();
        boundary.chain.add(tube_, boundary.side, contact);
        for (std::int64_t k = vertex_after(contact); k < i; ++k) {
            boundary.chain.add(tube_, boundary.side, tube_.corner(k, boundary.side));
        }
        boundary.has_extreme = false;
        other.chain.clear();
        set_extreme(other, exit);
        other.chain.add(tube_, other.side, exit);
        return exit.x;
    }

    std::int64_t vertex_after(const TubePoint& point) const {
        if (point.is_vertex()) {
            return point.code / 2 + 1;
        }
        return tube_.exits()[static_cast<std::size_t>(-1 - point.code)].segment;
    }

    Tube& tube_;
    const Interrupt& interrupt_;
    Boundary lower_{.side = -1};
    Boundary upper_{.side = 1};
};

// Moves numbers apart that rounding has put on each other, those at the ends excepted.
void make_rise(std::vector<double>& numbers) {
    for (std::size_t i = 1; i + 1 < numbers.size(); ++i) {
        numbers[i] = std::max(numbers[i], std::nextafter(numbers[i - 1], kInfinity));
    }
    for (std::size_t i = numbers.size() - 2; i > 0; --i) {
        numbers[i] = std::min(numbers[i], std::nextafter(numbers[i + 1], -kInfinity));
    }
}

// The knots of a path, rounded.
void add_knots(MinimalPieces& pieces, const Tube& tube, const PathFinder::Path& path) {
    const std::size_t last = path.lines.size() - 2;
    const auto value = [&](std::size_t piece, double x) {
        return piece < last ? path.lines[piece].at(x)
                            : 0.5 * path.lines[last].at(x) + 0.5 * path.lines[last + 1].at(x);
    };
    pieces.knots.push_back(tube.x(0));
    for (std::size_t piece = 0; piece < last; ++piece) {
        // The next line crosses this one between its last contact and its exit.
        const double from = path.lines[piece].to().x;
        const double to = path.exits[piece];
        const double gap_from = value(piece + 1, from) - value(piece, from);
        const double gap_to = value(piece + 1, to) - value(piece, to);
        const double share = gap_from / (gap_from - gap_to);
        // Next to a tie rounding makes one line of the two, and any of its points will do.
        pieces.knots.push_back(from + (std::isnan(share) ? 0.5 : std::clamp(share, 0.0, 1.0)) *
                                          (to - from));
    }
    pieces.knots.push_back(tube.x(tube.size() - 1));
    make_rise(pieces.knots);
    for (std::size_t k = 0; k < pieces.knots.size(); ++k) {
        pieces.values.push_back(value(std::min(k, last), pieces.knots[k]));
    }
}

}  // namespace

MinimalPieces minimal_pieces(std::span<const double> x, std::span<const double> y, double tolerance,
                             const ExactOrientation& exact, const Interrupt& interrupt) {
    Tube tube(x, y, tolerance, exact);
    const PathFinder::Path path = PathFinder(tube, interrupt).run();
    MinimalPieces pieces;
    pieces.count = static_cast<std::int64_t>(path.lines.size()) - 1;
    pieces.n_open = tube.n_open();
    for (const std::size_t i : {0, 1}) {
        const TubeLine& line = path.lines[path.lines.size() - 2 + i];
        pieces.last[i] = {line.from().code, line.to().code};
    }
    add_knots(pieces, tube, path);
    pieces.exits = tube.exits();
    return pieces;
}

Bends bends(std::span<const double> x, std::span<const double> y, const ExactOrientation& exact,
            const Interrupt& interrupt) {
    Tube tube(x, y, 0.0, exact);
    Bends found;
    found.vertices.push_back(0);
    for (std::int64_t i = 1; i + 1 < tube.size(); ++i) {
        if (i % kPollEvery == 0) {
            poll(interrupt);
        }
        if (tube.orientation(tube.corner(i - 1, 1), tube.corner(i, 1), tube.corner(i + 1, 1)) !=
            0) {
            found.vertices.push_back(i);
        }
    }
    found.vertices.push_back(tube.size() - 1);
    found.n_open = tube.n_open();
    return found;
}

}  // namespace relufast
