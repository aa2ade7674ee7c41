#include "relufast/point_store.hpp"

#include <algorithm>
#include <utility>

namespace relufast {

const PointEvaluator* PointStore::find_or_ask(const Point& point) {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(point);
    if (found != known_.end()) {
        return found->second.get();
    }
    asked_[std::this_thread::get_id()].insert(point);
    return nullptr;
}

std::set<Point> PointStore::take_asked() {
    const std::lock_guard lock(mutex_);
    return std::exchange(asked_[std::this_thread::get_id()], {});
}

void PointStore::evaluate(const std::set<Point>& points, Network& network, const Line& line,
                          int n_threads, const Interrupt& interrupt) {
    std::vector<std::pair<int, PointEvaluator*>> evaluators;
    int top = 1;
    for (const Point& point : points) {
        auto evaluator = std::make_unique<PointEvaluator>(network, line);
        evaluator->evaluate_first(point.x, point.is_direction);
        evaluators.emplace_back(point.top, evaluator.get());
        known_[point] = std::move(evaluator);
        top = std::max(top, point.top);
    }
    for (int layer = 2; layer <= top; ++layer) {
        network.hold(layer, layer, n_threads, interrupt);
        std::vector<PointEvaluator*> here;
        for (const auto& [last, evaluator] : evaluators) {
            if (layer <= last) {
                here.push_back(evaluator);
            }
        }
        PointEvaluator::evaluate_next(layer, here, n_threads, interrupt);
    }
}

}  // namespace relufast
