#pragma once

#include <cstring>

namespace relufast {

// Vectors of the compiler's, which it keeps in registers, to and from memory at any address: a
// pointer to one would promise alignment. They are never passed by value, which would depend on the
// instruction set.

using FourDoubles = double __attribute__((vector_size(32)));
using EightDoubles = double __attribute__((vector_size(64)));

template <class Vector, class Number>
[[gnu::always_inline]] inline void load(Vector& vector, const Number* from) {
    std::memcpy(&vector, from, sizeof(Vector));
}

template <class Vector, class Number>
[[gnu::always_inline]] inline void store(const Vector& vector, Number* to) {
    std::memcpy(to, &vector, sizeof(Vector));
}

}  // namespace relufast
