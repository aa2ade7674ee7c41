#include "relufast/activation_residues.hpp"

#include <algorithm>

#include "relufast/buffer.hpp"
#include "relufast/echelon.hpp"
#include "relufast/error.hpp"
#include "relufast/multiversion.hpp"

namespace relufast {
namespace {

// z becomes relu(z + b), all in residues.
RELUFAST_MULTIVERSION
void activate(double* __restrict z, const double* __restrict biases,
              const std::uint8_t* __restrict active, double slope, double p, double reciprocal,
              std::int64_t n) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
        const double value = modular::reduced(z[i] + biases[i], p, reciprocal);
        const double inactive = modular::reduced(slope * value, p, reciprocal);
        z[i] = active[i] != 0 ? value : inactive;
    }
}

class ResidueLayers {
 public:
    ResidueLayers(const Network& network, const double* points, const ActivationSigns& signs,
                  const modular::Modulus& modulus, const Interrupt& interrupt)
        : network_(network),
          signs_(signs),
          modulus_(modulus),
          interrupt_(interrupt),
          n_alive_(static_cast<std::size_t>(network.layer(1).n_in)) {
        const auto size = static_cast<std::size_t>(signs.n_points * network.layer(1).n_in);
        values_.resize(size);
        modular::residues(points, size, modulus, values_.data());
        const double slope = network.negative_slope();
        modular::residues(&slope, 1, modulus, &slope_);
    }

    // The next layer's activations at all points, column-major (alive neurons, n_points).
    void advance() {
        const Layer& next = network_.layer(++layer_);
        const std::vector<std::int32_t>& alive = signs_.alive[static_cast<std::size_t>(layer_ - 1)];
        take_parameters(next, alive);
        const auto n_in = static_cast<std::int64_t>(n_alive_);
        const auto n_out = static_cast<std::int64_t>(alive.size());
        n_alive_ = alive.size();
        below_.swap(values_);
        values_.resize(static_cast<std::size_t>(signs_.n_points) * n_alive_);
        if (n_in == 0) {
            std::fill(values_.begin(), values_.end(), 0.0);
        }
        const auto cost = static_cast<double>((n_in + 1) * (n_out + 1));
        const std::int64_t n_products = n_in > 0 && n_out > 0 ? signs_.n_points : 0;
        in_pieces(n_products, cost, interrupt_, [&](std::int64_t p, std::int64_t count) {
            modular::multiply('N', 'N', n_out, count, n_in, weights_.data(), n_out,
                              &below_[static_cast<std::size_t>(p * n_in)], n_in,
                              &values_[static_cast<std::size_t>(p * n_out)], n_out, modulus_);
        });
        apply_relu(next.n_out, alive);
    }

    // Of the points with no open sign up to here.
    std::int64_t rank() const {
        std::vector<std::size_t> points;
        for (std::size_t p = 0; p < signs_.open_from.size(); ++p) {
            if (signs_.open_from[p] > layer_) {
                points.push_back(p);
            }
        }
        if (points.empty() || n_alive_ == 0) {
            return 0;
        }
        modular::Matrix matrix(static_cast<std::int64_t>(n_alive_),
                               static_cast<std::int64_t>(points.size()));
        for (std::size_t i = 0; i < points.size(); ++i) {
            std::copy_n(&values_[points[i] * n_alive_], n_alive_,
                        matrix.at(0, static_cast<std::int64_t>(i)));
        }
        return modular::rank(matrix, modulus_, interrupt_);
    }

 private:
    // Residues of the weights from alive neurons to alive ones, and of the biases.
    void take_parameters(const Layer& next, const std::vector<std::int32_t>& alive) {
        weights_.resize(n_alive_ * alive.size());
        biases_.resize(alive.size());
        double* to = weights_.data();
        for (std::size_t j = 0; j < n_alive_; ++j) {
            const double* from =
                next.outgoing(layer_ == 1 ? static_cast<std::int64_t>(j)
                                          : signs_.alive[static_cast<std::size_t>(layer_ - 2)][j]);
            for (const std::int32_t i : alive) {
                *to++ = from[i];
            }
        }
        for (std::size_t i = 0; i < alive.size(); ++i) {
            biases_[i] = next.biases[static_cast<std::size_t>(alive[i])];
        }
        modular::residues(weights_.data(), weights_.size(), modulus_, weights_.data());
        modular::residues(biases_.data(), biases_.size(), modulus_, biases_.data());
    }

    void apply_relu(std::int64_t n, const std::vector<std::int32_t>& alive) {
        const auto& active = signs_.active[static_cast<std::size_t>(layer_ - 1)];
        std::vector<std::uint8_t> active_of_alive(alive.size());
        for (std::int64_t p = 0; p < signs_.n_points; ++p) {
            const std::uint8_t* from = active.data() + p * n;
            for (std::size_t i = 0; i < alive.size(); ++i) {
                active_of_alive[i] = from[alive[i]];
            }
            activate(values_.data() + static_cast<std::size_t>(p) * n_alive_, biases_.data(),
                     active_of_alive.data(), slope_, modulus_.value(), modulus_.reciprocal(),
                     static_cast<std::int64_t>(n_alive_));
        }
    }

    const Network& network_;
    const ActivationSigns& signs_;
    const modular::Modulus& modulus_;
    const Interrupt& interrupt_;
    double slope_ = 0.0;
    int layer_ = 0;
    std::size_t n_alive_;    // neurons of this layer, of which there are residues
    Buffer<double> values_;  // residues of this layer's activations
    Buffer<double> below_;
    Buffer<double> weights_;
    Buffer<double> biases_;
};

}  // namespace

std::vector<std::int64_t> activation_ranks_modulo(const Network& network, const double* points,
                                                  const ActivationSigns& signs,
                                                  const modular::Modulus& modulus,
                                                  const std::vector<bool>& wanted,
                                                  const Interrupt& interrupt) {
    std::vector<std::int64_t> ranks(wanted.size(), -1);
    ResidueLayers layers(network, points, signs, modulus, interrupt);
    const auto last = std::find(wanted.rbegin(), wanted.rend(), true);
    const auto n_layers = static_cast<std::size_t>(wanted.rend() - last);
    for (std::size_t l = 0; l < n_layers; ++l) {
        layers.advance();
        if (wanted[l]) {
            ranks[l] = layers.rank();
        }
    }
    return ranks;
}

}  // namespace relufast
