#include "relufast/arrangement.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <utility>

#include "flat_walk.hpp"
#include "relufast/multiversion.hpp"
#include "relufast/rounding.hpp"

namespace relufast {

namespace {

constexpr std::size_t kLanes = 8;  // rows are evaluated in groups of so many

RELUFAST_MULTIVERSION
void add_multiple(double factor, const double* __restrict x, std::size_t n,
                  double* __restrict sum) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        sum[i] += factor * x[i];
    }
}

RowSet all_rows(std::size_t n) {
    RowSet set((n + 63) / 64, ~std::uint64_t{0});
    if (n % 64 != 0) {
        set.back() = (std::uint64_t{1} << (n % 64)) - 1;
    }
    return set;
}

std::size_t count(RowBits set) {
    std::size_t sum = 0;
    for (const std::uint64_t word : set) {
        sum += static_cast<std::size_t>(std::popcount(word));
    }
    return sum;
}

RowSet negative(RowBits positive, RowBits within) {
    RowSet set(positive.size());
    for (std::size_t word = 0; word < set.size(); ++word) {
        set[word] = within[word] & ~positive[word];
    }
    return set;
}

// The signs of the leading minors of bases of flats that lie on no more hyperplanes than their
// rank, by their rows.
class Orientations {
 public:
    Orientations(std::size_t n_rows, std::size_t rank_end) : binomials_(n_rows + 1) {
        for (auto& row : binomials_) {
            row.assign(rank_end + 1, 0);
            row[0] = 1;
        }
        for (std::size_t i = 1; i <= n_rows; ++i) {
            for (std::size_t k = 1; k <= rank_end; ++k) {
                binomials_[i][k] = binomials_[i - 1][k - 1] + binomials_[i - 1][k];
            }
        }
        for (std::size_t rank = 0; rank < rank_end; ++rank) {
            signs_.emplace_back(binomials_[n_rows][rank]);
        }
    }

    bool has_room_for(std::size_t rank) const { return rank < signs_.size(); }

    void set(std::span<const int> rows, int orientation) {
        std::size_t index = 0;
        for (std::size_t k = 0; k < rows.size(); ++k) {
            index += binomial(rows[k], k + 1);
        }
        signs_[rows.size()][index] = static_cast<signed char>(orientation);
    }

    // Calls then(row, orientation without it) for each row.
    template <class Then>
    void for_each_removed(std::span<const int> rows, const Then& then) const {
        std::size_t before = 0;
        std::size_t after = 0;  // of the rows that each move down a place
        for (std::size_t k = 1; k < rows.size(); ++k) {
            after += binomial(rows[k], k);
        }
        const std::vector<signed char>& signs = signs_[rows.size() - 1];
        for (std::size_t k = 0; k < rows.size(); ++k) {
            then(k, signs[before + after]);
            before += binomial(rows[k], k + 1);
            if (k + 1 < rows.size()) {
                after -= binomial(rows[k + 1], k + 1);
            }
        }
    }

 private:
    std::size_t binomial(int i, std::size_t k) const {
        return binomials_[static_cast<std::size_t>(i)][k];
    }

    std::vector<std::vector<std::size_t>> binomials_;
    std::vector<std::vector<signed char>> signs_;  // by rank and number of the set of rows
};

// All cells, as far as they have been found, and what later ones need.
class CellFinder {
 public:
    CellFinder(Arrangement& arrangement, const Interrupt& interrupt,
               const Arrangement::OnProgress& on_progress)
        : arrangement_(arrangement),
          interrupt_(interrupt),
          on_progress_(on_progress),
          orientations_(arrangement.n_rows(), arrangement.dimension() - 1) {}

    bool run(const Arrangement::OnCell& on_cell) {
        return visit(all_rows(arrangement_.n_rows()), arrangement_.dimension(), true, on_cell);
    }

