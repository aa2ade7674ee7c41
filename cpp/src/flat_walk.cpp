#include "flat_walk.hpp"

#include <bit>
#include <cmath>
#include <cstddef>
#include <utility>

#include "relufast/rounding.hpp"

namespace relufast {

namespace {

// Float64 holds all integers of so many bits, and makes no error in what it makes of them.
constexpr double kExactBits = 53.0;
// More than products of scaled entries can lose to underflow.
constexpr double kUnderflow = 0x1p-900;

}  // namespace

FlatWalk::FlatWalk(Arrangement& arrangement, RowSet within, std::size_t rank_end)
    : arrangement_(arrangement),
      within_(std::move(within)),
      rank_end_(rank_end),
      basis_(rank_end),
      flats_(rank_end),
      values_(arrangement.stride_) {
    for (std::size_t rank = 0; rank < rank_end; ++rank) {
        flats_[rank].minors.resize(arrangement.minors_[rank].count);
        flats_[rank].positive.resize(arrangement.n_words());
        flats_[rank].zero.resize(arrangement.n_words());
    }
    flats_[0].minors[0] = 1.0;
}

void FlatWalk::add(std::size_t row, std::size_t rank) {
    const Flat& flat = flats_[rank];
    Flat& next = flats_[rank + 1];
    basis_[rank] = static_cast<int>(row);
    const Arrangement::Minors& minors = arrangement_.minors_[rank + 1];
    const Arrangement::Term* term = minors.expansion.data();
    for (std::size_t set = 0; set < minors.count; ++set) {
        double sum = 0.0;
        for (std::size_t k = 0; k <= rank; ++k, ++term) {
            sum += term->sign * arrangement_.columns_[term->column * arrangement_.stride_ + row] *
                   flat.minors[term->without];
        }
        next.minors[set] = sum;
    }
    next.norm = flat.norm * arrangement_.norms_[row];
    next.bits = flat.bits + arrangement_.exact_.bits(static_cast<int>(row));
    next.orientation = contains(flat.positive, row) ? flat.orientation : -flat.orientation;
}

void FlatWalk::set_signs(std::size_t rank) {
    Flat& flat = flats_[rank];
    const Arrangement::Minors& minors = arrangement_.minors_[rank + 1];
    arrangement_.evaluate({minors.expansion.data(), rank + 1}, flat.minors.data(), values_.data());
    const double unit = minors.relative_error * flat.norm;
    const double orientation = flat.orientation;
    const RowSet* const known_zero = rank == 0 ? nullptr : &flats_[rank - 1].zero;
    for (std::size_t word = 0; word < flat.zero.size(); ++word) {
        const std::size_t begin = 64 * word;
        const std::size_t n = std::min<std::size_t>(64, arrangement_.n_rows() - begin);
        std::uint64_t positive = 0;
        std::uint64_t open = 0;
        for (std::size_t bit = 0; bit < n; ++bit) {
            const double value = orientation * values_[begin + bit];
            const double error = unit * arrangement_.norms_[begin + bit] + kUnderflow;
            positive |= std::uint64_t{value > error} << bit;
            open |= std::uint64_t{std::fabs(value) <= error} << bit;
        }
        std::uint64_t zero = known_zero == nullptr ? 0 : (*known_zero)[word];
        if (rank > 0 && static_cast<std::size_t>(basis_[rank - 1]) / 64 == word) {
            zero |= std::uint64_t{1} << (basis_[rank - 1] % 64);
        }
        positive &= ~zero;
        for (open &= ~zero; open != 0; open &= open - 1) {
            const auto bit = static_cast<std::size_t>(std::countr_zero(open));
            const int sign = sign_of(begin + bit, rank, values_[begin + bit]) * flat.orientation;
            positive |= std::uint64_t{sign > 0} << bit;
            zero |= std::uint64_t{sign == 0} << bit;
        }
        flat.positive[word] = positive;
        flat.zero[word] = zero;
    }
}

// The sign of the leading minor, in generic coordinates, of the basis and one row more: that of the
// first one that is not zero. `value` is the first one, rounded.
int FlatWalk::sign_of(std::size_t row, std::size_t rank, double value) {
    const Flat& flat = flats_[rank];
    const Arrangement::Minors& minors = arrangement_.minors_[rank + 1];
    const bool is_exact = flat.bits + arrangement_.exact_.bits(static_cast<int>(row)) <= kExactBits;
    const double error = minors.relative_error * flat.norm * arrangement_.norms_[row] + kUnderflow;
    std::vector<int> rows(basis_.begin(), basis_.begin() + static_cast<std::ptrdiff_t>(rank));
    rows.push_back(static_cast<int>(row));
    for (std::size_t set = 0; set < minors.count; ++set) {
        if (set > 0) {
            value = 0.0;
            const Arrangement::Term* term = minors.expansion.data() + set * (rank + 1);
            for (std::size_t k = 0; k <= rank; ++k, ++term) {
                value += term->sign * flat.minors[term->without] *
                         arrangement_.columns_[term->column * arrangement_.stride_ + row];
            }
        }
        int sign = (value > 0.0) - (value < 0.0);
        if (!is_exact && std::fabs(value) <= error) {
            sign = arrangement_.exact_.sign(rows,
                                            {minors.columns.data() + set * (rank + 1), rank + 1});
        }
        if (sign != 0) {
            return sign;
        }
    }
    return 0;
}

// Whether every row that the last one of the basis has brought into the flat comes after it.
bool FlatWalk::is_first_basis(std::size_t rank) const {
    const RowSet& before = flats_[rank - 1].zero;
    const RowSet& zero = flats_[rank].zero;
    for (std::size_t word = 0; word < zero.size(); ++word) {
        const std::uint64_t brought = zero[word] & ~before[word];
        if (brought != 0) {
            return 64 * word + static_cast<std::size_t>(std::countr_zero(brought)) ==
                   static_cast<std::size_t>(basis_[rank - 1]);
        }
    }
    return false;
}

}  // namespace relufast
