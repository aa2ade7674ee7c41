#include "relufast/reach.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include "relufast/point_evaluator.hpp"

namespace relufast {

void decide_open_reach(const Network& network, const Line& line, const BreakpointOptions& options,
                       Stretch& stretch, std::vector<Undecided>& undecided) {
    std::vector<std::size_t> open;
    for (std::size_t k = 0; k < stretch.grid.size(); ++k) {
        if (stretch.reaches[k] == Reach::open && !stretch.grid.open_after[k - 1] &&
            !stretch.grid.open_after[k]) {
            open.push_back(k);
        }
    }
    // Where the bounds have outgrown the values, double-double would cost more than it decides.
    const bool hopeless = open.size() > std::max<std::size_t>(64, stretch.grid.size() / 10);
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
                         answers[i] = evaluator->reaches_output(stretch.grid.knots[open[i]]);
                     });
    }
    for (std::size_t i = 0; i < open.size(); ++i) {
        const std::size_t k = open[i];
        if (answers[i]) {
            stretch.reaches[k] = *answers[i] ? Reach::yes : Reach::no;
        } else {
            stretch.grid.open_after[k - 1] = stretch.grid.open_after[k] = 1;
            undecided.push_back({stretch.grid.knots[k].x, 1});
        }
    }
}

}  // namespace relufast
