/* relufast from C, and from whatever calls C: no Python object, no global state but the BLAS.
 *
 * Functions that can fail return RELUFAST_ERROR then, and relufast_last_error says why; a null
 * pointer for something needed is such a failure, and handles stay good after any. None throws.
 * Freeing a null handle does nothing. Different handles may be used by different threads at once; one handle by one thread at a
 * time. The library is relufast.get_library(), this header lies in relufast.get_include().
 */
#ifndef RELUFAST_CAPI_H
#define RELUFAST_CAPI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Rises with every change that a program built with an older header could notice. A program may
 * compare it with what the library it runs on returns. */
#define RELUFAST_CAPI_VERSION 1
int relufast_capi_version(void);

#define RELUFAST_OK 0
#define RELUFAST_OPEN 1 /* done, but a decision stayed open and was taken as float64 has it */
#define RELUFAST_ERROR (-1)

/* What went wrong in this thread's last call that returned RELUFAST_ERROR or a null handle. */
const char* relufast_last_error(void);

/* ---- BLAS and LAPACK ---- */

/* Fortran routines, every argument a pointer, without hidden lengths of strings. */
typedef struct relufast_blas {
    void* dgemm;
    void* sgemm;
    void* dsyrk;
    void* ssyrk;
    void* dpotrf;
    void* spotrf;
    int ilp64;                         /* integers are of 64 bits, not of 32 */
    void (*set_num_threads_here)(int); /* for the calling thread alone; may be null */
} relufast_blas;

/* To be called once, before anything that multiplies matrices; importing relufast in Python and
 * calling relufast.load_blas() does it with SciPy's. The routines have to run on one thread. */
int relufast_set_blas(const relufast_blas* functions);
int relufast_blas_ready(void);

/* ---- Random numbers ---- */

#define RELUFAST_SEED_WORDS 32

/* Standard normals, a stream that only goes forward. */
typedef struct relufast_random relufast_random;

/* From RELUFAST_SEED_WORDS independent random words; null if there are none or memory ran out. */
relufast_random* relufast_random_new(const uint64_t* words);
void relufast_random_free(relufast_random* random);
void relufast_random_normals(relufast_random* random, double* out, int64_t count);

/* ---- Breakpoints of networks with one input ---- */

/* Counts for many networks of the same shape, in the same memory. */
typedef struct relufast_breakpoint_counter relufast_breakpoint_counter;

/* widths: inputs (1), at least one hidden width, outputs. The open interval (lo, hi) may be
 * infinite. Null for what is out of range. */
relufast_breakpoint_counter* relufast_breakpoint_counter_new(const int64_t* widths,
                                                             int64_t n_widths,
                                                             double negative_slope, double lo,
                                                             double hi);
void relufast_breakpoint_counter_free(relufast_breakpoint_counter* counter);

/* parameters: W_1, b_1, W_2, b_2, ... one after the other, each W row-major (outputs, inputs); an
 * error unless all are finite. counts: room for one number for each hidden layer. */
int relufast_breakpoint_counter_count(relufast_breakpoint_counter* counter,
                                      const double* parameters, int64_t* counts);

#ifdef __cplusplus
}
#endif

#endif
