#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace relufast {

// Arrays begin with a line of the cache, so that vectors of eight numbers lie in one each.
//
// Where the system is Linux, some of those that are given back are kept for the next one, and large
// ones lie in huge pages: these are cleared faster, and columns far apart need fewer look-ups of
// addresses.
void* allocate_array(std::size_t n_bytes);
void free_array(void* memory, std::size_t n_bytes) noexcept;

// Leaves new elements as they are: large arrays that are about to be written need no zeros first.
template <class T>
struct LeaveUninitialised : std::allocator<T> {
    template <class U>
    struct rebind {
        using other = LeaveUninitialised<U>;
    };

    T* allocate(std::size_t count) {
        if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) {
            throw std::bad_array_new_length();
        }
        return static_cast<T*>(allocate_array(count * sizeof(T)));
    }
    void deallocate(T* array, std::size_t count) noexcept { free_array(array, count * sizeof(T)); }

    template <class U>
    void construct(U* element) {
        ::new (static_cast<void*>(element)) U;
    }
    template <class U, class... Arguments>
    void construct(U* element, Arguments&&... arguments) {
        ::new (static_cast<void*>(element)) U(std::forward<Arguments>(arguments)...);
    }
};

template <class T>
using Buffer = std::vector<T, LeaveUninitialised<T>>;

}  // namespace relufast
