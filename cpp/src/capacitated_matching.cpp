#include "relufast/capacitated_matching.hpp"

#include <bit>

namespace relufast {
namespace {

using Index = std::size_t;
constexpr Index kNone = static_cast<Index>(-1);

class SinkSet {
 public:
    explicit SinkSet(Index words) : words_(words, ~std::uint64_t{0}) {}  // all of them
    std::uint64_t word(Index w) const { return words_[w]; }
    void remove(Index sink) { words_[sink / 64] &= ~(std::uint64_t{1} << (sink % 64)); }

 private:
    std::vector<std::uint64_t> words_;
};

class Matcher {
 public:
    explicit Matcher(const CapacitatedGraph& graph)
        : graph_(graph),
          left_(graph.capacities),
          free_(graph.words()),
          hopeful_(graph.words()),
          owner_(static_cast<Index>(graph.n_sinks), kNone),
          taker_(owner_.size(), kNone),
          given_up_(left_.size(), kNone),
          queued_in_(left_.size(), 0) {}

    std::int64_t solve() {
        std::int64_t flow = 0;
        for (Index source = 0; source < left_.size(); ++source) {
            flow += send_directly(source);
        }
        for (Index source = 0; source < left_.size(); ++source) {
            while (left_[source] > 0 && augment(source)) {
                ++flow;
            }
        }
        return flow;
    }

 private:
    std::uint64_t reach(Index source, Index word) const {
        return graph_.reach[source * graph_.words() + word];
    }

    static Index first_sink(Index word, std::uint64_t bits) {
        return 64 * word + static_cast<Index>(std::countr_zero(bits));
    }

    std::int64_t send_directly(Index source) {
        std::int64_t sent = 0;
        for (Index w = 0; w < graph_.words() && left_[source] > 0; ++w) {
            std::uint64_t bits = reach(source, w) & free_.word(w);
            for (; bits != 0 && left_[source] > 0; bits &= bits - 1) {
                take(source, first_sink(w, bits));
                --left_[source];
                ++sent;
            }
        }
        return sent;
    }

    void take(Index source, Index sink) {
        owner_[sink] = source;
        free_.remove(sink);
    }

    // One more unit from the source, if there is a path: breadth first over sources, of which each
    // may give up a sink for one that is free.
    bool augment(Index root) {
        ++search_;
        queue_.assign(1, root);
        queued_in_[root] = search_;
        given_up_[root] = kNone;
        SinkSet unseen = hopeful_;
        for (Index next = 0; next < queue_.size(); ++next) {
            const Index source = queue_[next];
            for (Index w = 0; w < graph_.words(); ++w) {
                const std::uint64_t found = reach(source, w) & unseen.word(w) & free_.word(w);
                if (found != 0) {
                    shift_along(source, first_sink(w, found));
                    --left_[root];
                    return true;
                }
            }
            for (Index w = 0; w < graph_.words(); ++w) {
                for (std::uint64_t bits = reach(source, w) & unseen.word(w); bits != 0;
                     bits &= bits - 1) {
                    const Index sink = first_sink(w, bits);
                    unseen.remove(sink);
                    taker_[sink] = source;
                    const Index owner = owner_[sink];
                    if (queued_in_[owner] != search_) {
                        queued_in_[owner] = search_;
                        given_up_[owner] = sink;
                        queue_.push_back(owner);
                    }
                }
            }
        }
        hopeful_ = unseen;  // what a search in vain has seen leads nowhere, ever after
        return false;
    }

    void shift_along(Index source, Index sink) {
        take(source, sink);
        while (given_up_[source] != kNone) {
            const Index freed = given_up_[source];
            source = taker_[freed];
            take(source, freed);
        }
    }

    const CapacitatedGraph& graph_;
    std::vector<std::int64_t> left_;  // capacity by source
    SinkSet free_;
    SinkSet hopeful_;
    std::vector<Index> owner_;     // by sink
    std::vector<Index> taker_;     // by sink: who would take it in this search
    std::vector<Index> given_up_;  // by source: the sink that it would give up
    std::vector<std::int64_t> queued_in_;
    std::vector<Index> queue_;
    std::int64_t search_ = 0;
};

}  // namespace

std::int64_t maximum_flow(const CapacitatedGraph& graph) { return Matcher(graph).solve(); }

}  // namespace relufast
