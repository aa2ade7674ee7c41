#include "relufast/deviation.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "relufast/multiversion.hpp"
#include "relufast/rounding.hpp"

namespace relufast {

namespace {

// The first number of a rising range that lies above a bound. The search gallops, because it goes
// on from the last one's result, mostly nearby.
template <class Iterator>
Iterator next_above(Iterator begin, Iterator end, double bound) {
    std::ptrdiff_t step = 1;
    while (step < end - begin && begin[step] <= bound) {
        begin += step;
        step *= 2;
    }
    return std::upper_bound(begin, begin + std::min(step, end - begin), bound);
}

// The largest bound on |g - f| at those vertices (x[i], y[i]) of one function that lie between two
// knots of the other.
RELUFAST_MULTIVERSION
double deviation_from_chord(const double* __restrict x, const double* __restrict y, std::int64_t n,
                            double left_x, double left_y, double right_x, double right_y) {
    const double slope = (right_y - left_y) / (right_x - left_x);
    const double rounding = 8.0 * kRoundoff;
    const double left_size = rounding * std::fabs(left_y);
    double largest = 0.0;
    constexpr std::int64_t kBlock = 64;
    for (std::int64_t start = 0; start < n; start += kBlock) {
        const std::int64_t stop = std::min(start + kBlock, n);
        const auto bound = [&](std::int64_t i) {
            const double step = slope * (x[i] - left_x);
            return std::fabs(left_y + step - y[i]) +
                   (left_size + rounding * (std::fabs(step) + std::fabs(y[i])));
        };
        // Few blocks raise the maximum, and whether one does is quickly seen.
        double n_within = 0.0;
#pragma omp simd reduction(+ : n_within)
        for (std::int64_t i = start; i < stop; ++i) {
            n_within += bound(i) <= largest ? 1.0 : 0.0;
        }
        if (n_within == static_cast<double>(stop - start)) {
            continue;
        }
        for (std::int64_t i = start; i < stop; ++i) {
            const double deviation = bound(i);
            largest = deviation <= largest ? largest : deviation;
            if (!(deviation < kInfinity)) {
                return kInfinity;
            }
        }
    }
    // A slope may have lost as much as the smallest number to underflow, and everything else too.
    return largest * kInflate + 0x1p-1070 * (1.0 + (right_x - left_x));
}

// The same for all vertices.
double largest_deviation_at(std::span<const double> x, std::span<const double> y,
                            std::span<const double> knots, std::span<const double> values) {
    double largest = 0.0;
    auto begin = x.begin();
    for (std::size_t k = 1; k < knots.size(); ++k) {
        const auto end = k + 1 < knots.size() ? next_above(begin, x.end(), knots[k]) : x.end();
        const auto first = static_cast<std::size_t>(begin - x.begin());
        largest =
            std::max(largest, deviation_from_chord(&x[first], &y[first], end - begin, knots[k - 1],
                                                   values[k - 1], knots[k], values[k]));
        begin = end;
    }
    return largest;
}

}  // namespace

double largest_deviation(std::span<const double> x, std::span<const double> y,
                         std::span<const double> knots, std::span<const double> values) {
    return std::max(largest_deviation_at(x, y, knots, values),
                    largest_deviation_at(knots, values, x, y));
}

}  // namespace relufast
