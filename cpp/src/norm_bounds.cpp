// Bounds on the spectral norms of a network's layers.
//
// Cutting W into p panels, |W|^2 <= sum of |W_p|^2, costs p times less than bounding it as a whole,
// and loses at most a factor sqrt(p); the Frobenius norm is the case p = n, and free.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "relufast/gathered_product.hpp"
#include "relufast/network.hpp"
#include "relufast/panel_norm.hpp"
#include "relufast/rounding.hpp"
#include "relufast/threads.hpp"

namespace relufast {
namespace {

// Whether a bound tighter than the Frobenius norm changes anything. The second layer multiplies by
// it only what the first layer's knots and parameters are off, which is no more than its own
// rounding times that norm; and of a wide last hidden layer few rows are looked at at a time.
bool is_worth_bounding(const Network& network, int l) {
    return l >= 3 && l <= network.depth() && !(l == network.depth() && network.layer(l).keeps_rows);
}

// The number of panels at which certifying this network should cost the least, by the estimates
// for Gaussian weights; 0 stands for the Frobenius norm.
std::int64_t choose_panels(const Network& network) {
    constexpr double kDoubleDouble = 40.0;  // multiplications that one in double-double costs
    constexpr double kTraced = 8.0;         // and one in carrying a gradient back
    constexpr double kRead = 50.0;          // and a weight that is read for a bound
    double best_cost = kInfinity;
    std::int64_t best = 0;
    for (const std::int64_t panels : {0, 64, 32, 16, 8, 4, 2, 1}) {
        double cost = 0.0;   // in multiplications
        double error = 0.0;  // relative to the values
        double n_knots = static_cast<double>(network.layer(1).n_out);
        double weights_below = 0.0;
        for (int l = 2; l <= network.depth(); ++l) {
            const Layer& layer = network.layer(l);
            const auto n_in = static_cast<double>(layer.n_in);
            const auto n_out = static_cast<double>(layer.n_out);
            const double shorter = std::min(n_in, n_out);
            const double longer = std::max(n_in, n_out);
            const double typical = layer.frobenius_norm / std::sqrt(n_in * n_out);
            double norm = layer.frobenius_norm;
            if (panels > 0 && is_worth_bounding(network, l)) {
                const double p = std::min(static_cast<double>(panels), shorter);
                norm = typical * std::sqrt(p) * (std::sqrt(shorter / p) + std::sqrt(longer));
                cost += (kRead + 0.35 * shorter / p) * shorter * longer;
            }
            const double growth = std::max(norm / (typical * std::sqrt(0.5 * n_in)), 1.0);
            weights_below += n_in * n_out;
            const double n_roundings =
                l == 2 ? 8.0 : static_cast<double>(roundings_of_gathered(layer.n_in / 2));
            error = std::min(1.0, error * growth + n_roundings * kRoundoff * std::sqrt(n_in));
            const double n_open = std::min(n_knots, n_knots * n_out * error);
            cost += n_open * kDoubleDouble * weights_below;
            n_knots += n_out;
        }
        // Whether a breakpoint reaches the output shows in a change of slope over the distance to
        // its neighbours.
        const double width = n_knots / static_cast<double>(network.depth());
        const double n_unseen = n_knots * std::min(1.0, error * n_knots * std::sqrt(width));
        cost += n_unseen * kTraced * weights_below;
        if (cost < best_cost) {
            best_cost = cost;
            best = panels;
        }
    }
    return best;
}

// At least n_panels, and so many that none is too long a piece of work.
void append_panels(const Network& network, int l, std::int64_t n_panels,
                   std::vector<Panel>& panels) {
    const Layer& layer = network.layer(l);
    const std::int64_t side = std::min(layer.n_in, layer.n_out);
    const auto longer = static_cast<double>(std::max(layer.n_in, layer.n_out));
    // Where layers come and go, the network is so large that tight bounds are worth long pieces.
    constexpr double kLongestOfLazy = 100.0 * kLongestPiece;
    const double longest = network.is_lazy() ? kLongestOfLazy : kLongestPiece;
    const auto fewest = static_cast<std::int64_t>(
        std::ceil(static_cast<double>(side) / std::sqrt(longest / longer)));
    const std::int64_t count = std::min(std::max(n_panels, fewest), side);
    for (std::int64_t p = 0; p < count; ++p) {
        panels.push_back({l, p * side / count, (p + 1) * side / count});
    }
}

// Bounds on the squares of panels' norms.
std::vector<double> squared_bounds(const Network& network, const std::vector<Panel>& panels,
                                   int n_threads, const Interrupt& interrupt) {
    // Large panels are shared out among the threads, each of many is one thread's.
    const bool is_shared = panels.size() < static_cast<std::size_t>(n_threads);
    const int n_outer = is_shared ? 1 : n_threads;
    const int n_inner = is_shared ? n_threads : 1;
    std::vector<PanelNorm<float>> in_single(static_cast<std::size_t>(std::max(n_outer, 1)));
    std::vector<PanelNorm<double>> in_double(in_single.size());
    std::vector<double> squares(panels.size());
    parallel_for(n_outer, panels.size(), interrupt, [&](std::size_t p, int thread) {
        const Panel& panel = panels[p];
        const Layer& layer = network.layer(panel.layer);
        const double size = layer.frobenius_norm;
        if (!(size > 0x1p-450 && size < 0x1p450)) {
            squares[p] = kInfinity;  // squares would leave the range of float64
            return;
        }
        // Single precision takes half the time, and is tight enough while n u is small.
        const bool in_range = size > 1e-10 && size < 1e10;
        const auto t = static_cast<std::size_t>(thread);
        squares[p] = std::max(layer.n_in, layer.n_out) <= 8192 && in_range
                         ? in_single[t].squared_bound(layer, panel, n_inner, interrupt)
                         : in_double[t].squared_bound(layer, panel, n_inner, interrupt);
    });
    return squares;
}

}  // namespace

void Network::bound_spectral_norms(int n_threads, const Interrupt& interrupt) {
    const std::lock_guard lock(spectral_norms_mutex_);
    if (spectral_norms_bounded_) {
        return;
    }
    const std::int64_t n_panels = choose_panels(*this);
    std::vector<double> sums(layers_.size() + 1, 0.0);
    const auto add_panels = [&](const std::vector<Panel>& panels) {
        const std::vector<double> squares = squared_bounds(*this, panels, n_threads, interrupt);
        for (std::size_t p = 0; p < panels.size(); ++p) {
            sums[static_cast<std::size_t>(panels[p].layer)] += squares[p];
        }
    };
    std::vector<int> bounded;
    for (int l = 2; l <= depth() && n_panels > 0; ++l) {
        if (is_worth_bounding(*this, l)) {
            bounded.push_back(l);
        }
    }
    std::vector<Panel> panels;
    for (const int l : bounded) {
        append_panels(*this, l, n_panels, panels);
        if (is_lazy()) {
            hold(l, l, n_threads, interrupt);
            add_panels(panels);
            panels.clear();
        }
    }
    add_panels(panels);
    for (const int l : bounded) {
        double& norm = layers_[static_cast<std::size_t>(l - 1)].spectral_norm;
        const double bound = std::sqrt(sums[static_cast<std::size_t>(l)]) * (1.0 + 0x1p-30);
        if (bound < norm) {  // false for NaN, too
            norm = bound;
        }
    }
    spectral_norms_bounded_ = true;
}

bool Network::has_spectral_norms() {
    const std::lock_guard lock(spectral_norms_mutex_);
    spectral_norms_bounded_ = spectral_norms_bounded_ || choose_panels(*this) == 0;
    return spectral_norms_bounded_;
}

double Network::tight_spectral_norm(int l, std::int64_t n_panels, const Interrupt& interrupt) {
    const std::lock_guard lock(spectral_norms_mutex_);
    std::vector<Panel> panels;
    append_panels(*this, l, n_panels, panels);
    const std::pair key(l, panels.size());
    const auto known = tight_spectral_norms_.find(key);
    if (known != tight_spectral_norms_.end()) {
        return known->second;
    }
    const std::vector<double> squares = squared_bounds(*this, panels, 1, interrupt);
    const double sum = std::reduce(squares.begin(), squares.end());
    const double bound = std::sqrt(sum) * (1.0 + 0x1p-30);
    const double frobenius_norm = layer(l).frobenius_norm;
    const double norm = bound < frobenius_norm ? bound : frobenius_norm;  // not NaN
    tight_spectral_norms_.emplace(key, norm);
    return norm;
}

}  // namespace relufast
