// BLAS and LAPACK through function pointers handed over at run time, so that nothing is linked:
// Python gives SciPy's own, a C++ program gives what it likes.
//
// Matrices are column-major, arguments are those of the Fortran routines. Sizes are 64-bit here and
// are narrowed where the library takes 32-bit integers (LP64).
#pragma once

#include <cstdint>

namespace relufast::blas {

// The six routines, each with the C view of its Fortran signature: every argument a pointer, no
// hidden string lengths, no return value.
struct Functions {
    void* dgemm = nullptr;
    void* sgemm = nullptr;
    void* dsyrk = nullptr;
    void* ssyrk = nullptr;
    void* dpotrf = nullptr;
    void* spotrf = nullptr;
    bool ilp64 = false;  // integers are 64-bit, not 32-bit
    // Sets the library's number of threads for the calling thread alone. Null where that number
    // is the process's: then whoever calls the core has set it.
    void (*set_num_threads_here)(int) = nullptr;
};

// Throws std::invalid_argument if one of the six is null. Not to be called while a routine runs.
void set_functions(const Functions& functions);
bool ready();

// Keeps the routines single-threaded in the calling thread. Every thread that the core starts calls
// it once, because with MKL or OpenMP it does not inherit the limit of the thread that started it.
void limit_this_thread();

// Each throws Error before set_functions, and std::invalid_argument for an argument that the
// library would refuse: BLAS itself only prints a line and returns.

// C = alpha op(A) op(B) + beta C, op(A) of shape (m, k), op(B) of shape (k, n).
void gemm(char ta, char tb, std::int64_t m, std::int64_t n, std::int64_t k, double alpha,
          const double* a, std::int64_t lda, const double* b, std::int64_t ldb, double beta,
          double* c, std::int64_t ldc);
void gemm(char ta, char tb, std::int64_t m, std::int64_t n, std::int64_t k, float alpha,
          const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float beta, float* c,
          std::int64_t ldc);

// The triangle `uplo` of C = alpha op(A) op(A)^T + beta C, op(A) of shape (n, k).
void syrk(char uplo, char trans, std::int64_t n, std::int64_t k, double alpha, const double* a,
          std::int64_t lda, double beta, double* c, std::int64_t ldc);
void syrk(char uplo, char trans, std::int64_t n, std::int64_t k, float alpha, const float* a,
          std::int64_t lda, float beta, float* c, std::int64_t ldc);

// Cholesky factor in the triangle `uplo` of A. Returns LAPACK's info: 0, or the order of the first
// leading minor that is not positive definite.
std::int64_t potrf(char uplo, std::int64_t n, double* a, std::int64_t lda);
std::int64_t potrf(char uplo, std::int64_t n, float* a, std::int64_t lda);

}  // namespace relufast::blas
