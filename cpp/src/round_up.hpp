#pragma once

#include <cstdint>

namespace relufast {

// To a multiple of some number.
constexpr std::int64_t round_up(std::int64_t n, std::int64_t multiple) {
    return (n + multiple - 1) / multiple * multiple;
}

}  // namespace relufast
