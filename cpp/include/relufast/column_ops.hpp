#pragma once

#include <cstdint>

namespace relufast {

// Loops over the neurons of one layer at one knot: vectorised, one pass each.

struct ColumnScan {
    double least = 0.0;        // min |z_i|, NaNs left out
    double relu_square = 0.0;  // |relu(z)|^2
    double square = 0.0;       // |z|^2
};

// z += bias_factor * biases, then looks at the result, and sets the bits of the neurons that are
// active. A NaN counts as active: it may stand for any number.
ColumnScan add_biases_and_scan(double* z, const double* biases, double bias_factor,
                               double negative_slope, std::int64_t n, std::uint64_t* active);

// What takes another look where a scan's numbers do not settle everything.
struct ColumnExtremes {
    std::int64_t n_open = 0;  // entries whose sign their error bound does not decide
    double largest = 0.0;     // max |z_i|
    double highest = 0.0;     // max z_i
};

// Entry i is decided if |z_i| > row_norms[i] * beta + |biases[i]| * bias_rounding + floor.
ColumnExtremes column_extremes(const double* z, const double* biases, const double* row_norms,
                               double beta, double bias_rounding, double floor, std::int64_t n);

// The bits of the neurons that are active.
void mark_active(const double* z, std::int64_t n, std::uint64_t* active);

// out = wa a + wb b.
void combine(double wa, const double* a, double wb, const double* b, double* out, std::int64_t n);

// |relu(z) - wa relu(a) - wb relu(b)|^2.
double relu_distance_square(const double* z, double wa, const double* a, double wb, const double* b,
                            double negative_slope, std::int64_t n);

// out[r, v] = the sum of the products of a row's n entries with a vector's; the vectors follow one
// another. It is made of the sums of short parts. A few rows at a time share what the cache holds
// of the vectors.
void dot_products(const double* const* rows, std::int64_t n_rows, const double* vectors,
                  std::int64_t n, std::int64_t n_vectors, double* out);
// How many roundings a term of it meets at most.
std::int64_t roundings_of_dot(std::int64_t n);

// y = factor x, rounded to single precision.
void round_multiples(double factor, const double* x, float* y, std::int64_t n);

// y += factor x.
void add_multiple(double factor, const double* x, double* y, std::int64_t n);

// hi + lo += (factor_hi + factor_lo) x in double-double: at most 16 * 2^-106 times the sum of the
// magnitudes is lost.
void add_multiple2(double factor_hi, double factor_lo, const double* x, double* hi, double* lo,
                   std::int64_t n);

// out = x (a_hi + a_lo) + factor (b_hi + b_lo), rounded once and a little more.
void combine2(double x, const double* a_hi, const double* a_lo, double factor, const double* b_hi,
              const double* b_lo, double* out, std::int64_t n);

// out = the sum of factors[c] times row index[c] of a row-major matrix, n entries of it.
void sum_multiples(const double* matrix, std::int64_t stride, const std::int32_t* index,
                   const double* factors, std::int64_t n_index, double* out, std::int64_t n);

// out[c] = relu(z[index[c]]).
void gather_relu(const double* z, const std::int32_t* index, std::int64_t n_index,
                 double negative_slope, double* out);

}  // namespace relufast
