#include "relufast/directional_extremes.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>

#include "relufast/blas.hpp"
#include "relufast/exact_dot.hpp"
#include "relufast/norms.hpp"
#include "relufast/rounding.hpp"
#include "relufast/tile_values.hpp"

namespace relufast {
namespace {

constexpr double kFloatRoundoff = 0x1p-24;
// Products of float32 are summed up in parts of so many terms, so that the bound of their error
// grows with the number of parts, not of terms.
constexpr std::int64_t kTermsOfPart = 1024;
// Directions that are worked on at once: their products with a tile stay in the cache.
constexpr std::int64_t kMostInGroup = 256;
constexpr std::int64_t kLeastInGroup = 16;
// Candidates that a group keeps before it compares them.
constexpr std::size_t kMostCandidates = 4096;
// Multiplications that are worth a thread.
constexpr double kWorkOfThread = 2e6;

std::int64_t parts_of(std::int64_t d) { return (d + kTermsOfPart - 1) / kTermsOfPart; }

// How far a product in float32 may be from the exact one of the numbers that were rounded to
// float32, in units of the product of their norms: roundings of both, and of at most so many sums
// on the way of any term, in any order.
double relative_bound(std::int64_t d) {
    const auto n_sums = static_cast<double>(std::min(d, kTermsOfPart) + parts_of(d) + 4);
    return n_sums * kFloatRoundoff / (1.0 - n_sums * kFloatRoundoff) * kInflate;
}

// What underflow takes besides, of numbers below 1, subnormal ones taken for zero or not.
double absolute_bound(std::int64_t d) { return static_cast<double>(d + 8) * 0x1p-122; }

// As nextafter towards infinity, which is a call and goes through more cases; NaN stays.
double up(double value) {
    if (value == 0.0) {
        return std::numeric_limits<double>::denorm_min();
    }
    if (!(value < kInfinity)) {
        return value;
    }
    const auto bits = std::bit_cast<std::int64_t>(value);
    return std::bit_cast<double>(value > 0.0 ? bits + 1 : bits - 1);
}

double down(double value) { return -up(-value); }

// Times 2^exponent. Most tiles of a set have the same unit.
double shifted(double value, int exponent) {
    return exponent == 0 ? value : std::ldexp(value, exponent);
}

std::int64_t panels_of(std::int64_t n_points) {
    return (n_points + kPanelPoints - 1) / kPanelPoints;
}

// The largest float32 that is not above, of the finite ones where all are below.
float float_below(double value) {
    constexpr float kLargest = std::numeric_limits<float>::max();
    if (!(value > -kLargest)) {
        return -std::numeric_limits<float>::infinity();
    }
    const auto rounded = static_cast<float>(std::min<double>(value, kLargest));
    return static_cast<double>(rounded) > value
               ? std::nextafterf(rounded, -std::numeric_limits<float>::infinity())
               : rounded;
}

}  // namespace

// A point that may reach further than the furthest so far.
struct DirectionalExtremes::Candidate {
    std::int64_t direction;
    Way way;
    std::int64_t point;  // in the present part
    double reach;        // an upper bound of what it reaches
};

struct DirectionalExtremes::Scratch {
    std::vector<Candidate> candidates;
    std::vector<float> values;
    std::vector<float> part;  // of products of more terms than one part has
    std::vector<double> point;
};

DirectionalExtremes::DirectionalExtremes(const double* directions, std::int64_t n, std::int64_t d)
    : n_(n),
      d_(d),
      relative_bound_(relative_bound(d)),
      directions_(directions, directions + n * d),
      scaled_(directions_.size()),
      norms_(static_cast<std::size_t>(n)),
      sides_(static_cast<std::size_t>(2 * n)),
      best_points_(static_cast<std::size_t>(2 * n * d)) {
    std::vector<double> scaled(static_cast<std::size_t>(d));
    for (std::int64_t s = 0; s < n; ++s) {
        const double* const direction = directions_.data() + s * d;
        double largest = 0.0;
        for (std::int64_t i = 0; i < d; ++i) {
            largest = std::max(largest, std::fabs(direction[i]));
        }
        int exponent = 0;
        if (largest > 0.0) {
            std::frexp(largest, &exponent);
        }
        for (std::int64_t i = 0; i < d; ++i) {
            const double entry = std::ldexp(direction[i], -exponent);
            scaled[static_cast<std::size_t>(i)] = entry;
            scaled_[static_cast<std::size_t>(s * d + i)] = static_cast<float>(entry);
        }
        norms_[static_cast<std::size_t>(s)] = norm_bound(scaled.data(), d);
    }
}

DirectionalExtremes::Side& DirectionalExtremes::side(std::int64_t direction, Way way) {
    return sides_[static_cast<std::size_t>(2 * direction + (way == Way::kUp ? 0 : 1))];
}

double* DirectionalExtremes::best_point(std::int64_t direction, Way way) {
    return best_points_.data() + (2 * direction + (way == Way::kUp ? 0 : 1)) * d_;
}

const double* DirectionalExtremes::best_point(std::int64_t direction, Way way) const {
    return best_points_.data() + (2 * direction + (way == Way::kUp ? 0 : 1)) * d_;
}

void DirectionalExtremes::take(const PointTiles& points, int n_threads,
                               const Interrupt& interrupt) {
    if (points.dimension() != d_) {
        throw std::invalid_argument("points of another dimension than directions");
    }
    if (n_taken_ == 0) {
        centre_ = points.centre();
        for (const PointTile& tile : points.tiles()) {
            if (tile.radius > 0.0 && tile.radius < kInfinity) {
                unit_ = tile.exponent;
                break;
            }
        }
    } else if (points.centre() != centre_) {
        throw std::invalid_argument("points with another centre than those before");
    }
    const double work =
        static_cast<double>(n_) * static_cast<double>(points.n_points()) * static_cast<double>(d_);
    const auto threads = static_cast<std::int64_t>(
        std::clamp(work / kWorkOfThread, 1.0, static_cast<double>(std::max(n_threads, 1))));
    const std::int64_t group =
        std::clamp((n_ + threads - 1) / threads, kLeastInGroup, kMostInGroup);
    std::vector<Scratch> scratch(static_cast<std::size_t>(threads));
    parallel_for(static_cast<int>(threads), static_cast<std::size_t>((n_ + group - 1) / group),
                 interrupt, [&](std::size_t task, int thread) {
                     const std::int64_t begin = static_cast<std::int64_t>(task) * group;
                     search(points, begin, std::min(begin + group, n_),
                            scratch[static_cast<std::size_t>(thread)]);
                 });
    n_taken_ += points.n_points();
}

void DirectionalExtremes::search(const PointTiles& points, std::int64_t begin, std::int64_t end,
                                 Scratch& scratch) {
    const std::int64_t group = end - begin;
    const std::int64_t rows =
        points.is_narrow() ? PointTiles::kNarrowRows : PointTiles::kWideRows * group;
    scratch.values.resize(static_cast<std::size_t>(rows));
    scratch.point.resize(static_cast<std::size_t>(d_));
    float* const values = scratch.values.data();
    for (const PointTile& tile : points.tiles()) {
        if (!points.is_narrow()) {
            for (std::int64_t from = 0; from < d_; from += kTermsOfPart) {
                float* to = values;
                if (from > 0) {
                    scratch.part.resize(scratch.values.size());
                    to = scratch.part.data();
                }
                blas::gemm('T', 'N', tile.count, group, std::min(kTermsOfPart, d_ - from), 1.0F,
                           tile.values + from, d_, scaled_.data() + begin * d_ + from, d_, 0.0F, to,
                           tile.count);
                if (from > 0) {
                    for (std::int64_t i = 0; i < tile.count * group; ++i) {
                        values[i] += to[i];
                    }
                }
            }
        }
        for (std::int64_t s = begin; s < end; ++s) {
            const float* const of_direction =
                points.is_narrow() ? values : values + (s - begin) * tile.count;
            const FloatRange range = points.is_narrow()
                                         ? panel_values(scaled_.data() + s * d_, d_, tile.values,
                                                        panels_of(tile.count), values)
                                         : float_range(of_direction, tile.count);
            const double bound = bound_of_products(tile, s);
            look(points, tile, s, Way::kUp, range.highest, bound, of_direction, scratch);
            look(points, tile, s, Way::kDown, -range.lowest, bound, of_direction, scratch);
        }
    }
    settle(points, scratch);
}

// In units of 2^tile.exponent and of the direction's own; 0 for the direction 0 alone.
double DirectionalExtremes::bound_of_products(const PointTile& tile, std::int64_t direction) const {
    const double norm = norms_[static_cast<std::size_t>(direction)];
    return norm == 0.0 ? 0.0
                       : (relative_bound_ * norm * tile.radius + absolute_bound(d_)) * kInflate;
}

// Keeps those points of the tile that may reach as far as the furthest.
void DirectionalExtremes::look(const PointTiles& points, const PointTile& tile,
                               std::int64_t direction, Way way, float furthest, double bound,
                               const float* values, Scratch& scratch) {
    Side& found = side(direction, way);
    if (bound == 0.0) {
        // All points reach equally far.
        if (found.best < 0 && tile.begin == 0) {
            scratch.candidates.push_back({direction, way, tile.begin, 0.0});
        }
        return;
    }
    // To the common unit and back by powers of two.
    const int shift = tile.exponent - unit_;
    found.floor =
        std::max(found.floor, down(shifted(down(static_cast<double>(furthest) - bound), shift)));
    const float threshold = float_below(down(down(shifted(found.floor, -shift)) - bound));
    // Not furthest < threshold, so that a tile of unknown radius passes.
    if (furthest < threshold) {
        return;
    }
    const float sign = way == Way::kUp ? 1.0F : -1.0F;
    for (std::int64_t p = 0;
         (p = next_at_least(threshold, sign, values, p, tile.count)) < tile.count; ++p) {
        const double reach = static_cast<double>(sign * values[p]) + bound;
        scratch.candidates.push_back(
            {direction, way, tile.begin + p, up(shifted(up(reach), shift))});
        if (scratch.candidates.size() == kMostCandidates) {
            settle(points, scratch);
        }
    }
}

// Compares the candidates with the furthest points of before, in their order, so that the first of
// several that reach equally far stays.
void DirectionalExtremes::settle(const PointTiles& points, Scratch& scratch) {
    for (const auto& [direction, way, number, reach] : scratch.candidates) {
        Side& found = side(direction, way);
        if (reach < found.floor) {
            continue;
        }
        double* const best = best_point(direction, way);
        if (found.best >= 0) {
            double* const point = scratch.point.data();
            points.copy_point(number, point);
            const int sign = compare_dots(directions_.data() + direction * d_, point, best, d_);
            if (way == Way::kUp ? sign <= 0 : sign >= 0) {
                continue;
            }
        }
        points.copy_point(number, best);
        found.best = n_taken_ + number;
    }
    scratch.candidates.clear();
}

void DirectionalExtremes::widths(double* out) const {
    for (std::int64_t s = 0; s < n_; ++s) {
        out[s] = rounded_dot_difference(directions_.data() + s * d_, best_point(s, Way::kUp),
                                        best_point(s, Way::kDown), d_);
    }
}

void DirectionalExtremes::results(Way way, double* values, std::int64_t* indices) const {
    const std::vector<double> zero(static_cast<std::size_t>(d_));
    for (std::int64_t s = 0; s < n_; ++s) {
        values[s] = rounded_dot_difference(directions_.data() + s * d_, best_point(s, way),
                                           zero.data(), d_);
        indices[s] = sides_[static_cast<std::size_t>(2 * s + (way == Way::kUp ? 0 : 1))].best;
    }
}

void DirectionalExtremes::maxima(double* values, std::int64_t* indices) const {
    results(Way::kUp, values, indices);
}

void DirectionalExtremes::minima(double* values, std::int64_t* indices) const {
    results(Way::kDown, values, indices);
}

}  // namespace relufast
