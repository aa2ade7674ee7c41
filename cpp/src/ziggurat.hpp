// Standard normals out of random 64-bit words (Marsaglia and Tsang, J. Stat. Softw. 5(8), 2000),
// the same bits on every machine. A source of words has next(expected): `expected` is how many
// words, this one included, the caller thinks to take, a guess that only bounds what is computed
// ahead.
#pragma once

#include <cstddef>
#include <cstdint>

#include "portable_math.hpp"
#include "ziggurat_tables.hpp"

namespace relufast::ziggurat {

// The upper 52 bits as an odd multiple of 2^-53: in (0, 1), symmetric about 1/2.
inline double uniform(std::uint64_t word) {
    return static_cast<double>((word >> 11) | 1) * 0x1p-53;
}

// A normal beyond the start r of the tail (Marsaglia 1964): r + E/r for an exponential E, kept with
// probability exp(-(E/r)^2 / 2).
template <class Words>
double tail(Words& words) {
    for (;;) {
        const double excess = -portable::log_positive(uniform(words.next(1))) / kTailStart;
        const double exponential = -portable::log_positive(uniform(words.next(1)));
        if (2.0 * exponential > excess * excess) {
            return kTailStart + excess;
        }
    }
}

template <class Words>
bool below_density(double x, std::size_t layer, Words& words) {
    const double bottom = kDensity[layer];
    const double height = kDensity[layer + 1] - bottom;
    const double ordinate = bottom + portable::rounded(height * uniform(words.next(1)));
    return ordinate < portable::exp_nonpositive(-0.5 * (x * x));
}

// The next normal, mostly from one word.
template <class Words>
double next_normal(Words& words, std::int64_t expected) {
    for (;;) {
        // The layer takes the lowest 8 bits, the signed abscissa the upper 52 and an appended
        // 1: no bit serves both, which would tie a value to its layer (Doornik 2005).
        const std::uint64_t word = words.next(expected);
        const auto layer = static_cast<std::size_t>(word & 255);
        const std::int64_t k = (static_cast<std::int64_t>(word) >> 11) | 1;
        const auto& [step, inner] = kLayers[layer];
        const double x = static_cast<double>(k) * step;
        if ((k < 0 ? -k : k) < inner) [[likely]] {
            return x;
        }
        if (layer == 0) {
            const double beyond = tail(words);
            return k < 0 ? -beyond : beyond;
        }
        if (below_density(x, layer, words)) {
            return x;
        }
    }
}

}  // namespace relufast::ziggurat
