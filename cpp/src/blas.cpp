#include "relufast/blas.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>

#include "relufast/error.hpp"

namespace relufast::blas {
namespace {

Functions installed;
std::atomic<bool> is_installed{false};

template <class T>
struct Routines;

template <>
struct Routines<double> {
    static void* gemm() { return installed.dgemm; }
    static void* syrk() { return installed.dsyrk; }
    static void* potrf() { return installed.dpotrf; }
};

template <>
struct Routines<float> {
    static void* gemm() { return installed.sgemm; }
    static void* syrk() { return installed.ssyrk; }
    static void* potrf() { return installed.spotrf; }
};

// Refuses what BLAS would only print a line about, and what its integers cannot hold.
class Arguments {
 public:
    explicit Arguments(std::string_view routine) : routine_(routine) {
        if (!ready()) {
            throw Error(prefix() + "the BLAS functions are not set yet");
        }
    }

    void choice(std::string_view name, char value, std::string_view allowed) const {
        if (allowed.find(value) == std::string_view::npos) {
            throw std::invalid_argument(prefix() + std::string(name) + " must be one of " +
                                        std::string(allowed) + ", not '" + value + "'");
        }
    }

    void at_least(std::string_view name, std::int64_t value, std::int64_t least) const {
        if (value < least) {
            throw std::invalid_argument(prefix() + std::string(name) + " must be at least " +
                                        std::to_string(least) + ", not " + std::to_string(value));
        }
        if (!installed.ilp64 && value > std::numeric_limits<std::int32_t>::max()) {
            throw std::invalid_argument(prefix() + std::string(name) + " = " +
                                        std::to_string(value) +
                                        " does not fit the 32-bit integers of this BLAS (LP64)");
        }
    }

    void leading_dimension(std::string_view name, std::int64_t value, std::int64_t rows) const {
        at_least(name, value, std::max<std::int64_t>(1, rows));
    }

 private:
    std::string prefix() const { return "BLAS " + std::string(routine_) + ": "; }

    std::string_view routine_;
};

constexpr std::string_view kTranspose = "NnTtCc";
constexpr std::string_view kTriangle = "UuLl";

bool transposed(char t) { return t != 'N' && t != 'n'; }

// Calls `call` with the integer type of the library, as a value of that type.
template <class Call>
auto with_integer(Call call) {
    return installed.ilp64 ? call(std::int64_t{}) : call(std::int32_t{});
}

template <class T>
void gemm_of(char ta, char tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a,
             std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc) {
    const Arguments check("gemm");
    check.choice("ta", ta, kTranspose);
    check.choice("tb", tb, kTranspose);
    check.at_least("m", m, 0);
    check.at_least("n", n, 0);
    check.at_least("k", k, 0);
    check.leading_dimension("lda", lda, transposed(ta) ? k : m);
    check.leading_dimension("ldb", ldb, transposed(tb) ? n : k);
    check.leading_dimension("ldc", ldc, m);
    with_integer([&]<class Int>(Int) {
        using Gemm = void(const char*, const char*, const Int*, const Int*, const Int*, const T*,
                          const T*, const Int*, const T*, const Int*, const T*, T*, const Int*);
        const auto m_ = static_cast<Int>(m);
        const auto n_ = static_cast<Int>(n);
        const auto k_ = static_cast<Int>(k);
        const auto lda_ = static_cast<Int>(lda);
        const auto ldb_ = static_cast<Int>(ldb);
        const auto ldc_ = static_cast<Int>(ldc);
        reinterpret_cast<Gemm*>(Routines<T>::gemm())(&ta, &tb, &m_, &n_, &k_, &alpha, a, &lda_, b,
                                                     &ldb_, &beta, c, &ldc_);
    });
}

template <class T>
void syrk_of(char uplo, char trans, std::int64_t n, std::int64_t k, T alpha, const T* a,
             std::int64_t lda, T beta, T* c, std::int64_t ldc) {
    const Arguments check("syrk");
    check.choice("uplo", uplo, kTriangle);
    check.choice("trans", trans, kTranspose);
    check.at_least("n", n, 0);
    check.at_least("k", k, 0);
    check.leading_dimension("lda", lda, transposed(trans) ? k : n);
    check.leading_dimension("ldc", ldc, n);
    with_integer([&]<class Int>(Int) {
        using Syrk = void(const char*, const char*, const Int*, const Int*, const T*, const T*,
                          const Int*, const T*, T*, const Int*);
        const auto n_ = static_cast<Int>(n);
        const auto k_ = static_cast<Int>(k);
        const auto lda_ = static_cast<Int>(lda);
        const auto ldc_ = static_cast<Int>(ldc);
        reinterpret_cast<Syrk*>(Routines<T>::syrk())(&uplo, &trans, &n_, &k_, &alpha, a, &lda_,
                                                     &beta, c, &ldc_);
    });
}

template <class T>
std::int64_t potrf_of(char uplo, std::int64_t n, T* a, std::int64_t lda) {
    const Arguments check("potrf");
    check.choice("uplo", uplo, kTriangle);
    check.at_least("n", n, 0);
    check.leading_dimension("lda", lda, n);
    return with_integer([&]<class Int>(Int) {
        using Potrf = void(const char*, const Int*, T*, const Int*, Int*);
        const auto n_ = static_cast<Int>(n);
        const auto lda_ = static_cast<Int>(lda);
        Int info = 0;
        reinterpret_cast<Potrf*>(Routines<T>::potrf())(&uplo, &n_, a, &lda_, &info);
        return std::int64_t{info};
    });
}

}  // namespace

void set_functions(const Functions& functions) {
    for (void* function : {functions.dgemm, functions.sgemm, functions.dsyrk, functions.ssyrk,
                           functions.dpotrf, functions.spotrf}) {
        if (function == nullptr) {
            throw std::invalid_argument("BLAS set_functions: a function pointer is null");
        }
    }
    installed = functions;
    is_installed.store(true, std::memory_order_release);
}

bool ready() { return is_installed.load(std::memory_order_acquire); }

void limit_this_thread() {
    if (ready() && installed.set_num_threads_here != nullptr) {
        installed.set_num_threads_here(1);
    }
}

void gemm(char ta, char tb, std::int64_t m, std::int64_t n, std::int64_t k, double alpha,
          const double* a, std::int64_t lda, const double* b, std::int64_t ldb, double beta,
          double* c, std::int64_t ldc) {
    gemm_of(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void gemm(char ta, char tb, std::int64_t m, std::int64_t n, std::int64_t k, float alpha,
          const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float beta, float* c,
          std::int64_t ldc) {
    gemm_of(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void syrk(char uplo, char trans, std::int64_t n, std::int64_t k, double alpha, const double* a,
          std::int64_t lda, double beta, double* c, std::int64_t ldc) {
    syrk_of(uplo, trans, n, k, alpha, a, lda, beta, c, ldc);
}

void syrk(char uplo, char trans, std::int64_t n, std::int64_t k, float alpha, const float* a,
          std::int64_t lda, float beta, float* c, std::int64_t ldc) {
    syrk_of(uplo, trans, n, k, alpha, a, lda, beta, c, ldc);
}

std::int64_t potrf(char uplo, std::int64_t n, double* a, std::int64_t lda) {
    return potrf_of(uplo, n, a, lda);
}

std::int64_t potrf(char uplo, std::int64_t n, float* a, std::int64_t lda) {
    return potrf_of(uplo, n, a, lda);
}

}  // namespace relufast::blas
