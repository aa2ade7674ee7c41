// Points of one activation pattern D share an affine map: their rows are H' W^T D + 1 b^T D, H' the
// layer below. So their rank is at most their number, the number of active neurons, and the rank of
// H' plus one for the bias. Whatever set of patterns is paid for by these caps, the rows of the rest
// lie in the columns that are active in one of them; the cheapest such choice is a minimum cut, and
// its cost the maximum flow: pattern -> active neuron, one unit each.

#include "relufast/rank_bounds.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "relufast/capacitated_matching.hpp"
#include "relufast/error.hpp"

namespace relufast {
namespace {

using Words = std::vector<std::uint64_t>;

// Equal rows of bits have equal numbers, from 0 on.
std::vector<std::int32_t> number_rows(const Words& bits, std::size_t words, std::size_t n_rows) {
    std::unordered_map<std::string_view, std::int32_t> numbers;
    std::vector<std::int32_t> result;
    for (std::size_t row = 0; row < n_rows; ++row) {
        const std::string_view key(reinterpret_cast<const char*>(&bits[row * words]),
                                   words * sizeof(std::uint64_t));
        result.push_back(
            numbers.try_emplace(key, static_cast<std::int32_t>(numbers.size())).first->second);
    }
    return result;
}

// Numbers that are equal where both given ones are.
std::vector<std::int32_t> joined(const std::vector<std::int32_t>& a,
                                 const std::vector<std::int32_t>& b) {
    Words pairs;
    for (std::size_t i = 0; i < a.size(); ++i) {
        pairs.push_back(std::uint64_t{static_cast<std::uint32_t>(a[i])} << 32 |
                        static_cast<std::uint32_t>(b[i]));
    }
    return number_rows(pairs, 1, a.size());
}

template <class T>
std::size_t count_numbers(const std::vector<T>& numbers) {
    return numbers.empty() ? 0
                           : static_cast<std::size_t>(
                                 *std::max_element(numbers.begin(), numbers.end()) + 1);
}

bool any_bias(const Layer& layer) {
    return std::any_of(layer.biases.begin(), layer.biases.end(), [](double b) { return b != 0.0; });
}

class BoundSolver {
 public:
    BoundSolver(const Network& network, const ActivationSigns& signs, std::int64_t input_rank)
        : network_(network), signs_(signs), input_rank_(input_rank), below_(input_rank) {
        region_.assign(static_cast<std::size_t>(signs.n_points), 0);
    }

    // Of the next layer's activations at all points.
    std::int64_t next(std::int64_t lower) {
        ++layer_;
        const Layer& parameters = network_.layer(layer_);
        collect_points();
        pack(parameters);
        const std::int64_t biased = any_bias(parameters) ? 1 : 0;
        any_bias_ = std::max(any_bias_, biased);
        const std::vector<std::int32_t> pattern = number_rows(bits_, words_, points_.size());
        follow_regions(pattern);

        std::int64_t n_read = 0;  // neurons below that this layer takes anything from
        for (const double norm : parameters.column_norms) {
            n_read += norm > 0.0 ? 1 : 0;
        }
        CapacitatedGraph graph;
        graph.n_sinks = parameters.n_out;
        const std::size_t n_patterns = count_numbers(pattern);
        const std::vector<std::int64_t> size = sizes(pattern, n_patterns);
        const std::vector<std::int64_t> by_region = caps_by_region(pattern, n_patterns);
        graph.reach.assign(n_patterns * words_, 0);
        for (std::size_t i = 0; i < pattern.size(); ++i) {
            const auto g = static_cast<std::size_t>(pattern[i]);
            for (std::size_t w = 0; w < words_; ++w) {
                graph.reach[g * words_ + w] = sends(i, w);
            }
        }
        Words alive(words_, 0);
        std::int64_t paid = 0;
        for (std::size_t g = 0; g < n_patterns; ++g) {
            std::int64_t support = 0;
            for (std::size_t w = 0; w < words_; ++w) {
                alive[w] |= graph.reach[g * words_ + w];
                support += std::popcount(graph.reach[g * words_ + w]);
            }
            const std::int64_t cap = std::min({size[g], support, by_region[g],
                                               std::min(below_, n_read) + biased});
            graph.capacities.push_back(cap);
            paid += cap;
        }
        const std::int64_t n_alive = std::transform_reduce(
            alive.begin(), alive.end(), std::int64_t{0}, std::plus<>(),
            [](std::uint64_t word) { return std::int64_t{std::popcount(word)}; });
        below_ = std::min(paid, n_alive);
        // Leaky: every pattern reaches every neuron, and this is the flow already.
        if (below_ > lower && network_.negative_slope() == 0.0) {
            below_ = maximum_flow(graph);
        }
        const auto n_open = signs_.n_points - static_cast<std::int64_t>(points_.size());
        return std::min({below_ + n_open, signs_.n_points, parameters.n_out});
    }

