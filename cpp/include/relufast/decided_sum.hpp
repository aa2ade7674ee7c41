#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "relufast/network.hpp"

namespace relufast {

// What is known of a neuron along a whole stretch of the line.
enum class KnownSign : std::uint8_t { open, positive, negative };

// What the last hidden layer's neurons of known signs send to the outputs: an affine function of
// the layer below, v . h + c for each output, that follows the signs from stretch to stretch.
class DecidedSum {
 public:
    DecidedSum(const Layer& hidden, const Layer& output, std::int64_t n_outputs,
               double negative_slope);

    // The neurons whose sign is not open are in the sum from now on, and no others.
    void follow(const std::vector<KnownSign>& signs);

    const double* weights(std::size_t output) const { return parts_[output].weights.data(); }
    double bias(std::size_t output) const { return parts_[output].bias; }
    double norm(std::size_t output) const { return parts_[output].norm; }
    // Bounds on what rounding has put into the weights, in the 2-norm, and into the bias.
    double weights_error(std::size_t output) const { return parts_[output].weights_error; }
    double bias_error(std::size_t output) const { return parts_[output].bias_error; }

 private:
    struct Part {
        std::vector<double> weights;
        double bias = 0.0;
        double norm = 0.0;  // of the weights
        double weights_error = 0.0;
        double bias_error = 0.0;
    };

    double factor(KnownSign sign) const;
    void add(std::size_t neuron, double factor);
    const double* row(std::size_t neuron);

    const Layer& hidden_;
    const Layer& output_;
    double negative_slope_;
    std::vector<KnownSign> signs_;
    std::vector<Part> parts_;   // by output
    std::vector<double> copy_;  // of a row that lies apart in memory
};

}  // namespace relufast
