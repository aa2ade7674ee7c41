#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "reference_blas.hpp"
#include "relufast/layer_errors.hpp"
#include "relufast/layer_fit.hpp"
#include "relufast/normals.hpp"

namespace {

std::vector<double> random_matrix(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
    std::vector<double> values(static_cast<std::size_t>(rows * columns));
    relufast::normals(seed, 1, 0, values.data(), rows * columns);
    return values;
}

struct Case {
    std::int64_t m, n, count;
    std::vector<double> a = random_matrix(m, n, 1);
    std::vector<double> bias = random_matrix(m, 1, 2);
    std::vector<double> points = random_matrix(count, n, 3);

    relufast::LayerErrors errors() const {
        return {m, n, a.data(), bias.data(), count, points.data()};
    }

    double output(const std::vector<double>& matrix, std::int64_t row, std::int64_t point) const {
        double z = bias[static_cast<std::size_t>(row)];
        for (std::int64_t j = 0; j < n; ++j) {
            z += matrix[static_cast<std::size_t>(row * n + j)] *
                 points[static_cast<std::size_t>(point * n + j)];
        }
        return std::max(z, 0.0);
    }

    double square(const std::vector<double>& l, std::int64_t point) const {
        double sum = 0.0;
        for (std::int64_t row = 0; row < m; ++row) {
            sum += std::pow(output(l, row, point) - output(a, row, point), 2.0);
        }
        return sum;
    }
};

}  // namespace

TEST_CASE("Squared errors, their power sums and gradients are those of plain loops") {
    relufast::blas::set_functions(relufast::testing::reference_blas_lp64());
    for (const Case& of : {Case{1, 1, 1}, Case{3, 2, 7}, Case{4, 4, 700}, Case{300, 3, 150}}) {
        const relufast::LayerErrors errors = of.errors();
        const std::vector<double> l = random_matrix(of.m, of.n, 4);
        std::vector<double> squares(static_cast<std::size_t>(of.count));
        errors.squares(l.data(), squares.data(), 2);
        for (std::int64_t i = 0; i < of.count; ++i) {
            CHECK(squares[static_cast<std::size_t>(i)] ==
                  doctest::Approx(of.square(l, i)).epsilon(1e-12));
        }
        const double largest = *std::max_element(squares.begin(), squares.end());
        for (const int log2_q : {0, 2, 8}) {
            const double q = std::ldexp(1.0, log2_q);
            const auto value = [&](const std::vector<double>& at) {
                double sum = 0.0;
                for (std::int64_t i = 0; i < of.count; ++i) {
                    sum += std::pow(of.square(at, i) / largest, q);
                }
                return std::log(largest) + std::log(sum) / q;
            };
            std::vector<double> gradient(l.size());
            const auto sum = errors.power_sum(l.data(), log2_q, gradient.data(), 1);
            CHECK(sum.largest_square == doctest::Approx(largest).epsilon(1e-12));
            CHECK(sum.log_norm == doctest::Approx(value(l)).epsilon(1e-9));
            std::vector<double> again(l.size());
            errors.power_sum(l.data(), log2_q, again.data(), 3);
            CHECK(gradient == again);
            for (std::size_t entry = 0; entry < std::min<std::size_t>(l.size(), 6); ++entry) {
                std::vector<double> more = l;
                std::vector<double> less = l;
                more[entry] += 1e-6;
                less[entry] -= 1e-6;
                // No kink lies within the step of this seed's points.
                CHECK(gradient[entry] ==
                      doctest::Approx((value(more) - value(less)) / 2e-6).epsilon(1e-4));
            }
        }
    }
}

TEST_CASE("A fit finds a layer of its rank, and never ends worse than it began") {
    relufast::blas::set_functions(relufast::testing::reference_blas_lp64());
    Case of{3, 3, 200};
    const std::vector<double> w = random_matrix(3, 2, 5);
    const std::vector<double> m = random_matrix(2, 3, 6);
    const std::vector<double> full = of.a;
    const auto begin = of.errors();
    const auto fit = relufast::fit_layer(begin, 2, w.data(), m.data(), {2, 10, 300}, 1, {});
    std::vector<double> product(9, 0.0);
    for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j) {
            product[3 * i + j] = w[2 * i] * m[j] + w[2 * i + 1] * m[3 + j];
        }
    }
    double start = 0.0;
    for (std::int64_t i = 0; i < of.count; ++i) {
        start = std::max(start, of.square(product, i));
    }
    CHECK(fit.largest_square < start);
    // Of a layer that is itself of rank 2, from nearby.
    of.a = product;
    std::vector<double> near = w;
    near[0] += 0.01;
    const auto found =
        relufast::fit_layer(of.errors(), 2, near.data(), m.data(), {2, 10, 1000}, 1, {});
    CHECK(found.largest_square < 1e-6);
}
