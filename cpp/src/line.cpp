#include "relufast/line.hpp"

#include <cmath>

#include "relufast/rounding.hpp"

namespace relufast {
namespace {

// |a b|, but not zero where only underflow made it so.
double magnitude(double a, double b) {
    return std::fabs(a * b) + (a != 0.0 && b != 0.0 ? 0x1p-1074 : 0.0);
}

}  // namespace

Line axis_line(const Layer& first, double lo, double hi) {
    Line line;
    set_axis_line(line, first, lo, hi);
    return line;
}

void set_axis_line(Line& line, const Layer& first, double lo, double hi) {
    const auto n = static_cast<std::size_t>(first.n_out);
    line.slopes.assign(first.outgoing(0), first.outgoing(0) + first.n_out);
    line.intercepts.assign(first.biases.begin(), first.biases.end());
    line.slope_errors.assign(n, 0.0);
    line.intercept_errors.assign(n, 0.0);
    line.lo = lo;
    line.hi = hi;
}

Line segment_line(const Layer& first, const double* start, const double* stop, double lo,
                  double hi) {
    Line line;
    line.exact = false;
    line.lo = lo;
    line.hi = hi;
    const auto n = static_cast<std::size_t>(first.n_out);
    line.slopes.resize(n);
    line.intercepts.assign(first.biases.begin(), first.biases.end());
    std::vector<double> slope_terms(n, 0.0);
    std::vector<double> intercept_terms(n, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
        intercept_terms[i] = std::fabs(first.biases[i]);
    }
    for (std::int64_t j = 0; j < first.n_in; ++j) {
        const DoubleDouble direction = two_sum(stop[j], -start[j]);
        const double* weights = first.outgoing(j);
        for (std::size_t i = 0; i < n; ++i) {
            line.slopes[i] = line.slopes[i] + direction * weights[i];
            line.intercepts[i] = line.intercepts[i] + two_product(weights[i], start[j]);
            slope_terms[i] += magnitude(weights[i], direction.hi);
            intercept_terms[i] += magnitude(weights[i], start[j]);
        }
    }
    const double roundings = 16.0 * static_cast<double>(first.n_in + 4) * kRoundoff2;
    const double lost = underflow(first.n_in);
    const auto error = [&](double terms) {
        return terms == 0.0 ? 0.0 : (terms * roundings + lost) * kInflate;
    };
    for (std::size_t i = 0; i < n; ++i) {
        line.slope_errors.push_back(error(slope_terms[i]));
        line.intercept_errors.push_back(error(intercept_terms[i]));
    }
    return line;
}

}  // namespace relufast
