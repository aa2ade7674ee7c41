#include "relufast/lbfgs.hpp"

#include <cmath>
#include <cstddef>
#include <deque>
#include <iterator>

#include "relufast/rounding.hpp"
#include "vectors.hpp"

namespace relufast {
namespace {

constexpr std::size_t kPairs = 12;
constexpr std::size_t kPatience = 10;
constexpr int kMostTrials = 30;
constexpr double kSufficientDecrease = 1e-4;
constexpr double kCurvature = 0.7;

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
    return inner_product(a.data(), b.data(), std::ssize(a));
}

void add(Vector& to, double factor, const Vector& from) {
    add_product(to.data(), factor, from.data(), std::ssize(to));
}

// The last steps and what they did to the gradient: an approximate inverse of the Hessian.
class Curvature {
 public:
    void append(Vector step, Vector change) {
        const double product = dot(step, change);
        if (!(product > 1e-14 * std::sqrt(dot(step, step) * dot(change, change)))) {
            return;  // not convex along the step
        }
        if (pairs_.size() == kPairs) {
            pairs_.pop_front();
        }
        pairs_.push_back({std::move(step), std::move(change), product});
    }

    bool empty() const { return pairs_.empty(); }
    void clear() { pairs_.clear(); }

    // Minus the inverse Hessian times the gradient.
    Vector direction(const Vector& gradient) const {
        Vector d(gradient.size());
        add(d, -1.0, gradient);
        if (pairs_.empty()) {
            return d;
        }
        std::vector<double> factors(pairs_.size());
        for (std::size_t i = pairs_.size(); i-- > 0;) {
            factors[i] = dot(pairs_[i].step, d) / pairs_[i].product;
            add(d, -factors[i], pairs_[i].change);
        }
        const Pair& last = pairs_.back();
        const double scale = last.product / dot(last.change, last.change);
        for (double& entry : d) {
            entry *= scale;
        }
        for (std::size_t i = 0; i < pairs_.size(); ++i) {
            const double other = dot(pairs_[i].change, d) / pairs_[i].product;
            add(d, factors[i] - other, pairs_[i].step);
        }
        return d;
    }

 private:
    struct Pair {
        Vector step, change;
        double product;
    };
    std::deque<Pair> pairs_;
};

}  // namespace

int minimise_lbfgs(const Objective& objective, Vector& x, const LbfgsOptions& options,
                   const Interrupt& interrupt) {
    Vector gradient(x.size());
    double value = objective(x, gradient);
    int evaluations = 1;
    Curvature curvature;
    std::deque<double> values{value};
    Vector trial(x.size());
    Vector trial_gradient(x.size());
    while (evaluations < options.max_evaluations && std::isfinite(value)) {
        poll(interrupt);
        Vector direction = curvature.direction(gradient);
        double slope = dot(gradient, direction);
        if (!(slope < 0.0)) {
            if (curvature.empty()) {
                break;
            }
            curvature.clear();
            continue;
        }
        // Without curvature a step as long as a percent of x: the objective is a logarithm.
        double step = 1.0;
        if (curvature.empty()) {
            step = 0.01 * std::sqrt(dot(x, x) / dot(direction, direction));
        }
        double shortest = 0.0;
        double longest = kInfinity;
        double trial_value = kInfinity;
        bool found = false;
        for (int i = 0; i < kMostTrials && evaluations < options.max_evaluations; ++i) {
            trial = x;
            add(trial, step, direction);
            trial_value = objective(trial, trial_gradient);
            ++evaluations;
            if (!(trial_value <= value + kSufficientDecrease * step * slope)) {
                longest = step;
            } else if (found = true; dot(trial_gradient, direction) < kCurvature * slope) {
                shortest = step;
            } else {
                break;
            }
            step = longest < kInfinity ? 0.5 * (shortest + longest) : 2.0 * step;
        }
        if (!found || !(trial_value < value)) {
            if (curvature.empty()) {
                break;
            }
            curvature.clear();
            continue;
        }
        Vector moved = trial;
        add(moved, -1.0, x);
        Vector change = trial_gradient;
        add(change, -1.0, gradient);
        curvature.append(std::move(moved), std::move(change));
        x = trial;
        gradient = trial_gradient;
        value = trial_value;
        values.push_back(value);
        if (values.size() > kPatience) {
            if (values.front() - value < options.tolerance) {
                break;
            }
            values.pop_front();
        }
    }
    return evaluations;
}

}  // namespace relufast
