#include "relufast/modular.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <set>
#include <stdexcept>
#include <vector>

#include "reference_blas.hpp"

namespace {

using namespace relufast::modular;

std::int64_t in_range(std::int64_t x, std::int64_t p) { return (x % p + p) % p; }

std::int64_t class_of(double residue, std::int64_t p) {
    REQUIRE(residue == std::floor(residue));
    REQUIRE(std::fabs(residue) <= static_cast<double>(p / 2 + 2));
    return in_range(static_cast<std::int64_t>(residue), p);
}

std::int64_t power(std::int64_t base, std::int64_t exponent, std::int64_t p) {
    std::int64_t result = 1;
    for (; exponent > 0; exponent /= 2, base = base * base % p) {
        result = exponent % 2 == 1 ? result * base % p : result;
    }
    return result;
}

// m 2^e by Fermat, with an integer significand.
std::int64_t class_of_number(double x, std::int64_t p) {
    int exponent = 0;
    const double fraction = std::frexp(x, &exponent);
    const auto significand = static_cast<std::int64_t>(std::ldexp(fraction, 53));
    const std::int64_t positive = exponent - 53 + 4 * (p - 1);
    return in_range(significand, p) * power(2, positive, p) % p;
}

std::vector<double> random_residues(std::size_t n, std::int64_t p, std::mt19937_64& random) {
    std::vector<double> x(n);
    for (double& value : x) {
        value = static_cast<double>(
            static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(p)) - p / 2);
    }
    return x;
}

}  // namespace

TEST_CASE("a modulus is a prime of the right size") {
    CHECK(Modulus(1048583).value() == 1048583.0);
    CHECK(Modulus(8388593).value() == 8388593.0);
    CHECK_THROWS_WITH_AS(Modulus(2), "the modulus is 2, but must lie between 1048576 and 8388608",
                         std::invalid_argument);
    CHECK_THROWS_AS(Modulus(-8388593), std::invalid_argument);
    CHECK_THROWS_AS(Modulus(8388617), std::invalid_argument);  // the prime above 2^23
    CHECK_THROWS_WITH_AS(Modulus(8388607), "the modulus is 8388607, but must be prime",
                         std::invalid_argument);  // 2^23 - 1 = 47 * 178481
    CHECK_THROWS_AS(Modulus(2047 * 2049), std::invalid_argument);
    CHECK_THROWS_AS(Modulus(2039 * 2039), std::invalid_argument);
    CHECK_THROWS_AS(Modulus(1 << 22), std::invalid_argument);
}

TEST_CASE("primes are different, allowed, and the same ones in every list") {
    const auto list = primes(300);
    CHECK(std::set<std::int64_t>(list.begin(), list.end()).size() == 300);
    for (const std::int64_t p : list) {
        CHECK_NOTHROW(Modulus{p});
        CHECK(p > (1 << 23) - (1 << 21));
    }
    const auto few = primes(7);
    CHECK(std::equal(few.begin(), few.end(), list.begin()));
    CHECK(primes(0).empty());
    CHECK_THROWS_AS(primes(65537), std::invalid_argument);
}

TEST_CASE("sums of max_terms products leave room for reduction") {
    for (const std::int64_t p : {1048583, 6291469, 8388593}) {
        const Modulus modulus(p);
        const auto largest = static_cast<std::uint64_t>(p / 2 + 2);
        const auto terms = static_cast<std::uint64_t>(modulus.max_terms());
        const std::uint64_t room = (std::uint64_t{1} << 53) - (std::uint64_t{1} << 24);
        CHECK(terms * largest * largest + largest <= room);
        CHECK((terms + 1) * largest * largest + largest > room);
        CHECK(terms >= 511);
    }
}

TEST_CASE("reduce finds the class of the largest integers it may get") {
    std::mt19937_64 random(1);
    for (const std::int64_t p : {1048583, 6291469, 8388593}) {
        const Modulus modulus(p);
        std::vector<double> x;
        const std::int64_t largest = (std::int64_t{1} << 53) - (std::int64_t{1} << 24);
        for (std::int64_t i = 0; i < 300; ++i) {
            x.push_back(static_cast<double>(largest - i));
            x.push_back(static_cast<double>(i - largest));
            x.push_back(static_cast<double>(random() >> 12));
            // Halfway between two multiples, where rounding of the quotient decides.
            const auto multiple =
                static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(largest / p));
            x.push_back(static_cast<double>(multiple * p + p / 2 + i % 3));
            x.push_back(static_cast<double>(-multiple * p));
        }
        std::vector<double> r = x;
        reduce(r.data(), r.size(), modulus, r.data());
        for (std::size_t i = 0; i < x.size(); ++i) {
            CAPTURE(x[i]);
            CHECK(class_of(r[i], p) == in_range(static_cast<std::int64_t>(x[i]), p));
            if (std::fabs(x[i]) <= 0x1p51) {
                CHECK(std::fabs(r[i]) <= static_cast<double>(p / 2));
            }
        }
    }
}

