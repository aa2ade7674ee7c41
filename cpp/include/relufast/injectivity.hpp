#pragma once

#include <cstdint>
#include <vector>

#include "relufast/arrangement.hpp"
#include "relufast/threads.hpp"

namespace relufast {

// x -> relu(A x + b), by the hyperplanes on which its neurons switch: each once, with its normal
// and how many neurons are active on either side of it.
struct ReluLayer {
    std::vector<double> normals;  // row-major
    std::int64_t n_rows = 0;
    std::int64_t dimension = 0;
    // The columns that multiply x; with biases one more follows.
    std::int64_t n_inputs = 0;
    std::vector<std::int64_t> n_above;  // active neurons where the row is positive
    std::vector<std::int64_t> n_below;  // and where it is negative
    std::int64_t n_constant = 0;        // neurons that are active everywhere
    // With biases cells are those in which this row is positive; -1 without.
    std::int64_t row_at_infinity = -1;
};

struct CellsOfLayer {
    bool is_complete = false;  // all cells were seen; otherwise only `deficient` tells something
    std::int64_t n_cells = 0;  // of full dimension
    std::int64_t n_deficient = 0;  // in which active rows do not span the inputs
    std::int64_t min_active = 0;   // neurons
    RowSet smallest;               // rows that are positive in a cell with so few
    RowSet deficient;              // and in a deficient cell, if there is one
};

// All cells, or those up to the first deficient one.
CellsOfLayer cells_of_layer(const ReluLayer& layer, bool stop_at_deficient,
                            const Arrangement::OnProgress& on_progress, const Interrupt& interrupt);

// Rays that lie in a cell, until for each row there is one on which it is not zero: their sum is
// inside. Each is d - 1 rows that meet in it, one after the other.
std::vector<std::int64_t> rays_of_cell(const double* normals, std::int64_t n_rows,
                                       std::int64_t dimension, RowBits positive,
                                       const Interrupt& interrupt);

}  // namespace relufast
