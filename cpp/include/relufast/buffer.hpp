#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace relufast {

// Leaves new elements as they are: large arrays that are about to be written need no zeros first.
template <class T>
struct LeaveUninitialised : std::allocator<T> {
    template <class U>
    struct rebind {
        using other = LeaveUninitialised<U>;
    };

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
