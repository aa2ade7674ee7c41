#pragma once

#include <array>
#include <cstdint>

namespace relufast {

using PhiloxCounter = std::array<std::uint64_t, 4>;
using PhiloxKey = std::array<std::uint64_t, 2>;

// Philox4x64-10 of Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3"
// (SC 2011), section 3.3: a keyed bijection of 256-bit counters, so that any block of any stream is
// computed without the ones before it.
inline PhiloxCounter philox4x64(PhiloxCounter counter, PhiloxKey key) {
    __extension__ using Wide = unsigned __int128;
    for (int round = 0; round < 10; ++round) {
        const Wide even = Wide{0xD2E7470EE14C6C93} * counter[0];
        const Wide odd = Wide{0xCA5A826395121157} * counter[2];
        counter = {static_cast<std::uint64_t>(odd >> 64) ^ counter[1] ^ key[0],
                   static_cast<std::uint64_t>(odd),
                   static_cast<std::uint64_t>(even >> 64) ^ counter[3] ^ key[1],
                   static_cast<std::uint64_t>(even)};
        key[0] += 0x9E3779B97F4A7C15;
        key[1] += 0xBB67AE8584CAA73B;
    }
    return counter;
}

}  // namespace relufast
