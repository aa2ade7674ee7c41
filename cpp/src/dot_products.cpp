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

// Four numbers that the compiler keeps in a register.
using Four = double __attribute__((vector_size(32)));

// Adds the products of `count` numbers of a row with those of kVectors vectors, `n` apart.
template <int kVectors>
[[gnu::always_inline]] inline void add_part(const double* row, const double* vectors,
                                            std::int64_t n, std::int64_t count, double* out) {
    // Two for each vector, so that additions do not wait for one another.
    constexpr int kFours = 2;
    Four sums[kVectors][kFours] = {};
    std::int64_t i = 0;
    for (; i + 4 * kFours <= count; i += 4 * kFours) {
#pragma GCC unroll 2
        for (int f = 0; f < kFours; ++f) {
            Four of_row;
            load(of_row, row + i + 4 * f);
#pragma GCC unroll 4
            for (int v = 0; v < kVectors; ++v) {
                Four of_vector;
                load(of_vector, vectors + v * n + i + 4 * f);
                sums[v][f] += of_row * of_vector;
            }
        }
    }
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
        const Four both = sums[v][0] + sums[v][1];
        double sum = both[0] + both[1] + both[2] + both[3];
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
