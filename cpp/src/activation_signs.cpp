#include "relufast/activation_signs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "relufast/blas.hpp"
#include "relufast/column_ops.hpp"
#include "relufast/layer_bound.hpp"
#include "relufast/multiversion.hpp"
#include "relufast/norms.hpp"
#include "relufast/precise_point.hpp"
#include "relufast/rounding.hpp"

namespace relufast {
namespace {

// Biases are added last, so that they enter with few roundings.
constexpr double kBiasRounding = 4.0 * kRoundoff;

RELUFAST_MULTIVERSION
void unite(const std::uint8_t* __restrict from, std::uint8_t* __restrict to, std::int64_t n) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
        to[i] |= from[i];
    }
}

std::vector<std::int32_t> numbers_up_to(std::int64_t n) {
    std::vector<std::int32_t> numbers(static_cast<std::size_t>(n));
    std::iota(numbers.begin(), numbers.end(), std::int32_t{0});
    return numbers;
}

struct Sizes {
    double square = 0.0;  // |h|^2
    double largest = 0.0;
};

// z becomes h; `active` its signs.
RELUFAST_MULTIVERSION
Sizes activate(double* __restrict z, std::uint8_t* __restrict active, double negative_slope,
               std::int64_t n) {
    double square = 0.0;
    double largest = 0.0;
#pragma omp simd reduction(+ : square) reduction(max : largest)
    for (std::int64_t i = 0; i < n; ++i) {
        const double value = z[i];
        const double inactive = negative_slope == 0.0 ? 0.0 : negative_slope * value;
        const double h = value > 0.0 ? value : inactive;
        const double size = std::fabs(h);
        square += h * h;
        largest = largest > size ? largest : size;
        active[i] = value > 0.0 ? 1 : 0;
        z[i] = h;
    }
    return {square, largest};
}

// What a point sends to the next layer.
struct Sent {
    double norm = 0.0;
    bool is_exact = false;  // what exact arithmetic gives: the input, or silence
};

class SignSolver {
 public:
    SignSolver(Network& network, const double* points, std::int64_t n_points, bool certify,
               const ExactPreactivations& exact, const Interrupt& interrupt)
        : network_(network),
          points_(points),
          n_points_(n_points),
          certify_(certify),
          exact_(exact),
          interrupt_(interrupt),
          trails_(static_cast<std::size_t>(n_points)) {
        for (int l = 0; l <= network.depth() + 1; ++l) {
            spectral_norms_.push_back(l == 0 ? 0.0 : network.layer(l).frobenius_norm);
            n_panels_.push_back(std::numeric_limits<std::int64_t>::max());
        }
        const std::size_t depth = static_cast<std::size_t>(network.depth());
        signs_.n_points = n_points;
        signs_.active.resize(depth);
        signs_.alive.resize(depth);
        signs_.n_open.assign(depth, 0);
        signs_.open_from.assign(static_cast<std::size_t>(n_points), network.depth() + 1);
    }

    ActivationSigns solve() {
        z_.assign(points_, points_ + n_points_ * network_.layer(1).n_in);
        for (std::int64_t p = 0; p < n_points_; ++p) {
            const std::int64_t n = network_.layer(1).n_in;
            trail(p).sent.push_back({working_norm_bound(points_ + p * n, n), true});
        }
        for (int layer = 1; layer <= network_.depth(); ++layer) {
            multiply(layer);
            if (certify_) {
                certify(layer);
            }
            apply_relu(layer);
        }
        return std::move(signs_);
    }

 private:
    // What a point's error bound follows from.
    struct Trail {
        std::vector<Sent> sent;  // to layer l + 1
        // The last layer whose preactivations were evaluated better, and their error.
        int anchor = 0;
        double anchor_error = 0.0;
        int bounded = 0;  // `error` is that of this layer
        double error = 0.0;
        std::unique_ptr<PrecisePoint> precise;
    };

