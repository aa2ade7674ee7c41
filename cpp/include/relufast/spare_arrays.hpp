#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace relufast {

// Arrays that were given back, for those that are asked for next: the system clears pages before it
// hands them out, which takes up to a fifth of a call. All from malloc or its kin.
class SpareArrays {
 public:
    // That keeps up to so many bytes.
    explicit SpareArrays(std::size_t most_bytes);
    SpareArrays(const SpareArrays&) = delete;
    SpareArrays& operator=(const SpareArrays&) = delete;
    ~SpareArrays() { free_all(); }

    // The smallest that is large enough, and no more than twice so; or null, and then others that
    // nobody took for long are freed in its place.
    void* take(std::size_t n_bytes);
    // Whether it is kept, and not the caller's to free. The oldest make room.
    bool keep(void* memory, std::size_t n_bytes) noexcept;
    void free_all() noexcept;

 private:
    struct Array {
        void* memory;
        std::size_t n_bytes;
        std::uint64_t kept_at;  // in takes
    };

    void free_oldest(std::size_t n_bytes, std::uint64_t n_takes = 0) noexcept;
    void* remove(std::size_t i) noexcept;

    const std::size_t most_bytes_;
    // Nobody waits for it: a fork may have copied it while somebody held it.
    std::mutex mutex_;
    std::vector<Array> arrays_;
    std::size_t n_bytes_ = 0;  // of all
    std::uint64_t n_takes_ = 0;
};

}  // namespace relufast
