// Products of directions with the points of a tile, in float32, and their extremes.
#pragma once

#include <cstdint>

namespace relufast {

struct FloatRange {
    float lowest;
    float highest;
};

FloatRange float_range(const float* values, std::int64_t n);

// The first p from `begin` on with sign * values[p] >= threshold, or n; sign is 1 or -1.
std::int64_t next_at_least(float threshold, float sign, const float* values, std::int64_t begin,
                           std::int64_t n);

// Points of a panel, whose entry (p, i) is at i * kPanelPoints + p.
inline constexpr std::int64_t kPanelPoints = 32;

// The products of a direction with the points of some panels in a row.
FloatRange panel_values(const float* direction, std::int64_t d, const float* panels,
                        std::int64_t n_panels, float* values);

}  // namespace relufast
