// Points of one activation pattern D share an affine map: their rows are H' W^T D + 1 b^T D, H'
// their rows in the layer below. So their rank is at most their number, the number of active
// neurons, and the rank of [H', 1], or of H' without a bias. Whatever set of patterns is paid for
// by these caps, the rows of the rest lie in the columns that are active in one of them; the
// cheapest such choice is a minimum cut, and its cost the maximum flow pattern -> active neuron,
// one unit each. The same holds for [H, 1], whose last column is active in every pattern, and for
// any subset of the points.

#include "relufast/rank_bounds.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "relufast/capacitated_matching.hpp"
#include "relufast/threads.hpp"

namespace relufast {
namespace {

using Points = std::vector<std::int32_t>;
constexpr auto kNone = static_cast<std::size_t>(-1);

// The activation patterns of one layer.
struct Patterns {
    std::size_t words = 0;              // room for the neurons and one more
    std::vector<std::int32_t> of;       // by point: the number of its pattern, from 0 on
    std::vector<std::uint64_t> active;  // by pattern: bits of the neurons
    std::vector<std::uint64_t> sent;  // by pattern: bits of the neurons that may be other than zero
    std::vector<std::int64_t> support;  // by pattern: the number of these
};

// Upper bounds on the ranks of H and of [H, 1] for some points in one layer.
struct Bounds {
    std::int64_t plain = 0;
    std::int64_t with_ones = 0;
};

Bounds smaller(const Bounds& a, const Bounds& b) {
    return {std::min(a.plain, b.plain), std::min(a.with_ones, b.with_ones)};
}

// How hard to try.
enum class Effort {
    kSums,       // caps from the whole layer below, added up
    kFlow,       // the maximum flow instead
    kRecursive,  // caps from the same points in the layer below, bounded in the same way
};

Patterns patterns_of(const Network& network, const ActivationSigns& signs, int layer) {
    const Layer& parameters = network.layer(layer);
    const auto n = static_cast<std::size_t>(parameters.n_out);
    const auto n_points = static_cast<std::size_t>(signs.n_points);
    Patterns patterns;
    patterns.words = n / 64 + 1;
    std::vector<std::uint64_t> not_zero(patterns.words, 0);
    for (std::size_t i = 0; i < n; ++i) {
        const bool is_zero = parameters.row_norms[i] == 0.0 && parameters.biases[i] == 0.0;
        not_zero[i / 64] |= std::uint64_t{is_zero ? 0U : 1U} << (i % 64);
    }
    const auto& active = signs.active[static_cast<std::size_t>(layer - 1)];
    std::vector<std::uint64_t> bits(n_points * patterns.words, 0);
    for (std::size_t p = 0; p < n_points; ++p) {
        const std::uint8_t* row = &active[p * n];
        for (std::size_t begin = 0; begin < n; begin += 64) {
            std::uint64_t word = 0;
            const std::size_t count = std::min<std::size_t>(64, n - begin);
            for (std::size_t i = 0; i < count; ++i) {
                word |= std::uint64_t{row[begin + i]} << i;
            }
            bits[p * patterns.words + begin / 64] = word;
        }
    }
    const bool leaky = network.negative_slope() != 0.0;
    std::unordered_map<std::string_view, std::int32_t> numbers;
    for (std::size_t p = 0; p < n_points; ++p) {
        const std::uint64_t* row = &bits[p * patterns.words];
        const std::string_view key(reinterpret_cast<const char*>(row),
                                   patterns.words * sizeof(std::uint64_t));
        const auto number = static_cast<std::int32_t>(numbers.size());
        const auto [found, is_new] = numbers.try_emplace(key, number);
        patterns.of.push_back(found->second);
        if (is_new) {
            std::int64_t support = 0;
            patterns.active.insert(patterns.active.end(), row, row + patterns.words);
            for (std::size_t w = 0; w < patterns.words; ++w) {
                const std::uint64_t word = leaky ? not_zero[w] : row[w] & not_zero[w];
                patterns.sent.push_back(word);
                support += std::popcount(word);
            }
            patterns.support.push_back(support);
        }
    }
    return patterns;
}

class BoundSolver {
 public:
    BoundSolver(const Network& network, const ActivationSigns& signs, std::int64_t input_rank,
                const Interrupt& interrupt)
        : network_(network), signs_(signs), interrupt_(interrupt), layers_(1) {
        layers_[0].bounds = {input_rank, input_rank + 1};
    }

