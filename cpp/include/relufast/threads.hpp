#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace relufast {

// Asked now and then on the calling thread; true stops the work, which then throws Interrupted.
using Interrupt = std::function<bool()>;

// Multiplications of the longest piece of work, a fraction of a second: an interrupt is only heard
// between two pieces.
inline constexpr double kLongestPiece = 1e10;

// Asks, and throws Interrupted if the answer is yes.
void poll(const Interrupt& interrupt);

// Calls body(begin, count) for pieces of [0, count) that take no longer than kLongestPiece.
template <class Body>
void in_pieces(std::int64_t count, double multiplications_each, const Interrupt& interrupt,
               Body body) {
    const auto most = static_cast<std::int64_t>(
        std::clamp(kLongestPiece / multiplications_each, 1.0,
                   static_cast<double>(std::max<std::int64_t>(count, 1))));
    for (std::int64_t begin = 0; begin < count; begin += most) {
        poll(interrupt);
        body(begin, std::min(most, count - begin));
    }
}

// Work that makes more work: last in, first out, so that what is pending stays small.
//
// Runs `root` and everything it and its descendants push, on n_threads threads, the calling one
// among them, until none is left. The first exception stops all and is thrown here.
class WorkStack {
 public:
    using Work = std::function<void(WorkStack&, int thread)>;

    void push(Work work);
    void run(int n_threads, Work root, const Interrupt& interrupt);

 private:
    struct State;
    State* state_ = nullptr;
};

// Calls body(i, thread) for every i < count, in no particular order.
void parallel_for(int n_threads, std::size_t count, const Interrupt& interrupt,
                  const std::function<void(std::size_t, int)>& body);

}  // namespace relufast
