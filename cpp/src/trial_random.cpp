#include "relufast/trial_random.hpp"

#include <algorithm>
#include <bit>

#include "relufast/multiversion.hpp"
#include "ziggurat.hpp"

namespace relufast {

namespace {

constexpr std::size_t kLanes = TrialRandom::kLanes;
using State = std::array<std::array<std::uint64_t, kLanes>, 4>;

RELUFAST_MULTIVERSION
void advance(State& state, std::uint64_t* __restrict words, std::size_t steps) {
    auto& [s0, s1, s2, s3] = state;
    for (std::size_t step = 0; step < steps; ++step) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            words[step * kLanes + lane] = std::rotl(s0[lane] + s3[lane], 23) + s0[lane];
            const std::uint64_t shifted = s1[lane] << 17;
            s2[lane] ^= s0[lane];
            s3[lane] ^= s1[lane];
            s1[lane] ^= s2[lane];
            s0[lane] ^= s3[lane];
            s2[lane] ^= shifted;
            s3[lane] = std::rotl(s3[lane], 45);
        }
    }
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

std::uint64_t TrialRandom::next(std::int64_t expected) {
    if (position_ == end_) [[unlikely]] {
        const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(expected, 1));
        const std::size_t steps = std::min(kSteps, (wanted - 1) / kLanes + 1);
        advance(state_, words_.data(), steps);
        position_ = 0;
        end_ = steps * kLanes;
    }
    return words_[position_++];
}

void TrialRandom::normals(double* out, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        out[i] = ziggurat::next_normal(*this, count - i);
    }
}

}  // namespace relufast
