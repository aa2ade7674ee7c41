#include "relufast/layer_errors.hpp"

#include <algorithm>
#include <cmath>

#include "relufast/blas.hpp"
#include "relufast/multiversion.hpp"
#include "relufast/rounding.hpp"

namespace relufast {
namespace {

// Numbers of a tile, points times rows: together with the targets it stays in the second-level
// cache.
constexpr std::int64_t kTileNumbers = 1 << 14;
// Partial sums that are kept apart: as many threads have something to do.
constexpr std::int64_t kMostGroups = 64;
// Multiplications that are worth starting a thread for.
constexpr double kWorkOfThread = 4e6;
// Powers below this would soon be subnormal numbers, which are slow, and count for nothing.
constexpr double kNegligible = 0x1p-200;

// products + bias becomes its relu minus the target; squares of that are added up, and what the
// derivative of relu makes of it is left in place.
RELUFAST_MULTIVERSION
void subtract_targets(double* __restrict products, double bias, const double* __restrict targets,
                      double* __restrict squares, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        const double z = products[i] + bias;
        const double difference = (z > 0.0 ? z : 0.0) - targets[i];
        squares[i] += difference * difference;
        products[i] = z > 0.0 ? difference : 0.0;
    }
}

// Powers (e / largest)^q, returned as their sum; e becomes (e / largest)^(q - 1).
RELUFAST_MULTIVERSION
double to_powers(double* __restrict e, double largest, int log2_q, std::int64_t count) {
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < count; ++i) {
        const double ratio = e[i] / largest;
        double power = ratio;
        for (int s = 0; s < log2_q; ++s) {
            power *= power;
            power = power > kNegligible ? power : 0.0;
        }
        sum += power;
        e[i] = ratio > kNegligible ? power / ratio : 0.0;
    }
    return sum;
}

RELUFAST_MULTIVERSION
void multiply(double* __restrict values, const double* __restrict factors, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        values[i] *= factors[i];
    }
}

std::size_t size_of(std::int64_t count) { return static_cast<std::size_t>(count); }

}  // namespace

// A sum over some tiles, in units of the largest square among them.
struct LayerErrors::Group {
    double largest = 0.0;
    double sum = 0.0;
    std::vector<double> gradient;  // of sum, with respect to L, times largest / (2 q)
    std::vector<double> differences;
    std::vector<double> squares;

    // To units of another largest square.
    void rescale(double to, int log2_q) {
        if (largest > 0.0 && largest < to) {
            const double factor = std::pow(largest / to, std::ldexp(1.0, log2_q));
            sum *= factor;
            for (double& entry : gradient) {
                entry *= factor * (to / largest);
            }
        }
        largest = to;
    }
};

LayerErrors::LayerErrors(std::int64_t m, std::int64_t n, const double* a, const double* bias,
                         std::int64_t count, const double* points)
    : m_(m), n_(n), count_(count), bias_(bias, bias + m) {
    allocate();
    for (std::int64_t i = 0; i < count; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
            points_[size_of(j * count + i)] = points[i * n + j];
        }
    }
    blas::gemm('N', 'N', count, m, n, 1.0, points_.data(), count, a, n, 0.0, targets_.data(),
               count);
    for (std::int64_t j = 0; j < m; ++j) {
        for (std::int64_t i = 0; i < count; ++i) {
            double& target = targets_[size_of(j * count + i)];
            target = std::max(target + bias[j], 0.0);
        }
    }
}

LayerErrors::LayerErrors(const LayerErrors& all, const std::vector<std::int64_t>& which)
    : m_(all.m_), n_(all.n_), count_(static_cast<std::int64_t>(which.size())), bias_(all.bias_) {
    allocate();
    const auto gather = [&](const std::vector<double>& from, std::int64_t rows,
                            std::vector<double>& to) {
        for (std::int64_t j = 0; j < rows; ++j) {
            for (std::size_t i = 0; i < which.size(); ++i) {
                to[size_of(j * count_) + i] = from[size_of(j * all.count_ + which[i])];
            }
        }
    };
    gather(all.points_, n_, points_);
    gather(all.targets_, m_, targets_);
}

