// A network and a line through its inputs, made to be hard: ties, cancellations, all scales.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "bytes.hpp"
#include "relufast/line.hpp"
#include "relufast/network.hpp"

namespace relufast::fuzz {

struct Problem {
    std::vector<std::int64_t> widths;
    std::vector<std::vector<double>> weights;  // by layer, row-major (outputs, inputs)
    std::vector<std::vector<double>> biases;
    double negative_slope = 0.0;
    double lo = 0.0;  // any number, and NaN: see has_line
    double hi = 0.0;
    std::vector<double> start;  // of a segment; for networks with one input it may be empty
    std::vector<double> stop;

    std::size_t n_layers() const { return weights.size(); }
    std::size_t depth() const { return n_layers() - 1; }
    double weight(std::size_t l, std::size_t i, std::size_t j) const {
        return weights[l][i * static_cast<std::size_t>(widths[l]) + j];
    }
    bool has_line() const { return lo < hi; }
    // W_1, b_1, W_2, b_2, ...
    std::vector<double> flat() const;
};

// Its parameters are finite.
Problem decode(Bytes& bytes);

std::unique_ptr<Network> build(const Problem& problem);
// With weights that come when they are needed, from the problem, which has to outlive it.
std::unique_ptr<Network> build_lazy(const Problem& problem);
Line line_of(const Problem& problem, const Network& network);

}  // namespace relufast::fuzz
