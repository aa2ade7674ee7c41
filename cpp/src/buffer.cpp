#include "relufast/buffer.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

#ifdef __linux__
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mutex>
#include <vector>
#endif

namespace relufast {

#ifdef __linux__

namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21;

// Arrays from this size on lie in huge pages of their own, and are kept for the next one.
constexpr std::size_t kLarge = 2 * kHugePage;

// The system clears pages before it hands them out, which takes up to a fifth of a call: arrays
// that were given back are handed out again.
class SpareArrays {
 public:
    // The smallest that is large enough, and no more than twice so; or null, and then others are
    // freed in its place, so that what is kept adds nothing to the most memory in use.
    void* take(std::size_t n_bytes) {
        // Nobody waits: the lock may have been copied by a fork while somebody held it.
        const std::unique_lock lock(mutex_, std::try_to_lock);
        if (!lock) {
            return nullptr;
        }
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
        free_oldest(n_bytes);
        return nullptr;
    }

    void free_all() {
        const std::unique_lock lock(mutex_, std::try_to_lock);
        if (lock) {
            free_oldest(total_);
        }
    }

    // Whether it is kept, and not the caller's to free. The oldest make room.
    bool keep(void* memory, std::size_t n_bytes) noexcept {
        const std::unique_lock lock(mutex_, std::try_to_lock);
        if (!lock || n_bytes > most_) {
            return false;
        }
        free_oldest(total_ + n_bytes > most_ ? total_ + n_bytes - most_ : 0);
        if (arrays_.size() == kMostArrays) {
            free_oldest(1);
        }
        arrays_.push_back({memory, n_bytes});
        total_ += n_bytes;
        return true;
    }

 private:
    // A small share of the machine's memory.
    static std::size_t most() {
        constexpr std::size_t kLimit = std::size_t{1} << 30;
        const long n_pages = sysconf(_SC_PHYS_PAGES);
        const long page = sysconf(_SC_PAGESIZE);
        const std::size_t all = n_pages > 0 && page > 0 ? static_cast<std::size_t>(n_pages) *
                                                              static_cast<std::size_t>(page)
                                                        : 0;
        return std::min(all / 32, kLimit);
    }

    const std::size_t most_ = most();
    static constexpr std::size_t kMostArrays = 64;

    struct Array {
        void* memory;
        std::size_t n_bytes;
    };

    // At least so many bytes, if there are.
    void free_oldest(std::size_t n_bytes) noexcept {
        const std::size_t total_after = total_ - std::min(total_, n_bytes);
        while (total_ > total_after) {
            std::free(remove(0));
        }
    }

    void* remove(std::size_t i) noexcept {
        const Array array = arrays_[i];
        arrays_.erase(arrays_.begin() + static_cast<std::ptrdiff_t>(i));
        total_ -= array.n_bytes;
        return array.memory;
    }

    std::mutex mutex_;
    std::vector<Array> arrays_ = [] {
        std::vector<Array> none;
        none.reserve(kMostArrays);  // keeping never allocates
        return none;
    }();
    std::size_t total_ = 0;
};

// Never destroyed: arrays of static objects may come back after everything else is gone.
SpareArrays& spare_arrays() {
    static auto* const arrays = new SpareArrays;
    return *arrays;
}

// Sanitizers would not see what touches an array that was given back.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kKeepsArrays = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kKeepsArrays = false;
#else
constexpr bool kKeepsArrays = true;
#endif
#else
constexpr bool kKeepsArrays = true;
#endif

}  // namespace

void* allocate_array(std::size_t n_bytes) {
    void* memory = nullptr;
    if (n_bytes < kLarge) {
        memory = std::malloc(n_bytes);
        if (memory == nullptr && n_bytes > 0) {
            throw std::bad_alloc();
        }
        return memory;
    }
    memory = kKeepsArrays ? spare_arrays().take(n_bytes) : nullptr;
    if (memory == nullptr) {
        const auto fails = [&] { return posix_memalign(&memory, kHugePage, n_bytes) != 0; };
        if (fails()) {
            spare_arrays().free_all();
            if (fails()) {
                throw std::bad_alloc();
            }
        }
        madvise(memory, n_bytes, MADV_HUGEPAGE);  // advice: without it, all is only slower
    }
    return memory;
}

void free_array(void* memory, std::size_t n_bytes) noexcept {
    const bool is_kept = kKeepsArrays && n_bytes >= kLarge &&
                         spare_arrays().keep(memory, malloc_usable_size(memory));
    if (!is_kept) {
        std::free(memory);
    }
}

#else

void* allocate_array(std::size_t n_bytes) {
    void* const memory = std::malloc(n_bytes);
    if (memory == nullptr && n_bytes > 0) {
        throw std::bad_alloc();
    }
    return memory;
}

void free_array(void* memory, std::size_t) noexcept { std::free(memory); }

#endif

}  // namespace relufast
