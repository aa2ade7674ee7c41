#pragma once

#include <cstdint>

#include "relufast/narrow_layer.hpp"

namespace relufast {

// Loops over the neurons of a narrow layer.

// out[j] = the inner product of row j of a matrix and a vector, for the bits j of a word; the
// others stay as they are.
void multiply_rows(const double* matrix, std::int64_t stride, std::uint64_t rows,
                   const double* vector, double* out);

struct NarrowScan {
    std::uint64_t active = 0;
    double square = 0.0;  // |z|^2, or infinite if a sign is not decided
    double relu_square = 0.0;
};

// z += bias_factor biases, then looks at the result.
NarrowScan add_biases_and_decide(double* z, const NarrowBiases& of_layer, double bias_factor,
                                 double beta, double bias_rounding, double floor,
                                 double negative_slope);

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

}  // namespace relufast
