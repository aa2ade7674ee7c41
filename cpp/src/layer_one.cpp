#include "relufast/layer_one.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "relufast/rounding.hpp"

namespace relufast {
namespace {

enum class Sign : int { negative = -1, zero = 0, positive = 1, open = 2 };

Sign sign_of(DoubleDouble value, double error) {
    if (value.hi == 0.0 && error == 0.0) {
        return Sign::zero;
    }
    if (!is_not_zero(value, error)) {
        return Sign::open;
    }
    return value.hi > 0.0 ? Sign::positive : Sign::negative;
}

// Whether two doubles hold the product of two numbers that are not zero.
bool is_exact_product(double product) {
    const double size = std::fabs(product);
    return size > 0x1p-960 && size < 0x1p1020;
}

// The sign of slope * x + intercept.
Sign sign_at(const Line& line, std::size_t i, double x) {
    const DoubleDouble slope = line.slopes[i];
    const DoubleDouble intercept = line.intercepts[i];
    if (std::isinf(x)) {
        const Sign sign = sign_of(x > 0.0 ? slope : -slope, line.slope_errors[i]);
        return sign == Sign::zero ? sign_of(intercept, line.intercept_errors[i]) : sign;
    }
    const bool is_constant = slope.hi == 0.0 && line.slope_errors[i] == 0.0;
    if (is_constant || x == 0.0) {
        return sign_of(intercept, line.intercept_errors[i]);
    }
    const DoubleDouble product = slope * x;
    if (!is_exact_product(product.hi)) {
        return Sign::open;
    }
    const DoubleDouble value = product + intercept;
    if (line.exact && value.hi == 0.0) {
        return Sign::zero;  // product and intercept are held without error, and cancel
    }
    const double terms = std::fabs(product.hi) + std::fabs(intercept.hi);
    return sign_of(value, (line.slope_errors[i] * std::fabs(x) + line.intercept_errors[i] +
                           16.0 * kRoundoff2 * terms) *
                              kInflate);
}

struct Root {
    std::int32_t neuron;
    DoubleDouble x;
    double error;
};

Root root_of(const Line& line, std::int32_t neuron) {
    const auto i = static_cast<std::size_t>(neuron);
    const DoubleDouble slope = line.slopes[i];
    const DoubleDouble intercept = line.intercepts[i];
    if (intercept.hi == 0.0 && line.intercept_errors[i] == 0.0) {
        return {neuron, 0.0, 0.0};
    }
    const DoubleDouble x = -intercept / slope;
    if (!std::isfinite(x.hi)) {  // a real number, but beyond float64
        constexpr double kLargest = std::numeric_limits<double>::max();
        const bool is_negative = (intercept.hi > 0.0) == (slope.hi > 0.0);
        return {neuron, is_negative ? -kLargest : kLargest, kInfinity};
    }
    const double size = std::fabs(x.hi);
    const double error = root_shift(line, i, size) + 0x1p-100 * size + 0x1p-1020;
    // Where the quotient's products lose bits to underflow, only its leading part is good.
    const double lost = is_exact_product(intercept.hi) ? 0.0 : 0x1p-50 * size;
    return {neuron, x, (error + lost) * kInflate};
}

class RootOrder {
 public:
    explicit RootOrder(const Line& line) : line_(line) {}

    // Negative, zero or positive as root a lies before, at or after root b; nothing if unknown.
    std::optional<int> compare(const Root& a, const Root& b) const {
        const DoubleDouble gap = a.x - b.x;
        if (std::fabs(gap.hi) > (a.error + b.error) * kInflate) {
            return gap.hi < 0.0 ? -1 : 1;
        }
        return line_.exact ? compare_fractions(a, b) : std::nullopt;
    }

