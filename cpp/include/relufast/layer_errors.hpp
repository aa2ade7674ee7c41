// How far a layer relu(L x + b) is from a given one, relu(A x + b), at many points.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "relufast/threads.hpp"

namespace relufast {

// Means of powers of errors lie between the mean square and the maximum.
struct PowerSum {
    double log_norm;        // log of (sum_i e_i^q)^(1/q), e_i the squared error at point i
    double largest_square;  // of all e_i
};

// Matrices are row-major. Points are handled in groups that depend on the sizes only, and groups
// are added up in a fixed order: the bits do not depend on n_threads.
class LayerErrors {
 public:
    // A of shape (m, n), bias of length m, count points of shape (count, n), all at least 1.
    LayerErrors(std::int64_t m, std::int64_t n, const double* a, const double* bias,
                std::int64_t count, const double* points);

    // The same layer at some of the points.
    LayerErrors(const LayerErrors& all, const std::vector<std::int64_t>& which);

    std::int64_t m() const { return m_; }
    std::int64_t n() const { return n_; }
    std::int64_t count() const { return count_; }

    // Squared errors |relu(L x + b) - relu(A x + b)|^2 of all points.
    void squares(const double* l, double* out, int n_threads) const;

    // Their power sum for q = 2^log2_q, and the gradient of its logarithm with respect to L, which
    // is zero where all errors are.
    PowerSum power_sum(const double* l, int log2_q, double* gradient, int n_threads) const;

 private:
    struct Group;

    void allocate();
    std::int64_t n_tiles() const { return (count_ + tile_ - 1) / tile_; }
    int useful_threads(int n_threads) const;
    // Differences of the outputs, zero where the derivative of the other layer's is, and squares.
    void tile_errors(const double* l, std::int64_t begin, std::int64_t size, double* differences,
                     double* squares) const;
    void add_tile(const double* l, int log2_q, std::int64_t tile, Group& group) const;

    std::int64_t m_, n_, count_, tile_;
    std::vector<double> bias_;
    std::vector<double> points_;   // (n, count): a coordinate of all points lies together
    std::vector<double> targets_;  // (m, count)
};

}  // namespace relufast