    Trail& trail(std::int64_t point) { return trails_[static_cast<std::size_t>(point)]; }

    bool is_open(std::int64_t point, int layer) const {
        return signs_.open_from[static_cast<std::size_t>(point)] <= layer;
    }

    // z = W h + b for all points; h is in z_ before. Neurons that are inactive everywhere are left
    // out: they send zeros.
    void multiply(int layer) {
        const Layer& parameters = network_.layer(layer);
        const double* weights = parameters.weights.data();
        std::int64_t stride = parameters.stride();
        std::int64_t n_in = parameters.n_in;
        if (layer > 1) {
            const std::vector<std::int32_t>& alive =
                signs_.alive[static_cast<std::size_t>(layer - 2)];
            if (static_cast<std::int64_t>(alive.size()) < n_in) {
                n_in = gather_alive(parameters, alive);
                weights = weights_.data();
                stride = parameters.n_out;
            }
        }
        h_.swap(z_);
        z_.resize(static_cast<std::size_t>(n_points_ * parameters.n_out));
        if (n_in == 0) {
            std::fill(z_.begin(), z_.end(), 0.0);
        }
        const auto cost = static_cast<double>((n_in + 1) * parameters.n_out);
        in_pieces(n_in > 0 ? n_points_ : 0, cost, interrupt_,
                  [&](std::int64_t p, std::int64_t count) {
                      blas::gemm('N', 'N', parameters.n_out, count, n_in, 1.0, weights, stride,
                                 &h_[static_cast<std::size_t>(p * n_in)], n_in, 0.0,
                                 column(layer, p), parameters.n_out);
                  });
        for (std::int64_t p = 0; p < n_points_; ++p) {
            add_multiple(1.0, parameters.biases.data(), column(layer, p), parameters.n_out);
        }
    }

    // Brings the alive rows of h, which is in z_, and columns of W together.
    std::int64_t gather_alive(const Layer& parameters, const std::vector<std::int32_t>& alive) {
        const auto n_alive = static_cast<std::int64_t>(alive.size());
        weights_.resize(alive.size() * static_cast<std::size_t>(parameters.n_out));
        double* to = weights_.data();
        for (const std::int32_t j : alive) {
            to = std::copy_n(parameters.outgoing(j), parameters.n_out, to);
        }
        for (std::int64_t p = 0; p < n_points_; ++p) {
            const double* from = &z_[static_cast<std::size_t>(p * parameters.n_in)];
            double* h = z_.data() + p * n_alive;  // never beyond `from`
            for (std::int64_t i = 0; i < n_alive; ++i) {
                h[i] = from[alive[static_cast<std::size_t>(i)]];
            }
        }
        return n_alive;
    }

    LayerBound bound(int layer, const Sent& sent, double error_below) const {
        const Layer& parameters = network_.layer(layer);
        double carried = 0.0;
        if (!sent.is_exact) {
            carried = network_.lipschitz() * error_below;
            if (network_.negative_slope() != 0.0) {
                // Products with the slope are rounded.
                carried += kRoundoff * sent.norm + underflow(parameters.n_in);
            }
        }
        return layer_bound(parameters, spectral_norms_[static_cast<std::size_t>(layer)], carried,
                           gamma(parameters.n_in + 8) * sent.norm, kBiasRounding);
    }

    // The bound at a layer from the last anchor on, or from where it was left.
    LayerBound bound_at(int layer, Trail& trail) const {
        if (trail.bounded < trail.anchor) {
            trail.bounded = trail.anchor;
            trail.error = trail.anchor_error;
        }
        LayerBound result;
        while (trail.bounded < layer) {
            const Sent& sent = trail.sent[static_cast<std::size_t>(trail.bounded)];
            result = bound(trail.bounded + 1, sent, trail.error);
            ++trail.bounded;
            trail.error = result.error;
        }
        return result;
    }

