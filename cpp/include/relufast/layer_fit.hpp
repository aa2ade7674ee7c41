// Layers relu(W M x + b) of low rank that come near to a given layer.
#pragma once

#include <vector>

#include "relufast/layer_errors.hpp"

namespace relufast {

struct FitStages {
    // Minimised are sums of q-th powers of squared errors, q = 2^first, 4 q, 16 q, ..., 2^last: for
    // q = 1 the sum of squares, for large q almost the maximum.
    int first_log2_q = 2;
    int last_log2_q = 10;
    int evaluations_each = 300;
};

struct LayerFit {
    std::vector<double> w;  // (m, k)
    std::vector<double> m;  // (k, n)
    double largest_square;
    int evaluations;
};

// Starts from W of shape (m, k) and M of shape (k, n). Returns what the last stage ended with; if
// several stages are asked for, that of all their ends with the smallest maximum, the start
// included.
LayerFit fit_layer(const LayerErrors& errors, std::int64_t k, const double* w, const double* m,
                   const FitStages& stages, int n_threads, const Interrupt& interrupt);

}  // namespace relufast
