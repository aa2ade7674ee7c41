#include "relufast/trace.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "relufast/activity.hpp"
#include "relufast/gathered_product.hpp"
#include "relufast/norms.hpp"
#include "relufast/rounding.hpp"
#include "relufast/weight_blocks.hpp"

namespace relufast {
namespace {

// Neurons whose entries are one thread's.
constexpr std::size_t kSlice = 384;

// The gradients of the knots that are still on their way back, with respect to the preactivations
// of one layer.
class Gradients {
 public:
    Gradients(const Network& network, const std::vector<const Traced*>& knots, int n_threads,
              const Interrupt& interrupt)
        : network_(network),
          knots_(knots),
          n_threads_(n_threads),
          interrupt_(interrupt),
          memories_(static_cast<std::size_t>(n_threads)),
          reaches_(knots.size(), 0) {}

    std::vector<std::uint8_t> carry_all_the_way() {
        const int depth = network_.depth();
        const Layer& output = network_.layer(depth + 1);
        for (std::size_t k = 0; k < knots_.size(); ++k) {
            const Crossing& crossing = knots_[k]->crossing;
            if (crossing.layer == depth) {
                reaches_[k] = output.outgoing(crossing.neuron)[0] != 0.0;
            } else {
                present_.push_back({k, 0.0});
            }
        }
        list_neurons(depth);
        for (std::size_t g = 0; g < present_.size(); ++g) {
            for (const std::int32_t neuron : neurons_) {
                entries_.push_back(output.outgoing(neuron)[0]);
            }
        }
        pass(depth);
        // What passes no neuron of a layer is zero all the way down.
        for (int layer = depth; layer >= 2 && !neurons_.empty(); --layer) {
            settle(layer);
            if (present_.empty()) {
                break;
            }
            carry(layer);
            pass(layer - 1);
        }
        return reaches_;
    }

 private:
    struct Gradient {
        std::size_t knot = 0;
        double error = 0.0;  // 2-norm, without what the next layer's weights do to it
        double size = 0.0;   // 2-norm
    };

    const std::uint64_t* activity(const Gradient& gradient, int layer) const {
        const Traced& knot = *knots_[gradient.knot];
        return knot.active[static_cast<std::size_t>(layer - knot.crossing.layer - 1)].data();
    }

    double* entries_of(std::size_t g) { return entries_.data() + g * neurons_.size(); }

    // Nothing is asked for of neurons that are inactive at all knots.
    void list_neurons(int layer) {
        list_senders(
            network_.layer(layer).n_out, network_.negative_slope(), present_.size(),
            [&](std::size_t g) { return activity(present_[g], layer); }, neurons_);
    }

    // Through the activity of a layer.
    void pass(int layer) {
        const double a = network_.negative_slope();
        for (std::size_t g = 0; g < present_.size(); ++g) {
            const std::uint64_t* const active = activity(present_[g], layer);
            double* const entries = entries_of(g);
            double square = 0.0;
            double largest = 0.0;
            for (std::size_t c = 0; c < neurons_.size(); ++c) {
                const auto neuron = static_cast<std::size_t>(neurons_[c]);
                entries[c] *= is_active(active, neuron) ? 1.0 : a;
                square += entries[c] * entries[c];
                largest = std::max(largest, std::fabs(entries[c]));
            }
            Gradient& gradient = present_[g];
            gradient.size = norm_from_square(square, largest);
            gradient.error =
                network_.lipschitz() * gradient.error + kRoundoff * std::fabs(a) * gradient.size;
        }
    }

    // Those that turn one layer below need one entry of the next gradient only, and are dropped.
    void settle(int layer) {
        const Layer& parameters = network_.layer(layer);
        const auto n = static_cast<std::int64_t>(neurons_.size());
        std::size_t kept = 0;
        for (std::size_t g = 0; g < present_.size(); ++g) {
            const Gradient gradient = present_[g];
            const Crossing& crossing = knots_[gradient.knot]->crossing;
            const double* const entries = entries_of(g);
            if (crossing.layer < layer - 1) {
                std::copy(entries, entries + n, entries_of(kept));
                present_[kept++] = gradient;
                continue;
            }
            const double* const sent = parameters.outgoing(crossing.neuron);
            double sum = 0.0;
            for (std::size_t c = 0; c < neurons_.size(); ++c) {
                sum += entries[c] * sent[neurons_[c]];
            }
            const double norm = parameters.column_norms[static_cast<std::size_t>(crossing.neuron)];
            const double error = (norm * (gradient.error + gamma(n + 2) * gradient.size) +
                                  floor_of(gradient, parameters)) *
                                 kInflate;
            reaches_[gradient.knot] = std::fabs(sum) > error;
        }
        present_.resize(kept);
    }

    // Through the weights of a layer.
    void carry(int layer) {
        const Layer& parameters = network_.layer(layer);
        const auto n_terms = static_cast<std::int64_t>(neurons_.size());
        const double root_n = std::sqrt(static_cast<double>(parameters.n_in));
        for (Gradient& gradient : present_) {
            gradient.error = (parameters.spectral_norm * gradient.error +
                              parameters.frobenius_norm *
                                  gamma(roundings_of_gathered(n_terms) + 2) * gradient.size +
                              floor_of(gradient, parameters) * root_n) *
                             kInflate;
        }
        const std::vector<std::int32_t> terms = neurons_;
        list_neurons(layer - 1);
        carried_.resize(present_.size() * neurons_.size());
        const std::size_t n_slices = (neurons_.size() + kSlice - 1) / kSlice;
        parallel_for(n_threads_, n_slices, interrupt_, [&](std::size_t slice, int thread) {
            carry_slice(parameters, terms, slice * kSlice,
                        memories_[static_cast<std::size_t>(thread)]);
        });
        entries_.swap(carried_);
    }

    struct Memory {
        ProductMemory of_product;
        Buffer<double> products;
    };

    // The entries of some of the neurons one layer down.
    void carry_slice(const Layer& parameters, const std::vector<std::int32_t>& terms,
                     std::size_t begin, Memory& memory) {
        const std::size_t n = std::min(kSlice, neurons_.size() - begin);
        memory.products.resize(present_.size() * n);
        const auto row_at = [&](std::size_t r) { return parameters.outgoing(neurons_[begin + r]); };
        multiply_gathered(static_cast<std::int64_t>(n), static_cast<std::int64_t>(terms.size()),
                          blocks_out_of_rows(row_at, terms), entries_.data(),
                          static_cast<std::int64_t>(present_.size()), memory.products.data(),
                          memory.of_product);
        for (std::size_t g = 0; g < present_.size(); ++g) {
            std::copy_n(memory.products.data() + g * n, n,
                        carried_.data() + g * neurons_.size() + begin);
        }
    }

    static double floor_of(const Gradient& gradient, const Layer& parameters) {
        return gradient.size > 0.0 ? underflow(parameters.n_out) : 0.0;
    }

    const Network& network_;
    const std::vector<const Traced*>& knots_;
    int n_threads_;
    const Interrupt& interrupt_;
    std::vector<Memory> memories_;  // by thread
    std::vector<std::uint8_t> reaches_;
    std::vector<Gradient> present_;
    std::vector<std::int32_t> neurons_;  // of the present layer, that there are entries for
    Buffer<double> entries_;             // (gradients, neurons)
    Buffer<double> carried_;
};

}  // namespace

std::vector<std::uint8_t> trace_back(const Network& network,
                                     const std::vector<const Traced*>& knots, int n_threads,
                                     const Interrupt& interrupt) {
    return Gradients(network, knots, n_threads, interrupt).carry_all_the_way();
}

}  // namespace relufast
