#include "relufast/reach.hpp"

#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>

#include "relufast/point_evaluator.hpp"
#include "relufast/rounding.hpp"

namespace relufast {
namespace {

struct Slope {
    double value = 0.0;
    double error = 0.0;
};

// The slope of one output from knot k - 1 to knot k, seen from one of them.
std::optional<Slope> slope_before(const Stretch& stretch, std::size_t k, std::size_t output,
                                  const Knot& neighbour) {
    const auto n = static_cast<std::size_t>(stretch.n_outputs);
    const auto value = [&](std::size_t knot) { return stretch.outputs[knot * n + output]; };
    const auto error = [&](std::size_t knot) { return stretch.output_errors[knot * n + output]; };
    const Knot& lo = stretch.grid.knots[k - 1];
    const Knot& hi = stretch.grid.knots[k];
    if (lo.is_direction) {
        return Slope{-value(k - 1), error(k - 1)};
    }
    if (hi.is_direction) {
        return Slope{value(k), error(k)};
    }
    const double rise = value(k) - value(k - 1);
    const double rise_error = error(k) + error(k - 1) + kRoundoff * std::fabs(rise);
    const double run = hi.x - lo.x;
    // Were there no kink at the knot in question, the output would be affine as far as the true
    // position of its neighbour.
    const double affine_run = run * (1.0 - 2.0 * kRoundoff) - neighbour.x_error;
    if (!(affine_run > 0.0)) {
        return std::nullopt;
    }
    Slope slope;
    slope.value = rise / run;
    slope.error = rise_error / affine_run + 4.0 * kRoundoff * std::fabs(slope.value);
    return slope;
}

bool slope_changes(const Stretch& stretch, std::size_t k) {
    const std::vector<Knot>& knots = stretch.grid.knots;
    for (std::size_t output = 0; output < static_cast<std::size_t>(stretch.n_outputs); ++output) {
        const auto before = slope_before(stretch, k, output, knots[k - 1]);
        const auto after = slope_before(stretch, k + 1, output, knots[k + 1]);
        if (before && after &&
            std::fabs(after->value - before->value) * (1.0 - 0x1p-50) >
                (before->error + after->error) * kInflate) {
            return true;
        }
    }
    return false;
}

}  // namespace

std::vector<std::uint8_t> decide_reach(const Network& network, const Line& line,
                                       const BreakpointOptions& options, Stretch& stretch,
                                       std::vector<Undecided>& undecided) {
    const std::vector<Knot>& knots = stretch.grid.knots;
    std::vector<std::uint8_t> reaches(knots.size(), 0);
    std::vector<std::size_t> open;
    for (std::size_t k = 1; k + 1 < knots.size(); ++k) {
        if (knots[k].crossings.empty() || knots[k].silent) {
            continue;
        }
        reaches[k] = 1;  // as almost all do
        const bool is_open_already = stretch.grid.open_after[k - 1] || stretch.grid.open_after[k];
        if (options.certify && !is_open_already && !slope_changes(stretch, k)) {
            open.push_back(k);
        }
    }

    // Where the bounds have outgrown the values, double-double would cost more than it decides.
    fprintf(stderr,"reach open %zu of %zu\n",open.size(),knots.size());{std::vector<int> h(200);for(auto k:open)h[knots[k].crossings[0].layer]++;for(int l=1;l<=network.depth();++l)fprintf(stderr,"%d ",h[l]);fprintf(stderr,"\n");}
    const bool hopeless = open.size() > std::max<std::size_t>(64, knots.size() / 400);
    std::vector<std::optional<bool>> answers(open.size());
    if (!hopeless) {
        std::vector<std::unique_ptr<PointEvaluator>> evaluators(
            static_cast<std::size_t>(std::max(options.n_threads, 1)));
        parallel_for(options.n_threads, open.size(), options.interrupt,
                     [&](std::size_t i, int thread) {
                         auto& evaluator = evaluators[static_cast<std::size_t>(thread)];
                         if (!evaluator) {
                             evaluator = std::make_unique<PointEvaluator>(network, line);
                         }
                         answers[i] = evaluator->reaches_output(knots[open[i]]);
                     });
    }
    for (std::size_t i = 0; i < open.size(); ++i) {
        const std::size_t k = open[i];
        if (answers[i]) {
            reaches[k] = *answers[i];
        } else {
            stretch.grid.open_after[k - 1] = stretch.grid.open_after[k] = 1;
            undecided.push_back({knots[k].x, 1});
        }
    }
    return reaches;
}

}  // namespace relufast
