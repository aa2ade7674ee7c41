#include "relufast/normals.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include "relufast/philox.hpp"
#include "ziggurat.hpp"

namespace relufast {
namespace {

// The last counter word tells apart the uses of one seed; a new use takes a new tag.
constexpr std::uint64_t kNetworkDomain = 1;
constexpr std::uint64_t kDirectionDomain = 2;

// The 64-bit words of one stream. Several blocks are computed at once, because one block is a chain
// of ten dependent multiplications, which overlaps well with other blocks' chains.
class WordStream {
 public:
    WordStream(std::uint64_t domain, std::uint64_t seed, std::uint64_t layer, std::uint64_t row)
        : key_{seed, 0}, counter_{0, row, layer, domain} {}

    // `expected` is how many words, this one included, the caller thinks to take: a guess that only
    // bounds what is computed ahead.
    std::uint64_t next(std::int64_t expected) {
        if (position_ == end_) [[unlikely]] {
            refill(expected);
        }
        return words_[position_++];
    }

 private:
    static constexpr std::size_t kBlocks = 32;

    [[gnu::noinline]] void refill(std::int64_t expected) {
        const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(expected, 1));
        const std::size_t blocks = std::min(kBlocks, (wanted - 1) / 4 + 1);
        for (std::size_t b = 0; b < blocks; ++b) {
            const PhiloxCounter block = philox4x64(counter_, key_);
            std::copy(block.begin(), block.end(), words_.begin() + 4 * b);
            ++counter_[0];
        }
        position_ = 0;
        end_ = 4 * blocks;
    }

    PhiloxKey key_;
    PhiloxCounter counter_;
    std::size_t position_ = 0;
    std::size_t end_ = 0;
    std::array<std::uint64_t, 4 * kBlocks> words_;
};

class NormalStream {
 public:
    NormalStream(std::uint64_t domain, std::uint64_t seed, std::uint64_t layer, std::uint64_t row)
        : words_(domain, seed, layer, row) {}

    // `more`: how many of the stream are wanted after these.
    void fill(double* out, std::int64_t count, std::int64_t more = 0) {
        for (std::int64_t i = 0; i < count; ++i) {
            out[i] = ziggurat::next_normal(words_, count - i + more);
        }
    }

 private:
    WordStream words_;
};

}  // namespace

void normals(std::uint64_t seed, std::uint64_t layer, std::uint64_t row, double* out,
             std::int64_t count) {
    NormalStream(kNetworkDomain, seed, layer, row).fill(out, count);
}

void fill_layer(std::uint64_t seed, std::uint64_t layer, std::uint64_t row_begin,
                std::uint64_t row_end, std::int64_t fan_in, double weight_scale, double bias_scale,
                double* weights, double* biases) {
    if (layer == 0) throw std::invalid_argument("layer is 0, but layers count from 1");
    if (row_begin > row_end) throw std::invalid_argument("row_begin is greater than row_end");
    if (fan_in < 0) throw std::invalid_argument("fan_in is negative");
    for (std::uint64_t row = row_begin; row < row_end; ++row) {
        NormalStream stream(kNetworkDomain, seed, layer, row);
        stream.fill(biases, 1, fan_in);
        // Adding 0 turns the -0 of a zero scale into 0.
        *biases = *biases * bias_scale + 0.0;
        ++biases;
        stream.fill(weights, fan_in);
        for (const double* end = weights + fan_in; weights < end; ++weights) {
            *weights *= weight_scale;
        }
    }
}

void gaussian_directions(std::uint64_t seed, std::uint64_t space, std::uint64_t first,
                         std::int64_t count, std::int64_t dimension, double* out) {
    if (count < 0) throw std::invalid_argument("count is negative");
    if (dimension < 0) throw std::invalid_argument("dimension is negative");
    for (std::int64_t i = 0; i < count; ++i) {
        NormalStream(kDirectionDomain, seed, space, first + static_cast<std::uint64_t>(i))
            .fill(out + i * dimension, dimension);
    }
}

}  // namespace relufast
