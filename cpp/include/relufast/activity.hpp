#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace relufast {

// Which neurons of a layer are active at some point: a bit each, 64 to a word, the last word's
// spare bits zero.
inline constexpr std::int64_t kNeuronsPerWord = 64;

// A table, and a name for zero: loops that pick one or the other become vector code.
inline constexpr std::array<std::uint64_t, kNeuronsPerWord> kNeuronBits = [] {
    std::array<std::uint64_t, kNeuronsPerWord> bits{};
    for (std::size_t i = 0; i < bits.size(); ++i) {
        bits[i] = std::uint64_t{1} << i;
    }
    return bits;
}();
inline constexpr std::uint64_t kNoNeuron = 0;

inline std::size_t activity_words(std::int64_t n_neurons) {
    return static_cast<std::size_t>((n_neurons + kNeuronsPerWord - 1) / kNeuronsPerWord);
}

inline bool is_active(const std::uint64_t* pattern, std::size_t neuron) {
    return ((pattern[neuron / kNeuronsPerWord] >> (neuron % kNeuronsPerWord)) & 1) != 0;
}

inline void set_active(std::uint64_t* pattern, std::size_t neuron) {
    pattern[neuron / kNeuronsPerWord] |= std::uint64_t{1} << (neuron % kNeuronsPerWord);
}

// Calls visit(neuron) for each bit that is set in a word, in rising order; the word's first bit
// stands for neuron `first`.
template <class Visit>
void for_each_neuron(std::uint64_t word, std::int64_t first, Visit visit) {
    for (; word != 0; word &= word - 1) {
        visit(static_cast<std::int32_t>(first + std::countr_zero(word)));
    }
}

// The neurons that are active in one pattern and not in the other, in rising order.
template <class Visit>
void for_each_flip(const std::uint64_t* a, const std::uint64_t* b, std::size_t n_words,
                   Visit visit) {
    for (std::size_t w = 0; w < n_words; ++w) {
        for_each_neuron(a[w] ^ b[w], static_cast<std::int64_t>(w) * kNeuronsPerWord, visit);
    }
}

// Lists the neurons that send something on under at least one of several patterns,
// pattern(0), ..., pattern(n_patterns - 1). An inactive neuron sends nothing, unless it leaks.
template <class Pattern>
void list_senders(std::int64_t n_neurons, double negative_slope, std::size_t n_patterns,
                  Pattern pattern, std::vector<std::int32_t>& senders) {
    senders.resize(static_cast<std::size_t>(n_neurons));
    if (negative_slope != 0.0) {
        std::iota(senders.begin(), senders.end(), 0);
        return;
    }
    std::int32_t* to = senders.data();
    for (std::size_t w = 0; w < activity_words(n_neurons); ++w) {
        std::uint64_t word = 0;
        for (std::size_t p = 0; p < n_patterns; ++p) {
            word |= pattern(p)[w];
        }
        for_each_neuron(word, static_cast<std::int64_t>(w) * kNeuronsPerWord,
                        [&](std::int32_t neuron) { *to++ = neuron; });
    }
    senders.resize(static_cast<std::size_t>(to - senders.data()));
}

// Lists the neurons of one column that send something on, and what: returns how many. There is room
// for all, and no bit is set beyond n_neurons.
std::int64_t gather_senders(const double* z, const std::uint64_t* active, std::int64_t n_neurons,
                            double negative_slope, std::int32_t* senders, double* sent);

}  // namespace relufast
