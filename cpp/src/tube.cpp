#include "relufast/tube.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "relufast/double_double.hpp"
#include "relufast/rounding.hpp"

namespace relufast {

namespace {

// Products in between are exact as sums of two float64, with room for sums of some dozens.
constexpr double kSmallestProduct = 0x1p-900;
constexpr double kLargestProduct = 0x1p1000;
// Below this a computed number may have lost all of itself to underflow.
constexpr double kUnderflow = 0x1p-1000;

// The exact sign of a sum, as an expansion that grows term by term (Shewchuk, Discrete Comput.
// Geom. 18, 1997, section 2.4).
class ExactSum {
 public:
    void add(double term) {
        for (std::size_t i = 0; i < size_; ++i) {
            const DoubleDouble sum = two_sum(term, parts_[i]);
            parts_[i] = sum.lo;
            term = sum.hi;
        }
        parts_[size_++] = term;
    }

    int sign() const {
        for (std::size_t i = size_; i-- > 0;) {
            if (parts_[i] != 0.0) {
                return parts_[i] > 0.0 ? 1 : -1;
            }
        }
        return 0;
    }

 private:
    static constexpr std::size_t kCapacity = 24;  // 2 products of 2 x 3 terms, 2 parts each
    std::array<double, kCapacity> parts_;
    std::size_t size_ = 0;
};

// Adds the product of two sums; false where a part of it is out of range.
template <std::size_t N, std::size_t M>
bool add_product(ExactSum& sum, const std::array<double, N>& left,
                 const std::array<double, M>& right, double sign) {
    for (const double a : left) {
        for (const double b : right) {
            if (a == 0.0 || b == 0.0) {
                continue;
            }
            const DoubleDouble product = two_product(sign * a, b);
            const double size = std::abs(product.hi);
            if (!(size > kSmallestProduct && size < kLargestProduct)) {
                return false;
            }
            sum.add(product.hi);
            if (product.lo != 0.0) {
                sum.add(product.lo);
            }
        }
    }
    return true;
}

// How far the orientation of three points may be off because the first is an exit, known less well
// along the boundary than across it.
double error_along_boundary(const TubePoint& exit, const TubePoint& other, const TubePoint& third) {
    const double width = third.x - other.x;
    const double rise = third.y - other.y;
    double across = std::abs(rise - exit.slope * width) +
                    8.0 * kRoundoff * (std::abs(rise) + std::abs(exit.slope * width));
    for (const TubePoint& end : {other, third}) {
        across += end.y_error + std::abs(end.slope - exit.slope) * end.along_error;
    }
    return exit.along_error * across + exit.y_error * (other.along_error + third.along_error);
}

int side_of(std::int64_t vertex_code) { return (vertex_code & 1) != 0 ? 1 : -1; }

}  // namespace

TubePoint Tube::corner(std::int64_t i, int side) const {
    const double height = y(i) + side * tolerance_;
    return {.x = x(i),
            .y = height,
            .y_error = kRoundoff * std::abs(height),
            .code = 2 * i + (side > 0 ? 1 : 0)};
}

TubePoint Tube::exit(const TubePoint& from, const TubePoint& to, std::int64_t segment, int side) {
    const TubePoint left = corner(segment - 1, side);
    const TubePoint right = corner(segment, side);
    const TubeLine line(from, to);
    // Inside the tube at `left`, or on its boundary, and outside at `right`.
    const double inside = std::max(side * (left.y - line.at(left.x)), 0.0);
    const double outside = side * (line.at(right.x) - right.y);
    const double inside_error = line.error(left.x) + 4.0 * left.y_error;
    const double outside_error = line.error(right.x) + 4.0 * right.y_error;
    const double share = std::clamp(inside / (inside + outside), 0.0, 1.0);
    // The share's error is at most (outside d inside + inside d outside) / (inside + outside)^2.
    const double least = inside + outside - inside_error - outside_error;
    const double share_error =
        least > 0.0
            ? ((1.0 - share) * inside_error + share * outside_error) / least + 4.0 * kRoundoff
            : 1.0;
    exits_.push_back({from.code, to.code, segment, side});
    const double width = right.x - left.x;
    const double rise = right.y - left.y;
    // Left of the right vertex, as the true exit is.
    const double x = std::min(left.x + share * width, std::nextafter(right.x, -kInfinity));
    const double slope = rise / width;
    const double rounding = kRoundoff * (std::abs(left.x) + std::abs(right.x));
    return {.x = x,
            // Beside the rounded x, not beside the true one: on the boundary in any case.
            .y = left.y + slope * (x - left.x),
            .y_error = kInflate * (8.0 * kRoundoff * (std::abs(left.y) + std::abs(rise)) +
                                   4.0 * (left.y_error + right.y_error) + kUnderflow),
            .along_error = kInflate * (std::min(share_error, 1.0) * width + 4.0 * rounding),
            .slope = slope,
            .code = -static_cast<std::int64_t>(exits_.size())};
}

int Tube::orientation(const TubePoint& a, const TubePoint& b, const TubePoint& c) {
    const double bx = b.x - a.x;
    const double by = b.y - a.y;
    const double cx = c.x - a.x;
    const double cy = c.y - a.y;
    const double determinant = bx * cy - by * cx;
    double error = a.y_error * std::abs(cx - bx) + b.y_error * std::abs(cx) +
                   c.y_error * std::abs(bx) +
                   6.0 * kRoundoff * (std::abs(bx * cy) + std::abs(by * cx));
    if (!a.is_vertex() || !b.is_vertex() || !c.is_vertex()) {
        error += error_along_boundary(a, b, c) + error_along_boundary(b, a, c) +
                 error_along_boundary(c, a, b);
    }
    // Written so that NaN and infinity are left to the exact ways.
    if (std::abs(determinant) > kInflate * error + kUnderflow && error < kInfinity) {
        return determinant > 0.0 ? 1 : -1;
    }
    int sign = orientation_without_rounding(a.code, b.code, c.code);
    if (sign == kUndecided && exact_) {
        sign = exact_(a.code, b.code, c.code, exits_);
    }
    if (sign == kUndecided) {
        ++n_open_;
        return determinant > 0.0 ? 1 : determinant < 0.0 ? -1 : 0;
    }
    return sign;
}

// An exit lies between two vertices of the boundary, so that an orientation with it lies between
// those with the vertices.
int Tube::orientation_without_rounding(std::int64_t a, std::int64_t b, std::int64_t c) const {
    for (std::int64_t* const code : {&a, &b, &c}) {
        if (*code >= 0) {
            continue;
        }
        const TubeExit& exit = exits_[static_cast<std::size_t>(-1 - *code)];
        const std::int64_t upper = exit.side > 0 ? 1 : 0;
        *code = 2 * (exit.segment - 1) + upper;
        const int left = orientation_without_rounding(a, b, c);
        *code += 2;
        const int right = orientation_without_rounding(a, b, c);
        // The exit is not the right vertex, but it may be the left one.
        return left == right || (right == 0 && left != kUndecided) ? left : kUndecided;
    }
    return orientation_of_vertices(a, b, c);
}

int Tube::orientation_of_vertices(std::int64_t a, std::int64_t b, std::int64_t c) const {
    const auto width = [this](std::int64_t p, std::int64_t q) {
        const DoubleDouble difference = two_sum(x(q >> 1), -x(p >> 1));
        return std::array{difference.hi, difference.lo};
    };
    const auto rise = [this](std::int64_t p, std::int64_t q) {
        const DoubleDouble difference = two_sum(y(q >> 1), -y(p >> 1));
        return std::array{difference.hi, difference.lo, (side_of(q) - side_of(p)) * tolerance_};
    };
    ExactSum determinant;
    const bool in_range = add_product(determinant, width(a, b), rise(a, c), 1.0) &&
                          add_product(determinant, width(a, c), rise(a, b), -1.0);
    return in_range ? determinant.sign() : kUndecided;
}

TubeLine::TubeLine(const TubePoint& from, const TubePoint& to) : from_(from), to_(to) {
    const double width = to.x - from.x;
    const double rise = to.y - from.y;
    const double slope = rise / width;
    // How far off the line each of the two points may be, and the width itself.
    const auto across = [slope](const TubePoint& point) {
        return point.y_error + point.along_error * (std::abs(point.slope - slope) +
                                                    4.0 * kRoundoff * std::abs(point.slope));
    };
    const double rise_error = across(from) + across(to) + 2.0 * kRoundoff * std::abs(rise);
    const double least_width = width * (1.0 - 2.0 * kRoundoff) - from.along_error - to.along_error;
    const double slope_error =
        least_width > 0.0
            ? kInflate * (rise_error / least_width + 2.0 * kRoundoff * std::abs(slope) + kUnderflow)
            : kInfinity;
    // Four more roundings: of the width to the right, the product, the sum, and a difference.
    line_ = {.x = to.x,
             .y = to.y,
             .slope = slope,
             .error = kInflate * (across(to) + slope_error * to.along_error +
                                  4.0 * kRoundoff * std::abs(to.y) + kUnderflow),
             .error_slope = kInflate * (slope_error + 4.0 * kRoundoff * std::abs(slope))};
}

}  // namespace relufast