    // Of the next layer's activations at all points.
    std::int64_t next(std::int64_t lower) {
        const auto layer = static_cast<int>(layers_.size());
        layers_.emplace_back();
        LayerState& state = layers_.back();
        state.patterns = patterns_of(network_, signs_, layer);
        state.lower = lower;
        for (const double norm : network_.layer(layer).column_norms) {
            state.n_read += norm > 0.0 ? 1 : 0;
        }
        const std::vector<double>& biases = network_.layer(layer).biases;
        state.biased = std::any_of(biases.begin(), biases.end(), [](double b) { return b != 0.0; });
        for (std::int32_t p = 0; p < signs_.n_points; ++p) {
            if (signs_.open_from[static_cast<std::size_t>(p)] > layer) {
                state.points.push_back(p);
            }
        }

        improve_below(layer);
        state.bounds = bound(state.points, layer, Effort::kSums);
        for (const Effort effort : {Effort::kFlow, Effort::kRecursive}) {
            if (state.bounds.plain > lower) {
                state.bounds = smaller(state.bounds, bound(state.points, layer, effort));
                state.is_best = effort == Effort::kRecursive;
            }
        }
        const auto n_open = signs_.n_points - static_cast<std::int64_t>(state.points.size());
        return std::min(
            {state.bounds.plain + n_open, signs_.n_points, network_.layer(layer).n_out});
    }

 private:
    struct LayerState {
        Patterns patterns;
        Points points;  // with no open sign up to here
        bool biased = false;
        std::int64_t n_read = 0;  // neurons below that any neuron takes something from
        std::int64_t lower = 0;   // a lower bound on the rank at the points
        Bounds bounds;            // on all of the points
        bool is_best = false;     // with the greatest effort
    };

    LayerState& state(int layer) { return layers_[static_cast<std::size_t>(layer)]; }

    // Tries hard for the layer below, if a pattern has more points than its rank may be.
    void improve_below(int layer) {
        LayerState& below = state(layer - 1);
        if (layer == 1 || below.is_best) {
            return;
        }
        const Patterns& patterns = state(layer).patterns;
        std::vector<std::int64_t> size(patterns.support.size(), 0);
        for (const std::int32_t p : state(layer).points) {
            ++size[static_cast<std::size_t>(patterns.of[static_cast<std::size_t>(p)])];
        }
        for (std::size_t g = 0; g < size.size(); ++g) {
            if (std::min(size[g], patterns.support[g] + 1) > below.lower) {
                below.bounds =
                    smaller(below.bounds, bound(below.points, layer - 1, Effort::kRecursive));
                below.is_best = true;
                return;
            }
        }
    }

    // Points with one pattern in common.
    struct Group {
        std::size_t pattern = 0;
        Points points;
    };

    static std::vector<Group> groups_of(const Points& points, const Patterns& patterns) {
        std::vector<Group> groups;
        std::vector<std::size_t> group_of(patterns.support.size(), kNone);
        for (const std::int32_t p : points) {
            const auto pattern = static_cast<std::size_t>(patterns.of[static_cast<std::size_t>(p)]);
            std::size_t& group = group_of[pattern];
            if (group == kNone) {
                group = groups.size();
                groups.push_back({pattern, {}});
            }
            groups[group].points.push_back(p);
        }
        return groups;
    }

    // Of what a layer's neurons make of rows below whose ranks these are.
    static Bounds read(const LayerState& here, const Bounds& below) {
        const std::int64_t with_ones = std::min(below.with_ones, here.n_read + 1);
        return {here.biased ? with_ones : std::min(below.plain, here.n_read), with_ones};
    }

