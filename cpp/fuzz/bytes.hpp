// What a fuzzer's input decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace relufast::fuzz {

// The first four bytes are a seed, the others decisions, one a byte. Past the end decisions come
// from the seed, so that a short input makes a whole network, and a longer one rules more of it.
class Bytes {
 public:
    explicit Bytes(std::span<const std::uint8_t> input) {
        for (; position_ < 4 && position_ < input.size(); ++position_) {
            state_ = state_ << 8 | input[position_];
        }
        rest_ = input.subspan(position_);
        position_ = 0;
    }

    std::uint8_t next() {
        return position_ < rest_.size() ? rest_[position_++]
                                        : static_cast<std::uint8_t>(random() >> 56);
    }

    // One of 0 .. n - 1, n at most 256.
    int below(int n) { return next() % n; }
    bool one_in(int n) { return below(n) == n - 1; }

    template <class T>
    T among(std::initializer_list<T> choices) {
        return choices.begin()[below(static_cast<int>(choices.size()))];
    }

    std::uint64_t word() {
        std::uint64_t bits = 0;
        for (int i = 0; i < 8; ++i) {
            bits = bits << 8 | next();
        }
        return bits;
    }

 private:
    std::uint64_t random() {  // SplitMix64
        state_ += 0x9e3779b97f4a7c15;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
        return mixed ^ (mixed >> 31);
    }

    std::span<const std::uint8_t> rest_;
    std::size_t position_ = 0;
    std::uint64_t state_ = 0;
};

}  // namespace relufast::fuzz
