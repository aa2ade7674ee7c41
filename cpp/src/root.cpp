#include "relufast/root.hpp"

#include <algorithm>
#include <cmath>

#include "relufast/rounding.hpp"

namespace relufast {
namespace {

// The length of a ray from its finite end to the root.
double set_length(EndValue at_end, EndValue slope, RootPlace& root) {
    const double length = at_end.value / slope.value;
    const double room = slope.value * (1.0 - 0x1p-50) - slope.error;
    if (!std::isfinite(length)) {  // nothing is known, but x must be a number
        root.order_error = kInfinity;
        return 1.0;
    }
    root.order_error =
        room > 0.0
            ? ((at_end.error + length * slope.error) / room + 4.0 * kRoundoff * length) * kInflate
            : kInfinity;
    return length;
}

}  // namespace

RootPlace root_between(const Place& left, const Place& right, EndValue at_left, EndValue at_right) {
    const EndValue lo{std::fabs(at_left.value), at_left.error};
    const EndValue hi{std::fabs(at_right.value), at_right.error};
    RootPlace root;
    double rounding = 0.0;  // of x, beyond the last one
    double stretch = 1.0;   // length of x per unit of order
    if (left.is_direction) {
        const double length = set_length(hi, lo, root);
        root.order = -length;
        root.x = right.x - length;
        root.is_open = !(length - root.order_error > right.x_error);
    } else if (right.is_direction) {
        root.order = set_length(lo, hi, root);
        root.x = left.x + root.order;
        root.is_open = !(root.order - root.order_error > left.x_error);
    } else {
        const double sum = lo.value + hi.value;
        const bool is_finite = std::isfinite(sum);  // else overflow: nothing is known
        const double share_lo = is_finite ? hi.value / sum : 0.5;
        const double share_hi = is_finite ? lo.value / sum : 0.5;
        const double room = sum * (1.0 - 0x1p-50) - lo.error - hi.error;
        root.order = share_hi;
        root.order_error =
            room > 0.0
                ? ((share_lo * lo.error + share_hi * hi.error) / room + 4.0 * kRoundoff) * kInflate
                : 1.0;
        const double width = right.x - left.x;
        stretch = width * (1.0 + 4.0 * kRoundoff);
        rounding = 4.0 * kRoundoff * std::min(share_lo, share_hi) * width;
        root.x = share_hi < 0.5 ? left.x + share_hi * width : right.x - share_lo * width;
        const double room_left = (share_hi - root.order_error) * width * (1.0 - 0x1p-40);
        const double room_right = (share_lo - root.order_error) * width * (1.0 - 0x1p-40);
        root.is_open = !(room_left > left.x_error && room_right > right.x_error);
    }
    root.x_error =
        (root.order_error * stretch + rounding + kRoundoff * std::fabs(root.x) + 0x1p-1020) *
        kInflate;
    if (std::isnan(root.x)) {  // the segment is longer than float64 can say
        root.x = left.is_direction ? right.x : left.x;
    }
    const double inside = std::clamp(root.x, left.x, right.x);
    root.x_error += std::fabs(inside - root.x);
    if (std::isnan(root.x_error)) {
        root.x_error = kInfinity;
    }
    root.x = inside;
    return root;
}

}  // namespace relufast
