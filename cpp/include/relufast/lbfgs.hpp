// Limited-memory BFGS, for functions so cheap that a call from Python would cost more than they do.
#pragma once

#include <functional>
#include <vector>

#include "relufast/threads.hpp"

namespace relufast {

// The value at x, and the gradient there.
using Objective =
    std::function<double(const std::vector<double>& x, std::vector<double>& gradient)>;

struct LbfgsOptions {
    int max_evaluations = 1000;
    double tolerance = 0.0;  // stop when kPatience iterations together brought less than this
};

// Minimises from x, in place; the value never rises. Returns the number of evaluations.
//
// The step satisfies Wolfe's weak conditions by bisection, which functions with kinks allow, too
// (Lewis and Overton, Math. Program. 141, 2013). The two loops: Nocedal, Math. Comp. 35, 1980.
int minimise_lbfgs(const Objective& objective, std::vector<double>& x, const LbfgsOptions& options,
                   const Interrupt& interrupt);

}  // namespace relufast