 private:
    // Cells of these rows, in so many generic coordinates of which the last is positive.
    bool visit(const RowSet& rows, std::size_t n_coordinates, bool is_whole,
               const Arrangement::OnCell& on_cell) {
        FlatWalk walk(arrangement_, rows, n_coordinates);
        RowSet cell(rows.size());
        return walk.run([&](std::size_t rank) {
            const FlatWalk::Flat& flat = walk.flat(rank);
            const std::size_t n_zero = count(flat.zero);
            now_and_then();
            if (is_whole) {
                ++n_flats_;
                if (n_zero == arrangement_.n_rows()) {
                    throw std::invalid_argument("rows of an arrangement must span the space");
                }
                if (n_zero == rank && orientations_.has_room_for(rank)) {
                    orientations_.set(walk.basis(rank), flat.orientation);
                }
            }
            // The negative of a cell in so many coordinates less.
            const std::uint64_t flip =
                (n_coordinates - 1 - rank) % 2 == 1 ? ~std::uint64_t{0} : std::uint64_t{0};
            const auto emit = [&](RowBits cone) {
                for (std::size_t word = 0; word < cell.size(); ++word) {
                    const std::uint64_t positive =
                        (flat.positive[word] & ~flat.zero[word]) | cone[word];
                    cell[word] = (positive ^ flip) & rows[word];
                }
                return on_cell(cell, rank);
            };
            if (n_zero == rank) {
                return emit(simple_cone(walk, rank));
            }
            const std::vector<RowSet>& cones = cones_of(flat.zero, rank, is_whole);
            return std::all_of(cones.begin(), cones.end(), emit);
        });
    }

    // The one cone of so many independent hyperplanes in which the last of as many coordinates is
    // positive: a row has the sign that it has where the others meet.
    RowBits simple_cone(const FlatWalk& walk, std::size_t rank) {
        cone_.assign(arrangement_.n_words(), 0);
        if (rank == 0) {
            return cone_;
        }
        const std::span<const int> basis = walk.basis(rank);
        const int orientation = walk.flat(rank).orientation;
        orientations_.for_each_removed(basis, [&](std::size_t k, int without) {
            const int moved = (rank - 1 - k) % 2 == 1 ? -1 : 1;  // the row to the last place
            if (moved * orientation * without > 0) {
                cone_[static_cast<std::size_t>(basis[k]) / 64] |= std::uint64_t{1}
                                                                  << (basis[k] % 64);
            }
        });
        return cone_;
    }

    // The cones of a flat's hyperplanes that lie where the last of `rank` coordinates is positive:
    // the cells that meet this half, but whose negatives do not.
    const std::vector<RowSet>& cones_of(const RowSet& flat, std::size_t rank, bool is_whole) {
        auto known = cones_.find(flat);
        if (known != cones_.end()) {
            return known->second;
        }
        if (!is_whole) {
            throw std::logic_error("a flat was not visited before one that contains it");
        }
        std::vector<RowSet> cells;
        visit(flat, rank, false, [&](RowBits positive, std::size_t) {
            cells.emplace_back(positive.begin(), positive.end());
            return true;
        });
        std::sort(cells.begin(), cells.end());
        std::vector<RowSet> cones;
        for (const RowSet& cell : cells) {
            if (!std::binary_search(cells.begin(), cells.end(), negative(cell, flat))) {
                cones.push_back(cell);
            }
        }
        return cones_.emplace(flat, std::move(cones)).first->second;
    }

    void now_and_then() {
        constexpr std::int64_t kPollEvery = 1 << 12;  // a few milliseconds
        if (++n_steps_ % kPollEvery == 0) {
            poll(interrupt_);
            if (on_progress_) {
                on_progress_(n_flats_);
            }
        }
    }

    Arrangement& arrangement_;
    const Interrupt& interrupt_;
    const Arrangement::OnProgress& on_progress_;
    Orientations orientations_;
    std::map<RowSet, std::vector<RowSet>> cones_;  // of flats on more hyperplanes than their rank
    RowSet cone_;
    std::int64_t n_steps_ = 0;
    std::int64_t n_flats_ = 0;  // of all rows
};

}  // namespace

Arrangement::Arrangement(const double* normals, std::int64_t n_rows, std::int64_t dimension)
    : n_rows_(static_cast<std::size_t>(n_rows)),
      dimension_(static_cast<std::size_t>(dimension)),
      stride_((n_rows_ + kLanes - 1) / kLanes * kLanes),
      norms_(n_rows_),
      exact_(normals, n_rows, dimension) {
    if (dimension < 1 || dimension > kMostDimensions) {
        throw std::invalid_argument("an arrangement has 1 to 12 dimensions");
    }
    columns_.resize(stride_ * dimension_);
    for (std::size_t i = 0; i < n_rows_; ++i) {
        const double* const row = normals + i * dimension_;
        double largest = 0.0;
        for (std::size_t c = 0; c < dimension_; ++c) {
            largest = std::max(largest, std::fabs(row[c]));
        }
        if (largest == 0.0) {
            throw std::invalid_argument("a row of zeros is no hyperplane");
        }
        const int exponent = std::ilogb(largest) + 1;
        for (std::size_t c = 0; c < dimension_; ++c) {
            const double entry = std::ldexp(row[c], -exponent);
            columns_[c * stride_ + i] = entry;
            norms_[i] += std::fabs(entry);
        }
    }
    for (std::size_t k = 0; k <= dimension_; ++k) {
        make_minors(k);
    }
}

