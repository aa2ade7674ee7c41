// Built to use fused multiply-add where there is one.
//
// The usual three levels: columns of a panel of h stay in the first-level cache, a block of A in
// the second, and a tile of the product in registers. Terms that are zero in a whole panel of
// columns are left out of it: neighbours on a line have almost the same neurons active.

#include "relufast/gathered_product.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <type_traits>

#include "any_address.hpp"
#include "relufast/multiversion.hpp"
#include "round_up.hpp"

namespace relufast {
namespace {

template <class Number>
constexpr std::int64_t kPanelRows = PackedBlock<Number>::kPanelRows;
constexpr std::int64_t kPanelColumns = 8;
template <class Number>
constexpr std::int64_t kBlockRows = 6 * kPanelRows<Number>;
constexpr std::int64_t kBlockTerms = 256;
constexpr std::int64_t kSumTerms = 64;

// Numbers that the compiler keeps in a register.
template <class Number>
struct Registers;

template <>
struct Registers<double> {
    using Of16Bytes = double __attribute__((vector_size(16)));
    using Of32Bytes = double __attribute__((vector_size(32)));
    using Of64Bytes = double __attribute__((vector_size(64)));
};

template <>
struct Registers<float> {
    using Of16Bytes = float __attribute__((vector_size(16)));
    using Of32Bytes = float __attribute__((vector_size(32)));
    using Of64Bytes = float __attribute__((vector_size(64)));
};

// The terms of a panel of columns that are not all zero: by each of them the entries of all columns
// of the panel, and where its own entries lie in a panel of A.
template <class Number>
struct Terms {
    const Number* entries = nullptr;
    const std::int32_t* offsets = nullptr;
    // How many there are among the first kSumTerms terms of the block, twice as many and so on.
    std::array<std::int64_t, kBlockTerms / kSumTerms> counts{};
    std::int64_t n_sums = 0;