 private:
    // Points with no open sign up to this layer.
    void collect_points() {
        points_.clear();
        for (std::int64_t p = 0; p < signs_.n_points; ++p) {
            if (signs_.open_from[static_cast<std::size_t>(p)] > layer_) {
                points_.push_back(p);
            }
        }
    }

    // Their signs in bits, and the neurons that are not zero everywhere.
    void pack(const Layer& parameters) {
        const auto n = static_cast<std::size_t>(parameters.n_out);
        words_ = (n + 63) / 64;
        not_zero_.assign(words_, 0);
        for (std::size_t i = 0; i < n; ++i) {
            if (parameters.row_norms[i] != 0.0 || parameters.biases[i] != 0.0) {
                not_zero_[i / 64] |= std::uint64_t{1} << (i % 64);
            }
        }
        const auto& active = signs_.active[static_cast<std::size_t>(layer_ - 1)];
        bits_.assign(points_.size() * words_, 0);
        for (std::size_t p = 0; p < points_.size(); ++p) {
            const std::uint8_t* row = &active[static_cast<std::size_t>(points_[p]) * n];
            for (std::size_t i = 0; i < n; ++i) {
                bits_[p * words_ + i / 64] |= std::uint64_t{row[i]} << (i % 64);
            }
        }
    }

    std::uint64_t sends(std::size_t point, std::size_t word) const {
        const bool leaky = network_.negative_slope() != 0.0;
        return leaky ? not_zero_[word] : bits_[point * words_ + word] & not_zero_[word];
    }

    // Points of one pattern in this layer and all below lie in one region of the input.
    void follow_regions(const std::vector<std::int32_t>& pattern) {
        std::vector<std::int32_t> kept;
        for (const std::int64_t p : points_) {
            kept.push_back(region_[static_cast<std::size_t>(p)]);
        }
        kept = joined(kept, pattern);
        for (std::size_t i = 0; i < points_.size(); ++i) {
            region_[static_cast<std::size_t>(points_[i])] = kept[i];
        }
        region_of_point_ = std::move(kept);
    }

    static std::vector<std::int64_t> sizes(const std::vector<std::int32_t>& numbers,
                                           std::size_t count) {
        std::vector<std::int64_t> result(count, 0);
        for (const std::int32_t number : numbers) {
            ++result[static_cast<std::size_t>(number)];
        }
        return result;
    }

    // In one region the whole network is affine in the input: the rank there is at most that of
    // the points plus one for the biases. A pattern's points lie in one or more regions.
    std::vector<std::int64_t> caps_by_region(const std::vector<std::int32_t>& pattern,
                                             std::size_t n_patterns) const {
        const std::size_t n_regions = count_numbers(region_of_point_);
        const std::vector<std::int64_t> size = sizes(region_of_point_, n_regions);
        std::vector<std::int64_t> caps(n_patterns, 0);
        std::vector<bool> counted(n_regions, false);
        for (std::size_t i = 0; i < pattern.size(); ++i) {
            const auto region = static_cast<std::size_t>(region_of_point_[i]);
            if (!counted[region]) {
                counted[region] = true;
                caps[static_cast<std::size_t>(pattern[i])] +=
                    std::min(size[region], input_rank_ + any_bias_);
            }
        }
        return caps;
    }

    const Network& network_;
    const ActivationSigns& signs_;
    std::int64_t input_rank_;
    std::int64_t below_;  // the bound on the layer below, of points with no open sign there
    int layer_ = 0;
    std::int64_t any_bias_ = 0;  // whether this layer or one below has a bias
    std::vector<std::int32_t> region_;  // by point
    std::vector<std::int64_t> points_;
    std::vector<std::int32_t> region_of_point_;  // of points_
    std::size_t words_ = 0;
    Words bits_;
    Words not_zero_;
};

}  // namespace

std::vector<std::int64_t> rank_upper_bounds(const Network& network, const ActivationSigns& signs,
                                            std::int64_t input_rank,
                                            const std::vector<std::int64_t>& lower,
                                            const Interrupt& interrupt) {
    BoundSolver solver(network, signs, input_rank);
    std::vector<std::int64_t> upper;
    for (const std::int64_t bound : lower) {
        if (interrupt && interrupt()) {
            throw Interrupted("interrupted");
        }
        upper.push_back(solver.next(bound));
    }
    return upper;
}

}  // namespace relufast
