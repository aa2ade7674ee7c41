#pragma once

#include <cstddef>
#include <cstdint>

#include "relufast/buffer.hpp"

namespace relufast {

// Numbers that begin with a cache line, so that vectors of eight lie in one each. It leaves new
// ones as they are, and loses the old ones when its size changes.
class AlignedArray {
 public:
    AlignedArray() = default;
    AlignedArray(AlignedArray&&) = default;
    AlignedArray& operator=(AlignedArray&&) = default;
    // A copy would lie otherwise.
    AlignedArray(const AlignedArray&) = delete;
    AlignedArray& operator=(const AlignedArray&) = delete;

    void resize(std::size_t size) { memory_.resize(size + kLine - 1); }
    double* data() { return memory_.data() + offset(); }
    const double* data() const { return memory_.data() + offset(); }

 private:
    std::size_t offset() const {
        const auto address = reinterpret_cast<std::uintptr_t>(memory_.data()) / sizeof(double);
        return (kLine - address % kLine) % kLine;
    }

    static constexpr std::size_t kLine = 64 / sizeof(double);

    Buffer<double> memory_;
};

}  // namespace relufast
