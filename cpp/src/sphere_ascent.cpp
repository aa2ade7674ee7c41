#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "relufast/great_circle.hpp"
#include "relufast/normals.hpp"
#include "relufast/sphere_errors.hpp"
#include "vectors.hpp"

namespace relufast {
namespace {

constexpr int kMostSteps = 200;
// What a step has to bring, relative to the square.
constexpr double kGain = 1e-9;
// Directions that may fail in a row: along the kinks that hold the point, the gradient itself, and
// random ones.
constexpr int kMostFailures = 5;
// Points are taken by the piece of this many.
constexpr std::int64_t kPiece = 8;

// Makes a vector one of length 1, unless it is zero beside `size`.
bool normalise(double* vector, double size, std::int64_t n) {
    const double length = std::sqrt(inner_product(vector, vector, n));
    if (!(length > 1e-12 * size)) {
        return false;
    }
    for (std::int64_t i = 0; i < n; ++i) {
        vector[i] /= length;
    }
    return true;
}

// One point on its way up; its memory serves the next one.
class Ascent {
 public:
    explicit Ascent(const LayerPair& layers)
        : layers_(layers),
          d_(length(layers.n)),
          ax_(length(layers.m)),
          ad_(ax_),
          lx_(ax_),
          ld_(ax_) {}

    double run(double* x, std::uint64_t seed, std::uint64_t stream) {
        const std::int64_t n = layers_.n;
        held_.clear();
        double square = place(x);
        int failures = 0;
        for (int step = 0; step < kMostSteps && failures < kMostFailures; ++step) {
            if (failures == 1) {
                held_.clear();
            }
            if (failures < 2) {
                set_gradient();
            } else {
                normals(seed, stream, static_cast<std::uint64_t>(step), d_.data(), n);
            }
            const double size = std::sqrt(inner_product(d_.data(), d_.data(), n));
            project(x);
            if (!normalise(d_.data(), size, n)) {
                ++failures;
                continue;
            }
            multiply(layers_.a, d_.data(), ad_);
            multiply(layers_.l, d_.data(), ld_);
            const CircleMaximum found =
                circle_.maximise(layers_.m, ax_.data(), ad_.data(), lx_.data(), ld_.data());
            if (!(found.square > square * (1.0 + kGain))) {
                ++failures;
                continue;
            }
            for (std::int64_t i = 0; i < n; ++i) {
                x[i] = found.cosine * x[i] + found.sine * d_[static_cast<std::size_t>(i)];
            }
            normalise(x, 0.0, n);
            square = place(x);
            failures = 0;
            if (found.kink < 0) {
                continue;
            }
            const bool of_a = found.kink < layers_.m;
            hold(of_a ? layers_.a + found.kink * n : layers_.l + (found.kink - layers_.m) * n);
        }
        return square;
    }

 private:
    static std::size_t length(std::int64_t n) { return static_cast<std::size_t>(n); }

    void multiply(const double* matrix, const double* x, std::vector<double>& out) const {
        for (std::int64_t j = 0; j < layers_.m; ++j) {
            out[length(j)] = inner_product(matrix + j * layers_.n, x, layers_.n);
        }
    }

    // The squared error at x.
    double place(const double* x) {
        multiply(layers_.a, x, ax_);
        multiply(layers_.l, x, lx_);
        double sum = 0.0;
        for (std::size_t j = 0; j < ax_.size(); ++j) {
            const double difference = std::max(ax_[j], 0.0) - std::max(lx_[j], 0.0);
            sum += difference * difference;
        }
        return sum;
    }

    // Of half the squared error, with the sides of kinks that rounding chose: those that matter are
    // held.
    void set_gradient() {
        std::fill(d_.begin(), d_.end(), 0.0);
        const std::int64_t n = layers_.n;
        for (std::int64_t j = 0; j < layers_.m; ++j) {
            const double a = std::max(ax_[length(j)], 0.0);
            const double l = std::max(lx_[length(j)], 0.0);
            if (a > 0.0) {
                add_product(d_.data(), a - l, layers_.a + j * n, n);
            }
            if (l > 0.0) {
                add_product(d_.data(), l - a, layers_.l + j * n, n);
            }
        }
    }

    // Onto the directions that lead along the sphere and all held kinks.
    void project(const double* x) {
        const std::int64_t n = layers_.n;
        for (int twice = 0; twice < 2; ++twice) {
            add_product(d_.data(), -inner_product(d_.data(), x, n), x, n);
            for (const auto& normal : held_) {
                add_product(d_.data(), -inner_product(d_.data(), normal.data(), n), normal.data(),
                            n);
            }
        }
    }

    // A kink's normal, made orthogonal to those held: the point lies on all of them.
    void hold(const double* row) {
        const std::int64_t n = layers_.n;
        std::vector<double> normal(row, row + n);
        const double size = std::sqrt(inner_product(row, row, n));
        for (int twice = 0; twice < 2; ++twice) {
            for (const auto& other : held_) {
                add_product(normal.data(), -inner_product(normal.data(), other.data(), n),
                            other.data(), n);
            }
        }
        if (normalise(normal.data(), 1e6 * size, n)) {
            held_.push_back(std::move(normal));
        }
    }

    const LayerPair& layers_;
    GreatCircle circle_;
    std::vector<double> d_;
    std::vector<double> ax_, ad_, lx_, ld_;
    std::vector<std::vector<double>> held_;
};

}  // namespace

void ascend_on_sphere(const LayerPair& layers, std::int64_t count, double* points, double* squares,
                      std::uint64_t seed, int n_threads, const Interrupt& interrupt) {
    const std::int64_t pieces = (count + kPiece - 1) / kPiece;
    parallel_for(
        n_threads, static_cast<std::size_t>(pieces), interrupt, [&](std::size_t piece, int) {
            Ascent ascent(layers);
            const auto begin = static_cast<std::int64_t>(piece) * kPiece;
            for (std::int64_t i = begin; i < std::min(count, begin + kPiece); ++i) {
                squares[i] =
                    ascent.run(points + i * layers.n, seed, static_cast<std::uint64_t>(i) + 1);
            }
        });
}

}  // namespace relufast
