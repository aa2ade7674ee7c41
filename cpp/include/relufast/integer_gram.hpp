// Gram matrices of rows that are rounded to 16-bit integers: exact, and two to four times as fast
// as in single precision.
#pragma once

#include <cstdint>

#include "relufast/buffer.hpp"
#include "relufast/threads.hpp"

namespace relufast {

class IntegerRows {
 public:
    // Room for rows of 2-norms up to largest_norm > 0, which are multiplied by scale().
    IntegerRows(std::int64_t n_rows, std::int64_t length, double largest_norm);

    // Rounds a row, whose entries lie `stride` apart in memory.
    void set(std::int64_t row, const double* entries, std::int64_t stride);

    double scale() const { return scale_; }
    // A bound on the Frobenius norm of what rounding took from the rows, in units of the integers.
    double rounding() const;

    // The upper triangle of all products of two rows, column-major, each rounded once.
    void products(Buffer<float>& gram, int n_threads, const Interrupt& interrupt) const;

 private:
    const std::int16_t* row(std::int64_t i) const { return entries_.data() + i * stride_; }

    std::int64_t n_rows_;  // in memory there are more, to the end of a block
    std::int64_t length_;
    std::int64_t stride_;
    double scale_;
    Buffer<std::int16_t> entries_;
};

}  // namespace relufast
