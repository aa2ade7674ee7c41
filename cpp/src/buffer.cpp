#include "relufast/buffer.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>

#ifdef __linux__
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "relufast/spare_arrays.hpp"
#endif

// Sanitizers would not see who touches an array that was given back and kept.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RELUFAST_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RELUFAST_IS_SANITIZED 1
#endif
#endif

namespace relufast {

namespace {

constexpr std::size_t kLine = 64;

// By malloc, whose memory does not fall to pieces as that of functions for aligned memory does. The
// byte before an array tells how far it lies from what malloc gave.
void* allocate_small(std::size_t n_bytes) {
    auto* const given = static_cast<unsigned char*>(std::malloc(n_bytes + kLine));
    if (given == nullptr) {
        throw std::bad_alloc();
    }
    const std::size_t distance = kLine - reinterpret_cast<std::uintptr_t>(given) % kLine;
    unsigned char* const array = given + distance;
    array[-1] = static_cast<unsigned char>(distance);
    return array;
}

void free_small(void* memory) noexcept {
    auto* const array = static_cast<unsigned char*>(memory);
    std::free(array - array[-1]);
}

}  // namespace

#ifdef __linux__

namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21;

// Arrays from this size on are kept for the next one: what is given back to malloc often goes on to
// the system, and comes again page by page, each of which has to be cleared.
constexpr std::size_t kLarge = std::size_t{1} << 16;

// A small share of the machine's memory.
std::size_t most_spare_bytes() {
#ifdef RELUFAST_IS_SANITIZED
    return 0;
#else
    constexpr std::size_t kMost = std::size_t{1} << 30;
    const auto n_pages = static_cast<std::size_t>(std::max(sysconf(_SC_PHYS_PAGES), 0L));
    const auto page = static_cast<std::size_t>(std::max(sysconf(_SC_PAGESIZE), 0L));
    return std::min(n_pages * page / 32, kMost);
#endif
}

// Never destroyed: arrays of static objects may come back after everything else is gone.
SpareArrays& spare_arrays() {
    static auto* const arrays = new SpareArrays(most_spare_bytes());
    return *arrays;
}

void* allocate_large(std::size_t n_bytes) {
    void* memory = spare_arrays().take(n_bytes);
    if (memory != nullptr) {
        return memory;
    }
    const bool is_huge = n_bytes >= 2 * kHugePage;
    const auto fails = [&] {
        return posix_memalign(&memory, is_huge ? kHugePage : kLine, n_bytes) != 0;
    };
    if (fails()) {
        spare_arrays().free_all();
        if (fails()) {
            throw std::bad_alloc();
        }
    }
    if (is_huge) {
        madvise(memory, n_bytes, MADV_HUGEPAGE);  // advice: without it, all is only slower
    }
    return memory;
}

bool keep_large(void* memory) noexcept {
    return spare_arrays().keep(memory, malloc_usable_size(memory));
}

}  // namespace

#else

namespace {

constexpr std::size_t kLarge = static_cast<std::size_t>(-1);

void* allocate_large(std::size_t) { throw std::bad_alloc(); }
bool keep_large(void*) noexcept { return false; }

}  // namespace

#endif

void* allocate_array(std::size_t n_bytes) {
    if (n_bytes >= kLarge) {
        return allocate_large(n_bytes);
    }
    return allocate_small(n_bytes);
}

void free_array(void* memory, std::size_t n_bytes) noexcept {
    if (n_bytes < kLarge) {
        free_small(memory);
    } else if (!keep_large(memory)) {
        std::free(memory);
    }
}

}  // namespace relufast
