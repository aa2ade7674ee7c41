#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace relufast::testing {

inline std::vector<double> gaussian(std::int64_t count, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    std::vector<double> values(static_cast<std::size_t>(count));
    for (double& value : values) {
        value = normal(random);
    }
    return values;
}

}  // namespace relufast::testing
