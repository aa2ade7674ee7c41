// Built to use fused multiply-add where there is one.
//
// The usual three levels: columns of a panel of h stay in the first-level cache, a block of A in
// the second, and a tile of the product in registers. Terms that are zero in a whole panel of
// columns are left out of it: neighbours on a line have almost the same neurons active.

#include "relufast/gathered_product.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "any_address.hpp"
#include "relufast/multiversion.hpp"
#include "round_up.hpp"

namespace relufast {
namespace {

constexpr std::int64_t kPanelRows = PackedBlock::kPanelRows;
constexpr std::int64_t kPanelColumns = 8;
constexpr std::int64_t kBlockRows = 6 * kPanelRows;
constexpr std::int64_t kBlockTerms = 256;
constexpr std::int64_t kSumTerms = 64;

// Numbers that the compiler keeps in registers.
using Two = double __attribute__((vector_size(16)));
using Four = double __attribute__((vector_size(32)));
using Eight = double __attribute__((vector_size(64)));

// The terms of a panel of columns that are not all zero: by each of them the entries of all columns
// of the panel, and where its own entries lie in a panel of A.
struct Terms {
    const double* entries = nullptr;
    const std::int32_t* offsets = nullptr;
    // How many there are among the first kSumTerms terms of the block, twice as many and so on.
    std::array<std::int64_t, kBlockTerms / kSumTerms> counts{};
    std::int64_t n_sums = 0;

    std::int64_t count() const { return counts[static_cast<std::size_t>(n_sums - 1)]; }
};

// A tile of kDown vectors by kAcross columns: c = sum over terms of a b, or c + that. Few terms at
// a time are summed up in registers, because bounds on roundings grow with their number.
template <class Vector, std::int64_t kDown, std::int64_t kAcross>
[[gnu::always_inline]] inline void multiply_tile(const double* __restrict a, const Terms& terms,
                                                 std::int64_t first_column, double* __restrict c,
                                                 std::int64_t stride, bool adds) {
    constexpr auto kLanes = static_cast<std::int64_t>(sizeof(Vector) / sizeof(double));
    const double* __restrict b = terms.entries + first_column;
    std::int64_t t = 0;
    for (std::int64_t sum = 0; sum < terms.n_sums; ++sum) {
        Vector sums[kAcross][kDown] = {};
        for (const std::int64_t end = terms.counts[static_cast<std::size_t>(sum)]; t < end; ++t) {
            const double* const of_term = a + terms.offsets[t];
            Vector down[kDown];
#pragma GCC unroll 3
            for (std::int64_t v = 0; v < kDown; ++v) {
                load(down[v], of_term + v * kLanes);
            }
#pragma GCC unroll 8
            for (std::int64_t j = 0; j < kAcross; ++j) {
#pragma GCC unroll 3
                for (std::int64_t v = 0; v < kDown; ++v) {
                    sums[j][v] += down[v] * b[j];
                }
            }
            b += kPanelColumns;
        }
#pragma GCC unroll 8
        for (std::int64_t j = 0; j < kAcross; ++j) {
#pragma GCC unroll 3
            for (std::int64_t v = 0; v < kDown; ++v) {
                double* const to = c + j * stride + v * kLanes;
                Vector before;
                load(before, to);
                const Vector after = adds ? before + sums[j][v] : sums[j][v];
                store(after, to);
            }
        }
        adds = true;
    }
}

// The whole tile, in parts of kDown vectors by kAcross columns.
template <class Vector, std::int64_t kDown, std::int64_t kAcross>
[[gnu::always_inline]] inline void multiply_parts(const double* a, const Terms& terms, double* c,
                                                  std::int64_t stride, bool adds) {
    constexpr auto kRows = kDown * static_cast<std::int64_t>(sizeof(Vector) / sizeof(double));
    static_assert(kPanelRows % kRows == 0 && kPanelColumns % kAcross == 0);
    for (std::int64_t row = 0; row < kPanelRows; row += kRows) {
        for (std::int64_t column = 0; column < kPanelColumns; column += kAcross) {
            multiply_tile<Vector, kDown, kAcross>(a + row, terms, column, c + column * stride + row,
                                                  stride, adds);
        }
    }
}

using Kernel = void(const double* a, const Terms& terms, double* c, std::int64_t stride, bool adds);

// For 16 registers of two numbers.
void multiply_by_twos(const double* a, const Terms& terms, double* c, std::int64_t stride,
                      bool adds) {
    multiply_parts<Two, 2, 4>(a, terms, c, stride, adds);
}

#if RELUFAST_IS_MULTIVERSION
// For 16 registers of four.
[[gnu::target("arch=x86-64-v3")]] void multiply_by_fours(const double* a, const Terms& terms,
                                                         double* c, std::int64_t stride,
                                                         bool adds) {
    multiply_parts<Four, 3, 4>(a, terms, c, stride, adds);
}

// For 32 registers of eight.
[[gnu::target("arch=x86-64-v4")]] void multiply_by_eights(const double* a, const Terms& terms,
                                                          double* c, std::int64_t stride,
                                                          bool adds) {
    multiply_parts<Eight, 3, 8>(a, terms, c, stride, adds);
}

Kernel* choose_kernel() {
    if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
        __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512bw") != 0) {
        return multiply_by_eights;
    }
    const bool has_fours =
        __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
    return has_fours ? multiply_by_fours : multiply_by_twos;
}
#else
Kernel* choose_kernel() { return multiply_by_twos; }
#endif

// The same through a tile of its own where the product has fewer rows or columns than a tile.
void multiply_edge(Kernel* kernel, const double* a, const Terms& terms, double* c,
                   std::int64_t stride, bool adds, std::int64_t n_rows, std::int64_t n_columns) {
    double tile[kPanelRows * kPanelColumns] = {};
    for (std::int64_t j = 0; j < n_columns && adds; ++j) {
        std::copy_n(c + j * stride, n_rows, tile + j * kPanelRows);
    }
    kernel(a, terms, tile, kPanelRows, adds);
    for (std::int64_t j = 0; j < n_columns; ++j) {
        std::copy_n(tile + j * kPanelRows, n_rows, c + j * stride);
    }
}

std::atomic<std::uint64_t> n_multiplications = 0;

// Writes a panel of up to eight columns, term after term.
Terms pack_columns(const double* columns, std::int64_t stride, std::int64_t n_terms,
                   std::int64_t n_columns, double* entries, std::int32_t* offsets) {
    const double* from[kPanelColumns];
    for (std::int64_t j = 0; j < kPanelColumns; ++j) {
        // What stands in the place of columns that are not there is multiplied, and left out.
        from[j] = columns + std::min(j, n_columns - 1) * stride;
    }
    Terms terms{entries, offsets};
    std::int64_t count = 0;
    for (std::int64_t t = 0; t < n_terms;) {
        for (const std::int64_t end = std::min(t + kSumTerms, n_terms); t < end; ++t) {
            // The next term takes the place of one that is zero.
            double* const to = entries + count * kPanelColumns;
            bool is_zero = true;
#pragma GCC unroll 8
            for (std::int64_t j = 0; j < kPanelColumns; ++j) {
                to[j] = from[j][t];
                is_zero = is_zero & (from[j][t] == 0.0);
            }
            offsets[count] = static_cast<std::int32_t>(t * kPanelRows);
            count += is_zero ? 0 : 1;
        }
        terms.counts[static_cast<std::size_t>(terms.n_sums++)] = count;
    }
    return terms;
}

}  // namespace

