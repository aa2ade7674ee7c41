#include "relufast/network.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "relufast/norms.hpp"
#include "relufast/transpose.hpp"

namespace relufast {

namespace {

// Past this many neurons, a last hidden layer is evaluated by rows.
constexpr std::int64_t kWide = 256;

// Weights come in blocks of so many rows, whatever they come from: sums over them are then the same
// to the bit.
constexpr std::int64_t kBlockRows = 64;

std::size_t n_blocks(const Layer& layer) {
    return static_cast<std::size_t>((layer.n_out + kBlockRows - 1) / kBlockRows);
}

struct BlockOfRows {
    std::int64_t begin = 0;
    std::int64_t end = 0;
};

BlockOfRows rows_of_block(const Layer& layer, std::size_t block) {
    const std::int64_t begin = static_cast<std::int64_t>(block) * kBlockRows;
    return {begin, std::min(begin + kBlockRows, layer.n_out)};
}

// Of the weights, once their number is known.
void make_room(Layer& layer) {
    layer.weights.resize(static_cast<std::size_t>(layer.n_in * layer.stride()));
    if (layer.stride() > layer.n_out) {
        std::fill(layer.weights.begin(), layer.weights.end(), 0.0);
    }
}

}  // namespace

// The squares of a layer's weights, as its blocks are copied.
struct Squares {
    explicit Squares(const Layer& layer)
        : n_in(static_cast<std::size_t>(layer.n_in)),
          of_rows(static_cast<std::size_t>(layer.n_out)),
          of_columns(n_blocks(layer) * n_in) {}

