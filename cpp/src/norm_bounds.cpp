// Rigorous upper bounds on spectral norms.
//
// |W|^2 is the largest eigenvalue of W W^T. If the Cholesky factorisation of s I - W W^T runs to
// its end in floating point, then s, plus a bound on all roundings, is no less (Rump, BIT 46,
// 2006). That costs about 4/3 n^3. Cutting W into p panels, |W|^2 <= sum of |W_p|^2, costs p times
// less, and loses at most a factor sqrt(p); the Frobenius norm is the case p = n, and free.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "relufast/blas.hpp"
#include "relufast/network.hpp"
#include "relufast/rounding.hpp"
#include "relufast/threads.hpp"

namespace relufast {
namespace {

// One panel of W: `rank` of its outputs, or of its inputs, whichever W has fewer of.
struct Panel {
    int layer = 0;
    std::int64_t begin = 0;
    std::int64_t end = 0;
};

bool gram_over_outputs(const Layer& layer) { return layer.n_out <= layer.n_in; }

std::int64_t shorter_side(const Layer& layer) { return std::min(layer.n_in, layer.n_out); }

template <class T>
double gamma_of(std::int64_t n) {
    const double roundoff = 0.5 * static_cast<double>(std::numeric_limits<T>::epsilon());
    const double nu = static_cast<double>(n) * roundoff;
    return nu < 0.5 ? nu / (1.0 - nu) * kInflate : kInfinity;
}

// The largest eigenvalue of a symmetric matrix (lower triangle), from below and to a few percent.
template <class T>
double estimate_largest_eigenvalue(const std::vector<T>& gram, std::int64_t n) {
    const auto size = static_cast<std::size_t>(n);
    std::vector<T> vector(size, T(1));
    std::vector<T> image(size);
    double eigenvalue = 0.0;
    constexpr int kSteps = 24;
    for (int step = 0; step < kSteps; ++step) {
        std::fill(image.begin(), image.end(), T(0));
        for (std::size_t j = 0; j < size; ++j) {
            const T* column = &gram[j * size];
            const T factor = vector[j];
            T sum = column[j] * factor;
#pragma omp simd reduction(+ : sum)
            for (std::size_t i = j + 1; i < size; ++i) {
                image[i] += column[i] * factor;
                sum += column[i] * vector[i];
            }
            image[j] += sum;
        }
        double square = 0.0;
        for (const T value : image) {
            square += static_cast<double>(value) * static_cast<double>(value);
        }
        const double length = std::sqrt(square);
        if (!(length > 0.0)) {
            return 0.0;
        }
        eigenvalue = length;
        for (std::size_t i = 0; i < size; ++i) {
            vector[i] = static_cast<T>(static_cast<double>(image[i]) / length);
        }
    }
    return eigenvalue;
}

// An upper bound on |panel|^2.
template <class T>
double squared_norm_bound(const Layer& layer, const Panel& panel, double frobenius_square) {
    const bool over_outputs = gram_over_outputs(layer);
    const std::int64_t rank = panel.end - panel.begin;
    const std::int64_t length = over_outputs ? layer.n_in : layer.n_out;
    const auto size = static_cast<std::size_t>(rank);
    Buffer<T> entries(size * static_cast<std::size_t>(length));  // column-major (rank, length)
    double square = 0.0;
    std::size_t taken = 0;
    const auto take = [&](double weight) {
        square += weight * weight;
        entries[taken++] = static_cast<T>(weight);
    };
    if (over_outputs) {
        for (std::int64_t j = 0; j < length; ++j) {
            const double* from = layer.outgoing(j) + panel.begin;
            T* to = &entries[static_cast<std::size_t>(j) * size];
            double part = 0.0;
#pragma omp simd reduction(+ : part)
            for (std::size_t i = 0; i < size; ++i) {
                part += from[i] * from[i];
                to[i] = static_cast<T>(from[i]);
            }
            square += part;
        }
    } else {
        for (std::int64_t i = 0; i < length; ++i) {
            for (std::int64_t j = panel.begin; j < panel.end; ++j) {
                take(layer.outgoing(j)[i]);
            }
        }
    }
    const double rows_square = square * (1.0 + 0x1p-30);  // |panel|_F^2
    std::vector<T> gram(size * size);
    blas::syrk('L', 'N', rank, length, T(1), entries.data(), rank, T(0), gram.data(), rank);

    const double estimate = estimate_largest_eigenvalue(gram, rank);
    const double gram_error = gamma_of<T>(length + 4) * rows_square;
    double shift = estimate * 1.03;
    constexpr int kTries = 6;
    for (int attempt = 0; attempt < kTries && shift < frobenius_square; ++attempt) {
        std::vector<T> shifted(gram.size());
        double trace = 0.0;
        for (std::size_t j = 0; j < size; ++j) {
            for (std::size_t i = j; i < size; ++i) {
                shifted[j * size + i] = -gram[j * size + i];
            }
            shifted[j * size + j] += static_cast<T>(shift);
            trace += std::fabs(static_cast<double>(shifted[j * size + j]));
        }
        if (blas::potrf('L', rank, shifted.data(), rank) == 0) {
            const double diagonal_error = 4.0 * gamma_of<T>(1) * (shift + rows_square);
            const double bound =
                shift + diagonal_error + gamma_of<T>(rank + 4) * trace * 1.01 + gram_error;
            // The panel's own rounding to T: |W - fl(W)| <= u |W|_F.
            const double root = std::sqrt(bound) + gamma_of<T>(1) * std::sqrt(rows_square) +
                                static_cast<double>(std::numeric_limits<T>::min()) *
                                    static_cast<double>(rank + length);
            return root * root * (1.0 + 0x1p-30);
        }
        shift *= 1.08;
    }
    return rows_square;
}

// The number of panels at which certifying this network should cost the least, by the estimates
// for Gaussian weights; 0 stands for the Frobenius norm.
std::int64_t choose_panels(const Network& network) {
    constexpr double kDoubleDouble = 40.0;  // multiplications that one in double-double costs
    constexpr double kTraced = 8.0;         // and one in carrying a gradient back
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
            if (panels > 0) {
                const double p = std::min(static_cast<double>(panels), shorter);
                norm = typical * std::sqrt(p) * (std::sqrt(shorter / p) + std::sqrt(longer));
                cost += 0.7 * shorter * shorter * longer / p;
            }
            const double growth = std::max(norm / (typical * std::sqrt(0.5 * n_in)), 1.0);
            weights_below += n_in * n_out;
            error = std::min(1.0, error * growth + 4.0 * n_in * kRoundoff * std::sqrt(n_in));
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
    const std::int64_t side = shorter_side(layer);
    const auto longer = static_cast<double>(std::max(layer.n_in, layer.n_out));
    // Where layers come and go, the network is so large that tight bounds are worth long pieces.
    constexpr double kLongestOfLazy = 64.0 * kLongestPiece;
    const double longest = network.is_lazy() ? kLongestOfLazy : kLongestPiece;
    const auto fewest = static_cast<std::int64_t>(
        std::ceil(static_cast<double>(side) / std::sqrt(longest / longer)));
    const std::int64_t count = std::min(std::max(n_panels, fewest), side);
    for (std::int64_t p = 0; p < count; ++p) {
        panels.push_back({l, p * side / count, (p + 1) * side / count});
    }
}

double squared_norm_bound(const Network& network, const Panel& panel) {
    const Layer& from = network.layer(panel.layer);
    const double frobenius_square = from.frobenius_norm * from.frobenius_norm;
    // Single precision is tight enough while n u is small, and takes half the time.
    const std::int64_t longest = std::max(from.n_in, from.n_out);
    if (!(from.frobenius_norm > 0x1p-450 && from.frobenius_norm < 0x1p450)) {
        return kInfinity;  // squares would leave the range of float64
    }
    const bool in_range = from.frobenius_norm > 1e-10 && from.frobenius_norm < 1e10;
    return longest <= 8192 && in_range ? squared_norm_bound<float>(from, panel, frobenius_square)
                                       : squared_norm_bound<double>(from, panel, frobenius_square);
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
        std::vector<double> squares(panels.size());
        parallel_for(n_threads, panels.size(), interrupt, [&](std::size_t p, int) {
            squares[p] = squared_norm_bound(*this, panels[p]);
        });
        for (std::size_t p = 0; p < panels.size(); ++p) {
            sums[static_cast<std::size_t>(panels[p].layer)] += squares[p];
        }
    };
    std::vector<Panel> panels;
    for (int l = 2; l <= depth() && n_panels > 0; ++l) {
        append_panels(*this, l, n_panels, panels);
        if (is_lazy()) {
            hold(l, l, n_threads, interrupt);
            add_panels(panels);
            panels.clear();
        }
    }
    add_panels(panels);
    for (int l = 2; l <= depth() && n_panels > 0; ++l) {
        Layer& bounded = layers_[static_cast<std::size_t>(l - 1)];
        const double bound = std::sqrt(sums[static_cast<std::size_t>(l)]) * (1.0 + 0x1p-30);
        if (bound < bounded.spectral_norm) {  // false for NaN, too
            bounded.spectral_norm = bound;
        }
    }
    spectral_norms_bounded_ = true;
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
    std::vector<double> squares(panels.size());
    parallel_for(1, panels.size(), interrupt,
                 [&](std::size_t p, int) { squares[p] = squared_norm_bound(*this, panels[p]); });
    const double sum = std::reduce(squares.begin(), squares.end());
    const double bound = std::sqrt(sum) * (1.0 + 0x1p-30);
    const double frobenius_norm = layer(l).frobenius_norm;
    const double norm = bound < frobenius_norm ? bound : frobenius_norm;  // not NaN
    tight_spectral_norms_.emplace(key, norm);
    return norm;
}

}  // namespace relufast
