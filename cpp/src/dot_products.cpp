// Products of one vector with some others. Built to use fused multiply-add where there is one:
// Higham's bounds hold for it, too.

#include <algorithm>

#include "any_address.hpp"
#include "relufast/column_ops.hpp"
#include "relufast/multiversion.hpp"

namespace relufast {
namespace {

// Bounds on roundings grow with the length of a sum.
constexpr std::int64_t kPart = 256;

// Eight numbers that the compiler keeps in a register or some.
using Eight = double __attribute__((vector_size(64)));
constexpr std::int64_t kEight = 8;

// Adds the products of `count` numbers of a row with those of kVectors vectors, `n` apart.
template <int kVectors>
[[gnu::always_inline]] inline void add_part(const double* row, const double* vectors,
                                            std::int64_t n, std::int64_t count, double* out) {
    Eight sums[kVectors] = {};
    std::int64_t i = 0;
    for (; i + kEight <= count; i += kEight) {
        Eight of_row;
        load(of_row, row + i);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
            Eight of_vector;
            load(of_vector, vectors + v * n + i);
            sums[v] += of_row * of_vector;
        }
    }
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
        double sum = 0.0;
        for (int lane = 0; lane < kEight; ++lane) {
            sum += sums[v][lane];
        }
        for (std::int64_t rest = i; rest < count; ++rest) {
            sum += row[rest] * vectors[v * n + rest];
        }
        out[v] += sum;
    }
}

}  // namespace

RELUFAST_MULTIVERSION
void dot_products(const double* row, const double* vectors, std::int64_t n, std::int64_t n_vectors,
                  double* out) {
    std::fill_n(out, n_vectors, 0.0);
    for (std::int64_t start = 0; start < n; start += kPart) {
        const std::int64_t count = std::min(kPart, n - start);
        std::int64_t v = 0;
        for (; v + 4 <= n_vectors; v += 4) {
            add_part<4>(row + start, vectors + v * n + start, n, count, out + v);
        }
        for (; v < n_vectors; ++v) {
            add_part<1>(row + start, vectors + v * n + start, n, count, out + v);
        }
    }
}

std::int64_t roundings_of_dot(std::int64_t n) {
    return std::min(n, kPart) + (n + kPart - 1) / kPart + 1;
}

}  // namespace relufast
