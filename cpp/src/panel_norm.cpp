// |P|^2 is the largest eigenvalue of P P^T. If the Cholesky factorisation of s I - P P^T runs to
// its end in floating point, then s, plus a bound on all roundings, is no less (Rump, BIT 46,
// 2006). For n rows of n numbers that takes n^3 operations for P P^T, which are integers' in single
// precision, and a third as many for the factorisation.

#include "relufast/panel_norm.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "relufast/blas.hpp"
#include "relufast/integer_gram.hpp"
#include "relufast/multiversion.hpp"
#include "relufast/rounding.hpp"

namespace relufast {
namespace {

template <class T>
[[gnu::always_inline]] inline T add_and_multiply(T factor, const T* __restrict column,
                                                 std::int64_t n, const T* __restrict vector,
                                                 T* __restrict image) {
    T sum = T(0);
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < n; ++i) {
        image[i] += factor * column[i];
        sum += column[i] * vector[i];
    }
    return sum;
}

// image += factor column; returns the product of the column and a vector.
RELUFAST_MULTIVERSION
float pass_column(float factor, const float* __restrict column, std::int64_t n,
                  const float* __restrict vector, float* __restrict image) {
    return add_and_multiply(factor, column, n, vector, image);
}

RELUFAST_MULTIVERSION
double pass_column(double factor, const double* __restrict column, std::int64_t n,
                   const double* __restrict vector, double* __restrict image) {
    return add_and_multiply(factor, column, n, vector, image);
}

// image = G vector, of a symmetric matrix's upper triangle.
template <class T>
void multiply_symmetric(const Buffer<T>& gram, const std::vector<T>& vector,
                        std::vector<T>& image) {
    const std::size_t n = vector.size();
    for (std::size_t j = 0; j < n; ++j) {
        const T* const column = &gram[j * n];
        image[j] =
            column[j] * vector[j] + pass_column(vector[j], column, static_cast<std::int64_t>(j),
                                                vector.data(), image.data());
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

bool Panel::of_outputs(const Layer& of) const { return of.n_out < of.n_in; }

double Panel::square(const Layer& of) const {
    const std::vector<double>& norms = of_outputs(of) ? of.row_norms : of.column_norms;
    double sum = 0.0;
    for (std::int64_t i = begin; i < end; ++i) {
        const double norm = norms[static_cast<std::size_t>(i)];
        sum += norm * norm;
    }
    return sum * (1.0 + 0x1p-30);
}

double Panel::largest_norm(const Layer& of) const {
    const std::vector<double>& norms = of_outputs(of) ? of.row_norms : of.column_norms;
    return *std::max_element(norms.begin() + begin, norms.begin() + end);
}

namespace {

// What a Gram matrix holds: the products of a panel's rows, times scale squared.
struct Products {
    double scale = 1.0;
    double square = 0.0;    // of these rows' Frobenius norm, from above
    double error = 0.0;     // of the products, in the 2-norm
    double rounding = 0.0;  // of the scaled rows before, in the Frobenius norm
};

// In double: by BLAS, from the weights where they are.
Products form_gram(const Layer& layer, const Panel& panel, int n_threads,
                   const Interrupt& interrupt, Buffer<double>& gram) {
    const std::int64_t rank = panel.end - panel.begin;
    // Weights lie by inputs: a panel of outputs is a part of each column, one of inputs some whole
    // columns.
    const char no_or_yes[] = {'N', 'T'};
    const char left = no_or_yes[panel.of_outputs(layer) ? 0 : 1];
    const char right = no_or_yes[panel.of_outputs(layer) ? 1 : 0];
    const auto row_of = [&](std::int64_t row) {
        return panel.of_outputs(layer) ? layer.outgoing(0) + panel.begin + row
                                       : layer.outgoing(panel.begin + row);
    };
    const std::int64_t length = std::max(layer.n_in, layer.n_out);
    constexpr std::int64_t kTile = 1024;
    gram.resize(static_cast<std::size_t>(rank * rank));
    std::vector<std::pair<std::int64_t, std::int64_t>> tiles;
    for (std::int64_t column = 0; column < rank; column += kTile) {
        for (std::int64_t row = 0; row <= column; row += kTile) {
            tiles.emplace_back(row, column);
        }
    }
    parallel_for(n_threads, tiles.size(), interrupt, [&](std::size_t t, int) {
        const auto [row, column] = tiles[t];
        const std::int64_t n_columns = std::min(kTile, rank - column);
        double* const to = gram.data() + column * rank + row;
        if (row == column) {
            blas::syrk('U', left, n_columns, length, 1.0, row_of(row), layer.stride(), 0.0, to,
                       rank);
        } else {
            blas::gemm(left, right, kTile, n_columns, length, 1.0, row_of(row), layer.stride(),
                       row_of(column), layer.stride(), 0.0, to, rank);
        }
    });
    const double square = panel.square(layer);
    return {.square = square, .error = gamma_of<double>(length + 4) * square};
}

// In single precision: exactly, from weights rounded to integers.
Products form_gram(const Layer& layer, const Panel& panel, int n_threads,
                   const Interrupt& interrupt, Buffer<float>& gram) {
    IntegerRows rows(panel.end - panel.begin, std::max(layer.n_in, layer.n_out),
                     panel.largest_norm(layer));
    for (std::int64_t i = 0; i < panel.end - panel.begin; ++i) {
        if (panel.of_outputs(layer)) {
            rows.set(i, layer.outgoing(0) + panel.begin + i, layer.stride());
        } else {
            rows.set(i, layer.outgoing(panel.begin + i), 1);
        }
    }
    rows.products(gram, n_threads, interrupt);
    const double norm =
        (std::sqrt(panel.square(layer)) * rows.scale() + rows.rounding()) * kInflate;
    const double square = norm * norm;
    // Each product is rounded once; |G|_F is no more than the trace of G.
    return {.scale = rows.scale(),
            .square = square,
            .error = gamma_of<float>(1) * square,
            .rounding = rows.rounding()};
}

}  // namespace

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

// Sets the lower triangle to shift I - G; returns the sum of the sizes of its diagonal.
template <class T>
double PanelNorm<T>::shift_gram(double shift) {
    constexpr std::int64_t kBlock = 64;  // of rows and columns that the cache holds both ways
    double trace = 0.0;
    for (std::int64_t block = 0; block < rank_; block += kBlock) {
        for (std::int64_t j = 0; j < std::min(block + kBlock, rank_); ++j) {
            T* const lower = &gram_[static_cast<std::size_t>(j * rank_)];
            const std::int64_t end = std::min(block + kBlock, rank_);
            for (std::int64_t i = std::max(block, j + 1); i < end; ++i) {
                lower[i] = -gram_[static_cast<std::size_t>(i * rank_ + j)];
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
    if (!(panel.largest_norm(layer) > 0x1p-450)) {
        return panel.square(layer);
    }
    rank_ = panel.end - panel.begin;
    const Products gram = form_gram(layer, panel, n_threads, interrupt, gram_);
    diagonal_.clear();
    for (std::int64_t i = 0; i < rank_; ++i) {
        diagonal_.push_back(gram_[static_cast<std::size_t>(i * rank_ + i)]);
    }
    double shift = estimate_largest_eigenvalue() * 1.03;
    constexpr int kTries = 6;
    for (int attempt = 0; attempt < kTries && shift < gram.square; ++attempt) {
        const double trace = shift_gram(shift);
        if (blas::potrf('L', rank_, gram_.data(), rank_) == 0) {
            const double diagonal_error = 4.0 * gamma_of<T>(1) * (shift + gram.square);
            const double bound =
                shift + diagonal_error + gamma_of<T>(rank_ + 4) * trace * 1.01 + gram.error;
            const double norm = (std::sqrt(bound) + gram.rounding) / gram.scale;
            return norm * norm * (1.0 + 0x1p-30);
        }
        shift *= 1.08;
    }
    return panel.square(layer);
}

template class PanelNorm<float>;
template class PanelNorm<double>;

}  // namespace relufast