    // Of these points in a layer, from what is known of the one below.
    Bounds bound(const Points& points, int layer, Effort effort) {
        poll(interrupt_);
        if (layer == 0) {
            const auto count = static_cast<std::int64_t>(points.size());
            return smaller(state(0).bounds, {count, count});
        }
        const LayerState& here = state(layer);
        const Patterns& patterns = here.patterns;
        const std::vector<Group> groups = groups_of(points, patterns);
        work_ += patterns.support.size() + points.size() + groups.size() * patterns.words;

        std::vector<std::uint64_t> alive(patterns.words, 0);
        std::vector<std::int64_t> caps;
        std::vector<std::int64_t> caps_with_ones;
        for (const Group& group : groups) {
            for (std::size_t w = 0; w < patterns.words; ++w) {
                alive[w] |= patterns.sent[group.pattern * patterns.words + w];
            }
            Bounds below = state(layer - 1).bounds;
            // The whole of a layer is bounded already.
            if (effort == Effort::kRecursive && group.points.size() > 1 && work_ < kMostWork &&
                group.points.size() < state(layer - 1).points.size()) {
                below = smaller(below, bound(group.points, layer - 1, effort));
            }
            const auto size = static_cast<std::int64_t>(group.points.size());
            const std::int64_t support = patterns.support[group.pattern];
            const Bounds taken = read(here, below);
            caps.push_back(std::min({size, support, taken.plain}));
            caps_with_ones.push_back(std::min({size, support + 1, taken.with_ones}));
        }
        std::int64_t n_alive = 0;
        for (const std::uint64_t word : alive) {
            n_alive += std::popcount(word);
        }
        Bounds result;
        result.plain = std::min(std::reduce(caps.begin(), caps.end()), n_alive);
        result.with_ones = std::min({std::reduce(caps_with_ones.begin(), caps_with_ones.end()),
                                     n_alive + 1, result.plain + 1});
        if (effort == Effort::kSums || groups.size() < 2) {
            return result;
        }
        work_ += static_cast<std::size_t>(n_alive) * groups.size();
        const Bounds taken = read(here, state(layer - 1).bounds);
        const std::vector<std::pair<Change, std::size_t>> by_change =
            neurons_by_change(patterns, groups, caps, alive);
        result = smaller(result, {nearly_affine(patterns, groups, caps, by_change, taken.plain, 0),
                                  nearly_affine(patterns, groups, caps_with_ones, by_change,
                                                taken.with_ones, 1)});
        // Leaky: every pattern reaches every neuron, and the sums are the flows.
        if (network_.negative_slope() != 0.0) {
            return result;
        }
        result.plain = std::min(result.plain, flow(patterns, groups, caps, layer, false));
        result.with_ones = std::min(result.with_ones, result.plain + 1);
        if (effort == Effort::kRecursive && result.with_ones > 1) {
            result.with_ones =
                std::min(result.with_ones, flow(patterns, groups, caps_with_ones, layer, true));
        }
        return result;
    }

    // From patterns to the neurons they make active, and to the column of ones.
    std::int64_t flow(const Patterns& patterns, const std::vector<Group>& groups,
                      const std::vector<std::int64_t>& caps, int layer, bool with_ones) {
        poll(interrupt_);
        const auto ones = static_cast<std::size_t>(network_.layer(layer).n_out);
        CapacitatedGraph graph;
        graph.n_sinks = network_.layer(layer).n_out + (with_ones ? 1 : 0);
        graph.capacities = caps;
        for (const Group& group : groups) {
            const std::uint64_t* sent = &patterns.sent[group.pattern * patterns.words];
            graph.reach.insert(graph.reach.end(), sent, sent + graph.words());
            if (with_ones) {
                std::uint64_t& word = graph.reach[graph.reach.size() - graph.words() + ones / 64];
                word |= std::uint64_t{1} << (ones % 64);
            }
        }
        return maximum_flow(graph);
    }

