// |P|^2 is the largest eigenvalue of P P^T. If the Cholesky factorisation of s I - P P^T runs to
// its end in floating point, then s, plus a bound on all roundings, is no less (Rump, BIT 46,
// 2006). For n rows of n numbers that takes about 4/3 n^3 operations.

#include "relufast/panel_norm.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "relufast/blas.hpp"
#include "relufast/rounding.hpp"

namespace relufast {
namespace {

template <class T>
double gamma_of(std::int64_t n) {
    const double roundoff = 0.5 * static_cast<double>(std::numeric_limits<T>::epsilon());
    const double nu = static_cast<double>(n) * roundoff;
    return nu < 0.5 ? nu / (1.0 - nu) * kInflate : kInfinity;
}

// Rounds a column, unless it is to stay where it is; returns the sum of the squares.
template <class T>
double round_column(const double* from, std::int64_t n, T* to) {
    double square = 0.0;
#pragma omp simd reduction(+ : square)
    for (std::int64_t i = 0; i < n; ++i) {
        square += from[i] * from[i];
    }
    if (to != nullptr) {
        std::transform(from, from + n, to, [](double value) { return static_cast<T>(value); });
    }
    return square;
}

// image = G vector, of a symmetric matrix's lower triangle.
template <class T>
void multiply_symmetric(const Buffer<T>& gram, const std::vector<T>& vector,
                        std::vector<T>& image) {
    const std::size_t n = vector.size();
    std::fill(image.begin(), image.end(), T(0));
    for (std::size_t j = 0; j < n; ++j) {
        const T* column = &gram[j * n];
        const T factor = vector[j];
        T sum = column[j] * factor;
#pragma omp simd reduction(+ : sum)
        for (std::size_t i = j + 1; i < n; ++i) {
            image[i] += column[i] * factor;
            sum += column[i] * vector[i];
        }
        image[j] += sum;
    }
}

template <class T>
double dot(const std::vector<T>& a, const std::vector<T>& b) {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    }
    return sum;
}

// The largest eigenvalue of a tridiagonal matrix, by bisection: x is above all eigenvalues if every
// pivot of x I - T is positive.
double largest_eigenvalue(const std::vector<double>& diagonal, const std::vector<double>& beside) {
    double high = 0.0;
    for (std::size_t i = 0; i < diagonal.size(); ++i) {
        high = std::max(high, std::fabs(diagonal[i]) + (i > 0 ? beside[i - 1] : 0.0) + beside[i]);
    }
    const auto is_above = [&](double x) {
        double pivot = 1.0;
        for (std::size_t i = 0; i < diagonal.size(); ++i) {
            pivot = x - diagonal[i] - (i > 0 ? beside[i - 1] * beside[i - 1] / pivot : 0.0);
            if (!(pivot > 0.0)) {
                return false;
            }
        }
        return true;
    };
    double low = 0.0;
    constexpr int kHalvings = 30;
    for (int step = 0; step < kHalvings; ++step) {
        const double middle = 0.5 * (low + high);
        (is_above(middle) ? high : low) = middle;
    }
    return high;
}

}  // namespace

template <class T>
auto PanelNorm<T>::matrix_of(const Layer& layer, const Panel& panel) -> Matrix {
    // Weights lie by inputs: a panel of outputs is a part of each column, one of inputs some whole
    // columns.
    const bool of_outputs = layer.n_out <= layer.n_in;
    const std::int64_t n_rows = of_outputs ? panel.end - panel.begin : layer.n_out;
    const std::int64_t first = of_outputs ? 0 : panel.begin;
    const std::int64_t n_columns = of_outputs ? layer.n_in : panel.end - panel.begin;
    const std::int64_t offset = of_outputs ? panel.begin : 0;
    constexpr bool kStay = std::is_same_v<T, double>;
    if constexpr (!kStay) {
        rounded_.resize(static_cast<std::size_t>(n_rows * n_columns));
    }
    Matrix matrix;
    matrix.transposed = !of_outputs;
    for (std::int64_t c = 0; c < n_columns; ++c) {
        T* const to = kStay ? nullptr : rounded_.data() + c * n_rows;
        matrix.square += round_column(layer.outgoing(first + c) + offset, n_rows, to);
    }
    matrix.square *= 1.0 + 0x1p-30;
    if constexpr (kStay) {
        matrix.entries = layer.outgoing(first) + offset;
        matrix.stride = layer.n_out;
    } else {
        matrix.entries = rounded_.data();
        matrix.stride = n_rows;
    }
    return matrix;
}

