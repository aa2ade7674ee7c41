#include "relufast/trace.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "relufast/activity.hpp"
#include "relufast/column_ops.hpp"
#include "relufast/gathered_product.hpp"
#include "relufast/gradient_bounds.hpp"
#include "relufast/norms.hpp"
#include "relufast/rounding.hpp"
#include "relufast/weight_blocks.hpp"

namespace relufast {
namespace {

// Neurons whose entries are one thread's, at the most.
constexpr std::size_t kSlice = 384;

// So few gradients are multiplied by whole rows of the weights, which the memory brings faster than
// a half of their entries, picked out.
constexpr std::size_t kFew = 32;

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
                present_.push_back({k, {}});
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
        GradientBounds bounds;
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
            GradientBounds& bounds = present_[g].bounds;
            bounds = passed(network_, bounds, norm_from_square(square, largest));
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
            reaches_[gradient.knot] =
                std::fabs(sum) > error_below(parameters, gradient.bounds, n, crossing.neuron);
        }
        present_.resize(kept);
    }

    // Through the weights of a layer.
    void carry(int layer) {
        const Layer& parameters = network_.layer(layer);
        const bool are_few = present_.size() <= kFew;
        const auto n_terms = static_cast<std::int64_t>(neurons_.size());
        const std::int64_t n_roundings =
            are_few ? roundings_of_dot(parameters.n_out) : roundings_of_gathered(n_terms);
        for (Gradient& gradient : present_) {
            gradient.bounds.error = error_below(parameters, gradient.bounds, n_roundings);
        }
        if (are_few) {
            spread_out(static_cast<std::size_t>(parameters.n_out));
        }
        const std::vector<std::int32_t> terms = neurons_;
        list_neurons(layer - 1);
        carried_.resize(present_.size() * neurons_.size());
        const auto threads = static_cast<std::size_t>(n_threads_);
        const std::size_t n_slices =
            std::max((neurons_.size() + kSlice - 1) / kSlice, std::min(threads, neurons_.size()));
        parallel_for(n_threads_, n_slices, interrupt_, [&](std::size_t slice, int thread) {
            const Slice part{slice * neurons_.size() / n_slices,
                             (slice + 1) * neurons_.size() / n_slices};
            if (are_few) {
                multiply_rows(parameters, part);
            } else {
                carry_slice(parameters, terms, part, memories_[static_cast<std::size_t>(thread)]);
            }
        });
        entries_.swap(carried_);
    }

    // All entries of each gradient, those of neurons that are not listed among them.
    void spread_out(std::size_t n) {
        spread_.resize(present_.size() * n);
        std::fill(spread_.begin(), spread_.end(), 0.0);
        for (std::size_t g = 0; g < present_.size(); ++g) {
            for (std::size_t c = 0; c < neurons_.size(); ++c) {
                spread_[g * n + static_cast<std::size_t>(neurons_[c])] = entries_of(g)[c];
            }
        }
    }

    struct Slice {
        std::size_t begin;
        std::size_t end;
    };

    // The entries of some of the neurons one layer down.
    void multiply_rows(const Layer& parameters, const Slice& slice) {
        constexpr std::size_t kRows = 8;
        const std::size_t n_gradients = present_.size();
        std::vector<double> sums(kRows * n_gradients);
        for (std::size_t begin = slice.begin; begin < slice.end; begin += kRows) {
            const std::size_t n_rows = std::min(kRows, slice.end - begin);
            std::array<const double*, kRows> rows{};
            for (std::size_t r = 0; r < n_rows; ++r) {
                rows[r] = parameters.outgoing(neurons_[begin + r]);
            }
            dot_products(rows.data(), static_cast<std::int64_t>(n_rows), spread_.data(),
                         parameters.n_out, static_cast<std::int64_t>(n_gradients), sums.data());
            for (std::size_t g = 0; g < n_gradients; ++g) {
                for (std::size_t r = 0; r < n_rows; ++r) {
                    carried_[g * neurons_.size() + begin + r] = sums[r * n_gradients + g];
                }
            }
        }
    }

    struct Memory {
        ProductMemory<double> of_product;
        Buffer<double> products;
    };

    // The same of many gradients.
    void carry_slice(const Layer& parameters, const std::vector<std::int32_t>& terms,
                     const Slice& slice, Memory& memory) {
        const std::size_t n = slice.end - slice.begin;
        memory.products.resize(present_.size() * n);
        const auto row_at = [&](std::size_t r) {
            return parameters.outgoing(neurons_[slice.begin + r]);
        };
        multiply_gathered(static_cast<std::int64_t>(n), static_cast<std::int64_t>(terms.size()),
                          blocks_out_of_rows(row_at, terms), entries_.data(),
                          static_cast<std::int64_t>(present_.size()), memory.products.data(),
                          memory.of_product);
        for (std::size_t g = 0; g < present_.size(); ++g) {
            std::copy_n(memory.products.data() + g * n, n,
                        carried_.data() + g * neurons_.size() + slice.begin);
        }
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
    Buffer<double> spread_;  // entries_ of few gradients: (gradients, all neurons of the layer)
};

}  // namespace

std::vector<std::uint8_t> trace_back(const Network& network,
                                     const std::vector<const Traced*>& knots, int n_threads,
                                     const Interrupt& interrupt) {
    return Gradients(network, knots, n_threads, interrupt).carry_all_the_way();
}

}  // namespace relufast
