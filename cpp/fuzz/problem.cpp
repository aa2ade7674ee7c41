#include "problem.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <limits>

namespace relufast::fuzz {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kLargest = std::numeric_limits<double>::max();
constexpr double kSmallest = std::numeric_limits<double>::denorm_min();
constexpr double kSmallestNormal = std::numeric_limits<double>::min();

enum class Kind { tiny, dyadic, plain, close, steep, moderate, extreme, any };

double signed_by(Bytes& bytes, double value) { return bytes.one_in(2) ? -value : value; }

double number(Bytes& bytes, Kind kind) {
    switch (kind) {
        case Kind::tiny:
            return bytes.below(5) - 2;
        case Kind::dyadic:
            return (bytes.below(33) - 16) * 0.25;
        case Kind::plain:
            return (static_cast<double>(bytes.word() >> 11) * 0x1p-52 - 1.0) * 2.0;
        case Kind::close:
            return signed_by(
                bytes, bytes.among({0.0, 1.0, 1.0 + 0x1p-52, 1.0 - 0x1p-53, 1.0 + 0x1p-30, 0.1, 0.3,
                                    1.0 / 3.0, 0.7, 0x1p-52}));
        case Kind::steep:
            return signed_by(bytes, bytes.among({0.0, 1.0, 1.0, 0x1p20, 0x1p20, 0x1p20 + 0x1p-32,
                                                 0x1p-10, 0x1p-20, 3.0, 0x1p-32}));
        case Kind::moderate:
            return signed_by(bytes, std::ldexp(1.0 + bytes.below(16) / 16.0, bytes.below(97) - 48));
        case Kind::extreme:
            return signed_by(
                bytes, bytes.among({0.0, kSmallest, 3.0 * kSmallest, kSmallestNormal,
                                    kSmallestNormal * 0.75, 1e-300, 1e-160, 0x1p-450, 1.0, 1.0, 1.5,
                                    0x1p450, 1e160, 1e300, kLargest, std::sqrt(kLargest)}));
        case Kind::any: {
            const double value = std::bit_cast<double>(bytes.word());
            return std::isfinite(value) ? value : 1.0;
        }
    }
    return 0.0;
}

// Makes coincidences: rows that are equal, opposite, nearly equal, multiples, or zero.
void degrade(Bytes& bytes, std::vector<double>& weights, std::vector<double>& biases) {
    const std::size_t n_out = biases.size();
    const std::size_t n_in = weights.size() / n_out;
    const auto row = [&] { return static_cast<std::size_t>(bytes.next()) % n_out; };
    for (int n = bytes.among({0, 0, 0, 0, 0, 1, 1, 3}); n > 0; --n) {
        const std::size_t from = row();
        const std::size_t to = row();
        const auto map = [&](auto change) {
            for (std::size_t j = 0; j < n_in; ++j) {
                weights[to * n_in + j] = change(weights[from * n_in + j]);
            }
            biases[to] = change(biases[from]);
        };
        switch (bytes.below(8)) {
            case 0:
                map([](double w) { return w; });
                break;
            case 1:
                map([](double w) { return -w; });
                break;
            case 2:
                map([](double w) { return 0.5 * w; });
                break;
            case 3:
                map([](double w) { return w; });
                biases[to] = std::nextafter(biases[to], 0.0);
                break;
            case 4:
                map([](double) { return 0.0; });
                break;
            case 5:
                biases[to] = 0.0;
                break;
            case 6:
                map([](double w) { return 0x1p-20 * w; });
                biases[to] = std::nextafter(biases[to], bytes.among({0.0, kInf, -kInf}));
                break;
            case 7: {  // nothing comes from one input
                const std::size_t j = bytes.next() % n_in;
                for (std::size_t i = 0; i < n_out; ++i) {
                    weights[i * n_in + j] = 0.0;
                }
                break;
            }
        }
    }
}

double end_of_line(Bytes& bytes, const Problem& problem) {
    switch (bytes.below(8)) {
        case 0:
        case 1:
            return kInf;
        case 2:
        case 3:
        case 4:
            return bytes.among({0.0, -0.0, 0.5, 1.0, 1.0 + 0x1p-52, 2.0, 3.3, 10.0, 1e3});
        case 5: {  // a root of the first layer
            const std::size_t i = bytes.next() % problem.biases[0].size();
            return -problem.biases[0][i] / problem.weight(0, i, 0);
        }
        default:
            return bytes.among({kSmallest, 1e-300, 1e10, 1e160, 1e300, kLargest, std::nan("")});
    }
}

// Seldom so wide that products of matrices go by BLAS.
std::vector<std::int64_t> hidden_widths(Bytes& bytes) {
    const bool is_wide = bytes.one_in(48);
    const int depth = is_wide ? bytes.below(3) + 1 : bytes.among({1, 2, 2, 3, 3, 3, 4, 4, 5, 6});
    std::vector<std::int64_t> widths;
    for (int l = 0; l < depth; ++l) {
        widths.push_back(is_wide ? 64 + bytes.below(16)
                                 : bytes.below(bytes.one_in(32) ? 40 : 12) + 1);
    }
    return widths;
}

}  // namespace

