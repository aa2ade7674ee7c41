#include "relufast/injectivity.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <utility>

namespace relufast {

namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// The rows of a set, rising.
std::vector<int> members(RowBits set) {
    std::vector<int> rows;
    for (std::size_t word = 0; word < set.size(); ++word) {
        for (std::uint64_t left = set[word]; left != 0; left &= left - 1) {
            rows.push_back(static_cast<int>(64 * word) + std::countr_zero(left));
        }
    }
    return rows;
}

// Whether sets of rows span the inputs. Most sets contain a basis that an earlier one had.
class SpanTest {
 public:
    SpanTest(ExactMinors& exact, std::int64_t n_inputs) : exact_(exact), n_inputs_(n_inputs) {}

    bool spans(RowBits rows) {
        for (std::size_t k = 0; k < bases_.size(); ++k) {
            if (std::equal(
                    rows.begin(), rows.end(), bases_[k].begin(),
                    [](std::uint64_t all, std::uint64_t part) { return (part & ~all) == 0; })) {
                std::swap(bases_[k], bases_[k / 2]);  // towards the front
                return true;
            }
        }
        const std::vector<int> basis = exact_.basis(members(rows), static_cast<int>(n_inputs_));
        if (std::ssize(basis) < n_inputs_) {
            return false;
        }
        RowSet set(rows.size(), 0);
        for (const int row : basis) {
            set[static_cast<std::size_t>(row) / 64] |= std::uint64_t{1} << (row % 64);
        }
        if (bases_.size() == kMostBases) {
            bases_.pop_back();
        }
        bases_.push_back(std::move(set));
        return true;
    }

 private:
    static constexpr std::size_t kMostBases = 64;

    ExactMinors& exact_;
    std::int64_t n_inputs_;
    std::vector<RowSet> bases_;
};

// One cell after the other.
class CellTally {
 public:
    CellTally(const ReluLayer& layer, Arrangement& arrangement, bool stop_at_deficient)
        : layer_(layer),
          stop_at_deficient_(stop_at_deficient),
          span_test_(arrangement.exact(), layer.n_inputs),
          above_(arrangement.n_words(), 0),
          below_(arrangement.n_words(), 0),
          active_(arrangement.n_words()),
          negative_(arrangement.n_words()),
          cells_by_rank_(arrangement.dimension(), 0),
          deficient_by_rank_(arrangement.dimension(), 0) {
        cells_.min_active = std::numeric_limits<std::int64_t>::max();
        for (std::size_t row = 0; row < arrangement.n_rows(); ++row) {
            const std::uint64_t bit = std::uint64_t{1} << (row % 64);
            above_[row / 64] |= layer.n_above[row] > 0 ? bit : 0;
            below_[row / 64] |= layer.n_below[row] > 0 ? bit : 0;
            is_single_ = is_single_ && layer.n_above[row] <= 1 && layer.n_below[row] <= 1;
        }
        all_ = RowSet(arrangement.n_words(), ~std::uint64_t{0});
        if (arrangement.n_rows() % 64 != 0) {
            all_.back() = (std::uint64_t{1} << (arrangement.n_rows() % 64)) - 1;
        }
    }

    // False if nothing more is wanted.
    bool add(RowBits positive, std::size_t rank) {
        for (std::size_t word = 0; word < negative_.size(); ++word) {
            negative_[word] = all_[word] & ~positive[word];
        }
        const bool has_infinity = layer_.row_at_infinity >= 0;
        for (const RowBits cell : {positive, RowBits(negative_)}) {
            if (!has_infinity || contains(cell, size(layer_.row_at_infinity))) {
                add_one(cell, rank);
                if (stop_at_deficient_ && !cells_.deficient.empty()) {
                    return false;
                }
            }
        }
        return true;
    }

    CellsOfLayer finish(bool is_complete) {
        cells_.is_complete = is_complete;
        cells_.n_cells = Arrangement::sum_over_cells(cells_by_rank_);
        cells_.n_deficient = Arrangement::sum_over_cells(deficient_by_rank_);
        return std::move(cells_);
    }

