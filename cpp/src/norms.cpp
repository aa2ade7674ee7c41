#include "relufast/norms.hpp"

#include <algorithm>

namespace relufast {

double norm_bound(const double* values, std::int64_t count) {
    double largest = 0.0;
    for (std::int64_t i = 0; i < count; ++i) {
        const double size = std::fabs(values[i]);
        if (!(size < kInfinity)) {
            return kInfinity;
        }
        largest = std::max(largest, size);
    }
    if (largest == 0.0) {
        return 0.0;
    }
    // Scaled by a power of two, so that squares neither overflow nor lose what matters.
    const double scale = std::exp2(-std::floor(std::log2(largest)));
    if (!(scale < kInfinity)) {
        return largest * std::sqrt(static_cast<double>(count)) * (1.0 + 0x1p-30) + 0x1p-1070;
    }
    double squares = 0.0;
    for (std::int64_t i = 0; i < count; ++i) {
        const double scaled = values[i] * scale;
        squares += scaled * scaled;
    }
    return std::sqrt(squares) / scale * (1.0 + gamma(count + 8)) + 0x1p-1070;
}

}  // namespace relufast
