// Built to use fused multiply-add where there is one: the bound that these products are held
// against allows it.
#include "relufast/tile_values.hpp"

#include <bit>
#include <limits>

#include "any_address.hpp"
#include "relufast/multiversion.hpp"

namespace relufast {
namespace {

// Eight numbers that the compiler keeps in a register.
using Eight = float __attribute__((vector_size(32)));
constexpr std::int64_t kEight = 8;

struct EightRanges {
    Eight lowest = Eight{} + std::numeric_limits<float>::infinity();
    Eight highest = Eight{} - std::numeric_limits<float>::infinity();

    [[gnu::always_inline]] inline void take(const Eight& values) {
        lowest = values < lowest ? values : lowest;
        highest = values > highest ? values : highest;
    }

    [[gnu::always_inline]] inline void take(const EightRanges& other) {
        lowest = other.lowest < lowest ? other.lowest : lowest;
        highest = other.highest > highest ? other.highest : highest;
    }

    [[gnu::always_inline]] inline FloatRange of_all() const {
        FloatRange range{lowest[0], highest[0]};
        for (int i = 1; i < kEight; ++i) {
            range.lowest = lowest[i] < range.lowest ? lowest[i] : range.lowest;
            range.highest = highest[i] > range.highest ? highest[i] : range.highest;
        }
        return range;
    }
};

using EightMasks = std::int32_t __attribute__((vector_size(32)));
constexpr std::int64_t kLook = 128;

// Whether one of 128 values is.
[[gnu::always_inline]] inline bool any_at_least(float threshold, float sign, const float* values) {
    Eight first;
    load(first, values);
    Eight greatest = sign * first;
#pragma GCC unroll 16
    for (std::int64_t k = 1; k < kLook / kEight; ++k) {
        Eight next;
        load(next, values + k * kEight);
        next *= sign;
        greatest = next > greatest ? next : greatest;
    }
    EightMasks masks = greatest >= threshold;
    masks |= __builtin_shufflevector(masks, masks, 4, 5, 6, 7, 0, 1, 2, 3);
    masks |= __builtin_shufflevector(masks, masks, 2, 3, 0, 1, 6, 7, 4, 5);
    masks |= __builtin_shufflevector(masks, masks, 1, 0, 3, 2, 5, 4, 7, 6);
    return masks[0] != 0;
}

using EightBits = std::uint32_t __attribute__((vector_size(32)));
constexpr std::int64_t kBits = 32;

// A bit for each of 32 values that is at least the threshold.
[[gnu::always_inline]] inline std::uint32_t at_least(float threshold, float sign,
                                                     const float* values) {
    EightBits bits = {};
    EightBits of_lanes = {1, 2, 4, 8, 16, 32, 64, 128};
#pragma GCC unroll 4
    for (int k = 0; k < kBits / kEight; ++k) {
        Eight eight;
        load(eight, values + k * kEight);
        bits |= sign * eight >= threshold ? of_lanes : EightBits{};
        of_lanes <<= kEight;
    }
    // Halves upon halves, all in registers.
    bits |= __builtin_shufflevector(bits, bits, 4, 5, 6, 7, 0, 1, 2, 3);
    bits |= __builtin_shufflevector(bits, bits, 2, 3, 0, 1, 6, 7, 4, 5);
    bits |= __builtin_shufflevector(bits, bits, 1, 0, 3, 2, 5, 4, 7, 6);
    return bits[0];
}

}  // namespace

RELUFAST_MULTIVERSION
std::int64_t next_at_least(float threshold, float sign, const float* values, std::int64_t begin,
                           std::int64_t n) {
    std::int64_t p = begin;
    // Mostly there are none in many.
    for (; p + kLook <= n; p += kLook) {
        if (any_at_least(threshold, sign, values + p)) {
            break;
        }
    }
    for (; p + kBits <= n; p += kBits) {
        if (const std::uint32_t bits = at_least(threshold, sign, values + p)) {
            return p + std::countr_zero(bits);
        }
    }
    while (p < n && !(sign * values[p] >= threshold)) {
        ++p;
    }
    return p;
}

RELUFAST_MULTIVERSION
FloatRange float_range(const float* values, std::int64_t n) {
    EightRanges even;
    EightRanges odd;
    std::int64_t i = 0;
    for (; i + 2 * kEight <= n; i += 2 * kEight) {
        Eight eight;
        load(eight, values + i);
        even.take(eight);
        load(eight, values + i + kEight);
        odd.take(eight);
    }
    even.take(odd);
    FloatRange range = even.of_all();
    for (; i < n; ++i) {
        range.lowest = values[i] < range.lowest ? values[i] : range.lowest;
        range.highest = values[i] > range.highest ? values[i] : range.highest;
    }
    return range;
}

RELUFAST_MULTIVERSION
FloatRange panel_values(const float* direction, std::int64_t d, const float* panels,
                        std::int64_t n_panels, float* values) {
    constexpr int kRegisters = kPanelPoints / kEight;
    // One for each register, so that their comparisons do not wait for one another.
    EightRanges ranges[kRegisters];
    for (std::int64_t panel = 0; panel < n_panels; ++panel) {
        Eight sums[kRegisters] = {};
        for (std::int64_t i = 0; i < d; ++i) {
            const float factor = direction[i];
#pragma GCC unroll 4
            for (int k = 0; k < kRegisters; ++k) {
                Eight points;
                load(points, panels + k * kEight);
                sums[k] += factor * points;
            }
            panels += kPanelPoints;
        }
#pragma GCC unroll 4
        for (int k = 0; k < kRegisters; ++k) {
            store(sums[k], values + k * kEight);
            ranges[k].take(sums[k]);
        }
        values += kPanelPoints;
    }
    for (int k = 1; k < kRegisters; ++k) {
        ranges[0].take(ranges[k]);
    }
    return ranges[0].of_all();
}

}  // namespace relufast
