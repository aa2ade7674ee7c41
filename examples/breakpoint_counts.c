/* Breakpoints of random networks by layer, from C.
 *
 *     breakpoint_counts NETWORKS SLOPE LO HI 1 WIDTH ... OUTPUTS
 *
 * prints a line of counts for each network. To build it, with the folders that
 * relufast.get_include() and relufast.get_library() name:
 *
 *     cc -O2 -IINCLUDE breakpoint_counts.c LIBRARY -Wl,-rpath,LIBRARY_FOLDER -lm
 *
 * A program hands over its own BLAS; below is one that is right, short, and slow.
 */
#include <math.h>
#include <relufast/capi.h>
#include <stdio.h>
#include <stdlib.h>

/* Fortran's matrices go down the columns, and every argument is a pointer. */
#define AT(m, i, j) m[(i) + (size_t)(j) * (size_t)*ld##m]

static int is(const char* given, char upper) { return *given == upper || *given == upper + 32; }

#define DEFINE_BLAS(gemm, syrk, potrf, T, root)                                                    \
    void gemm(const char* ta, const char* tb, const int* m, const int* n, const int* k,            \
              const T* alpha, const T* a, const int* lda, const T* b, const int* ldb,              \
              const T* beta, T* c, const int* ldc) {                                               \
        for (int j = 0; j < *n; ++j) {                                                             \
            for (int i = 0; i < *m; ++i) {                                                         \
                T sum = 0;                                                                         \
                for (int p = 0; p < *k; ++p) {                                                     \
                    sum += (is(ta, 'N') ? AT(a, i, p) : AT(a, p, i)) *                             \
                           (is(tb, 'N') ? AT(b, p, j) : AT(b, j, p));                              \
                }                                                                                  \
                AT(c, i, j) = *alpha * sum + (*beta == 0 ? 0 : *beta * AT(c, i, j));               \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    /* One triangle of alpha A A^T + beta C, or of alpha A^T A + beta C. */                        \
    void syrk(const char* uplo, const char* trans, const int* n, const int* k, const T* alpha,     \
              const T* a, const int* lda, const T* beta, T* c, const int* ldc) {                   \
        for (int j = 0; j < *n; ++j) {                                                             \
            for (int i = is(uplo, 'U') ? 0 : j; i < (is(uplo, 'U') ? j + 1 : *n); ++i) {           \
                T sum = 0;                                                                         \
                for (int p = 0; p < *k; ++p) {                                                     \
                    sum += is(trans, 'N') ? AT(a, i, p) * AT(a, j, p) : AT(a, p, i) * AT(a, p, j); \
                }                                                                                  \
                AT(c, i, j) = *alpha * sum + (*beta == 0 ? 0 : *beta * AT(c, i, j));               \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    /* Cholesky's L in the lower triangle, or L^T in the upper one. */                             \
    void potrf(const char* uplo, const int* n, T* a, const int* lda, int* info) {                  \
        for (int j = 0; j < *n; ++j) {                                                             \
            for (int i = j; i < *n; ++i) {                                                         \
                T* entry = is(uplo, 'U') ? &AT(a, j, i) : &AT(a, i, j);                            \
                for (int p = 0; p < j; ++p) {                                                      \
                    *entry -=                                                                      \
                        is(uplo, 'U') ? AT(a, p, i) * AT(a, p, j) : AT(a, i, p) * AT(a, j, p);     \
                }                                                                                  \
                if (i == j && !(*entry > 0)) {                                                     \
                    *info = j + 1; /* the leading minor that is not positive */                    \
                    return;                                                                        \
                }                                                                                  \
                *entry = i == j ? root(*entry) : *entry / AT(a, j, j);                             \
            }                                                                                      \
        }                                                                                          \
        *info = 0;                                                                                 \
    }

DEFINE_BLAS(example_dgemm, example_dsyrk, example_dpotrf, double, sqrt)
DEFINE_BLAS(example_sgemm, example_ssyrk, example_spotrf, float, sqrtf)

static int failed(void) {
    fprintf(stderr, "%s\n", relufast_last_error());
    return EXIT_FAILURE;
}

int main(int argc, char** argv) {
    if (argc < 6) {
        fprintf(stderr, "usage: %s NETWORKS SLOPE LO HI 1 WIDTH ... OUTPUTS\n", argv[0]);
        return EXIT_FAILURE;
    }
    const relufast_blas blas = {
        .dgemm = (void*)example_dgemm,
        .sgemm = (void*)example_sgemm,
        .dsyrk = (void*)example_dsyrk,
        .ssyrk = (void*)example_ssyrk,
        .dpotrf = (void*)example_dpotrf,
        .spotrf = (void*)example_spotrf,
        .ilp64 = 0,
        .set_num_threads_here = NULL, /* it has no threads */
    };
    if (relufast_set_blas(&blas) != RELUFAST_OK) {
        return failed();
    }

    const int n_widths = argc - 5;
    int64_t* widths = malloc((size_t)n_widths * sizeof *widths);
    size_t n_parameters = 0;
    for (int l = 0; l < n_widths; ++l) {
        widths[l] = atoll(argv[5 + l]);
        n_parameters += l > 0 && widths[l] > 0 ? (size_t)(widths[l] * (widths[l - 1] + 1)) : 0;
    }
    relufast_breakpoint_counter* counter = relufast_breakpoint_counter_new(
        widths, n_widths, atof(argv[2]), atof(argv[3]), atof(argv[4]));
    if (counter == NULL) {
        return failed();
    }

    /* Any independent words will do as a seed; these are 1, 2, 3, ... mixed (splitmix64). */
    uint64_t words[RELUFAST_SEED_WORDS];
    for (uint64_t i = 0; i < RELUFAST_SEED_WORDS; ++i) {
        uint64_t z = (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        words[i] = z ^ (z >> 31);
    }
    relufast_random* random = relufast_random_new(words);
    double* parameters = malloc(n_parameters * sizeof *parameters);
    int64_t* counts = malloc((size_t)n_widths * sizeof *counts);

    for (long network = 0; network < atol(argv[1]); ++network) {
        /* W_1, b_1, W_2, b_2, ...: biases of variance 1, weights of variance 2 / fan-in. */
        relufast_random_normals(random, parameters, (int64_t)n_parameters);
        double* next = parameters;
        for (int l = 1; l < n_widths; ++l) {
            for (int64_t i = 0; i < widths[l] * widths[l - 1]; ++i) {
                *next++ *= sqrt(2.0 / (double)widths[l - 1]);
            }
            next += widths[l];
        }
        const int outcome = relufast_breakpoint_counter_count(counter, parameters, counts);
        if (outcome == RELUFAST_ERROR) {
            return failed();
        }
        for (int l = 0; l < n_widths - 2; ++l) {
            printf("%lld ", (long long)counts[l]);
        }
        puts(outcome == RELUFAST_OPEN ? "(not certain)" : "");
    }

    free(counts);
    free(parameters);
    relufast_random_free(random);
    relufast_breakpoint_counter_free(counter);
    free(widths);
    return EXIT_SUCCESS;
}
