#include "activity.hpp"

#include <cmath>
#include <limits>

namespace relufast::fuzz {
namespace {

using Real = long double;
constexpr Real kEpsilon = std::numeric_limits<Real>::epsilon();
constexpr Real kUnderflow = std::numeric_limits<Real>::min();

// A value, and a bound on its distance from the true one.
struct Number {
    Real value = 0.0L;
    Real error = 0.0L;
};

Number input_at(const Problem& problem, std::size_t j, Real x) {
    if (problem.start.empty()) {
        return {x, 0.0L};
    }
    const Real from = problem.start[j];
    const Real to = problem.stop[j];
    return {from + x * (to - from),
            4.0L * kEpsilon * (std::fabs(from) + std::fabs(x) * (std::fabs(to) + std::fabs(from))) +
                kUnderflow};
}

}  // namespace

std::vector<std::vector<std::int8_t>> activities_at(const Problem& problem, double x) {
    std::vector<std::vector<std::int8_t>> activities;
    std::vector<Number> below;
    for (std::size_t j = 0; j < static_cast<std::size_t>(problem.widths[0]); ++j) {
        below.push_back(input_at(problem, j, x));
    }
    const Real leak = problem.negative_slope;
    for (std::size_t l = 0; l < problem.depth(); ++l) {
        const std::size_t n_out = problem.biases[l].size();
        std::vector<Number> next(n_out);
        std::vector<std::int8_t> active(n_out, -1);
        // Twice Higham's bound on a sum of so many products: room for its own roundings.
        const Real roundings = 2.0L * static_cast<Real>(below.size() + 2) * kEpsilon;
        for (std::size_t i = 0; i < n_out; ++i) {
            const Real bias = problem.biases[l][i];
            Real sum = bias;
            Real size = std::fabs(bias);
            Real carried = 0.0L;
            bool sends = false;
            for (std::size_t j = 0; j < below.size(); ++j) {
                const Real weight = problem.weight(l, i, j);
                sum += weight * below[j].value;
                size += std::fabs(weight * below[j].value);
                carried += std::fabs(weight) * below[j].error;
                sends =
                    sends || (weight != 0.0L && (below[j].value != 0.0L || below[j].error != 0.0L));
            }
            const Real lost = sends ? static_cast<Real>(below.size()) * kUnderflow : 0.0L;
            const Real error = 1.001L * (carried + roundings * size + lost);
            if (std::fabs(sum) > error || error == 0.0L) {
                active[i] = sum > 0.0L ? 1 : 0;
            }
            next[i] = {sum > 0.0L ? sum : leak * sum,
                       std::fmax(1.0L, std::fabs(leak)) * error * 1.001L +
                           (leak == 0.0L ? 0.0L : kEpsilon * std::fabs(leak * sum) + kUnderflow)};
        }
        activities.push_back(std::move(active));
        below = std::move(next);
    }
    return activities;
}

}  // namespace relufast::fuzz