 private:
    void add_one(RowBits cell, std::size_t rank) {
        ++cells_by_rank_[rank];
        std::int64_t n_rows = 0;  // hyperplanes with an active neuron
        for (std::size_t word = 0; word < cell.size(); ++word) {
            active_[word] = (cell[word] & above_[word]) | (~cell[word] & below_[word]);
            n_rows += std::popcount(active_[word]);
        }
        const std::int64_t n_active = layer_.n_constant + (is_single_ ? n_rows : neurons(cell));
        if (n_active < cells_.min_active) {
            cells_.min_active = n_active;
            cells_.smallest.assign(cell.begin(), cell.end());
        }
        if (n_rows < layer_.n_inputs || !span_test_.spans(active_)) {
            ++deficient_by_rank_[rank];
            if (cells_.deficient.empty()) {
                cells_.deficient.assign(cell.begin(), cell.end());
            }
        }
    }

    std::int64_t neurons(RowBits cell) const {
        std::int64_t n = 0;
        for (std::size_t row = 0; row < layer_.n_above.size(); ++row) {
            n += contains(cell, row) ? layer_.n_above[row] : layer_.n_below[row];
        }
        return n;
    }

    const ReluLayer& layer_;
    bool stop_at_deficient_;
    SpanTest span_test_;
    bool is_single_ = true;  // no side of a hyperplane has two neurons
    RowSet all_;
    RowSet above_;  // rows with neurons that are active above
    RowSet below_;
    RowSet active_;
    RowSet negative_;
    std::vector<std::int64_t> cells_by_rank_;
    std::vector<std::int64_t> deficient_by_rank_;
    CellsOfLayer cells_;
};

}  // namespace

CellsOfLayer cells_of_layer(const ReluLayer& layer, bool stop_at_deficient,
                            const Arrangement::OnProgress& on_progress,
                            const Interrupt& interrupt) {
    if (layer.normals.size() != size(layer.n_rows * layer.dimension) ||
        layer.n_above.size() != size(layer.n_rows) || layer.n_below.size() != size(layer.n_rows) ||
        layer.n_inputs < 1 || layer.n_inputs > layer.dimension ||
        layer.row_at_infinity >= layer.n_rows) {
        throw std::invalid_argument("sizes of a layer do not fit together");
    }
    Arrangement arrangement(layer.normals.data(), layer.n_rows, layer.dimension);
    CellTally tally(layer, arrangement, stop_at_deficient);
    bool is_complete = true;
    arrangement.for_each_cell(
        [&](RowBits positive, std::size_t rank) {
            is_complete = tally.add(positive, rank);
            return is_complete;
        },
        on_progress, interrupt);
    return tally.finish(is_complete);
}

std::vector<std::int64_t> rays_of_cell(const double* normals, std::int64_t n_rows,
                                       std::int64_t dimension, RowBits positive,
                                       const Interrupt& interrupt) {
    Arrangement arrangement(normals, n_rows, dimension);
    if (positive.size() != arrangement.n_words()) {
        throw std::invalid_argument("a cell has a sign for each row");
    }
    std::vector<std::int64_t> rays;
    RowSet seen(arrangement.n_words(), 0);  // rows that are not zero on one of the rays
    std::size_t n_seen = 0;
    arrangement.for_each_ray(
        [&](std::span<const int> rows, RowBits above, RowBits zero) {
            bool same = true;
            bool opposite = true;
            for (std::size_t word = 0; word < seen.size() && (same || opposite); ++word) {
                const std::uint64_t differs = (above[word] ^ positive[word]) & ~zero[word];
                const std::uint64_t last = word + 1 == seen.size() && n_rows % 64 != 0
                                               ? (std::uint64_t{1} << (n_rows % 64)) - 1
                                               : ~std::uint64_t{0};
                same = same && (differs & last) == 0;
                opposite = opposite && (~differs & ~zero[word] & last) == 0;
            }
            if (!same && !opposite) {
                return true;
            }
            bool brings_news = false;
            for (std::size_t row = 0; row < size(n_rows); ++row) {
                if (!contains(zero, row) && !contains(seen, row)) {
                    seen[row / 64] |= std::uint64_t{1} << (row % 64);
                    ++n_seen;
                    brings_news = true;
                }
            }
            if (brings_news) {
                rays.insert(rays.end(), rows.begin(), rows.end());
            }
            return n_seen < size(n_rows);
        },
        interrupt);
    return rays;
}

}  // namespace relufast
