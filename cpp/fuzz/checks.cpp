#include "checks.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "activity.hpp"
#include "relufast/rounding.hpp"

namespace relufast::fuzz {
namespace {

const Problem* shown = nullptr;

void print(const std::vector<double>& numbers, std::size_t per_row) {
    std::fputs("np.array([", stderr);
    for (const double number : numbers) {
        std::fprintf(stderr, "%.17g, ", number);
    }
    std::fprintf(stderr, "]).reshape(-1, %zu),\n", per_row);
}

void print(const Problem& problem) {
    std::fprintf(stderr, "slope, lo, hi = %.17g, %.17g, %.17g\nweights = [\n",
                 problem.negative_slope, problem.lo, problem.hi);
    for (std::size_t l = 0; l < problem.n_layers(); ++l) {
        print(problem.weights[l], static_cast<std::size_t>(problem.widths[l]));
    }
    std::fputs("]\nbiases = [\n", stderr);
    for (const std::vector<double>& biases : problem.biases) {
        print(biases, 1);
    }
    std::fputs("]\n", stderr);
    if (!problem.start.empty()) {
        std::fputs("start, stop = ", stderr);
        print(problem.start, 1);
        print(problem.stop, 1);
    }
}

std::size_t index(std::int32_t value) { return static_cast<std::size_t>(value); }

std::vector<Crossing> crossings_at(const Breakpoints& found, std::size_t k) {
    std::vector<Crossing> crossings;
    for (std::size_t c = index(found.first_crossing[k]); c < index(found.first_crossing[k + 1]);
         ++c) {
        crossings.push_back({found.layers[c], found.neurons[c]});
    }
    return crossings;
}

struct Stretch {
    double lo = 0.0;
    double hi = 0.0;

