#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "relufast/buffer.hpp"
#include "relufast/narrow_layer.hpp"
#include "relufast/threads.hpp"

namespace relufast {

// z = W h + b, kept transposed: what one input sends to all outputs lies together in memory, and of
// a narrow layer is filled up with zeros to whole vectors.
struct Layer {
    std::int64_t n_in = 0;
    std::int64_t n_out = 0;
    Buffer<double> weights;         // (n_in, stride()): W transposed
    bool keeps_rows = false;        // of the last hidden layer if it is wide
    const double* rows = nullptr;   // (n_out, n_in): W, where it is kept or owned
    Buffer<double> own_rows;        // the same, if not somebody else's memory
    std::vector<double> biases;     // (n_out)
    std::vector<double> row_norms;  // (n_out): upper bounds on the 2-norms of W's rows
    // The same for deciding signs: a neuron without inputs and bias is never active, which the
    // comparison |z_i| > decision_norms_i beta must find true although z_i is zero.
    std::vector<double> decision_norms;
    double largest_decision_norm = 0.0;
    double largest_bias = 0.0;         // in magnitude
    std::vector<double> column_norms;  // (n_in): upper bounds on the 2-norms of W's columns
    double bias_norm = 0.0;
    double frobenius_norm = 0.0;  // upper bound
    double spectral_norm = 0.0;   // upper bound; see Network::bound_spectral_norms
    NarrowBiases narrow_biases;   // if is_narrow()

    bool is_narrow() const { return n_in <= kMostNarrow && n_out <= kMostNarrow; }
    std::int64_t stride() const { return is_narrow() ? narrow_stride(n_out) : n_out; }
    const double* outgoing(std::int64_t neuron) const { return &weights[neuron * stride()]; }
};

// Writes rows [begin, end) of a layer's W, row-major, on any thread: how weights come that are not
// kept.
using WeightRows = std::function<void(std::int64_t begin, std::int64_t end, double* rows)>;

struct Squares;

// A fully connected network with (leaky) ReLU hidden layers and a linear output layer.
class Network {
 public:
    // weights[l]: row-major (widths[l + 1], widths[l]); biases[l]: (widths[l + 1]). All are copied,
    // or of some weights used where they are as long as `owner`, if given, lives.
    Network(const std::vector<std::int64_t>& widths, const std::vector<const double*>& weights,
            const std::vector<const double*>& biases, double negative_slope, int n_threads = 1,
            const Interrupt& interrupt = {}, std::shared_ptr<const void> owner = nullptr);

    // The same with weights that come when they are needed. The first layer's are kept, and of the
    // others no more than hold() asks for; norms and biases always are.
    Network(const std::vector<std::int64_t>& widths, std::vector<WeightRows> weights,
            const std::vector<const double*>& biases, double negative_slope, int n_threads,
            const Interrupt& interrupt);

    // Whether weights of layers 2 and on have to be held before they are read.
    bool is_lazy() const { return !sources_.empty(); }
    // Brings the weights of layers bottom..top, and lets go of all others but the first layer's. No
    // other thread may use the network meanwhile. Nothing to do for a network that keeps all.
    void hold(int bottom, int top, int n_threads, const Interrupt& interrupt);

    // Other parameters for the same widths and slope, in the memory of the old ones.
    void set_parameters(const std::vector<const double*>& weights,
                        const std::vector<const double*>& biases);

    // Number of hidden layers.
    int depth() const { return static_cast<int>(layers_.size()) - 1; }
    // Layers count from 1; layer(depth() + 1) is the output.
    const Layer& layer(int l) const { return layers_[static_cast<std::size_t>(l - 1)]; }
    double negative_slope() const { return negative_slope_; }
    // ReLU stretches a distance by no more than this.
    double lipschitz() const { return lipschitz_; }
    // How far the slope of a neuron's output jumps at a breakpoint, per unit of its own slope.
    double kink() const { return 1.0 - negative_slope_; }

    // Rigorous bounds on the spectral norms of layers 2 and on, as tight as this network's depth
    // and widths make worth their cost; once, then kept.
    void bound_spectral_norms(int n_threads, const Interrupt& interrupt);
    // Whether that has been done, or would change nothing.
    bool has_spectral_norms();
    // A bound on the spectral norm of layer l from at least so many panels: with one a few percent
    // over it, with p up to sqrt(p) times as much, in a p-th of the time. Once, then kept.
    double tight_spectral_norm(int l, std::int64_t n_panels, const Interrupt& interrupt);
    // What bound_spectral_norms found, by layer, to spare another process the work.
    std::vector<double> spectral_norms() const;
    void set_spectral_norms(const std::vector<double>& norms);

 private:
    void let_go(int bottom, int top);
    void fetch(int l, Squares& squares, int n_threads, const Interrupt& interrupt);

    void copy_rows(Layer& layer, const double* weights);

    std::vector<Layer> layers_;
    std::shared_ptr<const void> owner_;
    std::vector<WeightRows> sources_;  // by layer, where weights are not kept
    Buffer<double> spare_;             // the memory of the last layer that was let go
    double negative_slope_;
    double lipschitz_;
    std::mutex spectral_norms_mutex_;
    bool spectral_norms_bounded_ = false;
    // By layer and number of panels.
    std::map<std::pair<int, std::size_t>, double> tight_spectral_norms_;
};

}  // namespace relufast
