// A walk over the flats of an arrangement, each at its first basis.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "relufast/arrangement.hpp"

namespace relufast {

class FlatWalk {
 public:
    // Flats on hyperplanes of `within` alone, of rank below `rank_end`.
    FlatWalk(Arrangement& arrangement, RowSet within, std::size_t rank_end);

    // What is known of a flat.
    struct Flat {
        std::vector<double> minors;  // of the basis, by set of columns
        double norm = 1.0;           // the product of the norms of its rows
        double bits = 0.0;           // the sum of their bits
        int orientation = 1;         // the sign of its leading minor in generic coordinates
        RowSet positive;             // at the vertex that has these many coordinates and one more
        RowSet zero;                 // all rows that contain the flat
    };

    // Calls on_flat(rank) for each, bases in falling order, so that all flats within a flat have
    // been visited before. False stops, and is returned.
    template <class OnFlat>
    bool run(const OnFlat& on_flat) {
        return descend(0, on_flat);
    }

    std::span<const int> basis(std::size_t rank) const { return {basis_.data(), rank}; }
    const Flat& flat(std::size_t rank) const { return flats_[rank]; }

 private:
    template <class OnFlat>
    bool descend(std::size_t rank, const OnFlat& on_flat) {
        set_signs(rank);
        if (rank > 0 && !is_first_basis(rank)) {
            return true;
        }
        if (!on_flat(rank)) {
            return false;
        }
        if (rank + 1 == rank_end_) {
            return true;
        }
        const std::size_t begin = rank == 0 ? 0 : static_cast<std::size_t>(basis_[rank - 1]) + 1;
        for (std::size_t row = arrangement_.n_rows(); row-- > begin;) {
            if (contains(within_, row) && !contains(flats_[rank].zero, row)) {
                add(row, rank);
                if (!descend(rank + 1, on_flat)) {
                    return false;
                }
            }
        }
        return true;
    }

    void add(std::size_t row, std::size_t rank);
    void set_signs(std::size_t rank);
    int sign_of(std::size_t row, std::size_t rank, double value);
    bool is_first_basis(std::size_t rank) const;

    Arrangement& arrangement_;
    RowSet within_;
    std::size_t rank_end_;
    std::vector<int> basis_;
    std::vector<Flat> flats_;  // by rank, of the first rows of the basis
    std::vector<double> values_;
};

}  // namespace relufast
