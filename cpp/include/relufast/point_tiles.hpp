// Points in float32, tile by tile, as the filter of directional extremes reads them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "relufast/buffer.hpp"
#include "relufast/threads.hpp"
#include "relufast/tile_values.hpp"

namespace relufast {

// Of a tile the entries are (x - centre) * 2^-exponent, rounded to float32: the largest of them is
// between 1/2 and 1 in size, or all are zero.
struct PointTile {
    std::int64_t begin = 0;  // its points in the set
    std::int64_t count = 0;
    int exponent = 0;
    double radius = 0.0;  // an upper bound of the norms of its scaled points; infinite if unknown
    const float* values = nullptr;
};

// Does not own the points, which have to stay as they are.
class PointTiles {
 public:
    // In few dimensions a tile is a row of panels of kPanelPoints points, coordinate after
    // coordinate, the last point repeated up to the end. In more it has the points one after the
    // other, as BLAS takes them.
    static constexpr std::int64_t kNarrowDimension = 64;
    static constexpr std::int64_t kNarrowRows = 1024;
    static constexpr std::int64_t kWideRows = 256;

    // Row-major points, n of them, of dimension d. The differences of dot products do not depend on
    // the centre, so that any will do; near the points it makes bounds small. The same one has to
    // be used for all parts of a set. An empty one stands for a mean of points.
    PointTiles(const double* points, std::int64_t n, std::int64_t d, std::vector<double> centre,
               int n_threads, const Interrupt& interrupt);
    PointTiles(const float* points, std::int64_t n, std::int64_t d, std::vector<double> centre,
               int n_threads, const Interrupt& interrupt);

    std::int64_t n_points() const { return n_; }
    std::int64_t dimension() const { return d_; }
    bool is_narrow() const { return d_ <= kNarrowDimension; }
    const std::vector<double>& centre() const { return centre_; }
    std::span<const PointTile> tiles() const { return tiles_; }

    // The point itself, exactly.
    void copy_point(std::int64_t i, double* out) const;

 private:
    template <class T>
    void fill(const T* points, int n_threads, const Interrupt& interrupt);

    std::int64_t n_;
    std::int64_t d_;
    std::vector<double> centre_;
    const double* doubles_ = nullptr;
    const float* floats_ = nullptr;
    std::vector<PointTile> tiles_;
    Buffer<float> values_;
};

}  // namespace relufast
