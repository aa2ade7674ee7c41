#include "relufast/integer_gram.hpp"

#include <algorithm>
#include <cmath>

#include "relufast/multiversion.hpp"
#include "round_up.hpp"

namespace relufast {
namespace {

// Rows whose integers have 2-norms of no more than this have entries, and products with each other,
// and all partial sums of these, within the range of 16 and of 32 bits.
constexpr double kLargestNorm = 32767.0;

// A block of rows that the second-level cache holds twice, and what of it the first one does.
constexpr std::int64_t kBlock = 48;
constexpr std::int64_t kDown = 4;
constexpr std::int64_t kAcross = 6;
constexpr std::int64_t kTerms = 1024;
constexpr std::int64_t kRegister = 32;  // integers in the largest one

// Rounds to nearest: between 2^52 and 2^53 there is no room for fractions.
std::int16_t nearest(double value) {
    constexpr double kNoFraction = 0x1.8p52;
    return static_cast<std::int16_t>(static_cast<std::int32_t>(value + kNoFraction - kNoFraction));
}

RELUFAST_MULTIVERSION
void round_row(const double* __restrict from, double scale, std::int64_t count,
               std::int16_t* __restrict to) {
#pragma omp simd
    for (std::int64_t k = 0; k < count; ++k) {
        to[k] = nearest(from[k] * scale);
    }
}

// sums[c * kBlock + r] += row r of a times row c of b, over a multiple of kRegister terms.
[[gnu::always_inline]] inline void add_tile(const std::int16_t* __restrict a,
                                            const std::int16_t* __restrict b, std::int64_t stride,
                                            std::int64_t n_terms, std::int32_t* __restrict sums) {
    std::int32_t of_pair[kAcross][kDown] = {};
    const std::int64_t n = n_terms / kRegister * kRegister;
#pragma omp simd
    for (std::int64_t t = 0; t < n; ++t) {
#pragma GCC unroll 6
        for (std::int64_t c = 0; c < kAcross; ++c) {
#pragma GCC unroll 4
            for (std::int64_t r = 0; r < kDown; ++r) {
                of_pair[c][r] += a[r * stride + t] * b[c * stride + t];
            }
        }
    }
#pragma GCC unroll 6
    for (std::int64_t c = 0; c < kAcross; ++c) {
#pragma GCC unroll 4
        for (std::int64_t r = 0; r < kDown; ++r) {
            sums[c * kBlock + r] += of_pair[c][r];
        }
    }
}

// All products of two blocks of rows.
[[gnu::always_inline]] inline void multiply_all(const std::int16_t* a, const std::int16_t* b,
                                                std::int64_t stride, std::int32_t* sums) {
    std::fill_n(sums, kBlock * kBlock, 0);
    for (std::int64_t first = 0; first < stride; first += kTerms) {
        const std::int64_t n_terms = std::min(kTerms, stride - first);
        for (std::int64_t c = 0; c < kBlock; c += kAcross) {
            for (std::int64_t r = 0; r < kBlock; r += kDown) {
                add_tile(a + r * stride + first, b + c * stride + first, stride, n_terms,
                         sums + c * kBlock + r);
            }
        }
    }
}

RELUFAST_MULTIVERSION
void multiply_blocks(const std::int16_t* a, const std::int16_t* b, std::int64_t stride,
                     std::int32_t* sums) {
    multiply_all(a, b, stride, sums);
}

using MultiplyBlocks = void(const std::int16_t* a, const std::int16_t* b, std::int64_t stride,
                            std::int32_t* sums);

#if RELUFAST_IS_MULTIVERSION
// With instructions that multiply and add.
[[gnu::target("arch=x86-64-v4,avx512vnni")]] void multiply_blocks_by_vnni(const std::int16_t* a,
                                                                          const std::int16_t* b,
                                                                          std::int64_t stride,
                                                                          std::int32_t* sums) {
    multiply_all(a, b, stride, sums);
}

MultiplyBlocks* choose_loop() {
    const bool has_vnni =
        __builtin_cpu_supports("x86-64-v4") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
    return has_vnni ? multiply_blocks_by_vnni : multiply_blocks;
}
#else
MultiplyBlocks* choose_loop() { return multiply_blocks; }
#endif

}  // namespace

IntegerRows::IntegerRows(std::int64_t n_rows, std::int64_t length, double largest_norm)
    : n_rows_(n_rows),
      length_(length),
      stride_(round_up(length, kRegister)),
      // Rounding makes a row longer by up to a half in each entry.
      scale_((kLargestNorm - 1.0 - 0.5 * std::sqrt(static_cast<double>(length))) / largest_norm),
      entries_(static_cast<std::size_t>(round_up(n_rows, kBlock) * stride_)) {
    for (std::int64_t i = 0; i < round_up(n_rows, kBlock); ++i) {
        const std::int64_t used = i < n_rows ? length : 0;
        std::int16_t* const row = entries_.data() + i * stride_;
        std::fill(row + used, row + stride_, std::int16_t{0});
    }
}

void IntegerRows::set(std::int64_t row, const double* entries, std::int64_t stride) {
    std::int16_t* const to = entries_.data() + row * stride_;
    if (stride == 1) {
        round_row(entries, scale_, length_, to);
        return;
    }
    for (std::int64_t k = 0; k < length_; ++k) {
        to[k] = nearest(entries[k * stride] * scale_);
    }
}

double IntegerRows::rounding() const {
    return 0.5 * std::sqrt(static_cast<double>(n_rows_) * static_cast<double>(length_)) *
           (1.0 + 0x1p-30);
}

void IntegerRows::products(Buffer<float>& gram, int n_threads, const Interrupt& interrupt) const {
    gram.resize(static_cast<std::size_t>(n_rows_ * n_rows_));
    struct Blocks {
        std::int64_t row;
        std::int64_t column;
    };
    std::vector<Blocks> blocks;
    for (std::int64_t column = 0; column < n_rows_; column += kBlock) {
        for (std::int64_t row = 0; row <= column; row += kBlock) {
            blocks.push_back({row, column});
        }
    }
    static MultiplyBlocks* const multiply = choose_loop();
    parallel_for(n_threads, blocks.size(), interrupt, [&](std::size_t i, int) {
        const auto [row, column] = blocks[i];
        std::int32_t sums[kBlock * kBlock];
        multiply(this->row(row), this->row(column), stride_, sums);
        const std::int64_t n_down = std::min(kBlock, n_rows_ - row);
        const std::int64_t n_across = std::min(kBlock, n_rows_ - column);
        for (std::int64_t c = 0; c < n_across; ++c) {
            std::transform(sums + c * kBlock, sums + c * kBlock + n_down,
                           gram.data() + (column + c) * n_rows_ + row,
                           [](std::int32_t sum) { return static_cast<float>(sum); });
        }
    });
}

}  // namespace relufast
