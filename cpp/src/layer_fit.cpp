#include "relufast/layer_fit.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>

#include "relufast/blas.hpp"
#include "relufast/lbfgs.hpp"
#include "relufast/rounding.hpp"

namespace relufast {
namespace {

using Vector = std::vector<double>;

constexpr int kLog2Factor = 2;
// Points count whose power is more than exp(-kDepth) of the largest: those with less could rise
// that far only by a step that the others do not allow, mostly; whether they did is looked up.
constexpr double kDepth = 40.0;
constexpr int kMostRounds = 6;
// Errors of this size, beside outputs of size 1, are rounding.
constexpr double kSquaredRounding = 1e-30;

// W and M, one after the other, as the parameters of what L-BFGS minimises.
class Factors {
 public:
    Factors(const LayerErrors& errors, std::int64_t k)
        : m_(errors.m()),
          n_(errors.n()),
          k_(k),
          l_(static_cast<std::size_t>(m_ * n_)),
          gradient_(l_.size()) {}

    const double* product(const Vector& x) {
        const double* const w = x.data();
        blas::gemm('N', 'N', n_, m_, k_, 1.0, w + m_ * k_, n_, w, k_, 0.0, l_.data(), n_);
        return l_.data();
    }

    PowerSum power_sum(const LayerErrors& errors, const Vector& x, int log2_q, Vector& gradient,
                       int n_threads) {
        const PowerSum sum = errors.power_sum(product(x), log2_q, gradient_.data(), n_threads);
        const double* const w = x.data();
        double* const to = gradient.data();
        blas::gemm('T', 'N', k_, m_, n_, 1.0, w + m_ * k_, n_, gradient_.data(), n_, 0.0, to, k_);
        blas::gemm('N', 'T', n_, k_, m_, 1.0, gradient_.data(), n_, w, k_, 0.0, to + m_ * k_, n_);
        return sum;
    }

 private:
    std::int64_t m_, n_, k_;
    Vector l_, gradient_;
};

// The points that have a say in a stage, and more when others turn out to rise above them.
class WorkingSet {
 public:
    WorkingSet(const LayerErrors& all, int log2_q)
        : all_(all), depth_(std::exp(-kDepth * std::ldexp(1.0, -log2_q))) {}

    // Takes all points near the largest error; says whether there are new ones that exceed it.
    bool update(const Vector& squares) {
        is_in_.resize(squares.size(), false);
        const double inside = largest(squares, true);
        const double outside = largest(squares, false);
        const bool changed = outside > inside;
        if (changed) {
            const double least = depth_ * std::max(inside, outside);
            which_.clear();
            for (std::size_t i = 0; i < squares.size(); ++i) {
                is_in_[i] = is_in_[i] || squares[i] >= least;
                if (is_in_[i]) {
                    which_.push_back(static_cast<std::int64_t>(i));
                }
            }
            // A copy is worth its while where it is much smaller.
            chosen_.reset();
            if (2 * which_.size() < squares.size()) {
                chosen_ = std::make_unique<LayerErrors>(all_, which_);
            } else {
                is_in_.assign(squares.size(), true);
            }
        }
        return changed;
    }

    bool is_all() const { return !chosen_; }
    const LayerErrors& errors() const { return chosen_ ? *chosen_ : all_; }

 private:
    double largest(const Vector& squares, bool inside) const {
        double most = -1.0;
        for (std::size_t i = 0; i < is_in_.size(); ++i) {
            most = is_in_[i] == inside ? std::max(most, squares[i]) : most;
        }
        return most;
    }

    const LayerErrors& all_;
    double depth_;
    std::vector<bool> is_in_;
    std::vector<std::int64_t> which_;
    std::unique_ptr<LayerErrors> chosen_;
};

}  // namespace

LayerFit fit_layer(const LayerErrors& errors, std::int64_t k, const double* w, const double* m,
                   const FitStages& stages, int n_threads, const Interrupt& interrupt) {
    const auto n_w = errors.m() * k;
    const auto n_m = k * errors.n();
    Vector x(w, w + n_w);
    x.insert(x.end(), m, m + n_m);
    Factors factors(errors, k);
    Vector squares(static_cast<std::size_t>(errors.count()));
    const auto evaluate = [&] {
        errors.squares(factors.product(x), squares.data(), n_threads);
        return *std::max_element(squares.begin(), squares.end());
    };
    double largest = evaluate();
    int evaluations = 1;
    Vector best = x;
    double least = largest;
    const bool has_choice = stages.first_log2_q < stages.last_log2_q;
    int log2_q = stages.first_log2_q;
    while (largest > kSquaredRounding) {
        const LbfgsOptions options{stages.evaluations_each, std::ldexp(0.02, -log2_q)};
        WorkingSet working(errors, log2_q);
        for (int round = 0; round < kMostRounds && working.update(squares); ++round) {
            const auto objective = [&](const Vector& at, Vector& gradient) {
                return factors.power_sum(working.errors(), at, log2_q, gradient, n_threads)
                    .log_norm;
            };
            evaluations += minimise_lbfgs(objective, x, options, interrupt);
            largest = evaluate();
            if (working.is_all()) {
                break;
            }
        }
        if (largest < least || !has_choice) {
            least = largest;
            best = x;
        }
        if (log2_q == stages.last_log2_q) {
            break;
        }
        log2_q = std::min(log2_q + kLog2Factor, stages.last_log2_q);
    }
    return {Vector(best.begin(), best.begin() + n_w), Vector(best.begin() + n_w, best.end()), least,
            evaluations};
}

}  // namespace relufast