TEST_CASE("residues of float64 of every size") {
    std::mt19937_64 random(2);
    std::vector<double> x = {0.0,
                             -0.0,
                             1.0,
                             -1.0,
                             0.5,
                             0.1,
                             1e308,
                             -1e308,
                             5e-324,
                             -5e-324,
                             1e-310,
                             0x1p-1022,
                             0x1.fffffffffffffp1023,
                             0x0.fffffffffffffp-1022,
                             0x1p53};
    while (x.size() < 2000) {
        const auto value = std::bit_cast<double>(random());
        if (std::isfinite(value)) {
            x.push_back(value);
        }
    }
    for (const std::int64_t p : {1048583, 8388593}) {
        const Modulus modulus(p);
        std::vector<double> r(x.size());
        residues(x.data(), x.size(), modulus, r.data());
        for (std::size_t i = 0; i < x.size(); ++i) {
            CAPTURE(x[i]);
            CHECK(class_of(r[i], p) == class_of_number(x[i], p));
            CHECK(std::fabs(r[i]) <= static_cast<double>(p / 2));
        }
        residues(x.data(), x.size(), modulus, x.data());
        CHECK(x == r);
    }
    for (const double bad :
         {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        std::vector<double> with_bad(13, 1.0);
        with_bad[11] = bad;
        CHECK_THROWS_WITH_AS(residues(with_bad.data(), 13, Modulus(8388593), with_bad.data()),
                             "NaN and infinity have no residue", std::invalid_argument);
    }
}

TEST_CASE("residues of numbers of similar size, and of one that is much smaller or larger") {
    std::mt19937_64 random(4);
    std::normal_distribution<double> normal;
    const std::int64_t p = 8388593;
    const Modulus modulus(p);
    for (const double unit : {1.0, 0x1p-50, 0x1p40, 0x1p49, 0x1p51, 1e300, 1e-270, 1e-300}) {
        for (const double other : {0.0, 1e-3, 0x1p-40, 0x1p-60, 0x1p-110, 1e-160, 1e-300, 5e-324}) {
            std::vector<double> x = {other, -other};
            while (x.size() < 40) {
                x.push_back(unit * normal(random));
            }
            std::vector<double> r(x.size());
            residues(x.data(), x.size(), modulus, r.data());
            for (std::size_t i = 0; i < x.size(); ++i) {
                CAPTURE(x[i]);
                CHECK(class_of(r[i], p) == class_of_number(x[i], p));
            }
        }
    }
}

TEST_CASE("residues of 64-bit integers") {
    const std::int64_t p = 8388593;
    const Modulus modulus(p);
    const std::vector<std::int64_t> x = {0,
                                         -1,
                                         p,
                                         std::numeric_limits<std::int64_t>::min(),
                                         std::numeric_limits<std::int64_t>::max(),
                                         -p / 2,
                                         p / 2 + 1};
    std::vector<double> r(x.size());
    residues(x.data(), x.size(), modulus, r.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
        CHECK(class_of(r[i], p) == in_range(x[i], p));
    }
    const std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
    residues(&largest, 1, modulus, r.data());
    CHECK(static_cast<std::uint64_t>(class_of(r[0], p)) == largest % p);
}

TEST_CASE("inverses") {
    const std::int64_t p = 8388593;
    const Modulus modulus(p);
    for (const std::int64_t x : {std::int64_t{1}, std::int64_t{-1}, std::int64_t{2}, p / 2, -p / 2,
                                 p / 2 + 2, std::int64_t{12345}}) {
        const std::int64_t inverse = class_of(modulus.inverse(static_cast<double>(x)), p);
        CHECK(in_range(x, p) * inverse % p == 1);
    }
    CHECK_THROWS_AS(modulus.inverse(0.0), std::invalid_argument);
}

TEST_CASE("products modulo p, with sums longer than float64 holds and at the largest residues") {
    relufast::blas::set_functions(relufast::testing::reference_blas_lp64());
    std::mt19937_64 random(3);
    const std::int64_t p = 8388593;
    const Modulus modulus(p);
    const std::int64_t m = 3;
    const std::int64_t n = 4;
    for (const std::int64_t k : {std::int64_t{0}, std::int64_t{1}, modulus.max_terms(),
                                 modulus.max_terms() + 1, std::int64_t{1300}}) {
        for (const bool extreme : {false, true}) {
            auto a = random_residues(static_cast<std::size_t>(m * k), p, random);
            auto b = random_residues(static_cast<std::size_t>(k * n), p, random);
            const auto c = random_residues(static_cast<std::size_t>(m * n), p, random);
            if (extreme) {
                std::fill(a.begin(), a.end(), static_cast<double>(p / 2 + 2));
                std::fill(b.begin(), b.end(), static_cast<double>(-p / 2 - 2));
            }
            for (const char ta : {'N', 'T'}) {
                for (const char tb : {'N', 'T'}) {
                    const std::int64_t lda = std::max<std::int64_t>(1, ta == 'N' ? m : k);
                    const std::int64_t ldb = std::max<std::int64_t>(1, tb == 'N' ? k : n);
                    auto product = c;
                    auto difference = c;
                    multiply(ta, tb, m, n, k, a.data(), lda, b.data(), ldb, product.data(), m,
                             modulus);
                    subtract_product(ta, tb, m, n, k, a.data(), lda, b.data(), ldb,
                                     difference.data(), m, modulus);
                    for (std::int64_t i = 0; i < m; ++i) {
                        for (std::int64_t j = 0; j < n; ++j) {
                            std::int64_t sum = 0;
                            for (std::int64_t l = 0; l < k; ++l) {
                                const double left = a[static_cast<std::size_t>(
                                    ta == 'N' ? i + l * lda : l + i * lda)];
                                const double right = b[static_cast<std::size_t>(
                                    tb == 'N' ? l + j * ldb : j + l * ldb)];
                                sum = (sum + static_cast<std::int64_t>(left * right) % p) % p;
                            }
                            const auto at = static_cast<std::size_t>(i + j * m);
                            CHECK(class_of(product[at], p) == in_range(sum, p));
                            const auto before = static_cast<std::int64_t>(c[at]);
                            CHECK(class_of(difference[at], p) == in_range(before - sum, p));
                        }
                    }
                }
            }
        }
    }
}
