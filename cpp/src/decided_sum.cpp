#include "relufast/decided_sum.hpp"

#include <algorithm>
#include <cmath>

#include "relufast/column_ops.hpp"
#include "relufast/norms.hpp"
#include "relufast/rounding.hpp"

namespace relufast {

DecidedSum::DecidedSum(const Layer& hidden, const Layer& output, std::int64_t n_outputs,
                       double negative_slope)
    : hidden_(hidden),
      output_(output),
      negative_slope_(negative_slope),
      signs_(static_cast<std::size_t>(hidden.n_out), KnownSign::open),
      parts_(static_cast<std::size_t>(n_outputs)) {
    for (Part& part : parts_) {
        part.weights.assign(static_cast<std::size_t>(hidden.n_in), 0.0);
    }
}

double DecidedSum::factor(KnownSign sign) const {
    return sign == KnownSign::positive ? 1.0 : sign == KnownSign::negative ? negative_slope_ : 0.0;
}

void DecidedSum::follow(const std::vector<KnownSign>& signs) {
    // Norms are bounded by the triangle inequality from one look at the weights to the next.
    constexpr int kLookAgain = 32;
    int n_added = 0;
    const auto look = [this] {
        for (Part& part : parts_) {
            part.norm = norm_bound(part.weights.data(), hidden_.n_in);
        }
    };
    for (std::size_t i = 0; i < signs.size(); ++i) {
        if (signs[i] == signs_[i]) {
            continue;
        }
        // What goes out is to the bit what once came in.
        for (const double change : {-factor(signs_[i]), factor(signs[i])}) {
            if (change != 0.0) {
                add(i, change);
                if (++n_added % kLookAgain == 0) {
                    look();
                }
            }
        }
        signs_[i] = signs[i];
    }
    look();
}

void DecidedSum::add(std::size_t neuron, double factor) {
    const double* const sent = output_.outgoing(static_cast<std::int64_t>(neuron));
    const double* const weights = row(neuron);
    for (std::size_t o = 0; o < parts_.size(); ++o) {
        if (sent[o] == 0.0) {
            continue;
        }
        Part& part = parts_[o];
        const double multiple = factor * sent[o];
        add_multiple(multiple, weights, part.weights.data(), hidden_.n_in);
        const double size = std::fabs(multiple) * hidden_.row_norms[neuron];
        // Of the factor, of the product and of the sum, and what underflow may take.
        part.weights_error += (kRoundoff * (4.0 * size + part.norm) +
                               0x1p-1000 * (1.0 + static_cast<double>(hidden_.n_in))) *
                              kInflate;
        part.norm = (part.norm + size) * kInflate;
        const double bias = multiple * hidden_.biases[neuron];
        part.bias += bias;
        part.bias_error +=
            (kRoundoff * (4.0 * std::fabs(bias) + std::fabs(part.bias)) + 0x1p-1000) * kInflate;
    }
}

const double* DecidedSum::row(std::size_t neuron) {
    const auto n_in = static_cast<std::size_t>(hidden_.n_in);
    if (hidden_.rows != nullptr) {
        return hidden_.rows + neuron * n_in;
    }
    copy_.resize(n_in);
    for (std::size_t j = 0; j < n_in; ++j) {
        copy_[j] = hidden_.outgoing(static_cast<std::int64_t>(j))[neuron];
    }
    return copy_.data();
}

}  // namespace relufast