    std::size_t n_in;
    std::vector<double> of_rows;
    std::vector<double> of_columns;  // by block
};

namespace {

void copy_block(Layer& layer, const double* rows, std::size_t block, Squares& squares) {
    const auto [begin, end] = rows_of_block(layer, block);
    transpose_and_square(rows, end - begin, layer.n_in, layer.weights.data() + begin,
                         layer.stride(), &squares.of_rows[static_cast<std::size_t>(begin)],
                         &squares.of_columns[block * squares.n_in]);
}

// Norms and biases of a layer whose weights are there; row(i) tells where those of neuron i are.
template <class Row>
void set_norms(Layer& layer, const Squares& squares, Row row, const double* biases) {
    layer.biases.assign(biases, biases + layer.n_out);
    layer.bias_norm = norm_bound(biases, layer.n_out);
    layer.column_norms.assign(squares.of_columns.begin(),
                              squares.of_columns.begin() + static_cast<std::ptrdiff_t>(layer.n_in));
    for (std::size_t block = 1; block < n_blocks(layer); ++block) {
        for (std::size_t j = 0; j < squares.n_in; ++j) {
            layer.column_norms[j] += squares.of_columns[block * squares.n_in + j];
        }
    }
    set_norm_bounds(layer.column_norms, layer.n_out,
                    [&](std::int64_t j) { return layer.outgoing(j); });
    layer.row_norms = squares.of_rows;
    set_norm_bounds(layer.row_norms, layer.n_in, row);
    layer.decision_norms.resize(layer.row_norms.size());
    layer.largest_decision_norm = layer.largest_bias = 0.0;
    for (std::size_t i = 0; i < layer.row_norms.size(); ++i) {
        double& norm = layer.row_norms[i];
        // Along a long ray underflow grows with x, as only what is multiplied by this does.
        norm = norm > 0.0 ? std::max(norm, 0x1p-500) : 0.0;
        const double decision_norm = norm == 0.0 && biases[i] == 0.0 ? -0x1p1000 : norm;
        layer.decision_norms[i] = decision_norm;
        layer.largest_decision_norm = std::max(layer.largest_decision_norm, decision_norm);
        layer.largest_bias = std::max(layer.largest_bias, std::fabs(biases[i]));
    }
    layer.frobenius_norm = norm_bound(layer.row_norms.data(), layer.n_out);
    layer.spectral_norm = layer.frobenius_norm;
    if (layer.is_narrow()) {
        layer.narrow_biases.set(layer.biases, layer.decision_norms);
    }
}

void set_norms(Layer& layer, const Squares& squares, const double* weights, const double* biases) {
    set_norms(layer, squares, [&](std::int64_t i) { return weights + i * layer.n_in; }, biases);
}

// Copies weights into layers, and sets their norms.
void set_layers(std::vector<Layer>& layers, const std::vector<const double*>& weights,
                const std::vector<const double*>& biases, int n_threads,
                const Interrupt& interrupt) {
    struct Block {
        std::size_t layer;
        std::size_t block;
    };
    std::vector<Block> blocks;
    std::vector<Squares> squares;
    for (std::size_t l = 0; l < layers.size(); ++l) {
        squares.emplace_back(layers[l]);
        for (std::size_t b = 0; b < n_blocks(layers[l]); ++b) {
            blocks.push_back({l, b});
        }
    }
    parallel_for(n_threads, blocks.size(), interrupt, [&](std::size_t i, int) {
        const auto [l, b] = blocks[i];
        const std::int64_t begin = rows_of_block(layers[l], b).begin;
        copy_block(layers[l], weights[l] + begin * layers[l].n_in, b, squares[l]);
    });
    parallel_for(n_threads, layers.size(), interrupt, [&](std::size_t l, int) {
        set_norms(layers[l], squares[l], weights[l], biases[l]);
    });
}

// For layer l, counted from 0, of so many, the output layer included.
bool keeps_rows(std::size_t l, std::size_t n_layers, const Layer& layer) {
    return l >= 2 && l + 2 == n_layers && layer.n_out >= kWide && layer.n_in >= kWide;
}

}  // namespace

Network::Network(const std::vector<std::int64_t>& widths, const std::vector<const double*>& weights,
                 const std::vector<const double*>& biases, double negative_slope, int n_threads,
                 const Interrupt& interrupt, std::shared_ptr<const void> owner)
    : layers_(weights.size()),
      owner_(std::move(owner)),
      negative_slope_(negative_slope),
      lipschitz_(std::max(1.0, std::fabs(negative_slope))) {
    std::int64_t n_weights = 0;
    for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
        n_weights += widths[l] * widths[l + 1];
    }
    constexpr std::int64_t kWorthThreads = 1'000'000;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
        Layer& layer = layers_[l];
        layer.n_in = widths[l];
        layer.n_out = widths[l + 1];
        make_room(layer);
        layer.keeps_rows = keeps_rows(l, layers_.size(), layer);
        if (owner_ != nullptr && (layer.keeps_rows || layer.is_narrow())) {
            layer.rows = weights[l];
        } else if (layer.keeps_rows) {
            copy_rows(layer, weights[l]);
        }
    }
    set_layers(layers_, weights, biases, n_weights < kWorthThreads ? 1 : n_threads, interrupt);
}

Network::Network(const std::vector<std::int64_t>& widths, std::vector<WeightRows> weights,
                 const std::vector<const double*>& biases, double negative_slope, int n_threads,
                 const Interrupt& interrupt)
    : layers_(weights.size()),
      sources_(std::move(weights)),
      negative_slope_(negative_slope),
      lipschitz_(std::max(1.0, std::fabs(negative_slope))) {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
        Layer& layer = layers_[l];
        layer.n_in = widths[l];
        layer.n_out = widths[l + 1];
        layer.keeps_rows = keeps_rows(l, layers_.size(), layer);
    }
    for (std::size_t l = 0; l < layers_.size(); ++l) {
        Layer& layer = layers_[l];
        const int number = static_cast<int>(l) + 1;
        let_go(number, number);
        Squares squares(layer);
        fetch(number, squares, n_threads, interrupt);
        Buffer<double> one(static_cast<std::size_t>(layer.n_in));
        const auto row = [&](std::int64_t i) {
            for (std::int64_t j = 0; j < layer.n_in; ++j) {
                one[static_cast<std::size_t>(j)] = layer.outgoing(j)[i];
            }
            return static_cast<const double*>(one.data());
        };
        set_norms(layer, squares, row, biases[l]);
    }
}

