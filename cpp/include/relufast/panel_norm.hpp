// Rigorous upper bounds on the spectral norms of parts of a layer's weights.
#pragma once

#include <cstdint>
#include <vector>

#include "relufast/buffer.hpp"
#include "relufast/network.hpp"
#include "relufast/threads.hpp"

namespace relufast {

// Some of a layer's outputs, or of its inputs, whichever it has fewer of.
struct Panel {
    int layer = 0;
    std::int64_t begin = 0;
    std::int64_t end = 0;

    bool of_outputs(const Layer& of) const;
    // Upper bounds on the square of its Frobenius norm, and on the 2-norms of its outputs or
    // inputs.
    double square(const Layer& of) const;
    double largest_norm(const Layer& of) const;
};

// In arithmetic of type T. Keeps its memory for the next panel.
template <class T>
class PanelNorm {
 public:
    // An upper bound on |panel|^2, the same for any number of threads.
    double squared_bound(const Layer& layer, const Panel& panel, int n_threads,
                         const Interrupt& interrupt);

 private:
    double estimate_largest_eigenvalue() const;
    double shift_gram(double shift);

    std::int64_t rank_ = 0;
    Buffer<T> gram_;  // in the upper triangle; in the lower one what is factorised
    std::vector<T> diagonal_;
};

extern template class PanelNorm<float>;
extern template class PanelNorm<double>;

}  // namespace relufast
