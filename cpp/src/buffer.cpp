#include "relufast/buffer.hpp"

#include <cstdlib>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace relufast {

void* allocate_array(std::size_t n_bytes) {
    void* memory = nullptr;
#ifdef __linux__
    constexpr std::size_t kHugePage = std::size_t{1} << 21;
    if (n_bytes >= 2 * kHugePage) {
        if (posix_memalign(&memory, kHugePage, n_bytes) != 0) {
            throw std::bad_alloc();
        }
        madvise(memory, n_bytes, MADV_HUGEPAGE);  // advice: without it, all is only slower
        return memory;
    }
#endif
    memory = std::malloc(n_bytes);
    if (memory == nullptr && n_bytes > 0) {
        throw std::bad_alloc();
    }
    return memory;
}

void free_array(void* memory) noexcept { std::free(memory); }

}  // namespace relufast
