#pragma once

#include <cstdint>

namespace relufast {

// Loops over the neurons of one layer at one knot: vectorised, one pass each.

struct ColumnScan {
    std::int64_t n_open = 0;   // entries whose sign their error bound does not decide
    double relu_square = 0.0;  // |relu(z)|^2
    double square = 0.0;       // |z|^2
    double largest = 0.0;      // max |z_i|
    double highest = 0.0;      // max z_i
};

// z += bias_factor * biases, then looks at the result. Entry i is decided if
// |z_i| > row_norms[i] * beta + |biases[i]| * bias_rounding + floor.
ColumnScan add_biases_and_scan(double* z, const double* biases, double bias_factor,
                               const double* row_norms, double beta, double bias_rounding,
                               double floor, double negative_slope, std::int64_t n);

// Writes the indices of the entries that are active in one column and not in the other, and
// returns how many there are. Room for n must be there.
std::int64_t find_flips(const double* a, const double* b, std::int64_t n, std::int32_t* indices);

// out = wa a + wb b.
void combine(double wa, const double* a, double wb, const double* b, double* out, std::int64_t n);

// y += factor x.
void add_multiple(double factor, const double* x, double* y, std::int64_t n);

// hi + lo += (factor_hi + factor_lo) x in double-double: at most 16 * 2^-106 times the sum of the
// magnitudes is lost.
void add_multiple2(double factor_hi, double factor_lo, const double* x, double* hi, double* lo,
                   std::int64_t n);

// out = x (a_hi + a_lo) + factor (b_hi + b_lo), rounded once and a little more.
void combine2(double x, const double* a_hi, const double* a_lo, double factor, const double* b_hi,
              const double* b_lo, double* out, std::int64_t n);

// highest[i] = max(highest[i], z[i]).
void raise(const double* z, double* highest, std::int64_t n);

// out[c] = relu(z[index[c]]).
void gather_relu(const double* z, const std::int32_t* index, std::int64_t n_index,
                 double negative_slope, double* out);

}  // namespace relufast