    static bool has(const std::vector<std::uint64_t>& bits, std::size_t words, std::size_t row,
                    std::size_t i) {
        return (bits[row * words + i / 64] >> (i % 64) & 1) != 0;
    }

    struct Change {
        std::int64_t price = 0;  // of the patterns that are exceptions
        bool mostly_active = true;
    };
    Change change_of(const Patterns& patterns, const std::vector<Group>& groups,
                     const std::vector<std::int64_t>& caps, std::size_t neuron) const {
        std::int64_t inactive = 0;
        std::int64_t active = 0;
        for (std::size_t g = 0; g < caps.size(); ++g) {
            (has(patterns.active, patterns.words, groups[g].pattern, neuron) ? active : inactive) +=
                caps[g];
        }
        // A neuron of a ReLU network that is mostly inactive sends nothing worth a price.
        const bool mostly_active = network_.negative_slope() == 0.0 || active >= inactive;
        return {mostly_active ? inactive : active, mostly_active};
    }

    // The neurons that send anything, those of the fewest exceptions first.
    std::vector<std::pair<Change, std::size_t>> neurons_by_change(
        const Patterns& patterns, const std::vector<Group>& groups,
        const std::vector<std::int64_t>& caps, const std::vector<std::uint64_t>& alive) const {
        std::vector<std::pair<Change, std::size_t>> neurons;
        for (std::size_t i = 0; i < 64 * patterns.words; ++i) {
            if (has(alive, patterns.words, 0, i)) {
                neurons.emplace_back(change_of(patterns, groups, caps, i), i);
            }
        }
        std::stable_sort(neurons.begin(), neurons.end(), [](const auto& a, const auto& b) {
            return a.first.price < b.first.price;
        });
        return neurons;
    }

    // The second bound: some neurons are left to an affine map of this rank, with `n_constant` more
    // columns; the others and the exceptions are paid for.
    std::int64_t nearly_affine(const Patterns& patterns, const std::vector<Group>& groups,
                               const std::vector<std::int64_t>& caps,
                               const std::vector<std::pair<Change, std::size_t>>& neurons,
                               std::int64_t rank_of_affine, std::int64_t n_constant) const {
        const auto n_alive = static_cast<std::int64_t>(neurons.size());
        std::int64_t best = n_alive + n_constant;
        std::int64_t paid = 0;
        std::int64_t n_affine = 0;
        std::vector<bool> is_paid(caps.size(), false);
        for (const auto& [change, neuron] : neurons) {
            // Also those of a price of zero: a pattern may cost nothing without the ones only.
            for (std::size_t g = 0; g < caps.size(); ++g) {
                const bool active = has(patterns.active, patterns.words, groups[g].pattern, neuron);
                if (!is_paid[g] && active != change.mostly_active) {
                    is_paid[g] = true;
                    paid += caps[g];
                }
            }
            if (paid >= best) {
                break;
            }
            ++n_affine;
            const std::int64_t affine = std::min(rank_of_affine, n_affine + n_constant);
            best = std::min(best, affine + paid + n_alive - n_affine);
        }
        return best;
    }

    // Words looked at; past this many, caps come from whole layers.
    static constexpr std::size_t kMostWork = 20'000'000;

    const Network& network_;
    const ActivationSigns& signs_;
    const Interrupt& interrupt_;
    std::vector<LayerState> layers_;  // 0 is the input
    std::size_t work_ = 0;
};

}  // namespace

std::vector<std::int64_t> rank_upper_bounds(const Network& network, const ActivationSigns& signs,
                                            std::int64_t input_rank,
                                            const std::vector<std::int64_t>& lower,
                                            const Interrupt& interrupt) {
    BoundSolver solver(network, signs, input_rank, interrupt);
    std::vector<std::int64_t> upper;
    for (const std::int64_t bound : lower) {
        upper.push_back(solver.next(bound));
    }
    return upper;
}

}  // namespace relufast