    std::int64_t count() const { return counts[static_cast<std::size_t>(n_sums - 1)]; }
};

// A tile of kDown vectors by kAcross columns: c = sum over terms of a b, or c + that. Few terms at
// a time are summed up in registers, because bounds on roundings grow with their number.
template <class Vector, std::int64_t kDown, std::int64_t kAcross, class Number>
[[gnu::always_inline]] inline void multiply_tile(const Number* __restrict a,
                                                 const Terms<Number>& terms,
                                                 std::int64_t first_column, Number* __restrict c,
                                                 std::int64_t stride, bool adds) {
    constexpr auto kLanes = static_cast<std::int64_t>(sizeof(Vector) / sizeof(Number));
    const Number* __restrict b = terms.entries + first_column;
    std::int64_t t = 0;
    for (std::int64_t sum = 0; sum < terms.n_sums; ++sum) {
        Vector sums[kAcross][kDown] = {};
        for (const std::int64_t end = terms.counts[static_cast<std::size_t>(sum)]; t < end; ++t) {
            const Number* const of_term = a + terms.offsets[t];
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
                Number* const to = c + j * stride + v * kLanes;
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
template <class Vector, std::int64_t kDown, std::int64_t kAcross, class Number>
[[gnu::always_inline]] inline void multiply_parts(const Number* a, const Terms<Number>& terms,
                                                  Number* c, std::int64_t stride, bool adds) {
    constexpr auto kRows = kDown * static_cast<std::int64_t>(sizeof(Vector) / sizeof(Number));
    static_assert(kPanelRows<Number> % kRows == 0 && kPanelColumns % kAcross == 0);
    for (std::int64_t row = 0; row < kPanelRows<Number>; row += kRows) {
        for (std::int64_t column = 0; column < kPanelColumns; column += kAcross) {
            multiply_tile<Vector, kDown, kAcross>(a + row, terms, column, c + column * stride + row,
                                                  stride, adds);
        }
    }
}

template <class Number>
using Kernel = void(const Number* a, const Terms<Number>& terms, Number* c, std::int64_t stride,
                    bool adds);

// For 16 registers of 16 bytes.
template <class Number>
void multiply_plainly(const Number* a, const Terms<Number>& terms, Number* c, std::int64_t stride,
                      bool adds) {
    multiply_parts<typename Registers<Number>::Of16Bytes, 2, 4>(a, terms, c, stride, adds);
}

#if RELUFAST_IS_MULTIVERSION
// For 16 registers of 32.
template <class Number>
[[gnu::target("arch=x86-64-v3")]] void multiply_by_avx2(const Number* a, const Terms<Number>& terms,
                                                        Number* c, std::int64_t stride, bool adds) {
    multiply_parts<typename Registers<Number>::Of32Bytes, 3, 4>(a, terms, c, stride, adds);
}

// For 32 registers of 64.
template <class Number>
[[gnu::target("arch=x86-64-v4")]] void multiply_by_avx512(const Number* a,
                                                          const Terms<Number>& terms, Number* c,
                                                          std::int64_t stride, bool adds) {
    multiply_parts<typename Registers<Number>::Of64Bytes, 3, 8>(a, terms, c, stride, adds);
}

template <class Number>
Kernel<Number>* choose_kernel() {
    if (__builtin_cpu_supports("x86-64-v4") != 0) {
        return multiply_by_avx512<Number>;
    }
    return __builtin_cpu_supports("x86-64-v3") != 0 ? multiply_by_avx2<Number>
                                                    : multiply_plainly<Number>;
}
#else
template <class Number>
Kernel<Number>* choose_kernel() {
    return multiply_plainly<Number>;
}
#endif

// The same through a tile of its own where the product has fewer rows or columns than a tile.
template <class Number>
void multiply_edge(Kernel<Number>* kernel, const Number* a, const Terms<Number>& terms, Number* c,
                   std::int64_t stride, bool adds, std::int64_t n_rows, std::int64_t n_columns) {
    constexpr std::int64_t kRows = kPanelRows<Number>;
    Number tile[kRows * kPanelColumns] = {};
    for (std::int64_t j = 0; j < n_columns && adds; ++j) {
        std::copy_n(c + j * stride, n_rows, tile + j * kRows);
    }
    kernel(a, terms, tile, kRows, adds);
    for (std::int64_t j = 0; j < n_columns; ++j) {
        std::copy_n(tile + j * kRows, n_rows, c + j * stride);
    }
}

template <class Number>
std::atomic<std::uint64_t> n_multiplications = 0;

template <class Number>
using BitsOf = std::conditional_t<sizeof(Number) == 8, std::uint64_t, std::uint32_t>;

// Writes a panel of up to eight columns, term after term.
template <class Number>
Terms<Number> pack_columns(const Number* columns, std::int64_t stride, std::int64_t n_terms,
                           std::int64_t n_columns, Number* entries, std::int32_t* offsets) {
    const Number* from[kPanelColumns];
    for (std::int64_t j = 0; j < kPanelColumns; ++j) {
        // What stands in the place of columns that are not there is multiplied, and left out.
        from[j] = columns + std::min(j, n_columns - 1) * stride;
    }
    Terms<Number> terms{entries, offsets};
    std::int64_t count = 0;
    for (std::int64_t t = 0; t < n_terms;) {
        for (const std::int64_t end = std::min(t + kSumTerms, n_terms); t < end; ++t) {
            // The next term takes the place of one that is zero. Bits are told from those of zeros
            // faster than numbers are.
            Number* const to = entries + count * kPanelColumns;
            BitsOf<Number> of_any = 0;
#pragma GCC unroll 8
            for (std::int64_t j = 0; j < kPanelColumns; ++j) {
                BitsOf<Number> bits;
                load(bits, from[j] + t);
                store(bits, to + j);
                of_any |= bits;
            }
            offsets[count] = static_cast<std::int32_t>(t * kPanelRows<Number>);
            const bool is_zero = static_cast<BitsOf<Number>>(of_any << 1) == 0;  // -0 is, too
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

GatheredMultiplications gathered_multiplications() {
    return {n_multiplications<double>, n_multiplications<float>};
}

template <class Number>
void multiply_gathered(std::int64_t n_rows, std::int64_t n_terms, const FillBlock<Number>& fill,
                       const Number* columns, std::int64_t n_columns, Number* products,
                       ProductMemory<Number>& memory) {
    static Kernel<Number>* const kernel = choose_kernel<Number>();
    constexpr std::int64_t kRows = kPanelRows<Number>;
    const std::int64_t n_panels = (n_columns + kPanelColumns - 1) / kPanelColumns;
    const std::int64_t longest = std::min(n_terms, kBlockTerms);
    const std::int64_t block_rows = std::min(kBlockRows<Number>, round_up(n_rows, kRows));
    memory.entries.resize(
        static_cast<std::size_t>(longest * (block_rows + n_panels * kPanelColumns)));
    memory.offsets.resize(static_cast<std::size_t>(n_panels * longest));
    Number* const a = memory.entries.data();
    Number* const b = a + longest * block_rows;
    if (n_rows < block_rows) {
        std::fill(a, b, Number(0));  // rows that are not there
    }
    std::vector<Terms<Number>> panels(static_cast<std::size_t>(n_panels));
    std::int64_t n_multiplied = 0;
    for (std::int64_t term = 0; term < n_terms; term += kBlockTerms) {
        const std::int64_t k = std::min(kBlockTerms, n_terms - term);
        for (std::int64_t p = 0; p < n_panels; ++p) {
            const std::int64_t first = p * kPanelColumns;
            const std::int64_t n = std::min(kPanelColumns, n_columns - first);
            const Terms<Number>& terms = panels[static_cast<std::size_t>(p)] =
                pack_columns(columns + first * n_terms + term, n_terms, k, n, b + first * longest,
                             &memory.offsets[static_cast<std::size_t>(p * longest)]);
            n_multiplied += n_rows * n * terms.count();
        }
        for (std::int64_t row = 0; row < n_rows; row += kBlockRows<Number>) {
            const std::int64_t m = std::min(kBlockRows<Number>, n_rows - row);
            fill(row, term, PackedBlock<Number>(a, m, k));
            for (std::int64_t p = 0; p < n_panels; ++p) {
                const Terms<Number>& terms = panels[static_cast<std::size_t>(p)];
                const std::int64_t column = p * kPanelColumns;
                const std::int64_t n = std::min(kPanelColumns, n_columns - column);
                for (std::int64_t i = 0; i < m; i += kRows) {
                    Number* const c = products + column * n_rows + row + i;
                    const Number* const panel = a + i * k;
                    if (m - i >= kRows && n == kPanelColumns) {
                        kernel(panel, terms, c, n_rows, term > 0);
                    } else {
                        multiply_edge(kernel, panel, terms, c, n_rows, term > 0,
                                      std::min(kRows, m - i), n);
                    }
                }
            }
        }
    }
    n_multiplications<Number>.fetch_add(static_cast<std::uint64_t>(n_multiplied),
                                        std::memory_order_relaxed);
}

template void multiply_gathered(std::int64_t, std::int64_t, const FillBlock<double>&, const double*,
                                std::int64_t, double*, ProductMemory<double>&);
template void multiply_gathered(std::int64_t, std::int64_t, const FillBlock<float>&, const float*,
                                std::int64_t, float*, ProductMemory<float>&);

}  // namespace relufast
