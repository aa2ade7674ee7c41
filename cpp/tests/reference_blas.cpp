#include "reference_blas.hpp"

#include <cmath>
#include <cstdint>

namespace relufast::testing {
namespace {

bool is_transposed(char t) { return t != 'N' && t != 'n'; }
bool is_upper(char uplo) { return uplo == 'U' || uplo == 'u'; }

// The element (i, j) of op(A).
template <class T>
T element(const T* a, std::int64_t lda, bool transposed, std::int64_t i, std::int64_t j) {
    return transposed ? a[j + i * lda] : a[i + j * lda];
}

// beta = 0 means that C is not read: it may hold NaN.
template <class T>
T updated(T alpha, T sum, T beta, T c) {
    return beta == T{0} ? alpha * sum : alpha * sum + beta * c;
}

template <class Int, class T>
void gemm(const char* ta, const char* tb, const Int* m, const Int* n, const Int* k, const T* alpha,
          const T* a, const Int* lda, const T* b, const Int* ldb, const T* beta, T* c,
          const Int* ldc) {
    const bool a_transposed = is_transposed(*ta);
    const bool b_transposed = is_transposed(*tb);
    for (std::int64_t j = 0; j < *n; ++j) {
        for (std::int64_t i = 0; i < *m; ++i) {
            T sum{0};
            for (std::int64_t p = 0; p < *k; ++p) {
                sum += element(a, *lda, a_transposed, i, p) * element(b, *ldb, b_transposed, p, j);
            }
            T& entry = c[i + j * *ldc];
            entry = updated(*alpha, sum, *beta, entry);
        }
    }
}

template <class Int, class T>
void syrk(const char* uplo, const char* trans, const Int* n, const Int* k, const T* alpha,
          const T* a, const Int* lda, const T* beta, T* c, const Int* ldc) {
    const bool transposed = is_transposed(*trans);
    for (std::int64_t j = 0; j < *n; ++j) {
        const std::int64_t first = is_upper(*uplo) ? 0 : j;
        const std::int64_t last = is_upper(*uplo) ? j + 1 : *n;
        for (std::int64_t i = first; i < last; ++i) {
            T sum{0};
            for (std::int64_t p = 0; p < *k; ++p) {
                sum += element(a, *lda, transposed, i, p) * element(a, *lda, transposed, j, p);
            }
            T& entry = c[i + j * *ldc];
            entry = updated(*alpha, sum, *beta, entry);
        }
    }
}

template <class Int, class T>
void potrf(const char* uplo, const Int* n, T* a, const Int* lda, Int* info) {
    // L(i, j), i >= j, is stored at (i, j) below the diagonal or at (j, i) above it.
    const auto factor = [&](std::int64_t i, std::int64_t j) -> T& {
        return is_upper(*uplo) ? a[j + i * *lda] : a[i + j * *lda];
    };
    *info = 0;
    for (std::int64_t j = 0; j < *n; ++j) {
        for (std::int64_t i = j; i < *n; ++i) {
            T sum = factor(i, j);
            for (std::int64_t p = 0; p < j; ++p) {
                sum -= factor(i, p) * factor(j, p);
            }
            if (i > j) {
                factor(i, j) = sum / factor(j, j);
            } else if (sum > T{0}) {
                factor(j, j) = std::sqrt(sum);
            } else {
                *info = static_cast<Int>(j + 1);
                return;
            }
        }
    }
}

template <class Int>
blas::Functions functions() {
    return {.dgemm = reinterpret_cast<void*>(&gemm<Int, double>),
            .sgemm = reinterpret_cast<void*>(&gemm<Int, float>),
            .dsyrk = reinterpret_cast<void*>(&syrk<Int, double>),
            .ssyrk = reinterpret_cast<void*>(&syrk<Int, float>),
            .dpotrf = reinterpret_cast<void*>(&potrf<Int, double>),
            .spotrf = reinterpret_cast<void*>(&potrf<Int, float>),
            .ilp64 = sizeof(Int) == sizeof(std::int64_t)};
}

}  // namespace

blas::Functions reference_blas_lp64() { return functions<std::int32_t>(); }
blas::Functions reference_blas_ilp64() { return functions<std::int64_t>(); }

relufast_blas reference_blas_of_c() {
    const blas::Functions functions = reference_blas_lp64();
    return {.dgemm = functions.dgemm,
            .sgemm = functions.sgemm,
            .dsyrk = functions.dsyrk,
            .ssyrk = functions.ssyrk,
            .dpotrf = functions.dpotrf,
            .spotrf = functions.spotrf,
            .ilp64 = 0,
            .set_num_threads_here = nullptr};
}

}  // namespace relufast::testing