std::vector<double> Problem::flat() const {
    std::vector<double> parameters;
    for (std::size_t l = 0; l < n_layers(); ++l) {
        parameters.insert(parameters.end(), weights[l].begin(), weights[l].end());
        parameters.insert(parameters.end(), biases[l].begin(), biases[l].end());
    }
    return parameters;
}

Problem decode(Bytes& bytes) {
    Problem problem;
    problem.widths = hidden_widths(bytes);
    problem.widths.insert(problem.widths.begin(), bytes.among({1, 1, 1, 1, 1, 1, 2, 3}));
    problem.widths.push_back(bytes.among({1, 1, 1, 2, 3, 9, 12}));
    problem.negative_slope =
        bytes.one_in(4) ? bytes.among({0.1, 0.5, 0.25, -0.5, -1.0, 1.0, 2.0, 1e-300, -1e300}) : 0.0;

    const auto kind = bytes.among({Kind::tiny, Kind::tiny, Kind::tiny, Kind::dyadic, Kind::dyadic,
                                   Kind::plain, Kind::plain, Kind::close, Kind::close,
                                   Kind::moderate, Kind::extreme, Kind::any});
    const bool is_mixed = bytes.one_in(16);
    const bool is_homogeneous = bytes.one_in(16);
    for (std::size_t l = 0; l + 1 < problem.widths.size(); ++l) {
        const auto n_in = static_cast<std::size_t>(problem.widths[l]);
        const auto n_out = static_cast<std::size_t>(problem.widths[l + 1]);
        std::vector<double> weights(n_in * n_out);
        std::vector<double> biases(n_out, 0.0);
        const auto draw = [&] {
            return number(bytes, is_mixed ? static_cast<Kind>(bytes.below(8)) : kind);
        };
        std::generate(weights.begin(), weights.end(), draw);
        if (!is_homogeneous) {
            std::generate(biases.begin(), biases.end(), draw);
        }
        degrade(bytes, weights, biases);
        problem.weights.push_back(std::move(weights));
        problem.biases.push_back(std::move(biases));
    }

    problem.lo = -end_of_line(bytes, problem);
    problem.hi = end_of_line(bytes, problem);
    if (problem.widths[0] > 1 || bytes.one_in(8)) {
        const auto n_in = static_cast<std::size_t>(problem.widths[0]);
        problem.start.resize(n_in);
        problem.stop.resize(n_in);
        for (std::size_t j = 0; j < n_in; ++j) {
            problem.start[j] = number(bytes, kind);
            problem.stop[j] = number(bytes, kind);
        }
    }
    return problem;
}

std::unique_ptr<Network> build(const Problem& problem) {
    std::vector<const double*> weights;
    std::vector<const double*> biases;
    for (std::size_t l = 0; l < problem.n_layers(); ++l) {
        weights.push_back(problem.weights[l].data());
        biases.push_back(problem.biases[l].data());
    }
    return std::make_unique<Network>(problem.widths, weights, biases, problem.negative_slope);
}

std::unique_ptr<Network> build_lazy(const Problem& problem) {
    std::vector<WeightRows> weights;
    std::vector<const double*> biases;
    for (std::size_t l = 0; l < problem.n_layers(); ++l) {
        const std::int64_t n_in = problem.widths[l];
        weights.push_back(
            [&from = problem.weights[l], n_in](std::int64_t begin, std::int64_t end, double* rows) {
                std::copy(from.begin() + begin * n_in, from.begin() + end * n_in, rows);
            });
        biases.push_back(problem.biases[l].data());
    }
    return std::make_unique<Network>(problem.widths, std::move(weights), biases,
                                     problem.negative_slope, 2, Interrupt{});
}

Line line_of(const Problem& problem, const Network& network) {
    return problem.start.empty() ? axis_line(network.layer(1), problem.lo, problem.hi)
                                 : segment_line(network.layer(1), problem.start.data(),
                                                problem.stop.data(), problem.lo, problem.hi);
}

}  // namespace relufast::fuzz
