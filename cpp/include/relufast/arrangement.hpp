// The cells of an arrangement of hyperplanes through the origin of R^d, each a vector of signs.
//
// A flat is the intersection of hyperplanes, told by all those that contain it. In generic
// coordinates y, cells that meet y_k > 0 in the first k of them are of two kinds. In the slice
// y_k = 1 either y_(k-1) is bounded below in the cell: then its lowest vertex lies on a flat F of
// rank k - 1, the cell has the vertex's signs outside F, and at the vertex it is one of the cones
// of F's own hyperplanes, in the first k - 1 coordinates, that lie in y_(k-1) > 0. Or it is not:
// then it meets y_k = 0 > y_(k-1), and its negative is a cell of the first k - 1 coordinates, of
// which the same holds. So each flat of rank below d gives its own cells, and a flat on no more
// hyperplanes than its rank exactly one.
//
// No coordinates are drawn. A = rows times the matrix x_c^s, s = 1, 2, ..., is generic for any
// quickly growing x_1, x_2, ..., and of its leading minors only the sign of the first one that is
// not zero, of the rows, matters, in one order of the sets of columns (Cauchy and Binet). The
// minors of all sets of columns go along with the rows that are chosen, one by one, a flat being
// visited at the first basis of its hyperplanes, in order.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "relufast/exact_minors.hpp"
#include "relufast/threads.hpp"

namespace relufast {

// A set of rows: row i is bit i % 64 of word i / 64.
using RowSet = std::vector<std::uint64_t>;
using RowBits = std::span<const std::uint64_t>;

inline bool contains(RowBits set, std::size_t row) {
    return (set[row / 64] >> (row % 64) & 1) != 0;
}

class Arrangement {
 public:
    // Sets of columns are numbers of so many digits.
    static constexpr std::int64_t kMostDimensions = 12;

    // Row-major normals, which span R^d, none of them zero. Throws std::invalid_argument at zero,
    // NaN and infinity; the other condition is noticed on the way.
    Arrangement(const double* normals, std::int64_t n_rows, std::int64_t dimension);

    std::size_t n_rows() const { return n_rows_; }
    std::size_t dimension() const { return dimension_; }
    std::size_t n_words() const { return (n_rows_ + 63) / 64; }
    ExactMinors& exact() { return exact_; }

    // The rows that are positive in a cell, and the rank of the flat that gave it. False stops.
    using OnCell = std::function<bool(RowBits positive, std::size_t rank)>;
    // d - 1 rows that meet in a line, the rows that are positive at one end of it, and those that
    // contain it. False stops.
    using OnRay = std::function<bool(std::span<const int> rows, RowBits positive, RowBits zero)>;
    // How many flats there were so far, now and then.
    using OnProgress = std::function<void(std::int64_t n_flats)>;

    // Of a cell and its negative one comes, or both: see sum_over_cells. Throws Interrupted.
    void for_each_cell(const OnCell& on_cell, const OnProgress& on_progress,
                       const Interrupt& interrupt);
    void for_each_ray(const OnRay& on_ray, const Interrupt& interrupt);

    // The sum of f over all cells, if sums[k] is that of f(cell) + f(its negative) over the cells
    // that come from flats of rank k.
    static std::int64_t sum_over_cells(std::span<const std::int64_t> sums);

 private:
    friend class FlatWalk;

    // A minor by those of one row less: the sum over its columns c of sign times the last row's
    // entry in c times the minor without c.
    struct Term {
        std::size_t column;
        std::size_t without;
        double sign;
    };
    struct Minors {
        std::size_t count = 0;        // of sets of columns
        std::vector<int> columns;     // of each set, rising
        std::vector<Term> expansion;  // of each, a term for each column
        double relative_error = 0.0;  // in units of the product of the rows' norms
    };

    void make_minors(std::size_t k);
    void evaluate(std::span<const Term> terms, const double* minors, double* values) const;

    std::size_t n_rows_;
    std::size_t dimension_;
    std::size_t stride_;           // from column to column
    std::vector<double> columns_;  // of the rows scaled to a largest entry between 1/2 and 1
    std::vector<double> norms_;    // of the scaled rows: sums of sizes
    std::vector<Minors> minors_;   // by size
    ExactMinors exact_;
};

}  // namespace relufast
