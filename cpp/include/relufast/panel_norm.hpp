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
};

// In arithmetic of type T. Keeps its memory for the next panel.
template <class T>
class PanelNorm {
 public:
    // An upper bound on |panel|^2, the same for any number of threads.
    double squared_bound(const Layer& layer, const Panel& panel, int n_threads,
                         const Interrupt& interrupt);

 private:
    struct Matrix {
        const T* entries = nullptr;
        std::int64_t stride = 0;
        bool transposed = false;  // columns of `entries` are the rows of the panel
        double square = 0.0;      // of its Frobenius norm, from above
    };

    Matrix matrix_of(const Layer& layer, const Panel& panel);
    void form_gram(const Matrix& matrix, std::int64_t length, int n_threads,
                   const Interrupt& interrupt);
    double estimate_largest_eigenvalue() const;
    double shift_gram(double shift);

    Buffer<T> rounded_;
    std::int64_t rank_ = 0;
    Buffer<T> gram_;  // in the lower triangle; in the upper one what is factorised
    std::vector<T> diagonal_;
};

extern template class PanelNorm<float>;
extern template class PanelNorm<double>;

}  // namespace relufast
