#include "relufast/trial_random.hpp"

#include <algorithm>

#include "any_address.hpp"
#include "relufast/multiversion.hpp"
#include "ziggurat.hpp"

namespace relufast {

namespace {

constexpr std::size_t kLanes = TrialRandom::kLanes;
using State = std::array<std::array<std::uint64_t, kLanes>, 4>;

// Numbers that the compiler keeps in a register.
using Lanes = std::uint64_t __attribute__((vector_size(kLanes * sizeof(std::uint64_t))));

[[gnu::always_inline]] inline void rotate_left(Lanes& lanes, int count) {
    lanes = (lanes << count) | (lanes >> (64 - count));
}

RELUFAST_MULTIVERSION
void advance(State& state, std::uint64_t* __restrict words, std::size_t steps) {
    Lanes s0;
    Lanes s1;
    Lanes s2;
    Lanes s3;
    load(s0, state[0].data());
    load(s1, state[1].data());
    load(s2, state[2].data());
    load(s3, state[3].data());
    for (std::size_t step = 0; step < steps; ++step) {
        Lanes result = s0 + s3;
        rotate_left(result, 23);
        result += s0;
        store(result, words + step * kLanes);
        const Lanes shifted = s1 << 17;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= shifted;
        rotate_left(s3, 45);
    }
    store(s0, state[0].data());
    store(s1, state[1].data());
    store(s2, state[2].data());
    store(s3, state[3].data());
}

}  // namespace

TrialRandom::TrialRandom(const std::uint64_t* words) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
        for (auto& part : state_) {
            part[lane] = *words++;
        }
        // All zeros is the one state that xoshiro never leaves.
        state_[0][lane] |= static_cast<std::uint64_t>(
            (state_[0][lane] | state_[1][lane] | state_[2][lane] | state_[3][lane]) == 0);
    }
}

void TrialRandom::refill(std::int64_t expected) {
    const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(expected, 1));
    const std::size_t steps = std::min(kSteps, (wanted - 1) / kLanes + 1);
    advance(state_, words_.data(), steps);
    position_ = 0;
    end_ = steps * kLanes;
}

void TrialRandom::normals(double* out, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        out[i] = ziggurat::next_normal(*this, count - i);
    }
}

}  // namespace relufast