 private:
    // -c_a / s_a against -c_b / s_b: both products are held exactly in two doubles.
    std::optional<int> compare_fractions(const Root& a, const Root& b) const {
        const auto ia = static_cast<std::size_t>(a.neuron);
        const auto ib = static_cast<std::size_t>(b.neuron);
        const double slope_a = line_.slopes[ia].hi;
        const double slope_b = line_.slopes[ib].hi;
        const double intercept_a = line_.intercepts[ia].hi;
        const double intercept_b = line_.intercepts[ib].hi;
        const DoubleDouble left = two_product(-intercept_a, slope_b);
        const DoubleDouble right = two_product(-intercept_b, slope_a);
        if ((intercept_a != 0.0 && !is_exact_product(left.hi)) ||
            (intercept_b != 0.0 && !is_exact_product(right.hi))) {
            return std::nullopt;
        }
        if (left.hi == right.hi && left.lo == right.lo) {
            return 0;
        }
        const bool less = left < right;
        const bool flip = (slope_a > 0.0) != (slope_b > 0.0);
        return less != flip ? -1 : 1;
    }

    const Line& line_;
};

}  // namespace

LayerOne solve_layer_one(const Network& network, const Line& line) {
    LayerOne result;
    const std::size_t n = line.slopes.size();
    result.active_at_start.resize(n);
    std::vector<Root> roots;
    roots.reserve(n);
    std::int64_t n_open = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const Sign at_lo = sign_at(line, i, line.lo);
        const Sign at_hi = sign_at(line, i, line.hi);
        if (at_lo == Sign::open || at_hi == Sign::open) {
            ++n_open;
        }
        const bool positive_lo = at_lo == Sign::positive;
        const bool positive_hi = at_hi == Sign::positive;
        const bool crosses =
            (positive_lo && at_hi == Sign::negative) || (positive_hi && at_lo == Sign::negative);
        result.active_at_start[i] = positive_lo || (positive_hi && !crosses);
        if (crosses) {
            roots.push_back(root_of(line, static_cast<std::int32_t>(i)));
        }
    }

    std::sort(roots.begin(), roots.end(), [](const Root& a, const Root& b) {
        return a.x < b.x || (!(b.x < a.x) && a.neuron < b.neuron);
    });
    // Only roots that agree to double-double accuracy can stand in the wrong order.
    const RootOrder order(line);
    for (std::size_t k = 1; k < roots.size(); ++k) {
        for (std::size_t j = k; j > 0 && order.compare(roots[j - 1], roots[j]).value_or(0) > 0;
             --j) {
            std::swap(roots[j - 1], roots[j]);
        }
    }

    Grid& grid = result.grid;
    const auto add_end = [&](double x) {
        Knot end;
        end.x = x;
        end.is_direction = std::isinf(x);
        grid.knots.push_back(end);
    };
    grid.knots.reserve(roots.size() + 2);
    add_end(line.lo);
    std::vector<std::size_t> unordered;  // knots whose order with the one before is unknown
    for (std::size_t k = 0; k < roots.size(); ++k) {
        const Crossing crossing{1, roots[k].neuron};
        if (k > 0) {
            const std::optional<int> step = order.compare(roots[k - 1], roots[k]);
            if (step == 0) {
                grid.knots.back().crossings.add(crossing);
                continue;
            }
            if (!step) {
                unordered.push_back(grid.knots.size());
            }
        }
        Knot knot;
        knot.x = std::clamp(roots[k].x.hi, line.lo, line.hi);
        knot.x_error = (std::fabs(knot.x) * kRoundoff + roots[k].error) * kInflate;
        knot.crossings.add(crossing);
        grid.knots.push_back(std::move(knot));
    }
    if (roots.empty() && std::isinf(line.lo) && std::isinf(line.hi)) {
        add_end(0.0);  // the two rays need a point to start from
    }
    add_end(line.hi);

    for (Knot& knot : grid.knots) {
        knot.silent = std::all_of(
            knot.crossings.begin(), knot.crossings.end(), [&](const Crossing& crossing) {
                const auto neuron = static_cast<std::size_t>(crossing.neuron);
                return network.kink() == 0.0 || network.layer(2).column_norms[neuron] == 0.0;
            });
    }
    grid.open_after.assign(grid.size() - 1, n_open > 0 ? 1 : 0);
    if (n_open > 0) {
        result.undecided.push_back({grid.knots[grid.size() / 2].x, n_open});
    }
    open_clusters(grid, result.undecided);
    for (const std::size_t k : unordered) {
        result.undecided.push_back({grid.knots[k].x, 1});
        grid.open_after[k - 2] = grid.open_after[k - 1] = grid.open_after[k] = 1;
    }
    return result;
}

}  // namespace relufast
