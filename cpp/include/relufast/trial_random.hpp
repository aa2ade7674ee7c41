#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace relufast {

// Random numbers for many trials in a row: eight xoshiro256++ generators side by side (Blackman and
// Vigna, ACM Trans. Math. Softw. 47(4), 2021), which run in one vector register. The same bits on
// every machine. Unlike the streams of normals.hpp, which tell a row by its number, this one only
// goes forward, at half the cost.
class TrialRandom {
 public:
    static constexpr std::size_t kLanes = 8;
    static constexpr std::size_t kStateWords = 4 * kLanes;

    // Seeds the lanes with independent random words, four for each.
    explicit TrialRandom(const std::uint64_t* words);

    // The next `count` standard normals.
    void normals(double* out, std::int64_t count);

    // The next word; `expected` is how many the caller thinks to take, this one included.
    std::uint64_t next(std::int64_t expected) {
        if (position_ == end_) [[unlikely]] {
            refill(expected);
        }
        return words_[position_++];
    }

 private:
    void refill(std::int64_t expected);

    static constexpr std::size_t kSteps = 32;

    alignas(64) std::array<std::array<std::uint64_t, kLanes>, 4> state_;
    alignas(64) std::array<std::uint64_t, kSteps * kLanes> words_;
    std::size_t position_ = 0;
    std::size_t end_ = 0;
};

}  // namespace relufast
