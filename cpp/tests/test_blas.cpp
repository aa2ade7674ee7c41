#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <vector>

#include "reference_blas.hpp"
#include "relufast/blas.hpp"
#include "relufast/error.hpp"

namespace blas = relufast::blas;
using relufast::testing::reference_blas_ilp64;
using relufast::testing::reference_blas_lp64;

namespace {

constexpr std::int64_t kTooLongForLp64 = std::int64_t{1} << 31;

template <class T>
void check_gemm() {
    // op(A) = [1 2; 3 4; 5 6], op(B) = [1 0 2; 0 1 3], each given as it is and transposed.
    const std::vector<T> a = {1, 3, 5, 2, 4, 6};
    const std::vector<T> a_transposed = {1, 2, 3, 4, 5, 6};
    const std::vector<T> b = {1, 0, 0, 1, 2, 3};
    const std::vector<T> b_transposed = {1, 0, 2, 0, 1, 3};
    const std::vector<T> product = {1, 3, 5, 2, 4, 6, 8, 18, 28};

    std::vector<T> c(9, std::numeric_limits<T>::quiet_NaN());
    blas::gemm('N', 'N', 3, 3, 2, T{1}, a.data(), 3, b.data(), 2, T{0}, c.data(), 3);
    CHECK(c == product);
    blas::gemm('T', 'T', 3, 3, 2, T{2}, a_transposed.data(), 2, b_transposed.data(), 3, T{-1},
               c.data(), 3);
    CHECK(c == product);
}

template <class T>
void check_syrk_and_potrf() {
    const std::vector<T> a = {2, 6, 0, 3};  // the lower factor [2 0; 6 3]
    std::vector<T> lower(4, T{-1});
    blas::syrk('L', 'N', 2, 2, T{1}, a.data(), 2, T{0}, lower.data(), 2);
    CHECK(lower == std::vector<T>{4, 12, -1, 45});
    CHECK(blas::potrf('L', 2, lower.data(), 2) == 0);
    CHECK(lower == std::vector<T>{2, 6, -1, 3});

    const std::vector<T> a_transposed = {2, 0, 6, 3};
    std::vector<T> upper(4, T{-1});
    blas::syrk('U', 'T', 2, 2, T{1}, a_transposed.data(), 2, T{0}, upper.data(), 2);
    CHECK(upper == std::vector<T>{4, -1, 12, 45});
    CHECK(blas::potrf('U', 2, upper.data(), 2) == 0);
    CHECK(upper == std::vector<T>{2, -1, 6, 3});

    std::vector<T> indefinite = {1, 2, 2, 1};
    CHECK(blas::potrf('L', 2, indefinite.data(), 2) == 2);
}

}  // namespace

TEST_CASE("BLAS before its functions are set is an error") {
    // doctest shares a process between its cases; only the first to run can see this state.
    if (!blas::ready()) {
        double x = 0.0;
        CHECK_THROWS_WITH_AS(blas::gemm('N', 'N', 1, 1, 1, 1.0, &x, 1, &x, 1, 0.0, &x, 1),
                             "BLAS gemm: the BLAS functions are not set yet", relufast::Error);
    }
    blas::Functions incomplete = reference_blas_lp64();
    incomplete.spotrf = nullptr;
    CHECK_THROWS_AS(blas::set_functions(incomplete), std::invalid_argument);
}

TEST_CASE("BLAS reaches the functions with either integer width") {
    for (const auto& functions : {reference_blas_ilp64(), reference_blas_lp64()}) {
        CAPTURE(functions.ilp64);
        blas::set_functions(functions);
        REQUIRE(blas::ready());
        check_gemm<double>();
        check_gemm<float>();
        check_syrk_and_potrf<double>();
        check_syrk_and_potrf<float>();
    }
}

TEST_CASE("BLAS arguments that the library would refuse throw") {
    blas::set_functions(reference_blas_lp64());
    double x = 1.0;
    CHECK_THROWS_WITH_AS(blas::gemm('X', 'N', 1, 1, 1, 1.0, &x, 1, &x, 1, 0.0, &x, 1),
                         "BLAS gemm: ta must be one of NnTtCc, not 'X'", std::invalid_argument);
    CHECK_THROWS_WITH_AS(blas::gemm('N', 'N', 2, 1, 1, 1.0, &x, 1, &x, 1, 0.0, &x, 2),
                         "BLAS gemm: lda must be at least 2, not 1", std::invalid_argument);
    CHECK_THROWS_WITH_AS(blas::syrk('U', 'N', 1, -1, 1.0, &x, 1, 0.0, &x, 1),
                         "BLAS syrk: k must be at least 0, not -1", std::invalid_argument);
    CHECK_THROWS_WITH_AS(blas::potrf('L', 2, &x, 1), "BLAS potrf: lda must be at least 2, not 1",
                         std::invalid_argument);
}

TEST_CASE("BLAS is limited per thread where the library counts so") {
    static int number_of_threads;
    number_of_threads = 4;
    blas::set_functions(reference_blas_lp64());
    blas::limit_this_thread();
    CHECK(number_of_threads == 4);

    blas::Functions per_thread = reference_blas_lp64();
    per_thread.set_num_threads_here = [](int number) { number_of_threads = number; };
    blas::set_functions(per_thread);
    blas::limit_this_thread();
    CHECK(number_of_threads == 1);
    blas::set_functions(reference_blas_lp64());
}

TEST_CASE("BLAS sizes beyond 32 bits need ILP64") {
    double x = 1.0;
    // n = 0: no element is touched, only the leading dimension is long.
    const auto call = [&] {
        blas::gemm('N', 'N', 1, 0, 1, 1.0, &x, kTooLongForLp64, &x, 1, 0.0, &x, 1);
    };
    blas::set_functions(reference_blas_lp64());
    CHECK_THROWS_WITH_AS(
        call(), "BLAS gemm: lda = 2147483648 does not fit the 32-bit integers of this BLAS (LP64)",
        std::invalid_argument);
    blas::set_functions(reference_blas_ilp64());
    CHECK_NOTHROW(call());
    blas::set_functions(reference_blas_lp64());
}
