#include "relufast/threads.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "relufast/blas.hpp"
#include "relufast/error.hpp"

namespace relufast {
namespace {

constexpr auto kPatience = std::chrono::milliseconds(50);

}  // namespace

void poll(const Interrupt& interrupt) {
    if (interrupt && interrupt()) {
        throw Interrupted("interrupted");
    }
}

struct WorkStack::State {
    std::mutex mutex;
    std::condition_variable news;  // work, or the end of it
    std::vector<Work> pending;
    int n_running = 0;
    bool stopped = false;
    std::exception_ptr failure;

    bool finished() const { return (pending.empty() && n_running == 0) || stopped; }
};

void WorkStack::push(Work work) {
    const std::lock_guard lock(state_->mutex);
    state_->pending.push_back(std::move(work));
    state_->news.notify_one();
}

void WorkStack::run(int n_threads, Work root, const Interrupt& interrupt) {
    State state;
    state_ = &state;
    state.pending.push_back(std::move(root));

    // Takes and does one piece of work, if there is any.
    const auto step = [&](std::unique_lock<std::mutex>& lock, int thread) {
        Work work = std::move(state.pending.back());
        state.pending.pop_back();
        ++state.n_running;
        lock.unlock();
        std::exception_ptr failure;
        try {
            work(*this, thread);
            work = nullptr;
        } catch (...) {
            failure = std::current_exception();
        }
        lock.lock();
        --state.n_running;
        if (failure && !state.failure) {
            state.failure = failure;
        }
        state.stopped = state.stopped || failure;
        if (state.finished()) {
            state.news.notify_all();
        }
    };

    const auto work_there = [&](int thread) {
        blas::limit_this_thread();
        std::unique_lock own(state.mutex);
        while (!state.finished()) {
            if (state.pending.empty()) {
                state.news.wait(own);
            } else {
                step(own, thread);
            }
        }
    };
    std::vector<std::thread> threads;
    try {
        for (int thread = 1; thread < n_threads; ++thread) {
            threads.emplace_back(work_there, thread);
        }
    } catch (const std::exception&) {
        // The system has no more of them, or no memory for one: those that are there will do.
    }
    // The caller works, too: it is where it is, and one thread less has to find a CPU.
    bool interrupted = false;
    auto asked = std::chrono::steady_clock::now();
    std::unique_lock lock(state.mutex);
    while (!state.finished()) {
        if (state.pending.empty()) {
            state.news.wait_for(lock, kPatience);
        } else {
            step(lock, 0);
        }
        if (std::chrono::steady_clock::now() - asked > kPatience) {
            lock.unlock();
            interrupted = interrupt && interrupt();
            lock.lock();
            asked = std::chrono::steady_clock::now();
            state.stopped = state.stopped || interrupted;
        }
    }
    state.news.notify_all();
    lock.unlock();
    for (std::thread& thread : threads) {
        thread.join();
    }
    if (state.failure) {
        std::rethrow_exception(state.failure);
    }
    if (interrupted) {
        throw Interrupted("interrupted");
    }
}

void parallel_for(int n_threads, std::size_t count, const Interrupt& interrupt,
                  const std::function<void(std::size_t, int)>& body) {
    if (count == 0) {
        return;
    }
    const std::size_t n = std::min(static_cast<std::size_t>(std::max(n_threads, 1)), count);
    if (n == 1) {
        auto asked = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i < count; ++i) {
            body(i, 0);
            if (std::chrono::steady_clock::now() - asked > kPatience) {
                poll(interrupt);
                asked = std::chrono::steady_clock::now();
            }
        }
        return;
    }
    WorkStack stack;
    stack.run(
        static_cast<int>(n),
        [&](WorkStack& work, int) {
            for (std::size_t i = count; i-- > 0;) {
                work.push([&body, i](WorkStack&, int thread) { body(i, thread); });
            }
        },
        interrupt);
}

}  // namespace relufast