void Network::copy_rows(Layer& layer, const double* weights) {
    layer.own_rows.assign(weights, weights + layer.n_in * layer.n_out);
    layer.rows = layer.own_rows.data();
}

void Network::let_go(int bottom, int top) {
    for (int l = 2; l <= depth() + 1; ++l) {
        Layer& layer = layers_[static_cast<std::size_t>(l - 1)];
        if ((l < bottom || l > top) && !layer.weights.empty()) {
            if (layer.weights.capacity() > spare_.capacity()) {
                spare_.swap(layer.weights);
            }
            Buffer<double>().swap(layer.weights);
            Buffer<double>().swap(layer.own_rows);
            layer.rows = nullptr;
        }
    }
}

void Network::hold(int bottom, int top, int n_threads, const Interrupt& interrupt) {
    if (!is_lazy()) {
        return;
    }
    let_go(bottom, top);
    for (int l = std::max(bottom, 2); l <= top; ++l) {
        if (layer(l).weights.empty()) {
            Squares squares(layer(l));
            fetch(l, squares, n_threads, interrupt);
        }
    }
}

void Network::fetch(int l, Squares& squares, int n_threads, const Interrupt& interrupt) {
    Layer& layer = layers_[static_cast<std::size_t>(l - 1)];
    const WeightRows& source = sources_[static_cast<std::size_t>(l - 1)];
    layer.weights.swap(spare_);
    make_room(layer);
    if (layer.keeps_rows) {
        layer.own_rows.resize(static_cast<std::size_t>(layer.n_in * layer.n_out));
        layer.rows = layer.own_rows.data();
    }
    std::vector<Buffer<double>> blocks(static_cast<std::size_t>(std::max(n_threads, 1)));
    try {
        parallel_for(n_threads, n_blocks(layer), interrupt, [&](std::size_t b, int thread) {
            const auto [begin, end] = rows_of_block(layer, b);
            double* rows = nullptr;
            if (layer.keeps_rows) {
                rows = &layer.own_rows[static_cast<std::size_t>(begin * layer.n_in)];
            } else {
                Buffer<double>& block = blocks[static_cast<std::size_t>(thread)];
                block.resize(static_cast<std::size_t>(kBlockRows * layer.n_in));
                rows = block.data();
            }
            source(begin, end, rows);
            copy_block(layer, rows, b, squares);
        });
    } catch (...) {
        layer.weights.clear();  // not whole
        throw;
    }
}

std::vector<double> Network::spectral_norms() const {
    std::vector<double> norms;
    for (const Layer& layer : layers_) {
        norms.push_back(layer.spectral_norm);
    }
    return norms;
}

void Network::set_spectral_norms(const std::vector<double>& norms) {
    if (norms.size() != layers_.size()) {
        throw std::invalid_argument("one spectral norm a layer");
    }
    const std::lock_guard lock(spectral_norms_mutex_);
    for (std::size_t l = 0; l < norms.size(); ++l) {
        layers_[l].spectral_norm = norms[l];
    }
    spectral_norms_bounded_ = true;
}

void Network::set_parameters(const std::vector<const double*>& weights,
                             const std::vector<const double*>& biases) {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
        Layer& layer = layers_[l];
        Squares squares(layer);
        for (std::size_t b = 0; b < n_blocks(layer); ++b) {
            copy_block(layer, weights[l] + rows_of_block(layer, b).begin * layer.n_in, b, squares);
        }
        set_norms(layer, squares, weights[l], biases[l]);
        layer.rows = nullptr;
        if (layer.keeps_rows) {
            copy_rows(layer, weights[l]);
        }
    }
    spectral_norms_bounded_ = false;
    tight_spectral_norms_.clear();
}

}  // namespace relufast
