#include "relufast/line_norms.hpp"

#include <cmath>
#include <vector>

#include "relufast/norms.hpp"

namespace relufast {
namespace {

double norm_bound_of(const std::vector<DoubleDouble>& values) {
    std::vector<double> rounded;
    rounded.reserve(values.size());
    for (const DoubleDouble value : values) {
        rounded.push_back(value.hi);
    }
    return working_norm_bound(rounded);
}

}  // namespace

LineNorms::LineNorms(const Line& line)
    : slope_norm_(norm_bound_of(line.slopes)),
      intercept_norm_(norm_bound_of(line.intercepts)),
      slope_error_norm_(working_norm_bound(line.slope_errors)),
      intercept_error_norm_(working_norm_bound(line.intercept_errors)) {}

FirstLayerSize LineNorms::at(const Place& place) const {
    if (place.is_direction) {
        return {slope_norm_, slope_error_norm_};
    }
    const double x = std::fabs(place.x);
    // Zero times infinity is no bound: at x = 0 the slopes play no part.
    return {(x == 0.0 ? 0.0 : slope_norm_ * x) + intercept_norm_,
            (x == 0.0 ? 0.0 : slope_error_norm_ * x) + intercept_error_norm_};
}

double LineNorms::misplaced(const Place& knot, double kink) const {
    return knot.x_error == 0.0 ? 0.0 : 3.0 * std::fabs(kink) * slope_norm_ * knot.x_error;
}

}  // namespace relufast
