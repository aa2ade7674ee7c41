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
        : network_(network), signs_(signs), modulus_(modulus), interrupt_(interrupt) {
        const auto size = static_cast<std::size_t>(signs.n_points * network.layer(1).n_in);
        values_.resize(size);
        modular::residues(points, size, modulus, values_.data());
        const double slope = network.negative_slope();
        modular::residues(&slope, 1, modulus, &slope_);
    }

    // The next layer's activations at all points, column-major (n_l, n_points).
    void advance() {
        const Layer& next = network_.layer(++layer_);
        const auto n_weights = static_cast<std::size_t>(next.n_in * next.n_out);
        weights_.resize(n_weights);
        modular::residues(next.weights.data(), n_weights, modulus_, weights_.data());
        biases_.resize(next.biases.size());
        modular::residues(next.biases.data(), biases_.size(), modulus_, biases_.data());
        below_.swap(values_);
        values_.resize(static_cast<std::size_t>(signs_.n_points * next.n_out));
        const double cost = static_cast<double>(n_weights);
        const auto most =
            std::max<std::int64_t>(1, static_cast<std::int64_t>(kLongestPiece / cost));
        const auto& active = signs_.active[static_cast<std::size_t>(layer_ - 1)];
        for (std::int64_t p = 0; p < signs_.n_points; p += most) {
            if (interrupt_ && interrupt_()) {
                throw Interrupted("interrupted");
            }
            const std::int64_t count = std::min(most, signs_.n_points - p);
            modular::multiply('N', 'N', next.n_out, count, next.n_in, weights_.data(), next.n_out,
                              &below_[static_cast<std::size_t>(p * next.n_in)], next.n_in,
                              &values_[static_cast<std::size_t>(p * next.n_out)], next.n_out,
                              modulus_);
            for (std::int64_t q = p; q < p + count; ++q) {
                const auto at = static_cast<std::size_t>(q * next.n_out);
                activate(&values_[at], biases_.data(), &active[at], slope_, modulus_.value(),
                         modulus_.reciprocal(), next.n_out);
            }
        }
    }

    // Of the points with no open sign up to here. Neurons that are active nowhere are left out.
    std::int64_t rank() const {
        const std::int64_t n = network_.layer(layer_).n_out;
        const auto& active = signs_.active[static_cast<std::size_t>(layer_ - 1)];
        std::vector<std::int64_t> points;
        std::vector<std::uint8_t> alive(static_cast<std::size_t>(n), slope_ != 0.0 ? 1 : 0);
        for (std::int64_t p = 0; p < signs_.n_points; ++p) {
            if (signs_.open_from[static_cast<std::size_t>(p)] > layer_) {
                points.push_back(p);
                const std::uint8_t* row = &active[static_cast<std::size_t>(p * n)];
                for (std::size_t i = 0; i < alive.size(); ++i) {
                    alive[i] |= row[i];
                }
            }
        }
        std::vector<std::int64_t> neurons;
        for (std::int64_t i = 0; i < n; ++i) {
            if (alive[static_cast<std::size_t>(i)] != 0) {
                neurons.push_back(i);
            }
        }
        if (points.empty() || neurons.empty()) {
            return 0;
        }
        modular::Matrix matrix(static_cast<std::int64_t>(neurons.size()),
                               static_cast<std::int64_t>(points.size()));
        for (std::size_t p = 0; p < points.size(); ++p) {
            const double* from = &values_[static_cast<std::size_t>(points[p] * n)];
            double* to = matrix.at(0, static_cast<std::int64_t>(p));
            for (std::size_t i = 0; i < neurons.size(); ++i) {
                to[i] = from[neurons[i]];
            }
        }
        return modular::rank(matrix, modulus_, interrupt_);
    }

 private:
    const Network& network_;
    const ActivationSigns& signs_;
    const modular::Modulus& modulus_;
    const Interrupt& interrupt_;
    double slope_ = 0.0;
    int layer_ = 0;
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