    std::int64_t count_open_signs(int layer, std::int64_t point) {
        const LayerBound here = bound_at(layer, trail(point));
        if (here.beta == 0.0) {
            return 0;
        }
        const Layer& parameters = network_.layer(layer);
        const ColumnExtremes extremes = column_extremes(
            column(layer, point), parameters.biases.data(), parameters.decision_norms.data(),
            here.beta * kInflate, kBiasRounding, here.floor * kInflate, parameters.n_out);
        // The sign of an infinity may be that of a partial sum alone.
        return extremes.largest < kInfinity ? extremes.n_open : parameters.n_out;
    }

    double* column(int layer, std::int64_t point) {
        return &z_[static_cast<std::size_t>(point * network_.layer(layer).n_out)];
    }

    // The points of which float64 leaves a sign open.
    std::vector<std::int64_t> open_points(int layer, const std::vector<std::int64_t>& among) {
        std::vector<std::int64_t> open;
        for (const std::int64_t point : among) {
            if (count_open_signs(layer, point) > 0) {
                open.push_back(point);
            }
        }
        return open;
    }

    void certify(int layer) {
        std::vector<std::int64_t> open;
        for (std::int64_t p = 0; p < n_points_; ++p) {
            if (is_open(p, layer)) {
                signs_.n_open[static_cast<std::size_t>(layer - 1)] += network_.layer(layer).n_out;
            } else {
                open.push_back(p);
            }
        }
        open = open_points(layer, open);
        for (const std::int64_t n_panels : {4, 1}) {
            if (tighten_norms(layer, n_panels, open.size())) {
                // Points that are not open keep their looser bounds until they need better ones.
                for (const std::int64_t p : open) {
                    trail(p).bounded = 0;
                }
                open = open_points(layer, open);
            }
        }
        for (const std::int64_t p : open) {
            poll(interrupt_);
            settle(layer, p);
        }
    }

    // Better spectral norms of the layers below, where they cost less than double-double for all
    // open points; whether there are any.
    bool tighten_norms(int layer, std::int64_t n_panels, std::size_t n_open) {
        constexpr double kDoubleDouble = 20.0;  // multiplications that one in double-double costs
        double precise_cost = 0.0;
        double norms_cost = 0.0;
        double tightest_cost = 0.0;
        for (int l = 1; l <= layer; ++l) {
            const Layer& parameters = network_.layer(l);
            const auto shorter = static_cast<double>(std::min(parameters.n_in, parameters.n_out));
            const auto n_weights = static_cast<double>(parameters.n_in * parameters.n_out);
            precise_cost += kDoubleDouble * n_weights;
            if (l >= 2 && l < layer && n_panels < n_panels_[static_cast<std::size_t>(l)]) {
                constexpr double kSteps = 100.0;  // of a power iteration
                norms_cost += n_weights * (shorter / static_cast<double>(n_panels) + kSteps);
                tightest_cost += n_weights * (shorter + kSteps);
            }
        }
        if (norms_cost == 0.0 || norms_cost > precise_cost * static_cast<double>(n_open)) {
            return false;
        }
        if (n_panels > 1 && norms_cost > 0.5 * tightest_cost) {
            return false;  // the tightest will mostly be needed, too
        }
        for (int l = 2; l < layer; ++l) {
            std::int64_t& known = n_panels_[static_cast<std::size_t>(l)];
            if (n_panels < known) {
                known = n_panels;
                double& norm = spectral_norms_[static_cast<std::size_t>(l)];
                norm = std::min(norm, network_.tight_spectral_norm(l, n_panels, interrupt_));
            }
        }
        return true;
    }

