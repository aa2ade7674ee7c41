#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "reference_blas.hpp"
#include "relufast/arc_cosine.hpp"
#include "relufast/arc_cosine_product.hpp"
#include "relufast/normals.hpp"

namespace {

using relufast::ArcCosineDegree;

constexpr double kEps = 0x1p-52;
constexpr double kPi = 3.141592653589793;

// By libm, which is worse near 1: the cosines below keep away from it.
double plain(ArcCosineDegree degree, double c) {
    const double angle = std::acos(c);
    return degree == ArcCosineDegree::kZero ? kPi - angle : std::sin(angle) + (kPi - angle) * c;
}

// Rows of length 1, but for row 1, which is zero.
std::vector<double> unit_rows(std::int64_t m, std::int64_t d) {
    std::vector<double> rows(static_cast<std::size_t>(m * d));
    std::vector<double> bias(1);
    relufast::fill_layer(3, 1, 0, 1, m * d, 1.0, 1.0, rows.data(), bias.data());
    for (std::int64_t i = 0; i < m; ++i) {
        double* const row = rows.data() + i * d;
        double square = 0.0;
        for (std::int64_t j = 0; j < d; ++j) {
            square += row[j] * row[j];
        }
        for (std::int64_t j = 0; j < d; ++j) {
            row[j] = i == 1 ? 0.0 : row[j] / std::sqrt(square);
        }
    }
    return rows;
}

}  // namespace

TEST_CASE("The angle functions are near libm's, and known at the ends, in loops of any length") {
    for (const auto degree : {ArcCosineDegree::kZero, ArcCosineDegree::kOne}) {
        for (std::size_t n = 1; n <= 21; ++n) {
            std::vector<double> values(n);
            for (std::size_t i = 0; i < n; ++i) {
                values[i] = -0.99 + 1.98 * static_cast<double>(i) / static_cast<double>(n);
            }
            const std::vector<double> cosines = values;
            relufast::apply_arc_cosine(degree, values.data(), n);
            for (std::size_t i = 0; i < n; ++i) {
                CHECK(std::fabs(values[i] - plain(degree, cosines[i])) < 16.0 * kEps);
            }
        }
        std::vector<double> ends{1.0,
                                 -1.0,
                                 1.0 + kEps,
                                 -1.0 - kEps,
                                 0.0,
                                 -0.0,
                                 std::numeric_limits<double>::quiet_NaN()};
        relufast::apply_arc_cosine(degree, ends.data(), ends.size());
        CHECK(ends[0] == kPi);
        CHECK(ends[1] == 0.0);
        CHECK(ends[2] == kPi);
        CHECK(ends[3] == 0.0);
        CHECK(std::fabs(ends[4] - plain(degree, 0.0)) < 4.0 * kEps);
        CHECK(ends[4] == ends[5]);
        CHECK(std::isnan(ends[6]));
    }
}

TEST_CASE("In single precision the functions and products are those in double, to rounding") {
    relufast::blas::set_functions(relufast::testing::reference_blas_lp64());
    constexpr double kEpsSingle = 0x1p-23;
    for (const auto degree : {ArcCosineDegree::kZero, ArcCosineDegree::kOne}) {
        std::vector<float> cosines;
        for (int i = -1000; i <= 1000; ++i) {
            cosines.push_back(static_cast<float>(i) / 1000.0F);
        }
        std::vector<double> expected(cosines.begin(), cosines.end());
        relufast::apply_arc_cosine(degree, expected.data(), expected.size());
        relufast::apply_arc_cosine(degree, cosines.data(), cosines.size());
        double worst = 0.0;
        for (std::size_t i = 0; i < cosines.size(); ++i) {
            worst = std::fmax(worst, std::fabs(static_cast<double>(cosines[i]) - expected[i]));
        }
        CHECK(worst < 4.0 * kEpsSingle);
        CHECK(worst > 0.0);
    }

    constexpr std::int64_t kM = 390;
    constexpr std::int64_t kD = 3;
    constexpr std::int64_t kK = 2;
    const std::vector<double> rows = unit_rows(kM, kD);
    std::vector<double> v(static_cast<std::size_t>(kM * kK));
    for (std::size_t i = 0; i < v.size(); ++i) {
        v[i] = std::sin(static_cast<double>(i));
    }
    const std::vector<float> single_rows(rows.begin(), rows.end());
    const std::vector<float> single_v(v.begin(), v.end());
    const auto degree = ArcCosineDegree::kOne;
    std::vector<double> y(v.size());
    relufast::arc_cosine_product(degree, kM, kD, rows.data(), kK, v.data(), y.data(), 1, {});
    std::vector<float> one(v.size());
    std::vector<float> three(v.size());
    relufast::arc_cosine_product(degree, kM, kD, single_rows.data(), kK, single_v.data(),
                                 one.data(), 1, {});
    relufast::arc_cosine_product(degree, kM, kD, single_rows.data(), kK, single_v.data(),
                                 three.data(), 3, {});
    CHECK(one == three);
    // A sum of kM terms below pi in size, each rounded, and each sum after it: so much at worst, of
    // which 1 % is far more than roundings that partly cancel come to.
    const double allowed = kPi * kM * (kM + kD + 8) * kEpsSingle;
    for (std::size_t i = 0; i < y.size(); ++i) {
        CHECK(std::fabs(static_cast<double>(one[i]) - y[i]) < 0.01 * allowed);
    }
}

