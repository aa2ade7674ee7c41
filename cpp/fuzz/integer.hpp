// Integers of up to 1024 bits, for a reference that rounds nothing.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace relufast::fuzz {

// Thrown where a result needs more bits.
struct TooLarge {};

class Integer {
 public:
    Integer() = default;
    Integer(std::int64_t value) : negative_(value < 0) {
        const auto bits = static_cast<std::uint64_t>(value);
        push(negative_ ? 0 - bits : bits);
        trim();
    }

    int sign() const { return size_ == 0 ? 0 : negative_ ? -1 : 1; }

    Integer operator-() const {
        Integer result = *this;
        result.negative_ = size_ > 0 && !negative_;
        return result;
    }

    Integer operator+(const Integer& other) const {
        if (negative_ == other.negative_) {
            return sum_of_sizes(*this, other);
        }
        return compare_sizes(*this, other) >= 0 ? difference_of_sizes(*this, other)
                                                : difference_of_sizes(other, *this);
    }

    Integer operator-(const Integer& other) const { return *this + -other; }

    Integer operator*(const Integer& other) const {
        Integer result;
        if (size_ == 0 || other.size_ == 0) {
            return result;
        }
        if (size_ + other.size_ > kLimbs) {
            throw TooLarge{};
        }
        result.size_ = size_ + other.size_;
        for (std::size_t i = 0; i < size_; ++i) {
            std::uint64_t carry = 0;
            for (std::size_t j = 0; j < other.size_; ++j) {
                const Two term =
                    static_cast<Two>(limbs_[i]) * other.limbs_[j] + result.limbs_[i + j] + carry;
                result.limbs_[i + j] = static_cast<std::uint64_t>(term);
                carry = static_cast<std::uint64_t>(term >> 64);
            }
            result.limbs_[i + other.size_] = carry;
        }
        result.negative_ = negative_ != other.negative_;
        result.trim();
        return result;
    }

    bool operator==(const Integer& other) const { return (*this - other).sign() == 0; }
    bool operator<(const Integer& other) const { return (*this - other).sign() < 0; }

    // Within a few units in the last place.
    long double value() const {
        long double sum = 0.0L;
        for (std::size_t i = size_; i-- > 0;) {
            sum = sum * 0x1p64L + static_cast<long double>(limbs_[i]);
        }
        return negative_ ? -sum : sum;
    }

 private:
    static constexpr std::size_t kLimbs = 16;
    __extension__ using Two = unsigned __int128;

    static int compare_sizes(const Integer& a, const Integer& b) {
        if (a.size_ != b.size_) {
            return a.size_ < b.size_ ? -1 : 1;
        }
        for (std::size_t i = a.size_; i-- > 0;) {
            if (a.limbs_[i] != b.limbs_[i]) {
                return a.limbs_[i] < b.limbs_[i] ? -1 : 1;
            }
        }
        return 0;
    }

    static Integer sum_of_sizes(const Integer& a, const Integer& b) {
        Integer result;
        result.negative_ = a.negative_;
        std::uint64_t carry = 0;
        for (std::size_t i = 0; i < std::max(a.size_, b.size_); ++i) {
            const Two sum = static_cast<Two>(a.limbs_[i]) + b.limbs_[i] + carry;
            result.push(static_cast<std::uint64_t>(sum));
            carry = static_cast<std::uint64_t>(sum >> 64);
        }
        if (carry != 0) {
            result.push(carry);
        }
        return result;
    }

    // a is no smaller than b.
    static Integer difference_of_sizes(const Integer& a, const Integer& b) {
        Integer result;
        result.negative_ = a.negative_;
        std::uint64_t borrow = 0;
        for (std::size_t i = 0; i < a.size_; ++i) {
            const Two taken = static_cast<Two>(b.limbs_[i]) + borrow;
            borrow = a.limbs_[i] < taken ? 1 : 0;
            result.push(static_cast<std::uint64_t>(a.limbs_[i] - taken));
        }
        result.trim();
        return result;
    }

    void push(std::uint64_t limb) {
        if (size_ == kLimbs) {
            throw TooLarge{};
        }
        limbs_[size_++] = limb;
    }

    void trim() {
        while (size_ > 0 && limbs_[size_ - 1] == 0) {
            --size_;
        }
        negative_ = negative_ && size_ > 0;
    }

    // Least significant first; zeros beyond size_.
    std::array<std::uint64_t, kLimbs> limbs_{};
    std::size_t size_ = 0;
    bool negative_ = false;
};

}  // namespace relufast::fuzz