template <class T>
void PanelNorm<T>::form_gram(const Matrix& matrix, std::int64_t length, int n_threads,
                             const Interrupt& interrupt) {
    constexpr std::int64_t kTile = 1024;
    gram_.resize(static_cast<std::size_t>(rank_ * rank_));
    std::vector<std::pair<std::int64_t, std::int64_t>> tiles;
    for (std::int64_t column = 0; column < rank_; column += kTile) {
        for (std::int64_t row = column; row < rank_; row += kTile) {
            tiles.emplace_back(row, column);
        }
    }
    const char no_or_yes[] = {'N', 'T'};
    const char left = no_or_yes[matrix.transposed ? 1 : 0];
    const char right = no_or_yes[matrix.transposed ? 0 : 1];
    const auto row_of = [&](std::int64_t row) {
        return matrix.entries + row * (matrix.transposed ? matrix.stride : 1);
    };
    parallel_for(n_threads, tiles.size(), interrupt, [&](std::size_t t, int) {
        const auto [row, column] = tiles[t];
        const std::int64_t n_rows = std::min(kTile, rank_ - row);
        T* const to = gram_.data() + column * rank_ + row;
        if (row == column) {
            blas::syrk('L', left, n_rows, length, T(1), row_of(row), matrix.stride, T(0), to,
                       rank_);
        } else {
            blas::gemm(left, right, n_rows, kTile, length, T(1), row_of(row), matrix.stride,
                       row_of(column), matrix.stride, T(0), to, rank_);
        }
    });
    diagonal_.clear();
    for (std::int64_t i = 0; i < rank_; ++i) {
        diagonal_.push_back(gram_[static_cast<std::size_t>(i * rank_ + i)]);
    }
}

// By some steps of Lanczos's method: from below, and to a few percent.
template <class T>
double PanelNorm<T>::estimate_largest_eigenvalue() const {
    constexpr std::size_t kSteps = 12;
    const auto n = static_cast<std::size_t>(rank_);
    std::vector<T> before(n, T(0));
    std::vector<T> vector(n, static_cast<T>(1.0 / std::sqrt(static_cast<double>(n))));
    std::vector<T> image(n);
    std::vector<double> diagonal;
    std::vector<double> beside;
    for (std::size_t step = 0; step < std::min(kSteps, n); ++step) {
        multiply_symmetric(gram_, vector, image);
        diagonal.push_back(dot(vector, image));
        const auto along = static_cast<T>(diagonal.back());
        const auto back = static_cast<T>(step > 0 ? beside.back() : 0.0);
        for (std::size_t i = 0; i < n; ++i) {
            image[i] -= along * vector[i] + back * before[i];
        }
        const double length = std::sqrt(dot(image, image));
        beside.push_back(length);
        if (!(length > 1e-5 * std::fabs(diagonal.front()))) {
            break;  // an invariant space, up to rounding
        }
        for (std::size_t i = 0; i < n; ++i) {
            before[i] = vector[i];
            vector[i] = static_cast<T>(static_cast<double>(image[i]) / length);
        }
    }
    beside.back() = 0.0;
    return largest_eigenvalue(diagonal, beside);
}

// Sets the upper triangle to shift I - G; returns the sum of the sizes of its diagonal.
template <class T>
double PanelNorm<T>::shift_gram(double shift) {
    constexpr std::int64_t kBlock = 64;  // of rows and columns that the cache holds both ways
    double trace = 0.0;
    for (std::int64_t block = 0; block < rank_; block += kBlock) {
        for (std::int64_t j = block; j < rank_; ++j) {
            T* const upper = &gram_[static_cast<std::size_t>(j * rank_)];
            const std::int64_t end = std::min(block + kBlock, j);
            for (std::int64_t i = block; i < end; ++i) {
                upper[i] = -gram_[static_cast<std::size_t>(i * rank_ + j)];
            }
        }
    }
    for (std::int64_t j = 0; j < rank_; ++j) {
        T& entry = gram_[static_cast<std::size_t>(j * rank_ + j)];
        entry = static_cast<T>(shift) - diagonal_[static_cast<std::size_t>(j)];
        trace += std::fabs(static_cast<double>(entry));
    }
    return trace;
}

template <class T>
double PanelNorm<T>::squared_bound(const Layer& layer, const Panel& panel, int n_threads,
                                   const Interrupt& interrupt) {
    rank_ = panel.end - panel.begin;
    const std::int64_t length = std::max(layer.n_in, layer.n_out);
    const Matrix matrix = matrix_of(layer, panel);
    form_gram(matrix, length, n_threads, interrupt);

    const double gram_error = gamma_of<T>(length + 4) * matrix.square;
    double shift = estimate_largest_eigenvalue() * 1.03;
    constexpr int kTries = 6;
    for (int attempt = 0; attempt < kTries && shift < matrix.square; ++attempt) {
        const double trace = shift_gram(shift);
        if (blas::potrf('U', rank_, gram_.data(), rank_) == 0) {
            const double diagonal_error = 4.0 * gamma_of<T>(1) * (shift + matrix.square);
            const double bound =
                shift + diagonal_error + gamma_of<T>(rank_ + 4) * trace * 1.01 + gram_error;
            // The panel's own rounding to T: |P - fl(P)| <= u |P|_F.
            const double root = std::sqrt(bound) + gamma_of<T>(1) * std::sqrt(matrix.square) +
                                static_cast<double>(std::numeric_limits<T>::min()) *
                                    static_cast<double>(rank_ + length);
            return root * root * (1.0 + 0x1p-30);
        }
        shift *= 1.08;
    }
    return matrix.square;
}

template class PanelNorm<float>;
template class PanelNorm<double>;

}  // namespace relufast