TEST_CASE("Products and matrices across tiles are those of plain loops") {
    relufast::blas::set_functions(relufast::testing::reference_blas_lp64());
    constexpr std::int64_t kD = 3;
    constexpr std::int64_t kK = 2;
    for (const std::int64_t m : {2, 5, 192, 200, 390}) {
        const std::vector<double> rows = unit_rows(m, kD);
        std::vector<double> v(static_cast<std::size_t>(m * kK));
        for (std::size_t i = 0; i < v.size(); ++i) {
            v[i] = std::sin(static_cast<double>(i));
        }
        for (const auto degree : {ArcCosineDegree::kZero, ArcCosineDegree::kOne}) {
            std::vector<double> gram(static_cast<std::size_t>(m * m));
            relufast::arc_cosine_gram(degree, m, kD, rows.data(), gram.data(), 1, {});
            std::vector<double> cross(static_cast<std::size_t>(m * m));
            relufast::arc_cosine_cross_gram(degree, m, m, kD, rows.data(), rows.data(),
                                            cross.data(), 2, {});
            double worst = 0.0;
            double worst_cross = 0.0;
            bool symmetric = true;
            for (std::int64_t i = 0; i < m; ++i) {
                for (std::int64_t j = 0; j < m; ++j) {
                    double c = 0.0;
                    for (std::int64_t a = 0; a < kD; ++a) {
                        c += rows[static_cast<std::size_t>(i * kD + a)] *
                             rows[static_cast<std::size_t>(j * kD + a)];
                    }
                    c = i == j ? 1.0 : std::fmin(1.0, std::fmax(-1.0, c));
                    const auto at = static_cast<std::size_t>(i * m + j);
                    // Near 1 and -1 the angle is the square root of what rounding leaves.
                    const double loss = degree == ArcCosineDegree::kZero ? 1e-7 : 1e-14;
                    worst = std::fmax(worst, std::fabs(gram[at] - plain(degree, c)) / loss);
                    const double difference = std::fabs(cross[at] - gram[at]);
                    worst_cross = i == j ? worst_cross : std::fmax(worst_cross, difference / loss);
                    symmetric = symmetric && gram[at] == gram[static_cast<std::size_t>(j * m + i)];
                }
            }
            CHECK(worst < 1.0);
            CHECK(worst_cross < 1.0);
            CHECK(symmetric);

            std::vector<double> y(v.size(), 99.0);
            relufast::arc_cosine_product(degree, m, kD, rows.data(), kK, v.data(), y.data(), 1, {});
            double worst_product = 0.0;
            for (std::int64_t i = 0; i < m; ++i) {
                for (std::int64_t column = 0; column < kK; ++column) {
                    double sum = 0.0;
                    for (std::int64_t j = 0; j < m; ++j) {
                        sum += gram[static_cast<std::size_t>(i * m + j)] *
                               v[static_cast<std::size_t>(j * kK + column)];
                    }
                    const double found = y[static_cast<std::size_t>(i * kK + column)];
                    worst_product = std::fmax(worst_product, std::fabs(found - sum));
                }
            }
            CHECK(worst_product < 1e-11);
            for (const int n_threads : {2, 7}) {
                std::vector<double> again(v.size());
                relufast::arc_cosine_product(degree, m, kD, rows.data(), kK, v.data(), again.data(),
                                             n_threads, {});
                CHECK(again == y);
            }
        }
    }
}