void LayerErrors::allocate() {
    tile_ = std::clamp<std::int64_t>(kTileNumbers / m_ / 8 * 8, 64, 512);
    points_.resize(size_of(n_ * count_));
    targets_.resize(size_of(m_ * count_));
}

int LayerErrors::useful_threads(int n_threads) const {
    const double work = static_cast<double>(m_) * static_cast<double>(n_ * count_);
    return static_cast<int>(
        std::clamp(work / kWorkOfThread, 1.0, static_cast<double>(std::max(n_threads, 1))));
}

void LayerErrors::tile_errors(const double* l, std::int64_t begin, std::int64_t size,
                              double* differences, double* squares) const {
    blas::gemm('N', 'N', size, m_, n_, 1.0, points_.data() + begin, count_, l, n_, 0.0, differences,
               size);
    std::fill_n(squares, size, 0.0);
    for (std::int64_t j = 0; j < m_; ++j) {
        subtract_targets(differences + j * size, bias_[size_of(j)],
                         targets_.data() + j * count_ + begin, squares, size);
    }
}

void LayerErrors::squares(const double* l, double* out, int n_threads) const {
    const std::int64_t groups = std::min(kMostGroups, n_tiles());
    parallel_for(useful_threads(n_threads), size_of(groups), {}, [&](std::size_t index, int) {
        std::vector<double> differences(size_of(tile_ * m_));
        for (auto tile = static_cast<std::int64_t>(index); tile < n_tiles(); tile += groups) {
            const std::int64_t begin = tile * tile_;
            tile_errors(l, begin, std::min(tile_, count_ - begin), differences.data(), out + begin);
        }
    });
}

void LayerErrors::add_tile(const double* l, int log2_q, std::int64_t tile, Group& group) const {
    const std::int64_t begin = tile * tile_;
    const std::int64_t size = std::min(tile_, count_ - begin);
    tile_errors(l, begin, size, group.differences.data(), group.squares.data());
    const double largest = *std::max_element(group.squares.begin(), group.squares.begin() + size);
    if (largest > group.largest) {
        group.rescale(largest, log2_q);
    }
    if (group.largest == 0.0) {
        return;
    }
    group.sum += to_powers(group.squares.data(), group.largest, log2_q, size);
    for (std::int64_t j = 0; j < m_; ++j) {
        multiply(group.differences.data() + j * size, group.squares.data(), size);
    }
    blas::gemm('T', 'N', n_, m_, size, 1.0, points_.data() + begin, count_,
               group.differences.data(), size, 1.0, group.gradient.data(), n_);
}

PowerSum LayerErrors::power_sum(const double* l, int log2_q, double* gradient,
                                int n_threads) const {
    std::vector<Group> groups(size_of(std::min(kMostGroups, n_tiles())));
    parallel_for(useful_threads(n_threads), groups.size(), {}, [&](std::size_t index, int) {
        Group& group = groups[index];
        group.gradient.assign(size_of(m_ * n_), 0.0);
        group.differences.resize(size_of(tile_ * m_));
        group.squares.resize(size_of(tile_));
        for (auto tile = static_cast<std::int64_t>(index); tile < n_tiles();
             tile += static_cast<std::int64_t>(groups.size())) {
            add_tile(l, log2_q, tile, group);
        }
    });
    double largest = 0.0;
    for (const Group& group : groups) {
        largest = std::max(largest, group.largest);
    }
    std::fill_n(gradient, m_ * n_, 0.0);
    if (largest == 0.0) {
        return {-kInfinity, 0.0};
    }
    double sum = 0.0;
    for (Group& group : groups) {
        group.rescale(largest, log2_q);
        sum += group.sum;
        for (std::size_t i = 0; i < group.gradient.size(); ++i) {
            gradient[i] += group.gradient[i];
        }
    }
    const double factor = 2.0 / (sum * largest);
    for (std::int64_t i = 0; i < m_ * n_; ++i) {
        gradient[i] *= factor;
    }
    return {std::log(largest) + std::ldexp(std::log(sum), -log2_q), largest};
}

}  // namespace relufast