// Sets of k columns in the order in which their minors count, the first most: by the sum of
// (r + 1) 16^c over the columns c, r their places in the set.
void Arrangement::make_minors(std::size_t k) {
    struct Set {
        std::uint64_t weight;
        std::vector<int> columns;
    };
    const auto sets_of = [this](std::size_t size) {
        std::vector<Set> sets;
        for (std::uint32_t mask = 0; mask < std::uint32_t{1} << dimension_; ++mask) {
            if (static_cast<std::size_t>(std::popcount(mask)) != size) {
                continue;
            }
            Set set{0, {}};
            for (int c = 0; c < static_cast<int>(dimension_); ++c) {
                if ((mask >> c & 1) != 0) {
                    set.columns.push_back(c);
                    set.weight += std::uint64_t{set.columns.size()} << (4 * c);
                }
            }
            sets.push_back(std::move(set));
        }
        std::sort(sets.begin(), sets.end(),
                  [](const Set& a, const Set& b) { return a.weight > b.weight; });
        return sets;
    };
    Minors minors;
    // Of a product and a sum for every term, in every expansion.
    const auto n_roundings = static_cast<std::int64_t>(k * (k + 3) / 2);
    minors.relative_error = gamma(n_roundings) * kInflate;
    const std::vector<Set> sets = sets_of(k);
    minors.count = sets.size();
    const std::vector<Set> smaller = k == 0 ? std::vector<Set>{} : sets_of(k - 1);
    for (const Set& set : sets) {
        minors.columns.insert(minors.columns.end(), set.columns.begin(), set.columns.end());
        for (std::size_t place = 0; place < k; ++place) {
            std::vector<int> rest = set.columns;
            rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(place));
            const auto found =
                std::find_if(smaller.begin(), smaller.end(),
                             [&rest](const Set& other) { return other.columns == rest; });
            minors.expansion.push_back({static_cast<std::size_t>(set.columns[place]),
                                        static_cast<std::size_t>(found - smaller.begin()),
                                        (k - 1 + place) % 2 == 1 ? -1.0 : 1.0});
        }
    }
    minors_.push_back(std::move(minors));
}

void Arrangement::evaluate(std::span<const Term> terms, const double* minors,
                           double* values) const {
    std::fill_n(values, stride_, 0.0);
    for (const Term& term : terms) {
        add_multiple(term.sign * minors[term.without], columns_.data() + term.column * stride_,
                     stride_, values);
    }
}

void Arrangement::for_each_cell(const OnCell& on_cell, const OnProgress& on_progress,
                                const Interrupt& interrupt) {
    CellFinder(*this, interrupt, on_progress).run(on_cell);
}

void Arrangement::for_each_ray(const OnRay& on_ray, const Interrupt& interrupt) {
    constexpr std::int64_t kPollEvery = 1 << 12;
    std::int64_t n_flats = 0;
    FlatWalk walk(*this, all_rows(n_rows_), dimension_);
    walk.run([&](std::size_t rank) {
        if (++n_flats % kPollEvery == 0) {
            poll(interrupt);
        }
        const FlatWalk::Flat& flat = walk.flat(rank);
        return rank + 1 < dimension_ || on_ray(walk.basis(rank), flat.positive, flat.zero);
    });
}

// Cells of k coordinates that meet the half in which the last is positive count once for a cell
// that lies in it, and twice for one that its boundary cuts, which is one of k - 1 coordinates.
std::int64_t Arrangement::sum_over_cells(std::span<const std::int64_t> sums) {
    std::int64_t of_half = 0;
    std::int64_t of_all = 0;
    for (const std::int64_t sum : sums) {
        of_half += sum;
        of_all = of_half - of_all;
    }
    return of_all;
}

}  // namespace relufast
