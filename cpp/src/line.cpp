#include "relufast/line.hpp"

#include <algorithm>
#include <cmath>

#include "relufast/column_ops.hpp"
#include "relufast/multiversion.hpp"
#include "relufast/rounding.hpp"

namespace relufast {
namespace {

// terms += |factor x|, but more than zero where only underflow makes a product that.
RELUFAST_MULTIVERSION
void add_sizes(double factor, const double* __restrict x, double* __restrict terms,
               std::int64_t n) {
    const double least = factor != 0.0 ? 0x1p-1074 : 0.0;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) {
        terms[i] += std::fabs(factor * x[i]) + (x[i] != 0.0 ? least : 0.0);
    }
}

// Sums in double-double, and the sizes of their terms.
struct Sums {
    explicit Sums(std::size_t n) : hi(n, 0.0), lo(n, 0.0), terms(n, 0.0) {}

    void add(DoubleDouble factor, const double* x, std::size_t begin, std::int64_t count) {
        add_multiple2(factor.hi, factor.lo, x + begin, &hi[begin], &lo[begin], count);
        add_sizes(factor.hi, x + begin, &terms[begin], count);
    }

    std::vector<double> hi;
    std::vector<double> lo;
    std::vector<double> terms;
};

// Of sums of so many products.
void set_sums(const Sums& sums, std::int64_t n_products, std::vector<DoubleDouble>& values,
              std::vector<double>& errors) {
    const double lost = underflow(n_products);
    for (std::size_t i = 0; i < sums.hi.size(); ++i) {
        const double terms = sums.terms[i];
        values.push_back(two_sum(sums.hi[i], sums.lo[i]));
        errors.push_back(terms == 0.0 ? 0.0 : (terms * gamma2(n_products) + lost) * kInflate);
    }
}

}  // namespace

Line axis_line(const Layer& first, double lo, double hi) {
    Line line;
    set_axis_line(line, first, lo, hi);
    return line;
}

void set_axis_line(Line& line, const Layer& first, double lo, double hi) {
    const auto n = static_cast<std::size_t>(first.n_out);
    line.slopes.assign(first.outgoing(0), first.outgoing(0) + first.n_out);
    line.intercepts.assign(first.biases.begin(), first.biases.end());
    line.slope_errors.assign(n, 0.0);
    line.intercept_errors.assign(n, 0.0);
    line.lo = lo;
    line.hi = hi;
}

Line segment_line(const Layer& first, const double* start, const double* stop, double lo,
                  double hi) {
    Line line;
    line.exact = false;
    line.lo = lo;
    line.hi = hi;
    const auto n = static_cast<std::size_t>(first.n_out);
    Sums slopes(n);
    Sums intercepts(n);
    constexpr std::size_t kPart = 512;  // neurons whose sums the cache holds
    for (std::size_t begin = 0; begin < n; begin += kPart) {
        const auto count = static_cast<std::int64_t>(std::min(kPart, n - begin));
        intercepts.add(1.0, first.biases.data(), begin, count);
        for (std::int64_t j = 0; j < first.n_in; ++j) {
            slopes.add(two_sum(stop[j], -start[j]), first.outgoing(j), begin, count);
            intercepts.add(start[j], first.outgoing(j), begin, count);
        }
    }
    set_sums(slopes, first.n_in, line.slopes, line.slope_errors);
    set_sums(intercepts, first.n_in + 1, line.intercepts, line.intercept_errors);
    return line;
}

}  // namespace relufast