    bool meets(const Stretch& other) const { return lo <= other.hi && other.lo <= hi; }
};

// Where a knot's true position is.
Stretch around(const Breakpoints& found, std::size_t k) {
    if (std::isinf(found.x_error[k])) {  // beyond float64, or not known
        return {-kInfinity, kInfinity};
    }
    return {found.x[k] - found.x_error[k], found.x[k] + found.x_error[k]};
}

std::vector<Stretch> open_stretches(const Breakpoints& found) {
    std::vector<Stretch> open;
    for (std::size_t k = 0; k < found.open_after.size(); ++k) {
        if (found.open_after[k]) {
            open.push_back({std::min(around(found, k).lo, around(found, k + 1).lo),
                            std::max(around(found, k).hi, around(found, k + 1).hi)});
        }
    }
    return open;
}

// Every crossing that one has proven, and that lies where the other has proven all, is one of the
// other's.
void check_inclusion(const Breakpoints& one, const Breakpoints& other) {
    const std::vector<Stretch> open = open_stretches(other);
    for (std::size_t k = 1; k + 1 < one.x.size(); ++k) {
        const Stretch here = around(one, k);
        const auto is_here = [&](const Stretch& stretch) { return stretch.meets(here); };
        if (one.open_after[k - 1] || one.open_after[k] ||
            std::any_of(open.begin(), open.end(), is_here)) {
            continue;
        }
        for (const Crossing& crossing : crossings_at(one, k)) {
            bool found = false;
            for (std::size_t m = 1; m + 1 < other.x.size() && !found; ++m) {
                if (around(other, m).meets(here)) {
                    const std::vector<Crossing> there = crossings_at(other, m);
                    found = std::find(there.begin(), there.end(), crossing) != there.end();
                }
            }
            require(found, "a proven crossing is missing where all is proven");
        }
    }
}

std::vector<std::size_t> sites(const Breakpoints& found) {
    std::vector<std::size_t> knots;
    for (std::size_t k = 0; k < found.x.size(); ++k) {
        if (found.first_crossing[k] < found.first_crossing[k + 1]) {
            knots.push_back(k);
        }
    }
    return knots;
}

// A number between two knots, clear of both; nothing if there is hardly any.
bool inside(const Breakpoints& found, std::size_t k, double& x) {
    const double lo = around(found, k).hi;
    const double hi = around(found, k + 1).lo;
    const double margin = found.x_error[k] + found.x_error[k + 1];
    x = std::isinf(lo) && std::isinf(hi) ? 0.0
        : std::isinf(lo)                 ? hi - 1.0 - std::fabs(hi)
        : std::isinf(hi)                 ? lo + 1.0 + std::fabs(lo)
                                         : 0.5 * lo + 0.5 * hi;
    return lo < x - margin && x + margin < hi && std::isfinite(x);
}

}  // namespace

void require(bool holds, const char* what) {
    if (!holds) {
        if (shown != nullptr) {
            print(*shown);
        }
        std::fprintf(stderr, "relufast fuzzer: %s\n", what);
        std::abort();
    }
}

void show_at_failure(const Problem* problem) { shown = problem; }

bool is_certified(const Breakpoints& found) {
    return std::find(found.open_after.begin(), found.open_after.end(), 1) == found.open_after.end();
}

void check_form(const Problem& problem, const Breakpoints& found) {
    const std::size_t n = found.x.size();
    require(n >= 2, "there are two ends");
    require(found.x_error.size() == n && found.reaches_output.size() == n &&
                found.open_after.size() == n - 1 && found.first_crossing.size() == n + 1,
            "arrays by knot have a length of their own");
    require(found.layers.size() == found.neurons.size() &&
                index(found.first_crossing[n]) == found.layers.size() &&
                found.first_crossing[0] == 0 &&
                std::is_sorted(found.first_crossing.begin(), found.first_crossing.end()),
            "crossings belong to knots");
    require(found.undecided_x.size() == found.undecided_count.size(), "undecided: two lengths");
    require(found.x[0] == problem.lo && found.x[n - 1] == problem.hi, "the ends are those asked");
    require(
        std::is_sorted(found.x.begin(), found.x.end()) &&
            std::none_of(found.x.begin(), found.x.end(), [](double x) { return std::isnan(x); }),
        "knots are sorted");
    require(
        std::all_of(found.x_error.begin(), found.x_error.end(), [](double e) { return e >= 0; }),
        "errors are bounds");
    require(found.x_error[0] == 0.0 && found.x_error[n - 1] == 0.0, "ends have no error");
    for (const std::vector<std::uint8_t>* flags : {&found.reaches_output, &found.open_after}) {
        require(std::all_of(flags->begin(), flags->end(), [](std::uint8_t f) { return f <= 1; }),
                "flags are 0 or 1");
    }
    require(std::all_of(found.undecided_count.begin(), found.undecided_count.end(),
                        [](std::int64_t count) { return count > 0; }),
            "what is undecided is counted");
    for (std::size_t k = 0; k < n; ++k) {
        const std::vector<Crossing> crossings = crossings_at(found, k);
        require(crossings.empty() || (k > 0 && k < n - 1), "the interval is open");
        for (std::size_t c = 0; c < crossings.size(); ++c) {
            const auto [layer, neuron] = crossings[c];
            require(layer >= 1 && index(layer) <= problem.depth() && neuron >= 0 &&
                        neuron < problem.widths[index(layer)],
                    "layers and neurons are in range");
            require(c == 0 || crossings[c - 1] < crossings[c], "crossings of a knot are sorted");
        }
    }
}

void check_activities(const Problem& problem, const Breakpoints& found) {
    // What is known at the last point looked at, carried over what crosses.
    std::vector<std::vector<std::int8_t>> expected;
    for (std::size_t l = 1; l <= problem.depth(); ++l) {
        expected.emplace_back(static_cast<std::size_t>(problem.widths[l]), std::int8_t{-1});
    }
    const auto unknown = expected;
    for (std::size_t k = 0; k + 1 < found.x.size(); ++k) {
        for (const Crossing& crossing : crossings_at(found, k)) {
            std::int8_t& active = expected[index(crossing.layer - 1)][index(crossing.neuron)];
            active = active < 0 ? active : static_cast<std::int8_t>(1 - active);
        }
        if (found.open_after[k]) {
            expected = unknown;
            continue;
        }
        double x = 0.0;
        if (!inside(found, k, x)) {
            continue;
        }
        const auto here = activities_at(problem, x);
        for (std::size_t l = 0; l < here.size(); ++l) {
            for (std::size_t i = 0; i < here[l].size(); ++i) {
                if (here[l][i] >= 0) {
                    require(expected[l][i] < 0 || expected[l][i] == here[l][i],
                            "a neuron turned where no crossing is");
                    expected[l][i] = here[l][i];
                }
            }
        }
    }
}

void check_agreement(const Breakpoints& one, const Breakpoints& other, bool reach) {
    if (!is_certified(one) || !is_certified(other)) {
        check_inclusion(one, other);
        check_inclusion(other, one);
        return;
    }
    const std::vector<std::size_t> here = sites(one);
    const std::vector<std::size_t> there = sites(other);
    require(here.size() == there.size(), "two certified results differ in their number of sites");
    for (std::size_t s = 0; s < here.size(); ++s) {
        require(crossings_at(one, here[s]) == crossings_at(other, there[s]),
                "two certified results differ in what crosses");
        require(around(one, here[s]).meets(around(other, there[s])),
                "two certified results differ in where it crosses");
        require(!reach || one.reaches_output[here[s]] == other.reaches_output[there[s]],
                "two certified results differ in what reaches the output");
    }
}

void check_equality(const Breakpoints& one, const Breakpoints& other) {
    require(one.x == other.x && one.x_error == other.x_error &&
                one.reaches_output == other.reaches_output && one.open_after == other.open_after &&
                one.first_crossing == other.first_crossing && one.layers == other.layers &&
                one.neurons == other.neurons,
            "the number of threads changed a result");
}

void check_counts(const Problem& problem, const std::vector<std::int64_t>& counts,
                  const Breakpoints& found) {
    if (!is_certified(found)) {
        return;
    }
    std::vector<std::int64_t> expected(problem.depth(), 0);
    for (const std::int32_t layer : found.layers) {
        ++expected[index(layer - 1)];
    }
    require(counts == expected, "a certified count is not that of the certified breakpoints");
}

}  // namespace relufast::fuzz
