#pragma once

#include <compare>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "relufast/line.hpp"
#include "relufast/network.hpp"
#include "relufast/point_evaluator.hpp"
#include "relufast/threads.hpp"

namespace relufast {

// A point of the line, to be evaluated in double-double up to some layer.
struct Point {
    double x = 0.0;
    bool is_direction = false;
    int top = 0;

    auto operator<=>(const Point&) const = default;
};

// Points of a network whose layers are not all there at once. What asks for a point is done again
// when the point has been evaluated, together with all others that were asked for.
class PointStore {
 public:
    // Its values up to the top layer; or nothing yet, which counts as asked by this thread.
    const PointEvaluator* find_or_ask(const Point& point);
    // What this thread has asked for since its last call.
    std::set<Point> take_asked();
    // Holds one layer after the other, for all points at once.
    void evaluate(const std::set<Point>& points, Network& network, const Line& line, int n_threads,
                  const Interrupt& interrupt);
    void clear() { known_.clear(); }

 private:
    std::mutex mutex_;
    std::map<Point, std::unique_ptr<PointEvaluator>> known_;
    std::map<std::thread::id, std::set<Point>> asked_;
};

}  // namespace relufast