    // All signs of a point by double-double or exactly; or else it stays open.
    void settle(int layer, std::int64_t point) {
        Trail& own = trail(point);
        if (own.precise == nullptr) {
            own.precise =
                std::make_unique<PrecisePoint>(network_, points_ + point * network_.layer(1).n_in);
        }
        while (own.precise->layer() < layer) {
            const int at = own.precise->layer();
            const std::uint8_t* active =
                at == 0
                    ? nullptr
                    : &signs_.active[static_cast<std::size_t>(at - 1)]
                                    [static_cast<std::size_t>(point * network_.layer(at).n_out)];
            own.precise->advance(active, spectral_norms_);
        }
        double* z = column(layer, point);
        const std::int64_t n = network_.layer(layer).n_out;
        const std::int64_t n_open = own.precise->n_open();
        if (n_open == 0) {
            std::copy(own.precise->values().begin(), own.precise->values().end(), z);
            own.anchor_error = own.precise->error();
        } else if (exact_ && exact_(layer, point, z)) {
            const double norm = norm_bound(z, n);
            const bool in_range = norm < 0x1p450;
            own.anchor_error =
                in_range ? (2.0 * kRoundoff * norm + underflow(n)) * kInflate : kInfinity;
        } else {
            signs_.n_open[static_cast<std::size_t>(layer - 1)] += n_open;
            signs_.open_from[static_cast<std::size_t>(point)] = layer;
            own.precise.reset();
            return;
        }
        own.anchor = layer;
        own.bounded = layer;
        own.error = own.anchor_error;
    }

    void apply_relu(int layer) {
        const std::int64_t n = network_.layer(layer).n_out;
        const double a = network_.negative_slope();
        Buffer<std::uint8_t>& active = signs_.active[static_cast<std::size_t>(layer - 1)];
        active.resize(static_cast<std::size_t>(n_points_ * n));
        for (std::int64_t p = 0; p < n_points_; ++p) {
            const Sizes sizes = activate(column(layer, p), &active[p * n], a, n);
            Sent sent;
            sent.norm = norm_from_square(sizes.square, sizes.largest);
            // Of a point that is not open, all signs are right: no neuron is active.
            sent.is_exact = a == 0.0 && sizes.square == 0.0 && sizes.largest == 0.0;
            trail(p).sent.push_back(sent);
        }
        if (a != 0.0) {
            signs_.alive[static_cast<std::size_t>(layer - 1)] = numbers_up_to(n);
            return;
        }
        std::vector<std::uint8_t> is_alive(static_cast<std::size_t>(n), 0);
        for (std::int64_t p = 0; p < n_points_; ++p) {
            unite(&active[static_cast<std::size_t>(p * n)], is_alive.data(), n);
        }
        for (std::int32_t i = 0; i < n; ++i) {
            if (is_alive[static_cast<std::size_t>(i)] != 0) {
                signs_.alive[static_cast<std::size_t>(layer - 1)].push_back(i);
            }
        }
    }

    Network& network_;
    const double* points_;
    std::int64_t n_points_;
    bool certify_;
    const ExactPreactivations& exact_;
    const Interrupt& interrupt_;
    std::vector<double> spectral_norms_;  // by layer: upper bounds
    std::vector<std::int64_t> n_panels_;  // that they were found with
    std::vector<Trail> trails_;
    Buffer<double> weights_;  // of alive neurons below
    Buffer<double> h_;
    Buffer<double> z_;
    ActivationSigns signs_;
};

}  // namespace

ActivationSigns signs_of_linear_network(const Network& network, std::int64_t n_points) {
    ActivationSigns signs;
    signs.n_points = n_points;
    for (int l = 1; l <= network.depth(); ++l) {
        const auto size = static_cast<std::size_t>(n_points * network.layer(l).n_out);
        signs.active.emplace_back(size, std::uint8_t{1});
        signs.alive.push_back(numbers_up_to(network.layer(l).n_out));
        signs.n_open.push_back(0);
    }
    signs.open_from.assign(static_cast<std::size_t>(n_points), network.depth() + 1);
    return signs;
}

ActivationSigns activation_signs(Network& network, const double* points, std::int64_t n_points,
                                 bool certify, const ExactPreactivations& exact,
                                 const Interrupt& interrupt) {
    return SignSolver(network, points, n_points, certify, exact, interrupt).solve();
}

}  // namespace relufast
