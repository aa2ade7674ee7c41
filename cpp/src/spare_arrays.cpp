#include "relufast/spare_arrays.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace relufast {
namespace {

constexpr std::size_t kMostArrays = 256;

// In takes. A call on a network of a few layers takes fewer arrays, and finds all again that the
// one before gave back.
constexpr std::uint64_t kPatience = 65;

}  // namespace

SpareArrays::SpareArrays(std::size_t most_bytes) : most_bytes_(most_bytes) {
    arrays_.reserve(kMostArrays);  // keeping never allocates
}

void* SpareArrays::take(std::size_t n_bytes) {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) {
        return nullptr;
    }
    ++n_takes_;
    std::size_t best = arrays_.size();
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
        const std::size_t size = arrays_[i].n_bytes;
        const bool fits = size >= n_bytes && size / 2 <= n_bytes;
        if (fits && (best == arrays_.size() || size < arrays_[best].n_bytes)) {
            best = i;
        }
    }
    if (best < arrays_.size()) {
        return remove(best);
    }
    free_oldest(n_bytes, kPatience);
    return nullptr;
}

bool SpareArrays::keep(void* memory, std::size_t n_bytes) noexcept {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock || n_bytes > most_bytes_) {
        return false;
    }
    free_oldest(n_bytes_ - std::min(n_bytes_, most_bytes_ - n_bytes));
    if (arrays_.size() == kMostArrays) {
        free_oldest(1);
    }
    arrays_.push_back({memory, n_bytes, n_takes_});
    n_bytes_ += n_bytes;
    return true;
}

void SpareArrays::free_all() noexcept {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (lock) {
        free_oldest(n_bytes_);
    }
}

// At least so many bytes, if so many have not been asked for in so long.
void SpareArrays::free_oldest(std::size_t n_bytes, std::uint64_t n_takes) noexcept {
    const std::size_t left = n_bytes_ - std::min(n_bytes_, n_bytes);
    while (n_bytes_ > left && n_takes_ - arrays_.front().kept_at >= n_takes) {
        std::free(remove(0));
    }
}

void* SpareArrays::remove(std::size_t i) noexcept {
    const Array array = arrays_[i];
    arrays_.erase(arrays_.begin() + static_cast<std::ptrdiff_t>(i));
    n_bytes_ -= array.n_bytes;
    return array.memory;
}

}  // namespace relufast
