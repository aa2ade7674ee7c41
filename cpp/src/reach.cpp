#include "relufast/reach.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include "relufast/point_evaluator.hpp"
#include "relufast/trace.hpp"

namespace relufast {
namespace {

bool is_open(const Stretch& stretch, std::size_t knot) {
    return stretch.reaches[knot] == Reach::open && !stretch.grid.open_after[knot - 1] &&
           !stretch.grid.open_after[knot];
}

// In batches of neighbours, which have almost the same neurons active.
void trace_open(const Network& network, const BreakpointOptions& options, Stretch& stretch) {
    constexpr std::size_t kBatch = 128;
    std::vector<const Traced*> knots;
    for (const Traced& traced : stretch.traced) {
        if (is_open(stretch, traced.knot)) {
            knots.push_back(&traced);
        }
    }
    const std::size_t n_batches = (knots.size() + kBatch - 1) / kBatch;
    // Many batches go side by side, and of few each takes all threads.
    const int n_threads = std::max(options.n_threads, 1);
    const bool is_shared = n_batches < 2 * static_cast<std::size_t>(n_threads);
    const int n_outer = is_shared ? 1 : n_threads;
    const int n_inner = is_shared ? n_threads : 1;
    // Asked on the calling thread alone.
    const Interrupt inner_interrupt = is_shared ? options.interrupt : Interrupt();
    parallel_for(n_outer, n_batches, options.interrupt, [&](std::size_t b, int) {
        const std::vector<const Traced*> batch(
            knots.begin() + static_cast<std::ptrdiff_t>(b * knots.size() / n_batches),
            knots.begin() + static_cast<std::ptrdiff_t>((b + 1) * knots.size() / n_batches));
        const std::vector<std::uint8_t> reaches =
            trace_back(network, batch, n_inner, inner_interrupt);
        for (std::size_t i = 0; i < batch.size(); ++i) {
            if (reaches[i]) {
                stretch.reaches[batch[i]->knot] = Reach::yes;
            }
        }
    });
}

}  // namespace

void decide_open_reach(const Network& network, const Line& line, const BreakpointOptions& options,
                       Stretch& stretch, std::vector<Undecided>& undecided) {
    trace_open(network, options, stretch);
    std::vector<std::size_t> open;
    for (std::size_t k = 0; k < stretch.grid.size(); ++k) {
        if (is_open(stretch, k)) {
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
