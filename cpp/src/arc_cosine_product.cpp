#include "relufast/arc_cosine_product.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "relufast/blas.hpp"
#include "relufast/tile_pairs.hpp"

namespace relufast {
namespace {

// Rows of a tile: it stays in the second-level cache, and products this large run at full speed.
constexpr std::int64_t kTileRows = 192;

std::int64_t blocks(std::int64_t n) { return (n + kTileRows - 1) / kTileRows; }

// Some rows of a row-major matrix.
template <class T>
struct Rows {
    Rows(const T* matrix, std::int64_t block, std::int64_t n, std::int64_t width)
        : begin(block * kTileRows),
          count(std::min(kTileRows, n - begin)),
          values(matrix + begin * width) {}

    std::int64_t begin;
    std::int64_t count;
    const T* values;
};

// The function at the cosines between a and b. The tile is column-major: entry (i, j) of a row of a
// and one of b is at i + j * a.count.
template <class T>
void fill_tile(ArcCosineDegree degree, const Rows<T>& a, const Rows<T>& b, std::int64_t d,
               T* tile) {
    blas::gemm('T', 'N', a.count, b.count, d, T(1), a.values, d, b.values, d, T(0), tile, a.count);
    apply_arc_cosine(degree, tile, static_cast<std::size_t>(a.count * b.count));
}

// Of a with itself, where the diagonal is known: the cosine is 1.
template <class T>
void fill_diagonal_tile(ArcCosineDegree degree, const Rows<T>& a, std::int64_t d, T* tile) {
    blas::gemm('T', 'N', a.count, a.count, d, T(1), a.values, d, a.values, d, T(0), tile, a.count);
    for (std::int64_t i = 0; i < a.count; ++i) {
        tile[i * (a.count + 1)] = T(1);
        for (std::int64_t j = 0; j < i; ++j) {
            tile[i + j * a.count] = tile[j + i * a.count];
        }
    }
    apply_arc_cosine(degree, tile, static_cast<std::size_t>(a.count * a.count));
}

template <class T>
class TilePerThread {
 public:
    explicit TilePerThread(int n_threads)
        : tiles_(static_cast<std::size_t>(std::max(1, n_threads))) {}

    T* at(int thread) {
        auto& tile = tiles_[static_cast<std::size_t>(thread)];
        tile.resize(static_cast<std::size_t>(kTileRows * kTileRows));
        return tile.data();
    }

 private:
    std::vector<std::vector<T>> tiles_;
};

template <class T>
void product_of(ArcCosineDegree degree, std::int64_t m, std::int64_t d, const T* directions,
                std::int64_t k, const T* v, T* y, int n_threads, const Interrupt& interrupt) {
    if (k == 0) {
        return;  // BLAS takes no leading dimension of 0
    }
    TilePerThread<T> tiles(n_threads);
    for_each_pair(blocks(m), n_threads, interrupt, [&](std::int64_t i, std::int64_t j, int thread) {
        T* const tile = tiles.at(thread);
        const Rows<T> a(directions, i, m, d);
        T* const ya = y + a.begin * k;
        if (i == j) {
            fill_diagonal_tile(degree, a, d, tile);
            blas::gemm('N', 'N', k, a.count, a.count, T(1), v + a.begin * k, k, tile, a.count, T(0),
                       ya, k);
            return;
        }
        const Rows<T> b(directions, j, m, d);
        fill_tile(degree, a, b, d, tile);
        blas::gemm('N', 'T', k, a.count, b.count, T(1), v + b.begin * k, k, tile, a.count, T(1), ya,
                   k);
        blas::gemm('N', 'N', k, b.count, a.count, T(1), v + a.begin * k, k, tile, a.count, T(1),
                   y + b.begin * k, k);
    });
}

}  // namespace

void arc_cosine_product(ArcCosineDegree degree, std::int64_t m, std::int64_t d,
                        const double* directions, std::int64_t k, const double* v, double* y,
                        int n_threads, const Interrupt& interrupt) {
    product_of(degree, m, d, directions, k, v, y, n_threads, interrupt);
}

void arc_cosine_product(ArcCosineDegree degree, std::int64_t m, std::int64_t d,
                        const float* directions, std::int64_t k, const float* v, float* y,
                        int n_threads, const Interrupt& interrupt) {
    product_of(degree, m, d, directions, k, v, y, n_threads, interrupt);
}

void arc_cosine_gram(ArcCosineDegree degree, std::int64_t m, std::int64_t d,
                     const double* directions, double* gram, int n_threads,
                     const Interrupt& interrupt) {
    TilePerThread<double> tiles(n_threads);
    for_each_pair(blocks(m), n_threads, interrupt, [&](std::int64_t i, std::int64_t j, int thread) {
        double* const tile = tiles.at(thread);
        const Rows a(directions, i, m, d);
        const Rows b(directions, j, m, d);
        if (i == j) {
            fill_diagonal_tile(degree, a, d, tile);
        } else {
            fill_tile(degree, a, b, d, tile);
        }
        for (std::int64_t column = 0; column < b.count; ++column) {
            const double* const from = tile + column * a.count;
            std::copy_n(from, a.count, gram + (b.begin + column) * m + a.begin);
            if (i != j) {
                double* const to = gram + a.begin * m + b.begin + column;
                for (std::int64_t row = 0; row < a.count; ++row) {
                    to[row * m] = from[row];
                }
            }
        }
    });
}

void arc_cosine_cross_gram(ArcCosineDegree degree, std::int64_t m, std::int64_t n, std::int64_t d,
                           const double* directions, const double* others, double* gram,
                           int n_threads, const Interrupt& interrupt) {
    TilePerThread<double> tiles(n_threads);
    const std::int64_t across = blocks(n);
    parallel_for(n_threads, static_cast<std::size_t>(blocks(m) * across), interrupt,
                 [&](std::size_t index, int thread) {
                     double* const tile = tiles.at(thread);
                     const auto pair = static_cast<std::int64_t>(index);
                     const Rows a(directions, pair / across, m, d);
                     const Rows b(others, pair % across, n, d);
                     fill_tile(degree, b, a, d, tile);
                     for (std::int64_t row = 0; row < a.count; ++row) {
                         std::copy_n(tile + row * b.count, b.count,
                                     gram + (a.begin + row) * n + b.begin);
                     }
                 });
}

}  // namespace relufast
