#include "relufast/point_tiles.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "relufast/multiversion.hpp"
#include "relufast/rounding.hpp"

namespace relufast {
namespace {

// A mean of so many points is near enough to the middle of all.
constexpr std::int64_t kPointsOfCentre = 256;

// Entries that are worth a thread.
constexpr double kEntriesOfThread = 2e5;

template <class T>
std::vector<double> mean_of_some(const T* points, std::int64_t n, std::int64_t d) {
    std::vector<double> mean(static_cast<std::size_t>(d));
    const std::int64_t count = std::min(n, kPointsOfCentre);
    const double share = 1.0 / static_cast<double>(std::max<std::int64_t>(count, 1));
    for (std::int64_t k = 0; k < count; ++k) {
        const T* const point = points + (k * n / count) * d;
        for (std::int64_t i = 0; i < d; ++i) {
            mean[static_cast<std::size_t>(i)] += share * static_cast<double>(point[i]);
        }
    }
    return mean;
}

template <class T>
[[gnu::always_inline]] inline double largest_distance(const T* __restrict point,
                                                      const double* __restrict centre,
                                                      std::int64_t d) {
    double largest = 0.0;
#pragma omp simd reduction(max : largest)
    for (std::int64_t i = 0; i < d; ++i) {
        largest = std::max(largest, std::fabs(static_cast<double>(point[i]) - centre[i]));
    }
    return largest;
}

// Writes scaled points, and returns the largest square of their norms. Two factors, because their
// product may be beyond float64.
template <class T>
[[gnu::always_inline]] inline double write_points(const T* points, const double* __restrict centre,
                                                  std::int64_t n, std::int64_t d, double first,
                                                  double second, float* out) {
    double largest = 0.0;
    for (std::int64_t p = 0; p < n; ++p) {
        const T* __restrict const from = points + p * d;
        float* __restrict const to = out + p * d;
        double square = 0.0;
#pragma omp simd reduction(+ : square)
        for (std::int64_t i = 0; i < d; ++i) {
            const double scaled = (static_cast<double>(from[i]) - centre[i]) * first * second;
            to[i] = static_cast<float>(scaled);
            square += scaled * scaled;
        }
        largest = std::max(largest, square);
    }
    return largest;
}

RELUFAST_MULTIVERSION
double largest_distance_of(const double* points, const double* centre, std::int64_t n,
                           std::int64_t d) {
    double largest = 0.0;
    for (std::int64_t p = 0; p < n; ++p) {
        largest = std::max(largest, largest_distance(points + p * d, centre, d));
    }
    return largest;
}

RELUFAST_MULTIVERSION
double largest_distance_of(const float* points, const double* centre, std::int64_t n,
                           std::int64_t d) {
    double largest = 0.0;
    for (std::int64_t p = 0; p < n; ++p) {
        largest = std::max(largest, largest_distance(points + p * d, centre, d));
    }
    return largest;
}

RELUFAST_MULTIVERSION
double write_all(const double* points, const double* centre, std::int64_t n, std::int64_t d,
                 double first, double second, float* out) {
    return write_points(points, centre, n, d, first, second, out);
}

RELUFAST_MULTIVERSION
double write_all(const float* points, const double* centre, std::int64_t n, std::int64_t d,
                 double first, double second, float* out) {
    return write_points(points, centre, n, d, first, second, out);
}

std::int64_t panels_of(std::int64_t n_points) {
    return (n_points + kPanelPoints - 1) / kPanelPoints;
}

// Lays out panels of points less the centre; the last point fills the last panel up.
template <class T>
void write_panels(const T* points, const double* centre, std::int64_t n, std::int64_t d,
                  double* out) {
    for (std::int64_t p = 0; p < panels_of(n) * kPanelPoints; ++p) {
        const T* const point = points + std::min(p, n - 1) * d;
        double* const to = out + p / kPanelPoints * kPanelPoints * d + p % kPanelPoints;
        for (std::int64_t i = 0; i < d; ++i) {
            to[i * kPanelPoints] = static_cast<double>(point[i]) - centre[i];
        }
    }
}

RELUFAST_MULTIVERSION
double largest_size(const double* values, std::int64_t n) {
    double largest = 0.0;
#pragma omp simd reduction(max : largest)
    for (std::int64_t i = 0; i < n; ++i) {
        largest = std::max(largest, std::fabs(values[i]));
    }
    return largest;
}

// As write_points, from panels to panels.
RELUFAST_MULTIVERSION
double scale_panels(const double* __restrict panels, std::int64_t n_panels, std::int64_t d,
                    double first, double second, float* __restrict out) {
    double largest = 0.0;
    for (std::int64_t panel = 0; panel < n_panels; ++panel) {
        double squares[kPanelPoints] = {};
        for (std::int64_t i = 0; i < d; ++i) {
#pragma omp simd
            for (std::int64_t p = 0; p < kPanelPoints; ++p) {
                const double scaled = panels[p] * first * second;
                out[p] = static_cast<float>(scaled);
                squares[p] += scaled * scaled;
            }
            panels += kPanelPoints;
            out += kPanelPoints;
        }
#pragma omp simd reduction(max : largest)
        for (std::int64_t p = 0; p < kPanelPoints; ++p) {
            largest = std::max(largest, squares[p]);
        }
    }
    return largest;
}

// Empty for tiles of many dimensions.
using Panels = Buffer<double>;

template <class T>
void fill_tile(const T* points, const double* centre, std::int64_t d, PointTile& tile, float* out,
               Panels& panels) {
    const bool narrow = !panels.empty();
    double largest = 0.0;
    if (narrow) {
        write_panels(points, centre, tile.count, d, panels.data());
        largest = largest_size(panels.data(), panels_of(tile.count) * kPanelPoints * d);
    } else {
        largest = largest_distance_of(points, centre, tile.count, d);
    }
    if (!(largest < kInfinity)) {
        // A difference overflowed: the filter lets all of its points pass.
        const std::int64_t rows = narrow ? PointTiles::kNarrowRows : tile.count;
        std::fill_n(out, rows * d, 0.0F);
        tile.radius = kInfinity;
        return;
    }
    if (largest > 0.0) {
        std::frexp(largest, &tile.exponent);
    }
    const int half = -tile.exponent / 2;
    const double first = std::ldexp(1.0, half);
    const double second = std::ldexp(1.0, -tile.exponent - half);
    const double square =
        narrow ? scale_panels(panels.data(), panels_of(tile.count), d, first, second, out)
               : write_all(points, centre, tile.count, d, first, second, out);
    // Squares that underflowed are nothing beside the largest entry's, at least 1/4.
    tile.radius = std::sqrt(square) * (1.0 + gamma(d + 8) + 0x1p-30);
}

}  // namespace

PointTiles::PointTiles(const double* points, std::int64_t n, std::int64_t d,
                       std::vector<double> centre, int n_threads, const Interrupt& interrupt)
    : n_(n), d_(d), centre_(std::move(centre)), doubles_(points) {
    fill(points, n_threads, interrupt);
}

PointTiles::PointTiles(const float* points, std::int64_t n, std::int64_t d,
                       std::vector<double> centre, int n_threads, const Interrupt& interrupt)
    : n_(n), d_(d), centre_(std::move(centre)), floats_(points) {
    fill(points, n_threads, interrupt);
}

void PointTiles::copy_point(std::int64_t i, double* out) const {
    if (doubles_ != nullptr) {
        std::copy_n(doubles_ + i * d_, d_, out);
    } else {
        std::copy_n(floats_ + i * d_, d_, out);
    }
}

template <class T>
void PointTiles::fill(const T* points, int n_threads, const Interrupt& interrupt) {
    if (centre_.empty()) {
        centre_ = mean_of_some(points, n_, d_);
    }
    const std::int64_t rows = is_narrow() ? kNarrowRows : kWideRows;
    const std::int64_t n_tiles = (n_ + rows - 1) / rows;
    tiles_.resize(static_cast<std::size_t>(n_tiles));
    values_.resize(static_cast<std::size_t>((is_narrow() ? n_tiles * rows : n_) * d_));
    const auto work = static_cast<double>(n_ * d_) / kEntriesOfThread;
    const auto threads =
        static_cast<int>(std::clamp(work, 1.0, std::max(1.0, static_cast<double>(n_threads))));
    std::vector<Panels> panels(static_cast<std::size_t>(threads));
    parallel_for(threads, tiles_.size(), interrupt, [&](std::size_t t, int thread) {
        PointTile& tile = tiles_[t];
        tile.begin = static_cast<std::int64_t>(t) * rows;
        tile.count = std::min(rows, n_ - tile.begin);
        float* const out = values_.data() + tile.begin * d_;
        tile.values = out;
        Panels& of_thread = panels[static_cast<std::size_t>(thread)];
        of_thread.resize(static_cast<std::size_t>(is_narrow() ? rows * d_ : 0));
        fill_tile(points + tile.begin * d_, centre_.data(), d_, tile, out, of_thread);
    });
}

}  // namespace relufast
