#pragma once

#include <cstdint>
#include <span>

#include "relufast/narrow_layer.hpp"

namespace relufast {

// Loops over the neurons of a narrow layer.

// out[j] = the inner product of row j of a matrix and a vector, for the bits j of a word; the
// others stay as they are.
void multiply_rows(const double* matrix, std::int64_t stride, std::uint64_t rows,
                   const double* vector, double* out);

// out[c] = factors[c] times the matrix, for two c at once, which share what is read of it. Only
// those rows are read, and their factors, that bits of `rows` stand for.
void multiply_two(const double* matrix, std::int64_t stride, std::uint64_t rows,
                  const double* const factors[2], double* const out[2]);

// Preactivations along a line, x slopes + intercepts.
struct LinearForm {
    double slopes[kMostNarrow];
    double intercepts[kMostNarrow];
};

// Adds a multiple of a vector to both parts of a form, then out = x slopes + factor intercepts.
void turn_and_evaluate(LinearForm& form, double slope, double intercept, const double* vector,
                       double x, double factor, double* out, std::int64_t stride);

// What a column is bent by at a root: a multiple of what a neuron sends.
struct Deviation {
    double factor;
    const double* outgoing;
};

// out = wa a + wb b + all deviations.
void combine_and_bend(double wa, const double* a, double wb, const double* b,
                      std::span<const Deviation> deviations, double* out, std::int64_t stride);

struct NarrowScan {
    std::uint64_t active = 0;
    double square = 0.0;  // |z|^2, or infinite if a sign is not decided
};

// z += bias_factor biases, then looks at the result.
NarrowScan add_biases_and_decide(double* z, const NarrowBiases& of_layer, double bias_factor,
                                 double beta, double bias_rounding, double floor);

// out = values where a bit says active, and elsewhere negative_slope times that. Returns the sum of
// its squares.
double mask_narrow(std::uint64_t active, double negative_slope, const double* values, double* out,
                   std::int64_t stride);

// The inner product of what that would put down with a row, and the sum of its squares.
struct MaskedProduct {
    double product = 0.0;
    double square = 0.0;
};

MaskedProduct multiply_masked(std::uint64_t active, double negative_slope, const double* values,
                              const double* row, std::int64_t stride);

// ranks[i] = how many numbers are less than the i-th, or equal and in front of it. The numbers are
// filled up to whole vectors of eight, with what is not less than any.
void rank_numbers(const double* numbers, std::int64_t n, std::int32_t* ranks);

}  // namespace relufast
