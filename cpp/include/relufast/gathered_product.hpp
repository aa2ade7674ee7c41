// Products of a matrix of which some rows and columns are wanted, and gathered on the way.
//
// BLAS would want them side by side in memory first, and then copy them once more.
#pragma once

#include <cstdint>
#include <functional>
#include <type_traits>
#include <vector>

#include "relufast/buffer.hpp"

namespace relufast {

// A block of the matrix, of doubles or floats, as the kernel reads it: in panels of a few rows, 192
// bytes, and of each panel column after column.
template <class Number>
class PackedBlock {
 public:
    static constexpr auto kPanelRows = static_cast<std::int64_t>(192 / sizeof(Number));

    PackedBlock(Number* panels, std::int64_t n_rows, std::int64_t n_columns)
        : panels_(panels), n_rows_(n_rows), n_columns_(n_columns) {}

    std::int64_t n_rows() const { return n_rows_; }
    std::int64_t n_columns() const { return n_columns_; }

    // Where the entries of a column belong from a panel's first row on.
    Number* at(std::int64_t row, std::int64_t column) const {
        return panels_ + row * n_columns_ + column * kPanelRows;
    }

    // Calls fill(row, count) for each panel, from its first row.
    template <class Fill>
    void for_each_panel(Fill fill) const {
        std::int64_t row = 0;
        for (; row + kPanelRows <= n_rows_; row += kPanelRows) {
            fill(row, std::integral_constant<std::int64_t, kPanelRows>());
        }
        if (row < n_rows_) {
            fill(row, n_rows_ - row);
        }
    }

 private:
    Number* panels_;
    std::int64_t n_rows_;
    std::int64_t n_columns_;
};

// Fills a block that starts at some row and column of those wanted.
template <class Number>
using FillBlock =
    std::function<void(std::int64_t row, std::int64_t column, const PackedBlock<Number>&)>;

// What a product needs beside its operands, kept from one to the next.
template <class Number>
struct ProductMemory {
    Buffer<Number> entries;
    std::vector<std::int32_t> offsets;
};

// products = A h for each of n_columns columns h of n_terms numbers: A has n_rows rows. Each entry
// is the sum of the sums of blocks of terms. Uses fused multiply-add where there is one.
template <class Number>
void multiply_gathered(std::int64_t n_rows, std::int64_t n_terms, const FillBlock<Number>& fill,
                       const Number* columns, std::int64_t n_columns, Number* products,
                       ProductMemory<Number>& memory);

// How many roundings a term meets at most.
std::int64_t roundings_of_gathered(std::int64_t n_terms);

// How many multiplications these products have taken so far in this process, in each precision: for
// bench/, which holds the time that a call takes against the time that they alone would take.
struct GatheredMultiplications {
    std::uint64_t doubles = 0;
    std::uint64_t floats = 0;
};

GatheredMultiplications gathered_multiplications();

}  // namespace relufast