std::int64_t roundings_of_gathered(std::int64_t n_terms) {
    static_assert(kBlockTerms % kSumTerms == 0);
    return std::min(n_terms, kSumTerms) + (n_terms + kSumTerms - 1) / kSumTerms;
}

std::uint64_t gathered_multiplications() { return n_multiplications; }

void multiply_gathered(std::int64_t n_rows, std::int64_t n_terms, const FillBlock& fill,
                       const double* columns, std::int64_t n_columns, double* products,
                       ProductMemory& memory) {
    static Kernel* const kernel = choose_kernel();
    const std::int64_t n_panels = (n_columns + kPanelColumns - 1) / kPanelColumns;
    const std::int64_t longest = std::min(n_terms, kBlockTerms);
    const std::int64_t block_rows = std::min(kBlockRows, round_up(n_rows, kPanelRows));
    memory.entries.resize(
        static_cast<std::size_t>(longest * (block_rows + n_panels * kPanelColumns)));
    memory.offsets.resize(static_cast<std::size_t>(n_panels * longest));
    double* const a = memory.entries.data();
    double* const b = a + longest * block_rows;
    if (n_rows < block_rows) {
        std::fill(a, b, 0.0);  // rows that are not there
    }
    std::vector<Terms> panels(static_cast<std::size_t>(n_panels));
    std::int64_t n_multiplied = 0;
    for (std::int64_t term = 0; term < n_terms; term += kBlockTerms) {
        const std::int64_t k = std::min(kBlockTerms, n_terms - term);
        for (std::int64_t p = 0; p < n_panels; ++p) {
            const std::int64_t first = p * kPanelColumns;
            const std::int64_t n = std::min(kPanelColumns, n_columns - first);
            const Terms& terms = panels[static_cast<std::size_t>(p)] =
                pack_columns(columns + first * n_terms + term, n_terms, k, n, b + first * longest,
                             &memory.offsets[static_cast<std::size_t>(p * longest)]);
            n_multiplied += n_rows * n * terms.count();
        }
        for (std::int64_t row = 0; row < n_rows; row += kBlockRows) {
            const std::int64_t m = std::min(kBlockRows, n_rows - row);
            fill(row, term, PackedBlock(a, m, k));
            for (std::int64_t p = 0; p < n_panels; ++p) {
                const Terms& terms = panels[static_cast<std::size_t>(p)];
                const std::int64_t column = p * kPanelColumns;
                const std::int64_t n = std::min(kPanelColumns, n_columns - column);
                for (std::int64_t i = 0; i < m; i += kPanelRows) {
                    double* const c = products + column * n_rows + row + i;
                    const double* const panel = a + i * k;
                    if (m - i >= kPanelRows && n == kPanelColumns) {
                        kernel(panel, terms, c, n_rows, term > 0);
                    } else {
                        multiply_edge(kernel, panel, terms, c, n_rows, term > 0,
                                      std::min(kPanelRows, m - i), n);
                    }
                }
            }
        }
    }
    n_multiplications.fetch_add(static_cast<std::uint64_t>(n_multiplied),
                                std::memory_order_relaxed);
}

}  // namespace relufast
