#include "relufast/exact_dot.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>

#include "relufast/double_double.hpp"
#include "relufast/multiversion.hpp"
#include "relufast/rounding.hpp"

namespace relufast {
namespace {

// Below it no sum that it bounds the error of has overflowed.
constexpr double kLargestBound = 0x1p900;

// A sum of products in fixed point, from the lowest bit that a product can have, 2^-2148, to far
// above the highest (Kulisch's long accumulator).
class LongAccumulator {
 public:
    void add_product(double a, double b) {
        const Parts left(a);
        const Parts right(b);
        if (left.mantissa == 0 || right.mantissa == 0) {
            return;
        }
        __extension__ using Wide = unsigned __int128;
        const Wide product = static_cast<Wide>(left.mantissa) * right.mantissa;
        const int bit = left.exponent + right.exponent - 2;
        const auto word = static_cast<std::size_t>(bit / kBits);
        const int shift = bit % kBits;
        const bool negative = left.negative != right.negative;
        // Two halves, because 106 bits and a shift do not fit into 128.
        add_words(word, static_cast<Wide>(static_cast<std::uint64_t>(product)) << shift, negative);
        add_words(word + 2, (product >> 64) << shift, negative);
        if (++n_pending_ == kMostPending) {
            carry();
        }
    }

    int sign() {
        carry();
        for (std::size_t i = kWords; i-- > 0;) {
            if (words_[i] != 0) {
                // After carry() only the highest word can be negative.
                return words_[kWords - 1] < 0 ? -1 : 1;
            }
        }
        return 0;
    }

    double rounded() {
        const int of_sum = sign();
        if (of_sum < 0) {
            for (std::int64_t& word : words_) {
                word = -word;
            }
            carry();
        }
        int top = static_cast<int>(kWords) * kBits - 1;
        while (top >= 0 && !bit(top)) {
            --top;
        }
        if (top < 0) {
            return 0.0;
        }
        // The last bit that float64 keeps: of 53, or that of the subnormal numbers.
        const int last = std::max(top - 52, kLowest - kLowestOfDouble);
        std::uint64_t mantissa = 0;
        for (int i = top; i >= last; --i) {
            mantissa = 2 * mantissa + (bit(i) ? 1 : 0);
        }
        if (bit(last - 1) && ((mantissa & 1) != 0 || any_bit_below(last - 1))) {
            ++mantissa;
        }
        return of_sum * std::ldexp(static_cast<double>(mantissa), last - kLowest);
    }

 private:
    static constexpr int kBits = 32;
    static constexpr std::size_t kWords = 136;
    static constexpr int kLowest = 2148;          // bit 0 is 2^-2148
    static constexpr int kLowestOfDouble = 1074;  // float64 ends at 2^-1074
    static constexpr std::int64_t kMostPending = std::int64_t{1} << 29;

    // |value| is mantissa * 2^(exponent - 1075).
    struct Parts {
        explicit Parts(double value) {
            const auto bits = std::bit_cast<std::uint64_t>(value);
            negative = (bits >> 63) != 0;
            const int biased = static_cast<int>((bits >> 52) & 0x7ff);
            mantissa = bits & 0xfffffffffffff;
            exponent = std::max(biased, 1);
            if (biased != 0) {
                mantissa |= std::uint64_t{1} << 52;
            }
        }

        std::uint64_t mantissa;
        int exponent;
        bool negative;
    };

    template <class Wide>
    void add_words(std::size_t word, Wide value, bool negative) {
        for (; value != 0; value >>= kBits) {
            const auto digit = static_cast<std::int64_t>(static_cast<std::uint32_t>(value));
            words_[word++] += negative ? -digit : digit;
        }
    }

    // Leaves every word but the highest in [0, 2^32).
    void carry() {
        for (std::size_t i = 0; i + 1 < kWords; ++i) {
            const std::int64_t over = words_[i] >> kBits;
            words_[i] -= over * (std::int64_t{1} << kBits);
            words_[i + 1] += over;
        }
        n_pending_ = 0;
    }

    bool bit(int i) const {
        return i >= 0 && ((words_[static_cast<std::size_t>(i / kBits)] >> (i % kBits)) & 1) != 0;
    }

    bool any_bit_below(int i) const {
        while (--i >= 0) {
            if (bit(i)) {
                return true;
            }
        }
        return false;
    }

    std::array<std::int64_t, kWords> words_{};
    std::int64_t n_pending_ = 0;
};

LongAccumulator exact_difference(const double* g, const double* x, const double* y,
                                 std::int64_t n) {
    LongAccumulator sum;
    for (std::int64_t i = 0; i < n; ++i) {
        if (x[i] != y[i]) {
            sum.add_product(g[i], x[i]);
            sum.add_product(-g[i], y[i]);
        }
    }
    return sum;
}

struct Sums {
    double value = 0.0;
    double magnitude = 0.0;
};

// <g, x - y> in float64, where near vectors lose next to nothing.
RELUFAST_MULTIVERSION
Sums plain_difference(const double* __restrict g, const double* __restrict x,
                      const double* __restrict y, std::int64_t n) {
    double value = 0.0;
    double magnitude = 0.0;
#pragma omp simd reduction(+ : value, magnitude)
    for (std::int64_t i = 0; i < n; ++i) {
        const double term = g[i] * (x[i] - y[i]);
        value += term;
        magnitude += std::fabs(term);
    }
    return {value, magnitude};
}

struct PreciseSums {
    DoubleDouble value;
    double magnitude = 0.0;
};

RELUFAST_MULTIVERSION
PreciseSums precise_difference(const double* __restrict g, const double* __restrict x,
                               const double* __restrict y, std::int64_t n) {
    DoubleDouble value;
    double magnitude = 0.0;
    for (std::int64_t i = 0; i < n; ++i) {
        const DoubleDouble left = two_product(g[i], x[i]);
        const DoubleDouble right = two_product(g[i], y[i]);
        value = value + left - right;
        magnitude += std::fabs(left.hi) + std::fabs(right.hi);
    }
    return {value, magnitude};
}

}  // namespace

int compare_dots(const double* g, const double* x, const double* y, std::int64_t n) {
    if (std::equal(x, x + n, y)) {
        return 0;
    }
    const Sums sums = plain_difference(g, x, y, n);
    const double bound = gamma(n + 8) * sums.magnitude + underflow(n);
    if (bound < kLargestBound && std::fabs(sums.value) > bound) {
        return sums.value > 0.0 ? 1 : -1;
    }
    return exact_difference(g, x, y, n).sign();
}

double rounded_dot_difference(const double* g, const double* x, const double* y, std::int64_t n) {
    const PreciseSums sums = precise_difference(g, x, y, n);
    const auto [hi, lo] = sums.value;
    // Every product is added by two additions, each within 8 * 2^-106 of what it adds up.
    const double bound = 2.0 * gamma2(2 * n) * sums.magnitude + underflow(n);
    // Not so near to the middle between two numbers that the bound could reach it.
    if (bound < kLargestBound && hi + (lo - bound) == hi && hi + (lo + bound) == hi) {
        return hi;
    }
    return exact_difference(g, x, y, n).rounded();
}

}  // namespace relufast
