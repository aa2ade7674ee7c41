// The rounds of a tournament: in each, every block meets one other. A pair starts as soon as both
// blocks have done their earlier rounds, so that no thread waits for the end of a round.
#include "relufast/tile_pairs.hpp"

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <vector>

namespace relufast {
namespace {

class Tournament {
 public:
    Tournament(std::int64_t n_blocks,
               const std::function<void(std::int64_t, std::int64_t, int)>& body)
        : n_blocks_(n_blocks),
          n_rounds_(n_blocks + n_blocks % 2 - 1),
          arrived_at_(static_cast<std::size_t>(n_blocks), kNowhere),
          body_(body) {}

    void start(WorkStack& work) {
        for (std::int64_t i = n_blocks_; i-- > 0;) {
            work.push([this, i](WorkStack& more, int thread) {
                body_(i, i, thread);
                advance(more, i, 0);
            });
        }
    }

 private:
    static constexpr std::int64_t kNowhere = -1;

    // The last player stands still and the others go round a circle; an odd number of blocks
    // has a player more, who is no block and gives a rest.
    std::int64_t partner(std::int64_t i, std::int64_t round) const {
        const std::int64_t last = n_rounds_;
        if (i == last) {
            return round;
        }
        if (i == round) {
            return last;
        }
        return (2 * round - i + 2 * n_rounds_) % n_rounds_;
    }

    // Block i is free for this round or a later one.
    void advance(WorkStack& work, std::int64_t i, std::int64_t round) {
        std::int64_t other = kNowhere;
        while (round < n_rounds_ && (other = partner(i, round)) >= n_blocks_) {
            ++round;
        }
        if (round >= n_rounds_) {
            return;
        }
        {
            const std::lock_guard lock(mutex_);
            if (arrived_at_[static_cast<std::size_t>(other)] != round) {
                arrived_at_[static_cast<std::size_t>(i)] = round;
                return;
            }
        }
        work.push([this, i, other, round](WorkStack& more, int thread) {
            body_(std::min(i, other), std::max(i, other), thread);
            advance(more, i, round + 1);
            advance(more, other, round + 1);
        });
    }

    std::int64_t n_blocks_;
    std::int64_t n_rounds_;
    std::mutex mutex_;
    std::vector<std::int64_t> arrived_at_;  // the round in which a block waits for its partner
    const std::function<void(std::int64_t, std::int64_t, int)>& body_;
};

}  // namespace

void for_each_pair(std::int64_t n_blocks, int n_threads, const Interrupt& interrupt,
                   const std::function<void(std::int64_t, std::int64_t, int)>& body) {
    if (n_blocks == 0) {
        return;
    }
    Tournament tournament(n_blocks, body);
    WorkStack stack;
    stack.run(
        static_cast<int>(std::min<std::int64_t>(n_threads, n_blocks)),
        [&](WorkStack& work, int) { tournament.start(work); }, interrupt);
}

}  // namespace relufast
